import SpadixAllocation
import SpadixSupport
import Testing

@testable import SpadixOrder

@Suite struct EvictingSweepTests {
  /// Whatever the residency: a valid plan, which moves no more where nothing was in the way, and that nearly always where
  /// all of it packs.
  @Test func evictsOnlyWhatIsInTheWay() throws {
    var (packable, kept, tight) = (0, 0, 0)
    for seed in 0..<300 {
      let problem = randomMixedProblem(seed, from: 52_000, operators: 14)
      let scope: ScheduleProblem.Scope = seed % 4 < 2 ? .all : .activations
      let core = ScheduleCore(problem, scope: scope)
      let budget = core.smallestCapacity + seed / 4 % 4
      let order = ConstructedOrders.order(core, by: seed % 3 == 0 ? .latest : .leastGrowth)
      // Some keep more than fits.
      let capacity = budget + (seed % 5 == 4 ? 3 : 0)
      let drops = FurthestUse.drops(core, order: order, capacity: capacity, policy: .longestForItsPrice)
      let builder = PieceBuilder(problem, scope, core, order)
      var sweep = EvictingSweep(
        builder.timetable(endingAfter: builder.ends(drops)), budget: budget, effortLimit: 100_000_000)
      let found = sweep.run(below: Int.max, cancellation: nil)
      let pieces = try #require(found)
      let traffic = builder.traffic(pieces)
      let plan = ScheduleSolution(
        scope: scope, budget: budget, order: order.map(ScheduleProblem.OperatorID.init), pieces: pieces,
        traffic: traffic, bound: 0, certificate: ScheduleSolution.Certificate())
      try ScheduleValidator.validate(plan, for: problem)
      let residency = builder.pieces(drops)
      #expect(traffic.total >= builder.traffic(residency).total)
      if sweep.tightSteps.isEmpty { #expect(traffic == builder.traffic(residency)) }
      tight += sweep.tightSteps.isEmpty ? 0 : 1
      guard AllocationSolver().solve(builder.allocation(residency, budget).problem).solution != nil else { continue }
      packable += 1
      kept += sweep.tightSteps.isEmpty ? 1 : 0
    }
    #expect(kept * 100 >= packable * 98, "\(kept) of \(packable)")
    #expect(tight > 0, "\(tight)")
  }

  /// Two stacks that grow towards each other: all that a layer reads leaves with its last operator.
  @Test func layersNeedNothingBeyondTheirResidency() throws {
    var random = SplitMix64(seed: 3)
    var problem = ScheduleProblem(name: "layers", tensors: [], operators: [])
    var layer = [problem.add(.input, 16 + random.below(500))]
    for number in 0..<120 {
      layer = (0..<6).map { _ in
        let result = problem.add(number == 119 ? .output : .activation, 16 + random.below(500))
        problem.run(layer, result)
        return result
      }
    }
    let core = ScheduleCore(problem, scope: .activations)
    let order = Array(0..<core.count)
    let drops = FurthestUse.drops(core, order: order, capacity: core.smallestCapacity, policy: .longestForItsPrice)
    let builder = PieceBuilder(problem, .activations, core, order)
    let timetable = builder.timetable(endingAfter: builder.ends(drops))
    var sweep = EvictingSweep(timetable, budget: core.smallestCapacity, effortLimit: 1_000_000_000)
    let found = sweep.run(below: Int.max, cancellation: nil)
    let pieces = try #require(found)
    #expect(builder.traffic(pieces).total == ResidencyModel.cost(drops, core))
    #expect(ResidencyModel.cost(drops, core) > 0)
  }

  /// What costs too much ends it.
  @Test func endsAtALimit() throws {
    let problem = randomMixedProblem(1, from: 52_000, operators: 14)
    let core = ScheduleCore(problem, scope: .all)
    let builder = PieceBuilder(problem, .all, core, Array(0..<core.count))
    let timetable = builder.timetable(endingAfter: builder.ends([]))
    var sweep = EvictingSweep(timetable, budget: core.smallestCapacity, effortLimit: 1_000_000)
    let dear = sweep.run(below: 0, cancellation: nil)
    #expect(dear == nil)
    let cancellation = Cancellation()
    cancellation.cancel()
    let cancelled = sweep.run(below: Int.max, cancellation: cancellation)
    #expect(cancelled == nil)
  }
}
