/// Ranks buffers by a list of criteria, each from most to least: A area, C sections, L lower, T largest total of what is
/// still to be placed in a section, U upper, W width, Z size.
struct AllocationRanking {
  private let criteria: [Character]
  /// For each buffer a value per criterion; that of T changes and is left at 0.
  private let values: [[Int]]
  private let sections: [Range<Int>]

  init(order: String, _ problem: AllocationProblem, _ sections: AllocationSections) {
    criteria = Array(order)
    let ranges = sections.spans.map { spans -> Range<Int> in
      guard let first = spans.first, let last = spans.last else { return 0..<0 }
      return first.section..<last.section + 1
    }
    values = problem.buffers.indices.map { number in
      let buffer = problem.buffers[number]
      return order.map { letter in
        switch letter {
        case "A": buffer.size.multipliedReportingOverflow(by: buffer.upper - buffer.lower).partialValue
        case "C": ranges[number].count
        case "L": buffer.lower
        case "U": buffer.upper
        case "W": buffer.upper - buffer.lower
        case "Z": buffer.size
        default: 0
        }
      }
    }
    self.sections = ranges
  }

  /// Some of the buffers, first ranks first. Ties go to the lower number.
  func sorted(_ buffers: [Int], totals: UnsafePointer<Int>) -> [Int] {
    let total = criteria.firstIndex(of: "T")
    let keyed = buffers.map { buffer -> (buffer: Int, keys: [Int]) in
      var keys = values[buffer]
      if let total { keys[total] = sections[buffer].reduce(0) { max($0, totals[$1]) } }
      return (buffer, keys)
    }
    return keyed.sorted { left, right in
      for (one, other) in zip(left.keys, right.keys) where one != other { return one > other }
      return left.buffer < right.buffer
    }.map(\.buffer)
  }
}
