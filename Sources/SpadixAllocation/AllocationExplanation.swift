import SpadixSupport

/// Why buffers cannot be placed: a set of them that cannot be, while every one of them is needed for that.
public enum AllocationExplanation {
  /// Buffers that cannot be placed together.
  public struct Subset: Sendable {
    /// Indices into the problem's buffers, ascending.
    public var buffers: [Int]
    /// Whether leaving out any one makes the rest placeable. When the node limit was reached some may be superfluous.
    public var isIrreducible: Bool
  }

  /// Nil when no subset could be shown to be impossible within the node limit.
  public static func irreducibleSubset(
    of problem: AllocationProblem, options: AllocationSolver.Options = AllocationSolver.Options(),
    cancellation: Cancellation? = nil
  ) -> Subset? {
    func outcome(_ indices: [Int]) -> AllocationSolver.Outcome {
      let part = AllocationProblem(capacity: problem.capacity, buffers: indices.map { problem.buffers[$0] })
      return AllocationSolver(options: options, cancellation: cancellation).solve(part).outcome
    }
    let buffers = problem.buffers
    if let alone = buffers.indices.first(where: { index in
      !buffers[index].takesNothing && buffers[index].size + (buffers[index].fixedOffset ?? 0) > problem.capacity
    }) {
      return Subset(buffers: [alone], isIrreducible: true)
    }
    var kept = Array(buffers.indices)
    // One step at which too much is live explains more than a search does.
    let sections = AllocationSections(problem)
    if let section = sections.totals.firstIndex(where: { $0 > problem.capacity }) {
      kept = sections.members[section]
    } else if outcome(kept) != .infeasible {
      return nil
    }
    var isIrreducible = true
    for index in kept {
      if cancellation?.isCancelled == true {
        isIrreducible = false
        break
      }
      let rest = kept.filter { $0 != index }
      switch outcome(rest) {
      case .infeasible: kept = rest
      case .placed: break
      case .notFound: isIrreducible = false
      }
    }
    return Subset(buffers: kept, isIrreducible: isIrreducible)
  }
}
