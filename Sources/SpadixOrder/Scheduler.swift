import Foundation
import SpadixAllocation
import SpadixMIP
import SpadixSupport

/// Schedules graphs of atomic operators: order, residency and addresses, with a bound.
public struct Scheduler: Sendable {
  var options: ScheduleOptions

  public init(options: ScheduleOptions = ScheduleOptions()) { self.options = options }

  /// A validated schedule for a budget of at least the largest operator's inputs and outputs.
  ///
  /// - Parameters:
  ///   - orders: legal orders that may be good, for example one of smallest peak.
  ///   - known: plans for the same problem and scope and no larger a budget: the result is none the worse.
  /// - Throws: `Diagnostic` when an operator does not fit the budget, with its tensors and what they need.
  public func solve(
    _ problem: ScheduleProblem, scope: ScheduleProblem.Scope = .activations, budget: Int,
    orders: [[ScheduleProblem.OperatorID]] = [], known: [ScheduleSolution] = []
  ) throws -> ScheduleSolution {
    let clock = ContinuousClock()
    let start = clock.now
    try problem.check()
    try Self.checkBudget(problem, scope, budget)
    // The limit on labels ends the search as an interruption does, and is nobody else's.
    var limited = self
    limited.options.cancellation = options.cancellation.map(Cancellation.init(linkedTo:)) ?? Cancellation()
    // What no offset could use.
    let usable = budget - budget % problem.alignment
    let known = known.filter { $0.budget <= budget }.map { plan in
      var plan = plan
      plan.budget = min(plan.budget, usable)
      return plan
    }
    var plan = try limited.plan(problem, scope, usable, orders, known)
    plan.budget = budget
    let elapsed = clock.now - start
    plan.certificate.seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    try Self.validate(plan, problem)
    return plan
  }

  /// A plan for one of some problems.
  public struct Choice: Sendable {
    /// With a bound for plans of any of the problems.
    public var plan: ScheduleSolution
    /// The number of the problem that it is for.
    public var alternative: Int

    public init(plan: ScheduleSolution, alternative: Int) {
      self.plan = plan
      self.alternative = alternative
    }
  }

  /// The best of plans for any of some problems, with a bound for all of them.
  ///
  /// - Parameters:
  ///   - alternatives: as `ScheduleProblem.alternatives` makes them.
  ///   - orders: as of `solve`, for each.
  ///   - known: as of `solve`, for any of them.
  /// - Throws: `Diagnostic` when none of them has operators that all fit the budget.
  public func solve(
    anyOf alternatives: [ScheduleProblem], scope: ScheduleProblem.Scope, budget: Int,
    orders: [[[ScheduleProblem.OperatorID]]] = [], known: [Choice] = []
  ) throws -> Choice {
    var left = self
    var choices: [Choice] = []
    let fitting = alternatives.indices.filter { ScheduleBudgets.minimum(alternatives[$0], scope: scope) <= budget }
    // Where none fits, the first one says what it needs.
    for number in fitting.isEmpty ? [0] : fitting {
      let plan = try left.solve(
        alternatives[number], scope: scope, budget: budget, orders: orders.isEmpty ? [] : orders[number],
        known: known.filter { $0.alternative == number }.map(\.plan))
      left.options.labelLimit = max(0, left.options.labelLimit - plan.certificate.labels)
      choices.append(Choice(plan: plan, alternative: number))
      if plan.traffic.total == 0 { return choices[choices.count - 1] }
    }
    let bound = choices.reduce(Int.max) { min($0, $1.plan.bound) }
    guard var best = choices.min(by: { $0.plan.traffic.total < $1.plan.traffic.total }) else { return choices[0] }
    if best.plan.bound > bound {
      // Another one may be better, and why that is not known is what is of interest.
      best.plan.bound = bound
      best.plan.certificate.stops = choices.first { $0.plan.bound == bound }?.plan.certificate.stops ?? []
    }
    return best
  }

