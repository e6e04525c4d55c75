import SpadixSupport
import Testing

@testable import SpadixOrder

@Suite struct LagrangianBoundTests {
  /// Never above the cost of the best schedule, and often above what bytes over ideals say. The order search with its prices
  /// still finds the best schedule, and proves that there is no better one.
  @Test func boundsEveryScheduleAndEveryLabel() throws {
    var (bounded, higher, labels, labelsWithout) = (0, 0, 0, 0)
    for seed in 0..<100 {
      let problem = randomMixedProblem(seed, from: 9_000, operators: 10)
      let core = ScheduleCore(problem, scope: .all)
      let budget = core.smallestCapacity + seed / 2 % 3
      let least = try #require(
        ScheduleBruteForce(problem: problem, scope: .all).least(budget: budget, atMost: Int.max / 2))
      var effort = 0
      let keys = OrderSearch.keys(core)
      let prices = try #require(
        LagrangianBound(
          core, capacity: budget, keys: keys, cutoff: least + 1, moveLimit: 100_000, effortLimit: 3_000_000,
          cancellation: nil, effort: &effort))
      let bytes = try #require(
        IdealBound(core, capacity: budget, keys: keys, moveLimit: 100_000, cancellation: nil, effort: &effort))
      #expect(prices.total <= least, "\(problem.name), budget \(budget)")
      bounded += prices.total > 0 ? 1 : 0
      higher += prices.total > bytes.total ? 1 : 0
      var search = OrderSearch(core, capacity: budget)
      labelsWithout += search.run(width: Int.max, cutoff: least + 1).labels
      search.prices = prices
      let found = search.run(width: Int.max, cutoff: least + 1)
      #expect(found.cost == least && found.isComplete && found.order != nil, "\(problem.name), budget \(budget)")
      labels += found.labels
      #expect(search.run(width: Int.max, cutoff: least).order == nil)
    }
    #expect(bounded > 25 && higher > 5, "\(bounded) bounds above nothing, \(higher) above those of bytes")
    #expect(labels < labelsWithout, "\(labels) labels, \(labelsWithout) without prices")
  }

  /// The example of docs/scheduling.md: of three tensors that are read in turns, two fit.
  @Test func pricesSayWhoseBytesTheyAre() throws {
    var problem = ScheduleProblem(name: "turns", tensors: [], operators: [])
    func addTensor(_ kind: ScheduleProblem.TensorKind) -> ScheduleProblem.TensorID {
      let id = problem.tensors.count
      problem.tensors.append(ScheduleProblem.Tensor(id: id, name: "t\(id)", size: 1, bytes: 1, kind: kind))
      return ScheduleProblem.TensorID(id)
    }
    func addOperator(_ inputs: [ScheduleProblem.TensorID], _ outputs: [ScheduleProblem.TensorID]) {
      let id = problem.operators.count
      problem.operators.append(ScheduleProblem.Operator(id: id, name: "o\(id)", inputs: inputs, outputs: outputs))
    }
    let image = addTensor(.input)
    let shared = (0..<3).map { _ in addTensor(.activation) }
    addOperator([image], shared)
    var last: [ScheduleProblem.TensorID] = []
    for number in 0..<9 {
      let result = addTensor(number == 8 ? .output : .activation)
      addOperator(last + [shared[number % 3]], [result])
      last = [result]
    }
    let core = ScheduleCore(problem, scope: .activations)
    var effort = 0
    let keys = OrderSearch.keys(core)
    let bytes = IdealBound(core, capacity: 4, keys: keys, moveLimit: 100, cancellation: nil, effort: &effort)
    let prices = LagrangianBound(
      core, capacity: 4, keys: keys, cutoff: 6, moveLimit: 100, effortLimit: 10_000_000, cancellation: nil,
      effort: &effort)
    #expect(bytes?.total == 2)
    #expect(prices?.total == 5)
    #expect(try Scheduler().solve(problem, budget: 4).traffic.total == 6)
  }

  @Test func endsAtTheLimits() {
    let core = ScheduleCore(randomScheduleProblem(seed: 3, operators: 12), scope: .all)
    var effort = 0
    func bound(moves: Int, _ cancellation: Cancellation?) -> LagrangianBound? {
      LagrangianBound(
        core, capacity: core.smallestCapacity, keys: OrderSearch.keys(core), cutoff: 100, moveLimit: moves,
        effortLimit: 1_000_000, cancellation: cancellation, effort: &effort)
    }
    let cancelled = Cancellation()
    cancelled.cancel()
    #expect(bound(moves: 5, nil) == nil && bound(moves: 100_000, cancelled) == nil)
    effort = 0
    #expect(bound(moves: 100_000, nil) != nil && effort > 0)
  }
}

