/// The tensors that may make room beside an operator, cheapest for their size first.
struct Room {
  private struct Item {
    var place: Int
    var size: Double
    var price: Double
    var ratio: Double
  }

  private var count = 0
  private var items: [Item]

  /// - Parameter most: how many there are at most.
  init(most: Int) { items = [Item](repeating: Item(place: 0, size: 0, price: 0, ratio: 0), count: most) }

  mutating func removeAll() { count = 0 }

  @inline(__always)
  mutating func insert(_ place: Int, size: Double, price: Double) {
    let ratio = price / size
    var index = count
    while index > 0, items[index - 1].ratio > ratio {
      items[index] = items[index - 1]
      index -= 1
    }
    items[index] = Item(place: place, size: size, price: price, ratio: ratio)
    count += 1
  }

  /// Writes all places to a list, in their order.
  @inline(__always)
  func writePlaces(to list: inout [Int32], from start: Int) {
    for index in 0..<count { list[start + index] = Int32(items[index].place) }
  }

  /// What tensors of so much size together cost at least (Martello and Toth's bound, for a knapsack to be filled): of the
  /// cheapest for their size, either the last one that is needed stays, and others leave for it, the last in part; or it
  /// leaves, and of those before it the dearest stay, the last in part.
  ///
  /// - Parameter visit: told places, and how much of them leaves.
  @inline(__always)
  func leastPrice(ofSize size: Double, _ visit: (_ place: Int, _ part: Double) -> Void) -> Double {
    var cost = 0.0
    var left = size
    var last = 0
    while last < count, items[last].size <= left {
      cost += items[last].price
      left -= items[last].size
      last += 1
    }
    if left <= 0 || last == count {
      for item in items[..<last] { visit(item.place, 1) }
      return cost
    }
    // Without it: those that follow.
    var without = cost
    var missing = left
    var following = last + 1
    while following < count, items[following].size < missing {
      without += items[following].price
      missing -= items[following].size
      following += 1
    }
    without = following < count ? without + items[following].ratio * missing : .infinity
    // With it: all of those before it but what is too much.
    var with = cost + items[last].price
    var surplus = items[last].size - left
    var preceding = last - 1
    while preceding >= 0, items[preceding].size < surplus {
      with -= items[preceding].price
      surplus -= items[preceding].size
      preceding -= 1
    }
    if preceding >= 0 { with -= items[preceding].ratio * surplus }
    if without < with {
      for item in items[..<last] { visit(item.place, 1) }
      for item in items[(last + 1)..<following] { visit(item.place, 1) }
      visit(items[following].place, missing / items[following].size)
    } else {
      for item in items[..<max(0, preceding)] { visit(item.place, 1) }
      if preceding >= 0 { visit(items[preceding].place, 1 - surplus / items[preceding].size) }
      visit(items[last].place, 1)
    }
    return min(with, without)
  }
}
