import SpadixSupport
import Testing

@testable import SpadixOrder

@Suite struct TreeCutsTests {
  /// Each operator makes one tensor for one other operator, or, reversed, reads one that no other does.
  private func randomTree(_ seed: Int, operators: Int, isReversed: Bool) -> ScheduleProblem {
    var random = SplitMix64(seed: UInt64(40_000 + seed))
    // An operator's parent comes later.
    let parents = (0..<operators).map { $0 + 1 < operators ? $0 + 1 + random.below(min(4, operators - 1 - $0)) : nil }
    var problem = ScheduleProblem(name: "tree \(seed)", tensors: [], operators: [])
    let links = parents.map { parent in parent.map { _ in problem.add(.activation, 1 + random.below(9)) } }
    let ends = parents.indices.map { _ in problem.add(isReversed ? .output : .input, random.below(6)) }
    let last = problem.add(isReversed ? .input : .output, 1 + random.below(9))
    let numbers = isReversed ? parents.indices.reversed() : Array(parents.indices)
    for number in numbers {
      let below = parents.indices.filter { parents[$0] == number }.compactMap { links[$0] } + [ends[number]]
      let above = links[number] ?? last
      problem.operators.append(
        ScheduleProblem.Operator(
          id: problem.operators.count, name: "op", inputs: isReversed ? [above] : below,
          outputs: isReversed ? below : [above]))
    }
    return problem
  }

  /// As cheap as the best of all schedules, where all, some or nothing fits.
  @Test(arguments: [false, true]) func isExact(isReversed: Bool) throws {
    var moving = 0
    for seed in 0..<300 {
      let problem = randomTree(seed, operators: 6 + seed % 5, isReversed: isReversed)
      let core = ScheduleCore(problem, scope: .activations)
      let capacity = core.smallestCapacity + seed / 5 % 4
      let cuts = try #require(TreeCuts(core, capacity: capacity))
      let brute = ScheduleBruteForce(problem: problem, scope: .activations)
      let least = try #require(brute.least(budget: capacity, atMost: Int.max / 2))
      #expect(cuts.bound == least, "\(problem.name), capacity \(capacity)")
      #expect(ResidencyModel.cost(cuts.drops, core) == least, "\(problem.name), capacity \(capacity)")
      let plan = try Scheduler().solve(problem, budget: capacity)
      #expect(plan.bound == least)
      moving += least > 0 ? 1 : 0
    }
    #expect(moving > 15, "\(moving)")
  }

  /// The order of the smallest peak, and one that needs no traffic there.
  @Test func findsTheSmallestPeak() throws {
    for seed in 0..<60 {
      let core = ScheduleCore(randomTree(seed, operators: 9, isReversed: seed % 2 == 1), scope: .activations)
      let order = try #require(TreeCuts(core, capacity: nil)).order
      let peak = PeakSearch.peak(of: order, core)
      #expect(peak == PeakSearch(core: core, labelLimit: 1_000_000).run(floor: 0).peak)
      #expect(try #require(TreeCuts(core, capacity: peak)).bound == 0)
    }
  }

  /// What several operators read is no tree.
  @Test func isNothingForOtherGraphs() {
    var problem = ScheduleProblem(name: "shared", tensors: [], operators: [])
    let shared = problem.add(.activation, 2)
    problem.run([problem.add(.input, 1)], shared)
    let left = problem.add(.activation, 2)
    problem.run([shared], left)
    problem.run([shared, left], problem.add(.output, 1))
    #expect(TreeCuts(ScheduleCore(problem, scope: .activations), capacity: 6) == nil)
  }

  /// Too many states become fewer: the bound stays one, and is near the cost of the cuts found.
  @Test func largeTreesAreBounded() throws {
    let core = ScheduleCore(randomTree(7, operators: 3_000, isReversed: false), scope: .activations)
    let cuts = try #require(TreeCuts(core, capacity: core.smallestCapacity))
    let cost = ResidencyModel.cost(cuts.drops, core)
    #expect(cuts.bound <= cost && cost * 95 <= cuts.bound * 100, "\(cuts.bound) to \(cost)")
  }
}

@Suite struct WindowBoundTests {
  /// Never above the cost of the best schedule, whatever order the windows come from.
  @Test func boundsEverySchedule() throws {
    var (bounded, reached) = (0, 0)
    for seed in 0..<160 {
      let problem = randomMixedProblem(seed, from: 21_000, operators: 10)
      let core = ScheduleCore(problem, scope: seed % 4 < 2 ? .all : .activations)
      let budget = core.smallestCapacity + seed / 2 % 3
      let orders = [Array(0..<core.count), ConstructedOrders.order(core, by: .latest)]
      let brute = ScheduleBruteForce(problem: problem, scope: seed % 4 < 2 ? .all : .activations)
      let least = try #require(brute.least(budget: budget, atMost: Int.max / 2))
      for order in orders {
        let windows = WindowBound(core, capacity: budget, order: order, options: ScheduleOptions(), smallest: 3)
        #expect(windows.total <= least, "\(problem.name), budget \(budget)")
        #expect(windows.order.sorted() == Array(0..<core.count))
        bounded += windows.total > 0 ? 1 : 0
        reached += windows.total == least && least > 0 ? 1 : 0
        var seen = Set<Int>()
        for op in windows.order {
          #expect(core.operators[op].predecessors.allSatisfy(seen.contains))
          seen.insert(op)
        }
      }
    }
    #expect(bounded > 40 && reached > 20, "\(bounded) bounds above nothing, \(reached) reached")
  }
}
