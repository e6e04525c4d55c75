import SpadixSupport

/// The budgets that a problem's figures are quoted for.
public struct ScheduleBudgets: Sendable {
  /// The largest operator's inputs and outputs: the smallest legal budget.
  var minimum: Int
  /// The smallest peak over all orders without traffic.
  public var peak: Int
  /// Whether `peak` is known to be the smallest.
  public var peakIsExact: Bool
  /// An order that reaches `peak`.
  public var order: [ScheduleProblem.OperatorID]

  /// Half way between the two, rounded down.
  public var middle: Int { Self.middle(between: minimum, and: peak) }

  /// Half way between the smallest budget and the smallest peak.
  public static func middle(between minimum: Int, and peak: Int) -> Int { minimum + (peak - minimum) / 2 }

  /// Searches for the smallest peak block by block, within limits; then `peakIsExact` is false.
  public init(
    _ problem: ScheduleProblem, scope: ScheduleProblem.Scope, labelLimit: Int = 20_000_000,
    effortLimit: Int = 10_000_000_000, cancellation: Cancellation? = nil, progress: (@Sendable (String) -> Void)? = nil
  ) {
    let core = ScheduleCore(problem, scope: scope)
    minimum = core.smallestCapacity
    peak = minimum
    peakIsExact = true
    let contraction = Contraction(core)
    let contracted = contraction.core
    let blocks = contracted.blocks()
    var found: [Int] = []
    for (number, block) in blocks.enumerated() {
      let part = contracted.restricted(to: block, afterFirst: number > 0)
      let search = PeakSearch(
        core: part, labelLimit: labelLimit, effortLimit: effortLimit / blocks.count, cancellation: cancellation)
      progress?("the smallest peak, block \(number + 1) of \(blocks.count), \(part.count) operators")
      let outcome = search.run(floor: peak)
      peak = max(peak, outcome.peak)
      if !outcome.isExact { peakIsExact = false }
      found += outcome.order.dropFirst(number > 0 ? 1 : 0).map { block[$0] }
    }
    order = contraction.expanded(found).map(ScheduleProblem.OperatorID.init)
  }

  /// The smallest legal budget alone, which needs no search.
  public static func minimum(_ problem: ScheduleProblem, scope: ScheduleProblem.Scope) -> Int {
    largestOperator(problem, scope: scope)?.size ?? 0
  }

  /// The operator that needs the most, for the message that a budget is too small.
  static func largestOperator(_ problem: ScheduleProblem, scope: ScheduleProblem.Scope) -> (op: Int, size: Int)? {
    problem.operators.indices.map { index in
      (op: index, size: problem.footprint(of: problem.operators[index], in: scope))
    }.max { ($0.size, $1.op) < ($1.size, $0.op) }
  }
}
