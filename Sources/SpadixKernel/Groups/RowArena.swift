/// Rows that are given out lowest first, or highest first below a ceiling. What does not fit below the ceiling lies beyond it,
/// without an end.
struct RowArena {
  /// Ascending, none of them next to another; from `open` on, everything is free.
  private var holes: [Range<Int>] = []
  private var open: Int
  private let ceiling: Int
  /// The end of what was ever given out.
  private(set) var end = 0
  /// Rows that are given out, and the most that were at once.
  private var inUse = 0
  private(set) var most = 0

  init(ceiling: Int) {
    self.ceiling = ceiling
    open = ceiling
    if ceiling > 0 { holes.append(0..<ceiling) }
  }

  mutating func take(_ count: Int, fromTop: Bool) -> Int {
    let first = place(count, fromTop: fromTop)
    end = max(end, first + count)
    inUse += count
    most = max(most, inUse)
    return first
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
