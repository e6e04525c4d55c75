/// Rows that are given out lowest first, highest first below a ceiling, or in turn: behind those that were given out last,
/// and from the lowest again. What does not fit below the ceiling lies beyond it, without an end.
struct RowArena {
  /// Ascending, none of them next to another; from `open` on, everything is free.
  private var holes: [Range<Int>] = []
  private var open: Int
  private let ceiling: Int
  private let givesInTurn: Bool
  /// The end of what was given out last.
  private var turn = 0
  /// The end of what was ever given out.
  private(set) var end = 0
  /// Rows that are given out, and the most that were at once.
  private var inUse = 0
  private(set) var most = 0

  init(ceiling: Int, givesInTurn: Bool = false) {
    self.ceiling = ceiling
    self.givesInTurn = givesInTurn
    open = ceiling
    if ceiling > 0 { holes.append(0..<ceiling) }
  }

  /// Rows that are not given out, ascending, without an end.
  var free: [Range<Int>] { holes + [open..<Int.max] }

  /// Takes rows for good, before others are given out.
  mutating func reserve(_ rows: Range<Int>) {
    if rows.isEmpty { return }
    if rows.upperBound > open {
      let added = open..<rows.upperBound
      open = rows.upperBound
      inUse += added.count
      give(added)
    }
    take(rows, of: holes.firstIndex { $0.upperBound >= rows.upperBound }!)
    end = max(end, rows.upperBound)
  }

  /// As `take`, but nothing beyond the ceiling.
  mutating func takeBelow(_ count: Int) -> Int? {
    guard holes.contains(where: { min($0.upperBound, ceiling) - $0.lowerBound >= count }) else { return nil }
    return take(count, fromTop: false)
  }

  mutating func take(_ count: Int, fromTop: Bool) -> Int {
    let first = placeInTurn(count) ?? place(count, fromTop: fromTop)
    turn = first + count
    end = max(end, first + count)
    inUse += count
    most = max(most, inUse)
    return first
  }

  /// Nil where rows are not given out in turn, or none that fit are behind the last ones.
  private mutating func placeInTurn(_ count: Int) -> Int? {
    guard givesInTurn else { return nil }
    func first(_ hole: Range<Int>) -> Int { max(turn, hole.lowerBound) }
    guard let index = holes.firstIndex(where: { first($0) + count <= min($0.upperBound, ceiling) }) else { return nil }
    let start = first(holes[index])
    take(start..<start + count, of: index)
    return start
  }

  private mutating func place(_ count: Int, fromTop: Bool) -> Int {
    if fromTop, let index = holes.lastIndex(where: { min($0.upperBound, ceiling) - $0.lowerBound >= count }) {
      let first = min(holes[index].upperBound, ceiling) - count
      take(first..<first + count, of: index)
      return first
    }
    if let index = holes.firstIndex(where: { $0.count >= count }) {
      let first = holes[index].lowerBound
      take(first..<first + count, of: index)
      return first
    }
    // The last hole may reach what is open: it grows.
    let first: Int
    if let last = holes.last, last.upperBound == open {
      first = last.lowerBound
      holes.removeLast()
    } else {
      first = open
    }
    open = first + count
    return first
  }

  private mutating func take(_ rows: Range<Int>, of index: Int) {
    let hole = holes[index]
    let (below, above) = (hole.lowerBound..<rows.lowerBound, rows.upperBound..<hole.upperBound)
    switch (below.isEmpty, above.isEmpty) {
    case (true, true): holes.remove(at: index)
    case (true, false): holes[index] = above
    case (false, true): holes[index] = below
    case (false, false):
      holes[index] = below
      holes.insert(above, at: index + 1)
    }
  }

  mutating func give(_ rows: Range<Int>) {
    if rows.isEmpty { return }
    inUse -= rows.count
    var index = holes.firstIndex { $0.lowerBound > rows.lowerBound } ?? holes.count
    var hole = rows
    if index < holes.count, holes[index].lowerBound == hole.upperBound {
      hole = hole.lowerBound..<holes[index].upperBound
      holes.remove(at: index)
    }
    if index > 0, holes[index - 1].upperBound == hole.lowerBound {
      index -= 1
      hole = holes[index].lowerBound..<hole.upperBound
      holes.remove(at: index)
    }
    holes.insert(hole, at: index)
  }
}
