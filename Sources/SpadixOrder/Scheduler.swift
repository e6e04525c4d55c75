import Foundation
import SpadixAllocation
import SpadixMIP
import SpadixSupport

/// Schedules graphs of atomic operators: order, residency and addresses, with a bound.
public struct Scheduler: Sendable {
  public var options: ScheduleOptions

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
    let ordinary = known.filter { $0.recomputation.limit == 0 }
    var plan = try withoutRepeats(problem, scope: scope, budget: budget, orders: orders, known: ordinary)
    if options.recomputation.limit > 0 {
      var recomputation = Recomputation(problem, scope, budget, options, from: plan)
      try recomputation.run()
      plan = recomputation.best
      for other in known where other.recomputation == options.recomputation && other.budget <= budget {
        plan.improve(with: other)
      }
    }
    let elapsed = clock.now - start
    plan.certificate.seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    try Self.validate(plan, problem)
    return plan
  }

  private func withoutRepeats(
    _ problem: ScheduleProblem, scope: ScheduleProblem.Scope, budget: Int, orders: [[ScheduleProblem.OperatorID]],
    known: [ScheduleSolution]
  ) throws -> ScheduleSolution {
    if options.formulation == .joint {
      return try JointScheduler(options: options).solve(problem, scope: scope, budget: budget)
    }
    let work = PackingWork(options)
    let placesTogether = options.usePacking && options.formulation == .exact
    let placed = placesTogether ? PlacedCost(problem, scope, budget) : nil
    var attempt = attempt(problem, scope, budget, work, placed)
    if attempt.onlyAddressesAreMissing, placesTogether {
      attempt = otherOrders(attempt, problem, scope, budget, work)
    }
    if let placed, attempt.solution.traffic.total > attempt.residencyCost {
      improve(&attempt, placed, problem, scope, budget, work)
    }
    if !attempt.solution.isProven {
      for plan in known where plan.scope == scope && plan.budget <= budget { attempt.solution.improve(with: plan) }
      if options.formulation == .exact {
        let core = ScheduleCore(problem, scope: scope)
        for order in [Array(0..<core.count)] + orders.map({ $0.map(\.index) }) {
          attempt.solution.improve(with: ruled(problem, scope, core, budget, order, work))
        }
      }
    }
    let stops = attempt.stops.union(attempt.onlyAddressesAreMissing ? [.addresses] : [])
    attempt.solution.certificate.stops =
      attempt.solution.isProven ? [] : ScheduleStop.allCases.filter { stops.contains($0) }
    return attempt.solution
  }

  /// The best that rules make of an order, in no time.
  private func ruled(
    _ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ core: ScheduleCore, _ budget: Int, _ order: [Int],
    _ work: PackingWork
  ) -> ScheduleSolution {
    var packer = Packer(options, PieceBuilder(problem, scope, core, order), budget, work)
    for policy in FurthestUse.Policy.allCases {
      var arena = OnlineArena(problem, scope, core, order, budget, policy)
      packer.take(arena.run())
      let pieces = packer.builder.pieces(FurthestUse.drops(core, order: order, capacity: budget, policy: policy))
      if packer.isBetter(pieces), pieces.count <= Packer.mostRefined {
        _ = packer.offer(pieces, nodeLimit: 20_000)
      }
    }
    return ScheduleSolution(
      scope: scope, budget: budget, order: order.map(ScheduleProblem.OperatorID.init),
      pieces: packer.layout?.pieces ?? [], traffic: packer.layout?.traffic ?? .init(spilled: 0, fetched: 0), bound: 0,
      certificate: ScheduleSolution.Certificate())
  }

  /// A plan to fall back on: the best so far, with addresses.
  ///
  /// - Parameters:
  ///   - orders: the first one is that of the drops.
  ///   - effort: elementary steps for changes, where the residency does not pack.
  private func earlyLayout(
    _ placed: PlacedCost, _ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ core: ScheduleCore,
    _ budget: Int, _ orders: [[Int]], _ drops: [ResidencyModel.Gap], _ effort: Int, _ work: PackingWork
  ) -> (order: [Int], layout: ScheduleLayout)? {
    var packer = Packer(options, PieceBuilder(problem, scope, core, orders[0]), budget, work)
    if packer.offer(packer.builder.pieces(drops), nodeLimit: 2_000), let layout = packer.layout {
      return (orders[0], layout)
    }
    var arena = OnlineArena(problem, scope, core, orders[0], budget, .longestForItsPrice)
    packer.take(arena.run())
    guard var layout = packer.layout else { return nil }
    let effort = min(effort, options.packingEffortLimit)
    var order = orders[0]
    order = improveWithLessRoom(problem, scope, core, budget, orders, &layout, effort: effort / 2, work) ?? order
    order = improvePlaced(placed, problem, scope, core, budget, orders, &layout, effort: effort / 2, work) ?? order
    return (order, layout)
  }

  private struct Attempt {
    var solution: ScheduleSolution
    /// Order and residency reach the bound, but the pieces did not pack, and the plan costs more.
    var onlyAddressesAreMissing: Bool
    var stops: Set<ScheduleStop>
    /// What the best residency costs, whether it packs or not, and the orders that came near.
    var residencyCost: Int
    var orders: [[Int]]
  }

  /// Changes to the orders that came near, with addresses.
  private func improve(
    _ attempt: inout Attempt, _ placed: PlacedCost, _ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope,
    _ budget: Int, _ work: PackingWork
  ) {
    let plan = attempt.solution
    var layout = ScheduleLayout(pieces: plan.pieces, traffic: plan.traffic, nodes: plan.certificate.nodes)
    let core = ScheduleCore(problem, scope: scope)
    let orders = [plan.order.map(\.index)] + attempt.orders
    let effort = options.packingEffortLimit
    var better = improveWithLessRoom(problem, scope, core, budget, orders, &layout, effort: effort, work)
    better = improvePlaced(placed, problem, scope, core, budget, orders, &layout, effort: effort, work) ?? better
    guard let better else { return }
    attempt.solution.order = better.map(ScheduleProblem.OperatorID.init)
    attempt.solution.pieces = layout.pieces
    attempt.solution.traffic = layout.traffic
    if attempt.solution.isProven { attempt.onlyAddressesAreMissing = false }
  }

  private func attempt(
    _ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ budget: Int, _ work: PackingWork,
    _ placed: PlacedCost? = nil
  ) -> Attempt {
    let core = ScheduleCore(problem, scope: scope)
    var early: (order: [Int], layout: ScheduleLayout)?
    var result = order(core, budget) { soFar, effort in
      guard let placed else { return }
      let layout = earlyLayout(
        placed, problem, scope, core, budget, [soFar.order] + (early.map { [$0.order] } ?? []), soFar.drops, effort,
        work)
      if let layout, layout.layout.traffic.total < early?.layout.traffic.total ?? Int.max { early = layout }
    }
    var layout = layOut(problem, scope, core, budget, result.order, result.drops, work)
    let residencyCost = ResidencyModel.cost(result.drops, core)
    if let early, early.layout.traffic.total < layout.traffic.total {
      (result.order, layout) = (early.order, early.layout)
    }
    // Before a plan whose addresses cost traffic, one that was the best earlier and packs.
    for (number, other) in result.earlier.enumerated() where other.cost < layout.traffic.total {
      var packer = Packer(options, PieceBuilder(problem, scope, core, other.order), budget, work)
      packer.take(layout.pieces)
      let isPacked = packer.offer(packer.builder.pieces(other.drops), nodeLimit: 100_000)
      // With less room for some of them: it costs more than looking for addresses.
      if !isPacked, number < 4 { withLessRoom(core, other.order, budget, &packer) }
      guard let packed = packer.layout, packed.traffic.total < layout.traffic.total else { continue }
      result.order = other.order
      layout = ScheduleLayout(pieces: packed.pieces, traffic: packed.traffic, nodes: layout.nodes + packed.nodes)
    }
    result.statistics.nodes += layout.nodes
    let certificate = ScheduleSolution.Certificate(
      closedBy: BlockScheduler.Component.allCases.compactMap { component in
        let count = result.closedBy.filter { $0 == component }.count
        return count > 0 ? (component.rawValue, count) : nil
      }, blocks: result.closedBy.count, rows: result.statistics.rows, columns: result.statistics.columns,
      nodes: result.statistics.nodes, labels: result.statistics.labels)
    let solution = ScheduleSolution(
      scope: scope, budget: budget,
      order: result.order.map { ScheduleProblem.OperatorID(core.operators[$0].original ?? 0) }, pieces: layout.pieces,
      traffic: layout.traffic, bound: min(result.bound, layout.traffic.total), certificate: certificate)
    return Attempt(
      solution: solution,
      onlyAddressesAreMissing: !solution.isProven && !result.closedBy.contains(.open),
      stops: result.statistics.stops, residencyCost: residencyCost,
      orders: result.earlier.map(\.order) + (early.map { [$0.order] } ?? []))
  }

  /// The best of a few schedules whose ties fell otherwise; the first one that packs ends it.
  private func otherOrders(
    _ first: Attempt, _ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ budget: Int,
    _ work: PackingWork
  ) -> Attempt {
    var best = first
    for number in 0..<options.reorderings where first.solution.certificate.labels <= options.largestReorderedSearch {
      if options.cancellation?.isCancelled == true || work.left <= 0 || !best.onlyAddressesAreMissing { break }
      options.progress?("the plan does not pack; order \(number + 1) of \(options.reorderings)")
      let reordering = ScheduleReordering(problem, number: number)
      let other = attempt(reordering.problem, scope, budget, work)
      var certificate = best.solution.certificate
      certificate.nodes += other.solution.certificate.nodes
      certificate.labels += other.solution.certificate.labels
      if other.solution.traffic.total < best.solution.traffic.total {
        best = other
        best.solution = reordering.restored(other.solution)
      }
      best.solution.certificate.nodes = certificate.nodes
      best.solution.certificate.labels = certificate.labels
    }
    return best
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
        "tensor \(problem.tensors[tensor].id) '\(problem.tensors[tensor].name)' takes \(problem.tensors[tensor].size)")
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

  /// - Parameter checkpoint: told the best so far between long searches, with elementary steps that may be spent on it.
  private func order(
    _ core: ScheduleCore, _ budget: Int, checkpoint: @escaping (Ordered, Int) -> Void
  ) -> Ordered {
    if options.useContraction, options.formulation == .exact {
      let contraction = Contraction(core)
      func expand(_ order: inout [Int], _ drops: inout [ResidencyModel.Gap]) {
        drops = contraction.expanded(drops, order: order)
        order = contraction.expanded(order)
      }
      var result = orderBlocks(contraction.core, budget, numberedAs: core) { soFar, effort in
        var soFar = soFar
        expand(&soFar.order, &soFar.drops)
        checkpoint(soFar, effort)
      }
      expand(&result.order, &result.drops)
      for index in result.earlier.indices {
        var other = result.earlier[index]
        expand(&other.order, &other.drops)
        result.earlier[index] = other
      }
      return result
    }
    return orderBlocks(core, budget, numberedAs: core, checkpoint: checkpoint)
  }

  /// - Parameter whole: the core whose numbers of tensors the drops get.
  private func orderBlocks(
    _ core: ScheduleCore, _ budget: Int, numberedAs whole: ScheduleCore,
    checkpoint: @escaping (Ordered, Int) -> Void
  ) -> Ordered {
    var result = Ordered()
    let blocks = options.useSplit ? core.blocks() : (core.count > 0 ? [Array(0..<core.count)] : [])
    var schedulers: [BlockScheduler] = []
    var outcomes: [BlockScheduler.Outcome] = []
    func tell(_ number: Int) {
      let count = schedulers[number].core.count
      if blocks.count > 1 { options.progress?("block \(number + 1) of \(blocks.count), \(count) operators") }
    }
    for (number, block) in blocks.enumerated() {
      let part = core.restricted(to: block, afterFirst: number > 0)
      schedulers.append(BlockScheduler(part, capacity: budget, options: options, statistics: result.statistics))
      tell(number)
      outcomes.append(schedulers[number].begin())
      result.statistics = schedulers[number].statistics
    }
    let assembly = BlockAssembly(blocks: blocks, parts: schedulers.map(\.core), whole: whole)
    for number in blocks.indices where outcomes[number].closedBy == .open {
      tell(number)
      let others = outcomes.map { BlockScheduler.Residency(order: $0.order, drops: $0.drops, cost: $0.cost) }
      schedulers[number].statistics = result.statistics
      schedulers[number].checkpoint = { outcome, effort in
        var residencies = others
        residencies[number] = .init(order: outcome.order, drops: outcome.drops, cost: outcome.cost)
        let whole = assembly.whole(of: residencies)
        checkpoint(Ordered(order: whole.order, drops: whole.drops), effort)
      }
      schedulers[number].finish(&outcomes[number])
      result.statistics = schedulers[number].statistics
    }
    result.bound = outcomes.reduce(0) { $0 + $1.bound }
    result.closedBy = outcomes.map(\.closedBy)
    var residencies = outcomes.map { BlockScheduler.Residency(order: $0.order, drops: $0.drops, cost: $0.cost) }
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
    result.earlier = cheapestFirst.prefix(12).map { result.earlier[$0] }
    return result
  }
}

