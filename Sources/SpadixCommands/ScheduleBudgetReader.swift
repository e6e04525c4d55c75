import ArgumentParser
import SpadixOrder
import SpadixSupport

/// Reads budgets; the named ones are computed once.
struct ScheduleBudgetReader {
  /// Problems of which a plan for any one will do.
  let alternatives: [ScheduleProblem]
  let scope: ScheduleProblem.Scope
  let cancellation: Cancellation
  /// Orders of smallest peak of each, where one was needed.
  private(set) var orders: [[[ScheduleProblem.OperatorID]]] = []
  private var peak: Int?

  init(alternatives: [ScheduleProblem], scope: ScheduleProblem.Scope, cancellation: Cancellation) {
    self.alternatives = alternatives
    self.scope = scope
    self.cancellation = cancellation
  }

  /// The smallest legal budget.
  private var minimum: Int {
    alternatives.reduce(Int.max) { min($0, ScheduleBudgets.minimum($1, scope: scope)) }
  }

  /// The smallest peak, which is searched for once.
  private mutating func smallestPeak() -> Int {
    if let peak { return peak }
    let progress = ProgressAfterASecond()
    let budgets = alternatives.map { problem in
      ScheduleBudgets(problem, scope: scope, cancellation: cancellation, progress: { progress.show($0) })
    }
    orders = budgets.map { [$0.order] }
    let least = budgets.reduce(Int.max) { min($0, $1.peak) }
    if budgets.contains(where: { !$0.peakIsExact }) {
      StandardError.write("note: the smallest peak is only known to be at most \(least)\n")
    }
    peak = least
    return least
  }

  mutating func read(_ text: String) throws -> Int {
    switch text {
    case "min": return minimum
    case "peak": return smallestPeak()
    case "mid": return ScheduleBudgets.middle(between: minimum, and: smallestPeak())
    default:
      guard let size = MemorySize(argument: text) else {
        throw ValidationError("a budget is min, mid, peak or a number of bytes with an optional K or M, not '\(text)'")
      }
      if size.isTooLarge { throw Diagnostic("schedule.budget", "the budget '\(text)' is larger than 2^40 bytes") }
      return size.units
    }
  }
}
