/// An offset for each buffer of an `AllocationProblem`, in the problem's order.
public struct AllocationSolution: Sendable, Equatable {
  /// First unit of each buffer; 0 or more.
  public var offsets: [Int]

  public init(offsets: [Int]) { self.offsets = offsets }

  /// One past the highest unit of any buffer that takes something.
  public func height(in problem: AllocationProblem) -> Int {
    zip(offsets, problem.buffers).reduce(0) { $1.1.takesNothing ? $0 : max($0, $1.0 + $1.1.size) }
  }
}