/// Puts orders of blocks together to one of the whole.
private struct BlockAssembly {
  /// Operators of each block; the first one of all but the first block ends the block before.
  let blocks: [[Int]]
  let parts: [ScheduleCore]
  private let indexOfOriginal: [Int: Int]

  /// - Parameter whole: the core whose numbers of tensors the drops get; those of a block carry the problem's.
  init(blocks: [[Int]], parts: [ScheduleCore], whole: ScheduleCore) {
    self.blocks = blocks
    self.parts = parts
    indexOfOriginal = Dictionary(uniqueKeysWithValues: whole.tensors.enumerated().map { ($1.original, $0) })
  }

  func whole(of residencies: [BlockScheduler.Residency]) -> BlockScheduler.Residency {
    var result = BlockScheduler.Residency(order: [], drops: [], cost: 0)
    for (number, residency) in residencies.enumerated() {
      let overlap = number > 0 ? 1 : 0
      let offset = result.order.count - overlap
      result.drops += residency.drops.map { gap in
        ResidencyModel.Gap(
          tensor: indexOfOriginal[parts[number].tensors[gap.tensor].original] ?? 0, first: gap.first + offset,
          last: gap.last + offset)
      }
      result.order += residency.order.dropFirst(overlap).map { blocks[number][$0] }
      result.cost += residency.cost
    }
    return result
  }
}