  private func plan(
    _ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ budget: Int,
    _ orders: [[ScheduleProblem.OperatorID]], _ known: [ScheduleSolution]
  ) throws -> ScheduleSolution {
    let ordinary = known.filter { $0.recomputation.limit == 0 }
    if options.recomputation.limit == 0 {
      let apart = try withoutOverwriting(problem, scope, budget)
      return try withoutRepeats(problem, scope: scope, budget: budget, orders: orders, known: ordinary + apart)
    }
    // Repeats save more than long searches without them, so that these come last.
    var brief = self
    brief.options.effortLimit = min(options.effortLimit, BlockLimits.effortBeforeRepeats)
    let first = try brief.withoutRepeats(problem, scope: scope, budget: budget, orders: orders, known: ordinary)
    var best = try withRepeats(problem, scope, budget, from: first)
    if first.certificate.stops.contains(.effort), !best.isProven, options.cancellation?.isCancelled != true {
      let plan = try withoutRepeats(problem, scope: scope, budget: budget, orders: orders, known: ordinary)
      if plan.traffic.total < first.traffic.total {
        let other = try withRepeats(problem, scope, budget, from: plan)
        if other.traffic.total < best.traffic.total { best = other }
      }
    }
    for other in known where other.scope == scope && other.budget <= budget {
      best.improve(with: other)
    }
    return best
  }

  /// A plan in which no result is written over an operand, where some may be and need not: what needs fewer bytes without
  /// addresses may pack worse.
  private func withoutOverwriting(
    _ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ budget: Int
  ) throws -> [ScheduleSolution] {
    var apart = problem
    for op in apart.operators.indices { apart.operators[op].overwritten = [] }
    if problem.operators.allSatisfy(\.overwritten.isEmpty) || ScheduleBudgets.minimum(apart, scope: scope) > budget {
      return []
    }
    var brief = self
    brief.options.effortLimit = min(options.effortLimit, BlockLimits.effortOfAlternative)
    return [try brief.withoutRepeats(apart, scope: scope, budget: budget, orders: [], known: [])]
  }

  /// A plan in which operators may run again, none the worse than one in which they do not.
  private func withRepeats(
    _ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ budget: Int, from plan: ScheduleSolution
  ) throws -> ScheduleSolution {
    var recomputation = Recomputation(problem, scope, budget, options, from: plan)
    try recomputation.run()
    return recomputation.best
  }

  private func withoutRepeats(
    _ problem: ScheduleProblem, scope: ScheduleProblem.Scope, budget: Int, orders: [[ScheduleProblem.OperatorID]],
    known: [ScheduleSolution]
  ) throws -> ScheduleSolution {
    if options.formulation == .joint {
      return try JointScheduler(options: options).solve(problem, scope: scope, budget: budget)
    }
    let placesTogether = options.usePacking && options.formulation == .exact
    let addresses = AddressSearch(problem, scope, budget, options, AddressSearch.Work(options))
    var attempt = attempt(addresses, placesOnTheWay: placesTogether)
    if attempt.onlyAddressesAreMissing, placesTogether { tryOtherOrders(&attempt, addresses) }
    if placesTogether, addresses.leastTraffic > attempt.residencyCost { addresses.improve(attempt.orders) }
    if attempt.bound < addresses.leastTraffic {
      for plan in known where plan.scope == scope && plan.budget <= budget {
        addresses.takeAlways(
          AddressSearch.Plan(order: plan.order.map(\.index), pieces: plan.pieces, traffic: plan.traffic))
      }
      var others: [[Int]] = []
      if options.formulation == .exact {
        others = orders.map { $0.map(\.index) }
        others += ConstructedOrders.Rule.worthTrying(addresses.core).map {
          ConstructedOrders.order(addresses.core, by: $0)
        }
      }
      for order in [Array(problem.operators.indices)] + others { addresses.placeByRule(order) }
    }
    let plan = addresses.best ?? AddressSearch.Plan(order: [], pieces: [], traffic: .init(spilled: 0, fetched: 0))
    attempt.certificate.nodes += addresses.nodes
    var solution = ScheduleSolution(
      scope: scope, budget: budget, order: plan.order.map(ScheduleProblem.OperatorID.init), pieces: plan.pieces,
      traffic: plan.traffic, bound: min(attempt.bound, plan.traffic.total), certificate: attempt.certificate)
    if solution.isProven { return solution }
    let stops = attempt.stops.union(attempt.isClosed ? [.addresses] : [])
    solution.certificate.stops = ScheduleStop.allCases.filter { stops.contains($0) }
    return solution
  }

  /// What order and residency came to.
  private struct Attempt {
    var bound: Int
    /// Whether every block is closed.
    var isClosed: Bool
    var certificate: ScheduleSolution.Certificate
    var stops: Set<ScheduleStop>
    /// What the best residency costs, whether it packs or not, and the orders that came near.
    var residencyCost: Int
    var orders: [[Int]]
    /// Order and residency reach the bound, but the pieces did not pack, and the plan costs more.
    var onlyAddressesAreMissing: Bool
  }

