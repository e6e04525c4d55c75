/// Rows that are given out lowest first, highest first below a ceiling, or those that have been free for longest. What does
/// not fit below the ceiling lies beyond it, without an end.
struct RowArena {
  /// Free rows, and when they became so.
  private struct Hole {
    var rows: Range<Int>
    var since: Int
  }

  /// Ascending. Holes next to each other are one, but for those of different ages where these count. From `open` on,
  /// everything is free.
  private var holes: [Hole] = []
  private var open: Int
  private let ceiling: Int
  private let givesOldest: Bool
  /// The end of what was given out last.
  private var turn = 0
  /// The end of what was ever given out.
  private(set) var end = 0
  /// Rows that are given out, and the most that were at once.
  private var inUse = 0
  private(set) var most = 0

  init(ceiling: Int, givesOldest: Bool = false) {
    self.ceiling = ceiling
    self.givesOldest = givesOldest
    open = ceiling
    if ceiling > 0 { holes.append(Hole(rows: 0..<ceiling, since: -1)) }
  }

  /// Takes rows for good, before others are given out.
  mutating func reserve(_ rows: Range<Int>) {
    if rows.isEmpty { return }
    if rows.upperBound > open {
      let added = open..<rows.upperBound
      open = rows.upperBound
      inUse += added.count
      give(added, at: -1)
    }
    take(rows, of: holes.firstIndex { $0.rows.upperBound >= rows.upperBound }!)
    end = max(end, rows.upperBound)
  }

  mutating func take(_ count: Int, fromTop: Bool) -> Int {
    let first = givesOldest ? placeOldest(count) ?? placeBeyond(count) : place(count, fromTop: fromTop)
    turn = first + count
    end = max(end, first + count)
    inUse += count
    most = max(most, inUse)
    return first
  }

  /// The rows that have been free for longest, and of those the first behind what was given out last: loads of the next
  /// strip then need not wait until this one has used its rows. Nil where there are none below the ceiling.
  private mutating func placeOldest(_ count: Int) -> Int? {
    var best: (since: Int, isBefore: Bool, first: Int)?
    for index in holes.indices {
      let first = holes[index].rows.lowerBound
      var last = index
      var since = holes[index].since
      while holes[last].rows.upperBound - first < count, last + 1 < holes.count,
        holes[last + 1].rows.lowerBound == holes[last].rows.upperBound
      {
        last += 1
        since = max(since, holes[last].since)
      }
      if min(holes[last].rows.upperBound, ceiling) - first < count { continue }
      let found = (since, first < turn, first)
      if best == nil || (found.0, found.1 ? 1 : 0, found.2) < (best!.since, best!.isBefore ? 1 : 0, best!.first) {
        best = found
      }
    }
    guard let best else { return nil }
    var index = holes.firstIndex { $0.rows.lowerBound == best.first }!
    var first = best.first
    let end = first + count
    while first < end {
      let part = first..<min(end, holes[index].rows.upperBound)
      let isWhole = part == holes[index].rows
      take(part, of: index)
      if !isWhole { index += 1 }
      first = part.upperBound
    }
    return best.first
  }

  private mutating func place(_ count: Int, fromTop: Bool) -> Int {
    if fromTop, let index = holes.lastIndex(where: { min($0.rows.upperBound, ceiling) - $0.rows.lowerBound >= count }) {
      let first = min(holes[index].rows.upperBound, ceiling) - count
      take(first..<first + count, of: index)
      return first
    }
    if let index = holes.firstIndex(where: { $0.rows.count >= count }) {
      let first = holes[index].rows.lowerBound
      take(first..<first + count, of: index)
      return first
    }
    return placeBeyond(count)
  }

  /// The last hole may reach what is open: it grows.
  private mutating func placeBeyond(_ count: Int) -> Int {
    let first: Int
    if let last = holes.last, last.rows.upperBound == open, last.rows.count < count {
      first = last.rows.lowerBound
      holes.removeLast()
    } else {
      first = open
    }
    open = first + count
    return first
  }

  private mutating func take(_ rows: Range<Int>, of index: Int) {
    let hole = holes[index]
    var (below, above) = (hole, hole)
    below.rows = hole.rows.lowerBound..<rows.lowerBound
    above.rows = rows.upperBound..<hole.rows.upperBound
    holes.replaceSubrange(index...index, with: [below, above].filter { !$0.rows.isEmpty })
  }

  /// - Parameter time: grows from call to call.
  mutating func give(_ rows: Range<Int>, at time: Int) {
    if rows.isEmpty { return }
    inUse -= rows.count
    var index = holes.firstIndex { $0.rows.lowerBound > rows.lowerBound } ?? holes.count
    var hole = Hole(rows: rows, since: time)
    func joins(_ other: Hole) -> Bool { !givesOldest || other.since == time }
    if index < holes.count, holes[index].rows.lowerBound == hole.rows.upperBound, joins(holes[index]) {
      hole.rows = hole.rows.lowerBound..<holes[index].rows.upperBound
      holes.remove(at: index)
    }
    if index > 0, holes[index - 1].rows.upperBound == hole.rows.lowerBound, joins(holes[index - 1]) {
      index -= 1
      hole.rows = holes[index].rows.lowerBound..<hole.rows.upperBound
      holes.remove(at: index)
    }
    holes.insert(hole, at: index)
  }
}
