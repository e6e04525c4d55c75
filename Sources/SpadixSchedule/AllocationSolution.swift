/// An offset for each buffer of an `AllocationProblem`, in the problem's order.
public struct AllocationSolution: Sendable, Equatable {
  public var offsets: [Int]

  public init(offsets: [Int]) { self.offsets = offsets }

  /// One past the highest unit that any buffer takes.
  public func height(in problem: AllocationProblem) -> Int {
    zip(offsets, problem.buffers).reduce(0) { max($0, $1.0 + $1.1.size) }
  }
}
