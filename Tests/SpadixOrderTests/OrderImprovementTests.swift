import SpadixMIP
import SpadixSupport
import Testing

@testable import SpadixOrder

/// Operators of which each reads a few of the last results: many orders, many live tensors.
private func wideProblem(seed: UInt64, operators: Int) -> ScheduleProblem {
  var random = SplitMix64(seed: seed)
  var tensors = [ScheduleProblem.Tensor(id: 0, name: "x", size: 8, bytes: 8, kind: .input)]
  var ops: [ScheduleProblem.Operator] = []
  for number in 0..<operators {
    let size = 1 + random.below(30)
    var inputs: Set<Int> = []
    for _ in 0...random.below(3) { inputs.insert(max(0, tensors.count - 1 - random.below(40))) }
    tensors.append(ScheduleProblem.Tensor(id: number + 1, name: "t", size: size, bytes: size, kind: .activation))
    ops.append(
      ScheduleProblem.Operator(
        id: number, name: "op", inputs: inputs.sorted().map(ScheduleProblem.TensorID.init),
        outputs: [ScheduleProblem.TensorID(number + 1)]))
  }
  return ScheduleProblem(name: "wide \(seed)", tensors: tensors, operators: ops)
}

private func isLegal(_ order: [Int], _ core: ScheduleCore) -> Bool {
  var position = [Int](repeating: -1, count: core.count)
  for (step, op) in order.enumerated() { position[op] = step }
  return order.count == core.count && !position.contains(-1)
    && core.operators.indices.allSatisfy { op in
      core.operators[op].predecessors.allSatisfy { position[$0] < position[op] }
    }
}

/// The least size of tensors that are live beside an operator, over all sets that may have run before it.
private func leastBeside(_ op: Int, _ core: ScheduleCore) -> Int {
  var least = Int.max
  for set in 0..<(1 << core.count) where set >> op & 1 == 0 {
    func contains(_ other: Int) -> Bool { set >> other & 1 == 1 }
    let isClosed = core.operators.indices.allSatisfy { other in
      !contains(other) || core.operators[other].predecessors.allSatisfy(contains)
    }
    guard isClosed, core.operators[op].predecessors.allSatisfy(contains) else { continue }
    let live = core.tensors.indices.filter { tensor in
      let touches = core.tensors[tensor].touches
      return !core.operators[op].operands.contains(tensor) && touches.contains(where: contains)
        && !touches.allSatisfy(contains)
    }
    least = min(least, live.reduce(0) { $0 + core.tensors[$1].size })
  }
  return least
}

@Suite struct WavefrontBoundTests {
  @Test(arguments: 0..<40) func equalsTryingEverySet(seed: Int) {
    let problem =
      seed % 2 == 0
      ? randomScheduleProblem(seed: UInt64(seed), operators: 9) : randomChainProblem(seed: UInt64(seed), operators: 9)
    let core = ScheduleCore(problem, scope: .all)
    var bound = WavefrontBound(core, core.ancestors())
    for op in core.operators.indices {
      let least = leastBeside(op, core)
      #expect(bound.least(beside: op) == least, "\(problem.name), operator \(op)")
      let limits = bound.simpleLimits(op)
      #expect(min(limits.early, limits.late) >= least, "\(problem.name), operator \(op)")
    }
  }

  /// The model with cuts is a relaxation: no schedule costs less than its optimum, and it is no weaker than without.
  @Test(arguments: 0..<30) func boundsEverySchedule(seed: Int) throws {
    let problem =
      seed % 2 == 0
      ? randomScheduleProblem(seed: UInt64(seed), operators: 9) : randomChainProblem(seed: UInt64(seed), operators: 9)
    let core = ScheduleCore(problem, scope: .all)
    let capacity = core.smallestCapacity + seed % 3
    let plain = GLPKSolver().solve(ResidencyBound(core, capacity: capacity).model)
    let cut = GLPKSolver().solve(ResidencyBound(core, capacity: capacity, cutEffort: Int.max).model)
    let bound = try #require(cut.objective)
    #expect(bound >= plain.objective ?? 0)
    let brute = ScheduleBruteForce(problem: problem, scope: .all)
    let plan = try Scheduler().solve(problem, scope: .all, budget: capacity)
    #expect(bound <= (brute.least(budget: capacity, atMost: plan.traffic.total) ?? Int.max), "\(problem.name)")
  }
}

