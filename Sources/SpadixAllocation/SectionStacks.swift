import SpadixSupport

/// How high the buffers of one section must stack at least, by themselves, when their alignments and fixed offsets leave
/// holes between them whatever their order.
///
/// Exact for a section: the least top of every subset of its buffers, from those of the subsets with one buffer less.
enum SectionStacks {
  /// Sections of more buffers have too many subsets.
  private static let largestSection = 18

  /// Subsets looked at over all sections.
  private static let largestEffort = 1 << 24

  /// The largest such height of any section looked at: fullest first, and only where alignments matter.
  static func leastCapacity(_ problem: AllocationProblem, _ sections: AllocationSections) -> Int {
    var effort = 0
    var best = 0
    let order = (0..<sections.count).sorted { (sections.totals[$0], $1) > (sections.totals[$1], $0) }
    for section in order {
      let members = sections.members[section]
      let isBound = members.contains { problem.buffers[$0].alignment > 1 || problem.buffers[$0].fixedOffset != nil }
      guard isBound, members.count <= largestSection else { continue }
      effort += members.count << members.count
      if effort > largestEffort { break }
      best = max(best, height(members, problem, sections, section))
    }
    return best
  }

  private static func height(
    _ members: [Int], _ problem: AllocationProblem, _ sections: AllocationSections, _ section: Int
  ) -> Int {
    let spans = members.map { sections.span(of: $0, in: section) }
    // No subset ends here when two fixed buffers are in each other's way.
    let impossible = problem.capacity + 1
    var tops = [Int](repeating: impossible, count: 1 << members.count)
    tops[0] = 0
    for subset in 1..<tops.count {
      var rest = subset
      while rest != 0 {
        let number = rest.trailingZeroBitCount
        rest &= rest - 1
        let below = tops[subset & ~(1 << number)]
        let buffer = problem.buffers[members[number]]
        let span = spans[number]
        // The lowest offset at which what the buffer takes begins above the others.
        let lowest = max(0, below - span.lower)
        var offset = roundUp(lowest, toMultipleOf: buffer.alignment)
        if let fixed = buffer.fixedOffset { offset = fixed >= lowest ? fixed : impossible }
        tops[subset] = min(tops[subset], offset + span.upper)
      }
    }
    return min(tops[tops.count - 1], impossible)
  }
}
