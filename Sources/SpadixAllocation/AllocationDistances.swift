/// How far apart the offsets of two buffers may be, for every two that ever take units in the same section.
///
/// A buffer that takes only a window in some section may have another one inside its own extent, above it in one section
/// and below it in the next. So the allowed distances are not just "above" and "below" but a list of intervals, which
/// says all there is to know about the two.
struct AllocationDistances {
  /// Far beyond every sum of offsets and sizes, which are below 2^40.
  static let unbounded = 1 << 50

  struct Interval: Equatable {
    var low: Int
    var high: Int
  }

  struct Pair {
    var first: Int
    var second: Int
    /// Offset of the second less that of the first, ascending; neither adjacent nor empty.
    var allowed: [Interval]

    /// The lowest offset from one on that one of the two can have beside the other.
    func lowestOffset(of buffer: Int, from offset: Int, beside other: Int) -> Int {
      if buffer == second {
        // The last interval has no upper end.
        let interval = allowed.first { $0.high >= offset - other }
        return max(offset, other + (interval?.low ?? 0))
      }
      let interval = allowed.last { $0.low <= other - offset }
      return max(offset, other - (interval?.high ?? 0))
    }
  }

  private(set) var pairs: [Pair] = []
  /// For each buffer its pairs, as indices.
  private(set) var pairsOfBuffer: [[Int]]

  /// Quadratic in the buffers of a section.
  init(_ sections: AllocationSections) {
    pairsOfBuffer = [[Int]](repeating: [], count: sections.spans.count)
    for first in sections.spans.indices {
      var forbidden: [Int: [Interval]] = [:]
      for span in sections.spans[first] {
        for second in sections.members[span.section] where second > first {
          let other = sections.span(of: second, in: span.section)
          // The second may begin where the first ends, and end where the first begins.
          forbidden[second, default: []].append(
            Interval(low: span.lower - other.upper + 1, high: span.upper - other.lower - 1))
        }
      }
      for second in forbidden.keys.sorted() {
        pairsOfBuffer[first].append(pairs.count)
        pairsOfBuffer[second].append(pairs.count)
        pairs.append(
          Pair(first: first, second: second, allowed: Self.complement(forbidden[second] ?? [])))
      }
    }
  }

  /// What lies between the intervals, and beyond them on both sides.
  static func complement(_ intervals: [Interval]) -> [Interval] {
    var result: [Interval] = []
    var next = -unbounded
    for interval in intervals.sorted(by: { $0.low < $1.low }) {
      if interval.low > next { result.append(Interval(low: next, high: interval.low - 1)) }
      next = max(next, interval.high + 1)
    }
    result.append(Interval(low: next, high: unbounded))
    return result
  }
}