@Suite struct SuffixBoundTests {
  /// Bounds of the same operators without small tensors hold for all of them, and the rest builds on these.
  @Test func leavingOutSmallTensorsBoundsTheRest() throws {
    var reached = 0
    for seed in 0..<40 {
      let problem = randomScheduleProblem(seed: UInt64(9_500 + seed), operators: 9)
      let core = ScheduleCore(problem, scope: .all)
      let budget = core.smallestCapacity + seed % 2
      guard let large = core.leavingOut(smallerThan: 4) else { continue }
      #expect(large.operators.indices.allSatisfy { large.footprints[$0] <= core.footprints[$0] })
      let least = try #require(
        ScheduleBruteForce(problem: problem, scope: .all).least(budget: budget, atMost: Int.max / 2))
      let best = OrderSearch(core, capacity: budget).run(width: Int.max, cutoff: least + 1)
      let order = try #require(best.order)
      let drops = FurthestUse.drops(core, order: order, capacity: budget, policy: .furthestNextUse)
      var suffix = SuffixBound(order: order)
      var last = 0
      for part in [large, core] {
        var builder = SuffixBoundBuilder(part, capacity: budget, order: order, drops: drops)
        suffix = builder.build(on: suffix, progress: nil)
        #expect(last <= suffix.total && suffix.total <= least, "\(problem.name)")
        last = suffix.total
      }
      reached += last == least && least > 0 ? 1 : 0
    }
    #expect(reached > 10, "\(reached) reached")
  }
}

@Suite struct SubsetSumsTests {
  @Test func equalsTryingEverySubset() {
    var random = SplitMix64(seed: 11)
    for _ in 0..<300 {
      let sizes = (0..<random.below(9)).map { _ in random.below(40) }
      let target = random.below(150)
      let sums = (0..<(1 << sizes.count)).map { set in
        sizes.indices.reduce(0) { $0 + (set >> $1 & 1 == 1 ? sizes[$1] : 0) }
      }
      var effort = 0
      let least = SubsetSums.least(of: sizes, atLeast: target, effort: &effort)
      #expect(least == sums.filter { $0 >= target }.min() ?? target)
    }
  }
}

@Suite struct PlacedCostTests {
  /// What it counts is what a valid plan of these pieces moves, whatever the variations.
  @Test(arguments: 0..<60) func isTheTrafficOfItsPlan(seed: Int) throws {
    let problem =
      seed % 2 == 0
      ? randomScheduleProblem(seed: UInt64(8_000 + seed), operators: 14)
      : randomChainProblem(seed: UInt64(8_000 + seed), operators: 14)
    let core = ScheduleCore(problem, scope: .all)
    let budget = core.smallestCapacity + seed % 4
    let placed = PlacedCost(problem, .all, budget)
    let improvement = OrderImprovement(core, placed: placed, cancellation: nil)
    let start = Array(0..<core.count)
    let before = placed.cost(of: start, limit: Int.max)
    let found = improvement.run(from: start, effortLimit: 2_000_000)
    #expect(found.cost <= before && found.cost == placed.cost(of: found.order, limit: Int.max))
    let pieces = placed.pieces(of: found.order)
    let traffic = PieceBuilder(problem, .all, core, found.order).traffic(pieces)
    #expect(traffic.total == found.cost)
    let plan = ScheduleSolution(
      scope: .all, budget: budget, order: found.order.map(ScheduleProblem.OperatorID.init), pieces: pieces,
      traffic: traffic, bound: 0, certificate: ScheduleSolution.Certificate())
    try ScheduleValidator.validate(plan, for: problem)
  }
}
