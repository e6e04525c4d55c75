import SpadixSupport
import Testing

@testable import SpadixOrder

@Suite struct PositionSetTests {
  private func positions<Positions: PositionSet>(_ set: Positions) -> [Int] {
    var result: [Int] = []
    set.forEach { result.append($0) }
    return result
  }

  private func check<Positions: PositionSet>(_: Positions.Type) {
    var random = SplitMix64(seed: 5)
    for _ in 0..<200 {
      let members = Set((0..<random.below(40)).map { _ in random.below(Positions.capacity) })
      let others = Set((0..<random.below(40)).map { _ in random.below(Positions.capacity) })
      let one = members.reduce(into: Positions()) { $0 |= Positions($1) }
      let other = others.reduce(into: Positions()) { $0 |= Positions($1) }
      #expect(positions(one) == members.sorted() && one.isEmpty == members.isEmpty)
      #expect(positions(one & ~other) == members.subtracting(others).sorted())
      #expect(positions(one | other) == members.union(others).sorted())
      let distance = random.below(Positions.capacity) - Positions.capacity / 2
      let moved = members.filter { (0..<Positions.capacity).contains($0 + distance) }
      let kept = moved.reduce(into: Positions()) { $0 |= Positions($1) }
      #expect(positions(kept.shifted(by: distance)) == moved.map { $0 + distance }.sorted())
    }
  }

  @Test func smallSetsEqualSwiftSets() { check(UInt128.self) }

  @Test func wideSetsEqualSwiftSets() { check(WidePositionSet.self) }

  /// One operator with 200 results, each read by one of the others, and the last one by two.
  @Test func moreThan128LiveTensorsAreSearched() {
    var tensors = (0...200).map { ScheduleProblem.Tensor(id: $0, name: "t", size: 1, bytes: 1, kind: .activation) }
    tensors[0].kind = .input
    let last = ScheduleProblem.TensorID(200)
    var ops = [
      ScheduleProblem.Operator(
        id: 0, name: "split", inputs: [ScheduleProblem.TensorID(0)],
        outputs: (1...200).map { ScheduleProblem.TensorID($0) })
    ]
    for number in 1...200 {
      tensors.append(ScheduleProblem.Tensor(id: 200 + number, name: "y", size: 0, bytes: 0, kind: .output))
      ops.append(
        ScheduleProblem.Operator(
          id: number, name: "read", inputs: [ScheduleProblem.TensorID(number), last],
          outputs: [ScheduleProblem.TensorID(200 + number)]))
    }
    let core = ScheduleCore(ScheduleProblem(name: "wide", tensors: tensors, operators: ops), scope: .all)
    let outcome = OrderSearch(core, capacity: 201).run(width: 4, cutoff: 1)
    #expect(outcome.cost == 0 && !outcome.hasTooManyLive && outcome.order?.count == core.count)
  }
}