  /// Order and residency, and plans for them.
  private func attempt(_ addresses: AddressSearch, placesOnTheWay: Bool = false) -> Attempt {
    let core = addresses.core
    let result = order(core, addresses.budget) { effort, allowance, soFar in
      guard placesOnTheWay, allowance > 0 || addresses.isDue(at: effort) else { return }
      let soFar = soFar()
      if allowance > 0 {
        addresses.place(
          [soFar.order] + (addresses.best.map { [$0.order] } ?? []), soFar.drops, effort: allowance)
      } else {
        addresses.placeOnTheWay(soFar.order, soFar.drops, at: effort)
      }
    }
    addresses.beginEnd()
    let onTheWay = addresses.best.map { [$0.order] } ?? []
    addresses.place(result.order, result.drops, residencyNodes: options.nodeLimit)
    addresses.placeEarlier(result.earlier)
    let isClosed = !result.closedBy.contains(.open)
    return Attempt(
      bound: result.bound, isClosed: isClosed,
      certificate: ScheduleSolution.Certificate(
        closedBy: BlockScheduler.Component.allCases.compactMap { component in
          let count = result.closedBy.filter { $0 == component }.count
          return count > 0 ? (component.rawValue, count) : nil
        }, blocks: result.closedBy.count, rows: result.statistics.rows, columns: result.statistics.columns,
        nodes: result.statistics.nodes, labels: result.statistics.labels),
      stops: result.statistics.stops, residencyCost: ResidencyModel.cost(result.drops, core),
      orders: result.earlier.map(\.order) + onTheWay,
      onlyAddressesAreMissing: isClosed && addresses.leastTraffic > result.bound)
  }

  /// A few schedules whose ties fell otherwise; the first one that packs ends it.
  private func tryOtherOrders(_ first: inout Attempt, _ addresses: AddressSearch) {
    addresses.beginOtherOrders()
    for number in 0..<options.reorderings where first.certificate.labels <= options.largestReorderedSearch {
      if addresses.isOver || addresses.leastTraffic <= first.bound { break }
      options.progress?("the plan does not pack; order \(number + 1) of \(options.reorderings)")
      let reordering = ScheduleReordering(addresses.problem, number: number)
      var limited = self
      limited.options.labelLimit = max(0, options.labelLimit - first.certificate.labels)
      limited.options.knownBound = first.bound
      let others = addresses.forReordering(reordering.problem)
      let other = limited.attempt(others)
      first.certificate.nodes += other.certificate.nodes + others.nodes
      first.certificate.labels += other.certificate.labels
      if var plan = others.best {
        plan.order = reordering.restored(plan.order)
        addresses.take(plan)
      }
    }
  }

  /// The model whose optimum a schedule is: residency for its order, or the joint formulation of everything.
  public static func model(
    of plan: ScheduleSolution, for problem: ScheduleProblem, formulation: ScheduleOptions.Formulation
  ) -> Model {
    if formulation == .joint { return JointModel(problem, scope: plan.scope, budget: plan.budget).model }
    if plan.order.count > problem.operators.count {
      let runs = RepeatedRuns(problem, plan.order).problem
      let core = ScheduleCore(runs, scope: plan.scope)
      return ResidencyModel(core, order: Array(0..<core.count), capacity: plan.budget).model
    }
    let core = ScheduleCore(problem, scope: plan.scope)
    return ResidencyModel(core, order: plan.order.map(\.index), capacity: plan.budget).model
  }

  static func validate(_ solution: ScheduleSolution, _ problem: ScheduleProblem) throws {
    do throws(ScheduleValidator.Violation) {
      try ScheduleValidator.validate(solution, for: problem)
    } catch {
      throw Diagnostic("schedule.internal", "the schedule of '\(problem.name)' did not pass the validator: \(error)")
    }
  }

  static func checkBudget(_ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ budget: Int) throws {
    if budget < 0 || budget > ScheduleProblem.largestSize {
      throw Diagnostic("schedule.budget", "expected a budget of 0 to 2^40, found \(budget)")
    }
    guard let largest = ScheduleBudgets.largestOperator(problem, scope: scope), largest.size > budget else { return }
    let op = problem.operators[largest.op]
    let notes = problem.operands(of: op, in: scope).map { tensor in
      Diagnostic.Note(
        "tensor \(problem.tensors[tensor].id) '\(problem.tensors[tensor].name)' takes \(problem.tensors[tensor].size)"
          + (op.overwritten.contains(tensor) ? ", in which the result is written" : ""))
    }
    throw Diagnostic(
      "schedule.budget-too-small",
      "operator \(op.id) '\(op.name)' needs \(largest.size) for its inputs and outputs, the budget is \(budget)",
      notes: notes, help: "give a budget of at least \(largest.size)")
  }

