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
  }

  /// For each buffer the buffers it meets, in ascending order. Quadratic in the buffers of a section.
  func overlaps() -> [[Overlap]] {
    spans.indices.map { number in
      var distance: [Int: Int] = [:]
      for span in spans[number] {
        for other in members[span.section] where other != number {
          let needed = span.upper - self.span(of: other, in: span.section).lower
          distance[other] = max(distance[other] ?? Int.min, needed)
        }
      }
      return distance.keys.sorted().map { Overlap(buffer: $0, distance: distance[$0] ?? 0) }
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
