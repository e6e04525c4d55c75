import SpadixSupport
import Testing

@testable import SpadixOrder

@Suite struct PlannedPlacesTests {
  /// Of 16 bytes, a row of operators, each reading the tensor before, finds `x` (4) and `short` (2), then also `long` (3), then
  /// `short` and `long`, which leave 11 bytes that it takes all, then `long`, which leaves 13. Without a gap for `long` at an
  /// edge, where `x` and `short` are, there would be one later.
  private func overlapping() -> ScheduleProblem {
    var problem = ScheduleProblem(name: "overlapping", tensors: [], operators: [])
    func row(_ sizes: [Int], from first: [ScheduleProblem.TensorID]) -> ScheduleProblem.TensorID {
      var before = first
      for size in sizes {
        let after = problem.add(.activation, size)
        problem.run(before, after)
        before = [after]
      }
      return before[0]
    }
    let x = problem.add(.input, 4)
    let short = row([2], from: [x])
    let first = row([3, 4, 3], from: [x])
    let long = row([3], from: [first])
    let second = row([4, 5, 6, 5], from: [x, first])
    let third = row([5, 7, 6, 7], from: [second, short])
    problem.run([third, long], problem.add(.output, 3))
    return problem
  }

  /// The first of two tensors comes to a place that leaves room for the one that stays longer at an edge.
  @Test func whatStaysLongerIsAtAnEdge() throws {
    let problem = overlapping()
    let core = ScheduleCore(problem, scope: .activations)
    let builder = PieceBuilder(problem, .activations, core, Array(0..<core.count))
    let timetable = builder.timetable(endingAfter: builder.ends([]))
    let budget = 16
    var sweep = EvictingSweep(timetable, budget: budget, effortLimit: 100_000_000)
    let found = sweep.run(below: Int.max, cancellation: nil)
    let pieces = try #require(found)
    #expect(builder.traffic(pieces).total == 0)
    let long = try #require(pieces.first { timetable.sizes[$0.tensor.index] == 3 && $0.last - $0.first > 6 })
    #expect(long.offset == 0 || long.offset + 3 == budget, "\(long.offset)")
  }

  /// Nothing that stays at the same time is planned for the same place, whatever packs.
  @Test func placesDoNotOverlap() {
    var planned = 0
    for seed in 0..<200 {
      let problem = randomMixedProblem(seed, from: 53_000, operators: 14)
      let core = ScheduleCore(problem, scope: .all)
      let builder = PieceBuilder(problem, .all, core, Array(0..<core.count))
      let drops = FurthestUse.drops(
        core, order: Array(0..<core.count), capacity: core.smallestCapacity, policy: .longestForItsPrice)
      let timetable = builder.timetable(endingAfter: builder.ends(drops))
      let places = PlannedPlaces(
        timetable, budget: core.smallestCapacity, effortLimit: 50_000_000, cancellation: nil)
      let pieces = builder.pieces(drops).compactMap { piece in
        places.offset(of: piece.tensor.index, at: piece.first).map { offset -> ScheduleSolution.Piece in
          var placed = piece
          placed.offset = offset
          return placed
        }
      }
      planned += pieces.count
      for (number, one) in pieces.enumerated() {
        for other in pieces[..<number] where one.first <= other.last && other.first <= one.last {
          let (end, otherEnd) = (
            one.offset + timetable.sizes[one.tensor.index], other.offset + timetable.sizes[other.tensor.index]
          )
          #expect(end <= other.offset || otherEnd <= one.offset, "seed \(seed)")
        }
      }
    }
    #expect(planned > 200, "\(planned)")
  }
}