@Suite struct OrderImprovementTests {
  @Test(arguments: 0..<12) func ordersStayLegalAndGetNoWorse(seed: Int) {
    let core = ScheduleCore(wideProblem(seed: UInt64(seed), operators: 60), scope: .activations)
    let capacity = core.smallestCapacity * (2 + seed % 3) / 2
    let start = Array(0..<core.count)
    for rule in ConstructedOrders.Rule.allCases {
      #expect(isLegal(ConstructedOrders.order(core, by: rule), core))
    }
    let first = OrderImprovement(core, capacity: capacity, cancellation: nil).run(from: start, effortLimit: 20_000_000)
    let again = OrderImprovement(core, capacity: capacity, cancellation: nil).run(from: start, effortLimit: 20_000_000)
    #expect(isLegal(first.order, core))
    #expect(first.order == again.order)
    let improvement = OrderImprovement(core, capacity: capacity, cancellation: nil)
    #expect(first.cost == improvement.cost(of: first.order))
    #expect(first.cost < improvement.cost(of: start))
    // More time is never worse.
    let longer = improvement.run(from: start, effortLimit: 60_000_000)
    #expect(longer.cost <= first.cost)
  }

  /// What the cost says can be had: the rule's evictions fit, so that the exact residency of the order costs no more.
  @Test(arguments: 0..<12) func costsCanBeHad(seed: Int) throws {
    let core = ScheduleCore(wideProblem(seed: UInt64(100 + seed), operators: 30), scope: .activations)
    let order = ConstructedOrders.order(core, by: .leastGrowth)
    let improvement = OrderImprovement(core, capacity: core.smallestCapacity, cancellation: nil)
    let cost = improvement.cost(of: order)
    let model = ResidencyModel(core, order: order, capacity: core.smallestCapacity).model
    let least = try #require(GLPKSolver().solve(model).objective)
    #expect(least <= cost)
    // And they are the gaps that pay for it: dropping them makes room at every step.
    let drops = improvement.drops(of: order)
    #expect(ResidencyModel.cost(drops, core) == cost)
    for (step, op) in order.enumerated() {
      var needed = core.footprints[op]
      for (tensor, node) in core.tensors.enumerated() where !core.operators[op].operands.contains(tensor) {
        let steps = node.touches.map { order.firstIndex(of: $0) ?? 0 }
        let isLive = (steps.min() ?? 0) < step && step < (steps.max() ?? 0)
        let isDropped = drops.contains { $0.tensor == tensor && $0.first < step && step < $0.last }
        if isLive, !isDropped { needed += node.size }
      }
      #expect(needed <= core.smallestCapacity, "step \(step)")
    }
  }
}

@Suite struct ScheduleIncumbentTests {
  private func limited(_ effort: Int) -> Scheduler {
    var options = ScheduleOptions()
    options.effortLimit = effort
    options.nodeLimit = 50
    options.packingNodeLimit = 10_000
    options.packingEffortLimit = 10_000_000
    return Scheduler(options: options)
  }

