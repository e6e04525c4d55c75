import SpadixSupport
import Testing

@testable import SpadixOrder

@Suite struct IdealBoundTests {
  /// Never above the cost of the best schedule, also where tensors move other numbers of bytes than they take; and not
  /// always nothing.
  @Test func isNeverAboveTheLeast() throws {
    var bounded = 0
    var reached = 0
    for seed in 0..<120 {
      let problem = randomMixedProblem(seed, from: 7_000, operators: 9)
      let core = ScheduleCore(problem, scope: .all)
      let budget = core.smallestCapacity + seed / 2 % 3
      var effort = 0
      let bound = try #require(
        IdealBound(
          core, capacity: budget, keys: OrderSearch.keys(core), moveLimit: 100_000, cancellation: nil, effort: &effort))
      let least = try #require(
        ScheduleBruteForce(problem: problem, scope: .all).least(budget: budget, atMost: Int.max / 2))
      #expect(bound.total <= least, "\(problem.name), budget \(budget)")
      bounded += bound.total > 0 ? 1 : 0
      reached += bound.total == least && least > 0 ? 1 : 0
    }
    #expect(bounded > 30 && reached > 10, "\(bounded) bounds above nothing, \(reached) reached")
  }

  /// Against going through all subsets of the operators.
  @Test(arguments: 0..<20) func movesAreCounted(seed: Int) {
    let core = ScheduleCore(randomScheduleProblem(seed: UInt64(seed), operators: 6 + seed % 6), scope: .all)
    var moves = 0
    for set in 0..<1 << core.count {
      func isReady(_ op: Int) -> Bool { core.operators[op].predecessors.allSatisfy { set >> $0 & 1 == 1 } }
      let isIdeal = core.operators.indices.allSatisfy { set >> $0 & 1 == 0 || isReady($0) }
      if isIdeal { moves += core.operators.indices.filter { set >> $0 & 1 == 0 && isReady($0) }.count }
    }
    let keys = OrderSearch.keys(core)
    var effort = 0
    #expect(IdealCount.moves(core, keys: keys, limit: moves, effort: &effort) == moves)
    #expect(IdealCount.moves(core, keys: keys, limit: moves - 1, effort: &effort) == nil)
    for limit in [moves, moves - 1] {
      let bound = IdealBound(
        core, capacity: core.smallestCapacity, keys: keys, moveLimit: limit, cancellation: nil, effort: &effort)
      #expect((bound != nil) == (limit == moves))
    }
  }

  @Test func endsAtTheLimitOnMoves() {
    let core = ScheduleCore(randomScheduleProblem(seed: 3, operators: 12), scope: .all)
    var effort = 0
    #expect(
      IdealBound(
        core, capacity: core.smallestCapacity, keys: OrderSearch.keys(core), moveLimit: 5, cancellation: nil,
        effort: &effort) == nil)
    #expect(effort > 0)
  }
}
