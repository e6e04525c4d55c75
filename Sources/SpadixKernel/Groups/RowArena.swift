/// Rows that are given out lowest first, without an end.
struct RowArena {
  /// Ascending, none of them next to another; beyond the last, everything is free.
  private var holes: [Range<Int>] = []
  /// The end of what was ever given out.
  private(set) var end = 0

  mutating func take(_ count: Int) -> Int {
    if let index = holes.firstIndex(where: { $0.count >= count }) {
      let hole = holes[index]
      if hole.count == count {
        holes.remove(at: index)
      } else {
        holes[index] = hole.lowerBound + count..<hole.upperBound
      }
      return hole.lowerBound
    }
    // The last hole may reach the end: it grows.
    let first: Int
    if let last = holes.last, last.upperBound == end {
      first = last.lowerBound
      holes.removeLast()
    } else {
      first = end
    }
    end = first + count
    return first
  }

  mutating func give(_ rows: Range<Int>) {
    if rows.isEmpty { return }
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
