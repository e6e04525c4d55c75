import SpadixSupport
import Testing

@testable import SpadixOrder

@Suite struct RoomTests {
  /// Never above the cheapest set that is large enough, never below the one whose last member leaves in part, and often above
  /// that; what is visited is as large as was asked for, or larger where it has to be.
  @Test func boundsEverySetThatMakesRoom() {
    var random = SplitMix64(seed: 7)
    var higher = 0
    for _ in 0..<500 {
      let items = (0..<8).map { _ in (size: 1 + random.below(9), price: random.below(20)) }
      let needed = 1 + random.below(items.reduce(0) { $0 + $1.size })
      var room = Room(most: items.count)
      for (number, item) in items.enumerated() {
        room.insert(number, size: Double(item.size), price: Double(item.price))
      }
      var visited = 0.0
      let found = room.leastPrice(ofSize: Double(needed)) { visited += Double(items[$0].size) * $1 }
      let sets = (0..<1 << items.count).map { bits in items.indices.filter { bits >> $0 & 1 == 1 } }
      let least =
        sets.filter { $0.reduce(0) { $0 + items[$1].size } >= needed }
        .map { $0.reduce(0) { $0 + items[$1].price } }.min() ?? 0
      var (inPart, left) = (0.0, needed)
      for item in items.sorted(by: { $0.price * $1.size < $1.price * $0.size }) {
        let part = min(item.size, left)
        inPart += Double(item.price) * Double(part) / Double(item.size)
        left -= part
      }
      #expect(found <= Double(least) + 1e-9)
      #expect(found >= inPart - 1e-9)
      #expect(visited >= Double(needed) - 1e-9)
      higher += found > inPart + 1e-9 ? 1 : 0
    }
    #expect(higher > 200, "\(higher) above what leaves in part")
  }
}
