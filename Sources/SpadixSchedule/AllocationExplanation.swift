/// Why buffers cannot be placed: a set of them that cannot be, while every one of them is needed for that.
public enum AllocationExplanation {
  public struct Subset: Sendable {
    /// Indices into the problem's buffers, ascending.
    public var buffers: [Int]
    /// Whether leaving out any one makes the rest placeable. When the node limit was reached some may be superfluous.
    public var isIrreducible: Bool
  }

  /// Nil when no subset could be shown to be impossible within the node limit.
  public static func irreducibleSubset(
    of problem: AllocationProblem, options: AllocationSolver.Options = AllocationSolver.Options()
  ) -> Subset? {
    func outcome(_ indices: [Int]) -> AllocationSolver.Outcome {
      let part = AllocationProblem(capacity: problem.capacity, buffers: indices.map { problem.buffers[$0] })
      return AllocationSolver(options: options).solve(part).outcome
    }
    var kept = Array(problem.buffers.indices)
    // One step at which too much is live explains more than a search does.
    if let step = overfullStep(problem) {
      kept = kept.filter { problem.buffers[$0].lower <= step && step < problem.buffers[$0].upper }
    } else if outcome(kept) != .infeasible {
      return nil
    }
    var isIrreducible = true
    for index in kept {
      let rest = kept.filter { $0 != index }
      switch outcome(rest) {
      case .infeasible: kept = rest
      case .placed: break
      case .notFound: isIrreducible = false
      }
    }
    return Subset(buffers: kept, isIrreducible: isIrreducible)
  }

  private static func overfullStep(_ problem: AllocationProblem) -> Int? {
    guard problem.buffers.allSatisfy({ $0.gaps.isEmpty }) else { return nil }
    return problem.buffers.map(\.lower).sorted().first { step in
      problem.buffers.reduce(0) { $0 + ($1.lower <= step && step < $1.upper ? $1.size : 0) } > problem.capacity
    }
  }
}
