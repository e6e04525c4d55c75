import SpadixAllocation
import SpadixSupport

/// Schedules as they are made without a solver: a fixed order, replacement by rule, and placement in an arena.
public struct ScheduleBaseline: Sendable {
  /// What leaves the scratchpad when there is no room.
  public enum Policy: String, Sendable, CaseIterable {
    case optimal
    /// What is used again last goes first.
    case belady
    /// What is largest goes first.
    case greedy
  }

  /// In which order operators run.
  public enum Order: String, Sendable, CaseIterable {
    case `default`
    /// An order of smallest peak.
    case minPeak = "min-peak"
  }

  /// How pieces get their offsets.
  public enum Placement: String, Sendable, CaseIterable {
    case exact
    /// As tensors come, each at the lowest hole that holds it; what has no hole makes the rule evict, and in the end the
    /// operator's own operands leave and come back side by side.
    case online
    /// All pieces at once, from large to small, each at the lowest free offset.
    case offline
  }

  var policy: Policy
  var order: Order
  var placement: Placement

  public init(policy: Policy, order: Order, placement: Placement) {
    self.policy = policy
    self.order = order
    self.placement = placement
  }

  /// - Throws: `Diagnostic` `schedule.baseline-unpackable` where the pieces do not fit in the placement's way.
  public func solve(
    _ problem: ScheduleProblem, scope: ScheduleProblem.Scope, budget: Int
  ) throws -> ScheduleSolution {
    try problem.check()
    try Scheduler.checkBudget(problem, scope, budget)
    // What no offset could use.
    let usable = budget - budget % problem.alignment
    let core = ScheduleCore(problem, scope: scope)
    let order = self.order == .default ? Array(0..<core.count) : Self.minPeakOrder(core)
    let rule: FurthestUse.Policy = policy == .greedy ? .largest : .furthestNextUse
    let builder = PieceBuilder(problem, scope, core, order)
    var pieces: [ScheduleSolution.Piece]
    if placement == .online {
      var arena = OnlineArena(problem, scope, core, order, usable, rule)
      pieces = arena.run()
    } else {
      pieces = builder.pieces(FurthestUse.drops(core, order: order, capacity: usable, policy: rule))
      // Where the budget needs no result over an operand, it may be in the way there.
      var placed = offsets(builder.allocation(pieces, usable))
      if placed == nil { placed = offsets(builder.allocation(pieces, usable, inPlace: false)) }
      guard let placed else { throw unpackable(problem) }
      for (index, offset) in placed.enumerated() { pieces[index].offset = offset }
    }
    let solution = ScheduleSolution(
      scope: scope, budget: budget, order: order.map(ScheduleProblem.OperatorID.init), pieces: pieces,
      traffic: builder.traffic(pieces), bound: 0, certificate: ScheduleSolution.Certificate())
    try Scheduler.validate(solution, problem)
    return solution
  }

  /// Offsets of pieces, found in the placement's way.
  private func offsets(_ allocation: PieceAllocation) -> [Int]? {
    let problem = allocation.problem
    if placement == .exact { return AllocationSolver().solve(problem).solution.map(allocation.offsets) }
    let buffers = problem.buffers
    let bySize = buffers.indices.sorted { (buffers[$0].size, $1) > (buffers[$1].size, $0) }
    let made = AllocationSolution(
      offsets: LowestFit.offsets(order: bySize, buffers: buffers, lifetimes: Lifetimes(buffers)))
    return made.height(in: problem) <= problem.capacity ? allocation.offsets(made) : nil
  }

  private func unpackable(_ problem: ScheduleProblem) -> Diagnostic {
    Diagnostic(
      "schedule.baseline-unpackable",
      "the pieces of '\(problem.name)' do not fit the budget with --policy \(policy.rawValue) "
        + "--placement \(placement.rawValue)", help: "use --policy optimal")
  }

  /// Labels of the search for an order of smallest peak, in one block.
  private static let peakLabels = 5_000_000

  static func minPeakOrder(_ core: ScheduleCore) -> [Int] {
    var order: [Int] = []
    for (number, block) in core.blocks().enumerated() {
      let part = core.restricted(to: block, afterFirst: number > 0)
      let outcome = PeakSearch(core: part, labelLimit: peakLabels).run(floor: 0)
      order += outcome.order.dropFirst(number > 0 ? 1 : 0).map { block[$0] }
    }
    return order
  }
}