  // MARK: - Order and residency

  private struct Ordered {
    var order: [Int] = []
    /// With steps of the whole order.
    var drops: [ResidencyModel.Gap] = []
    /// Orders and drops that cost more, cheapest first.
    var earlier: [BlockScheduler.Residency] = []
    var bound = 0
    var closedBy: [BlockScheduler.Component] = []
    var statistics = ScheduleStatistics()
  }

  /// Told the elementary steps of searches so far, those that may be spent on a plan now, 0 for a quick one, and how to get
  /// the best so far.
  private typealias Checkpoint = (_ effort: Int, _ allowance: Int, _ soFar: () -> BlockScheduler.Residency) -> Void

  private func order(_ core: ScheduleCore, _ budget: Int, checkpoint: @escaping Checkpoint) -> Ordered {
    guard options.useContraction, options.formulation == .exact else {
      return orderBlocks(core, budget, numberedAs: core, checkpoint: checkpoint)
    }
    let contraction = Contraction(core)
    func expanded(_ residency: BlockScheduler.Residency) -> BlockScheduler.Residency {
      BlockScheduler.Residency(
        order: contraction.expanded(residency.order),
        drops: contraction.expanded(residency.drops, order: residency.order), cost: residency.cost)
    }
    var result = orderBlocks(contraction.core, budget, numberedAs: core) { effort, allowance, soFar in
      checkpoint(effort, allowance) { expanded(soFar()) }
    }
    (result.order, result.drops) = (
      contraction.expanded(result.order), contraction.expanded(result.drops, order: result.order)
    )
    result.earlier = result.earlier.map(expanded)
    return result
  }

  /// - Parameter whole: the core whose numbers of tensors the drops get.
  private func orderBlocks(
    _ core: ScheduleCore, _ budget: Int, numberedAs whole: ScheduleCore, checkpoint: @escaping Checkpoint
  ) -> Ordered {
    var result = Ordered()
    let blocks = options.useSplit ? core.blocks() : (core.count > 0 ? [Array(0..<core.count)] : [])
    var limited = options
    // What is left of a large graph may be a small block that searches cannot close either.
    if whole.count > options.largestSearchedBlock {
      limited.effortLimit = min(options.effortLimit, BlockLimits.effortOfLargeGraph)
    }
    var schedulers = blocks.enumerated().map { number, block in
      BlockScheduler(core.restricted(to: block, afterFirst: number > 0), capacity: budget, options: limited)
    }
    var outcomes = schedulers.map { $0.start() }
    if blocks.count == 1, let known = options.knownBound {
      // It is reached, so that no time goes into others.
      outcomes[0].raise(to: known, by: .residency)
      _ = outcomes[0].close()
      (schedulers[0].options.useLowerBound, schedulers[0].options.useLagrangianBound) = (false, false)
    }
    let assembly = BlockAssembly(blocks: blocks, parts: schedulers.map(\.core), whole: whole)
    for continues in [false, true] {
      for number in blocks.indices where outcomes[number].closedBy == .open {
        let count = schedulers[number].core.count
        if blocks.count > 1 { options.progress?("block \(number + 1) of \(blocks.count), \(count) operators") }
        let others = outcomes.map(\.residency)
        schedulers[number].statistics = result.statistics
        schedulers[number].checkpoint = { outcome, effort, allowance in
          checkpoint(effort, allowance) {
            var residencies = others
            residencies[number] = outcome.residency
            return assembly.whole(of: residencies)
          }
        }
        if continues {
          schedulers[number].finish(&outcomes[number])
        } else {
          schedulers[number].begin(&outcomes[number])
        }
        result.statistics = schedulers[number].statistics
      }
    }
    result.bound = outcomes.reduce(0) { $0 + $1.bound }
    result.closedBy = outcomes.map(\.closedBy)
    var residencies = outcomes.map(\.residency)
    let best = assembly.whole(of: residencies)
    (result.order, result.drops) = (best.order, best.drops)
    for (number, outcome) in outcomes.enumerated() {
      let own = residencies[number]
      for other in outcome.earlier {
        residencies[number] = other
        result.earlier.append(assembly.whole(of: residencies))
      }
      residencies[number] = own
    }
    let cheapestFirst = result.earlier.indices.sorted { (result.earlier[$0].cost, $0) < (result.earlier[$1].cost, $1) }
    result.earlier = cheapestFirst.prefix(BlockLimits.mostEarlier).map { result.earlier[$0] }
    return result
  }
}