  /// However little time there is, the plan is valid and no worse than what an arena makes of the default order; and it
  /// gets no worse with more time.
  @Test(arguments: 0..<6) func moreTimeIsNeverWorse(seed: Int) throws {
    let problem = wideProblem(seed: UInt64(seed), operators: 50)
    let budget = ScheduleBudgets.minimum(problem, scope: .activations) * (3 + seed % 3) / 3
    let arena = try ScheduleBaseline(policy: .belady, order: .default, placement: .online)
      .solve(problem, scope: .activations, budget: budget)
    var last = arena.traffic.total
    for effort in [1, 10_000_000, 100_000_000] {
      let plan = try limited(effort).solve(problem, scope: .activations, budget: budget)
      #expect(plan.traffic.total <= last, "\(problem.name), effort \(effort)")
      #expect(plan.bound <= plan.traffic.total)
      if !plan.isProven { #expect(!plan.certificate.stops.isEmpty) }
      last = plan.traffic.total
    }
  }

  /// What an interruption leaves is never better than what a later one does, wherever the two come: at every progress
  /// message in turn, and after growing numbers of labels.
  @Test(arguments: [1, 3, 5]) func aLaterInterruptionIsNeverWorse(seed: Int) throws {
    let problem = wideProblem(seed: UInt64(60 + seed), operators: 40)
    let budget = ScheduleBudgets.minimum(problem, scope: .activations) * (10 + seed % 3) / 10
    // Enough for every stage, down to wide searches and what follows them.
    var limited = limited(40_000_000).options
    limited.packingEffortLimit = 4_000_000
    func traffic(interruptedAt message: Int) throws -> (total: Int, isOver: Bool) {
      var options = limited
      let cancellation = Cancellation()
      let count = Counter()
      options.cancellation = cancellation
      options.progress = { _ in if count.next() == message { cancellation.cancel() } }
      let plan = try Scheduler(options: options).solve(problem, budget: budget)
      return (plan.traffic.total, !cancellation.isCancelled)
    }
    var (last, message, isOver) = (Int.max, 1, false)
    var totals: Set<Int> = []
    while !isOver {
      let found = try traffic(interruptedAt: message)
      #expect(found.total <= last, "\(problem.name), message \(message)")
      (last, isOver) = found
      totals.insert(last)
      message += max(1, message / 4)
    }
    #expect(message >= 8 && totals.count > 1, "\(message) messages, traffic \(totals.sorted())")
    var labels = Int.max
    for limit in [1, 1_000, 30_000] {
      limited.labelLimit = limit
      let total = try Scheduler(options: limited).solve(problem, budget: budget).traffic.total
      #expect(total <= labels, "\(problem.name), \(limit) labels")
      labels = total
    }
    #expect(last <= labels)
  }

  /// A plan that is known is a candidate, of this budget or a smaller one, and only then.
  @Test func aKnownPlanIsNeverLost() throws {
    let problem = wideProblem(seed: 77, operators: 40)
    let budget = ScheduleBudgets.minimum(problem, scope: .activations)
    let good = try limited(300_000_000).solve(problem, budget: budget)
    let cancelled: Scheduler = {
      var options = ScheduleOptions()
      options.cancellation = Cancellation()
      options.cancellation?.cancel()
      return Scheduler(options: options)
    }()
    let alone = try cancelled.solve(problem, budget: budget)
    #expect(good.traffic.total < alone.traffic.total)
    for larger in [budget, budget + 1] {
      let plan = try cancelled.solve(problem, budget: larger, known: [good])
      #expect(plan.traffic == good.traffic && plan.budget == larger)
    }
    var larger = good
    larger.budget += 1
    #expect(try cancelled.solve(problem, budget: budget, known: [larger]).traffic == alone.traffic)
  }

  /// Sizes that do not fit around each other, in the smallest budget: with part of it free there are better plans than
  /// what an arena makes of the order.
  @Test func roomLeftFreeGivesAddresses() throws {
    var better = 0
    for seed in 0..<12 {
      let problem = wideProblem(seed: UInt64(200 + seed), operators: 40)
      let core = ScheduleCore(problem, scope: .activations)
      let budget = core.smallestCapacity
      let order = Array(0..<core.count)
      let options = ScheduleOptions()
      let addresses = AddressSearch(problem, .activations, budget, options, AddressSearch.Work(options))
      addresses.take(addresses.arena(order, .longestForItsPrice, addresses.builder(order)))
      let before = addresses.leastTraffic
      addresses.improveWithLessRoom([order], effort: 70_000_000)
      let best = try #require(addresses.best)
      better += best.traffic.total < before * 3 / 4 ? 1 : 0
      let plan = ScheduleSolution(
        scope: .activations, budget: budget, order: best.order.map(ScheduleProblem.OperatorID.init),
        pieces: best.pieces, traffic: best.traffic, bound: 0, certificate: .init())
      try ScheduleValidator.validate(plan, for: problem)
    }
    #expect(better >= 10, "\(better) of 12 with a quarter less traffic")
  }

  /// What is left free is so beside every operator, as far as the operator itself leaves it.
  @Test func leavingKeepsEveryOperatorPossible() {
    let core = ScheduleCore(wideProblem(seed: 9, operators: 60), scope: .activations)
    let capacity = core.smallestCapacity
    let smaller = core.leaving(percent: 10, of: capacity)
    for op in core.operators.indices {
      let added = smaller.footprints[op] - core.footprints[op]
      #expect(added == min(capacity / 10, capacity - core.footprints[op]))
      #expect(smaller.operators[op].privateSize - core.operators[op].privateSize == added)
    }
    #expect(smaller.smallestCapacity == capacity)
  }

  /// A cancelled search, which looks at nothing, still has a plan.
  @Test func aCancelledSearchHasAPlan() throws {
    let problem = wideProblem(seed: 3, operators: 200)
    let scheduler: Scheduler = {
      var options = ScheduleOptions()
      let cancellation = Cancellation()
      cancellation.cancel()
      options.cancellation = cancellation
      return Scheduler(options: options)
    }()
    let budget = ScheduleBudgets.minimum(problem, scope: .activations)
    let plan = try scheduler.solve(problem, scope: .activations, budget: budget)
    try ScheduleValidator.validate(plan, for: problem)
  }

  /// Chains that take turns in the input's order leave nearly everything between two uses; one after the other they leave
  /// nothing. An interruption that comes at once has a plan for that order too.
  @Test func aCancelledSearchKnowsOrdersMadeInOneGo() throws {
    let (chains, length, size) = (12, 15, 8)
    var problem = ScheduleProblem(name: "chains", tensors: [], operators: [])
    var last: [ScheduleProblem.TensorID] = []
    func addTensor(_ kind: ScheduleProblem.TensorKind) -> ScheduleProblem.TensorID {
      let id = problem.tensors.count
      problem.tensors.append(ScheduleProblem.Tensor(id: id, name: "t\(id)", size: size, bytes: size, kind: kind))
      return ScheduleProblem.TensorID(id)
    }
    for _ in 0..<chains { last.append(addTensor(.input)) }
    for step in 1...length {
      for chain in 0..<chains {
        let result = addTensor(step == length ? .output : .activation)
        problem.operators.append(
          ScheduleProblem.Operator(
            id: problem.operators.count, name: "op", inputs: [last[chain]], outputs: [result]))
        last[chain] = result
      }
    }
    var options = ScheduleOptions()
    // Rows of operators would become one, and nothing would be left to order.
    options.useContraction = false
    options.cancellation = Cancellation()
    options.cancellation?.cancel()
    let plan = try Scheduler(options: options).solve(problem, budget: 3 * size)
    let given = try ScheduleBaseline(policy: .belady, order: .default, placement: .online)
      .solve(problem, scope: .activations, budget: 3 * size)
    #expect(given.traffic.total > 1000)
    #expect(plan.traffic.total == 0)
  }

  /// With plans for smaller budgets at hand, a larger one never moves more.
  @Test(arguments: 0..<4) func aLargerBudgetIsNeverWorse(seed: Int) throws {
    let problem = wideProblem(seed: UInt64(50 + seed), operators: 40)
    let least = ScheduleBudgets.minimum(problem, scope: .activations)
    var plans: [ScheduleSolution] = []
    for number in 0..<6 {
      let plan = try limited(3_000_000).solve(
        problem, scope: .activations, budget: least + least * number / 12, known: plans)
      if let last = plans.last { #expect(plan.traffic.total <= last.traffic.total) }
      plans.append(plan)
    }
  }
}

/// Counts calls, of one thread.
private final class Counter: @unchecked Sendable {
  private var count = 0

  func next() -> Int {
    count += 1
    return count
  }
}
