/// Elementary intervals of steps between which no buffer begins, ends or changes what it takes.
struct AllocationSections {
  /// What a buffer takes in one section, relative to its offset.
  struct Span: Equatable {
    var section: Int
    var lower: Int
    var upper: Int
  }

  /// A buffer that shares a section with another, and how far above that other one's offset it lies at least when it
  /// lies above.
  struct Overlap {
    var buffer: Int
    var distance: Int
  }

  var count: Int
  /// Units of all buffers in each section.
  var totals: [Int]
  /// The buffers of each section.
  var members: [[Int]]
  /// The sections that each buffer takes something in, ascending.
  var spans: [[Span]]
  /// Whether a buffer takes the same in all of its sections, and these follow each other.
  private var isPlain: [Bool]

  init(_ problem: AllocationProblem) {
    let buffers = problem.buffers
    var steps: Set<Int> = []
    for buffer in buffers {
      steps.insert(buffer.lower)
      steps.insert(buffer.upper)
      for gap in buffer.gaps {
        steps.insert(gap.lower)
        steps.insert(gap.upper)
      }
    }
    let starts = steps.sorted()
    let sections = max(0, starts.count - 1)
    func index(of step: Int) -> Int {
      var low = 0
      var high = starts.count
      while low < high {
        let middle = (low + high) / 2
        if starts[middle] < step { low = middle + 1 } else { high = middle }
      }
      return low
    }
    var totals = [Int](repeating: 0, count: sections)
    var members = [[Int]](repeating: [], count: sections)
    var spans: [[Span]] = []
    for (number, buffer) in buffers.enumerated() {
      var own: [Span] = []
      if buffer.lower < buffer.upper, buffer.size > 0 {
        for section in index(of: buffer.lower)..<index(of: buffer.upper) {
          let gap = buffer.gaps.first { $0.lower <= starts[section] && starts[section] < $0.upper }
          guard let taken = gap == nil ? 0..<buffer.size : gap?.window, !taken.isEmpty else { continue }
          own.append(Span(section: section, lower: taken.lowerBound, upper: taken.upperBound))
          totals[section] += taken.count
          members[section].append(number)
        }
      }
      spans.append(own)
    }
    count = sections
    self.totals = totals
    self.members = members
    self.spans = spans
    isPlain = buffers.map(\.gaps.isEmpty)
  }

  /// For each buffer the buffers it meets, in ascending order.
  func overlaps() -> [[Overlap]] {
    var begins = [[Int]](repeating: [], count: count)
    var others = [[Int]](repeating: [], count: count)
    for number in spans.indices {
      if isPlain[number] {
        if let first = spans[number].first { begins[first.section].append(number) }
      } else {
        for span in spans[number] { others[span.section].append(number) }
      }
    }
    var distance = [Int](repeating: Int.min, count: spans.count)
    return spans.indices.map { number in
      var met: [Int] = []
      func meet(_ other: Int, _ span: Span) {
        if other == number { return }
        if distance[other] == Int.min { met.append(other) }
        let lower = isPlain[other] ? 0 : self.span(of: other, in: span.section).lower
        distance[other] = max(distance[other], span.upper - lower)
      }
      for (index, span) in spans[number].enumerated() {
        if index == 0 || !isPlain[number] {
          for other in members[span.section] { meet(other, span) }
        } else {
          // Two plain ones meet where one of them begins.
          for other in begins[span.section] { meet(other, span) }
          for other in others[span.section] { meet(other, span) }
        }
      }
      met.sort()
      return met.map { other in
        defer { distance[other] = Int.min }
        return Overlap(buffer: other, distance: distance[other])
      }
    }
  }

  func span(of buffer: Int, in section: Int) -> Span { Self.span(in: spans[buffer], section: section) }

  /// The span of a section among those of a buffer that takes something there.
  static func span(in spans: [Span], section: Int) -> Span {
    var low = 0
    var high = spans.count - 1
    while low < high {
      let middle = (low + high) / 2
      if spans[middle].section < section { low = middle + 1 } else { high = middle }
    }
    return spans[low]
  }
}
