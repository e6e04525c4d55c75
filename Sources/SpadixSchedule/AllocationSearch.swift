import SpadixMIP

/// One depth-first search for a placement, with one static order and a node limit.
///
/// A class because the recursion changes the same arrays all the way down and undoes every change on its way up.
final class AllocationSearch {
  enum Outcome {
    case found
    case exhausted
    case limit
  }

  /// A range of sections and the buffers that live only there, all others in it being placed.
  private struct Part {
    var sections: Range<Int>
    /// Sorted by static rank.
    var buffers: [Int]
  }

  private enum Change {
    case minimum(buffer: Int, old: Int)
    case floor(section: Int, old: Int)
  }

  private let problem: AllocationProblem
  private let sections: AllocationSections
  private let overlaps: [[AllocationSections.Overlap]]
  private let options: AllocationSolver.Options
  private let cancellation: Cancellation?
  private var nodeLimit = 0
  private(set) var nodes = 0
  /// Offsets of the placed buffers, -1 for the others.
  private var offsets: [Int]
  private(set) var solution: [Int]
  /// The lowest offset that each unplaced buffer can still have.
  private var minimums: [Int]
  private var floors: [Int]
  private var totals: [Int]
  /// Unplaced buffers that cross from each section to the next.
  private var crossings: [Int]
  private var ranks: [Int] = []
  private var trail: [Change] = []

  init(
    _ problem: AllocationProblem, _ sections: AllocationSections, _ overlaps: [[AllocationSections.Overlap]],
    _ options: AllocationSolver.Options, _ cancellation: Cancellation?
  ) {
    self.problem = problem
    self.sections = sections
    self.overlaps = overlaps
    self.options = options
    self.cancellation = cancellation
    let count = problem.buffers.count
    offsets = [Int](repeating: -1, count: count)
    solution = [Int](repeating: 0, count: count)
    minimums = problem.buffers.map { $0.fixedOffset ?? 0 }
    floors = [Int](repeating: 0, count: sections.count)
    totals = sections.totals
    crossings = [Int](repeating: 0, count: max(0, sections.count))
  }

  /// Searches from the start; afterwards `solution` holds the offsets when found.
  func run(order: String, nodeLimit: Int) -> Outcome {
    self.nodeLimit = nodeLimit
    nodes = 0
    let ordered = staticOrder(order)
    ranks = [Int](repeating: 0, count: problem.buffers.count)
    for (rank, buffer) in ordered.enumerated() { ranks[buffer] = rank }
    crossings = [Int](repeating: 0, count: sections.count)
    var placeable: [Int] = []
    for buffer in ordered {
      guard let first = sections.spans[buffer].first, let last = sections.spans[buffer].last else {
        // It never takes anything: any offset inside the memory will do.
        solution[buffer] = problem.buffers[buffer].fixedOffset ?? 0
        continue
      }
      placeable.append(buffer)
      for section in first.section..<last.section { crossings[section] += 1 }
    }
    return split(Part(sections: 0..<sections.count, buffers: placeable), at: 0..<max(0, sections.count - 1))
  }

  private func staticOrder(_ order: String) -> [Int] {
    let buffers = problem.buffers
    let keys = buffers.indices.map { number -> [Int] in
      let buffer = buffers[number]
      let spans = sections.spans[number]
      return order.map { letter in
        switch letter {
        case "A": buffer.size.multipliedReportingOverflow(by: buffer.upper - buffer.lower).partialValue
        case "C": spans.isEmpty ? 0 : spans[spans.count - 1].section - spans[0].section
        case "L": buffer.lower
        case "O": overlaps[number].count
        case "T": spans.reduce(0) { max($0, sections.totals[$1.section]) }
        case "U": buffer.upper
        case "W": buffer.upper - buffer.lower
        default: buffer.size
        }
      }
    }
    return buffers.indices.sorted { left, right in
      for (one, other) in zip(keys[left], keys[right]) where one != other { return one > other }
      return left < right
    }
  }

  /// Splits a part after those of the given sections that nothing unplaced crosses, and searches each piece.
  private func split(_ part: Part, at candidates: Range<Int>, floor: (offset: Int, rank: Int)? = nil) -> Outcome {
    var cuts: [Int] = []
    if options.dynamicDecomposition || floor == nil {
      for section in candidates where crossings[section] == 0 { cuts.append(section + 1) }
    }
    if cuts.isEmpty { return search(part, after: floor ?? (0, -1)) }
    var start = part.sections.lowerBound
    cuts.append(part.sections.upperBound)
    for end in cuts where start < end {
      let inside = part.buffers.filter { buffer in
        guard offsets[buffer] < 0 else { return false }
        let spans = sections.spans[buffer]
        return spans[0].section >= start && spans[spans.count - 1].section < end
      }
      if !inside.isEmpty {
        // The pieces do not meet any more, so each begins its own order of offsets.
        let outcome = search(Part(sections: start..<end, buffers: inside), after: (0, -1))
        if outcome != .found { return outcome }
      }
      start = end
    }
    return .found
  }

  private func search(_ part: Part, after previous: (offset: Int, rank: Int)) -> Outcome {
    if nodes >= nodeLimit || cancellation?.isCancelled == true { return .limit }
    nodes += 1
    // Nothing may lie at or above the lowest top that some unplaced buffer can have: that one would fit below.
    var lowestTop = Int.max
    var unplaced = 0
    for buffer in part.buffers where offsets[buffer] < 0 {
      unplaced += 1
      lowestTop = min(lowestTop, minimums[buffer] + problem.buffers[buffer].size)
    }
    if unplaced == 0 {
      for buffer in part.buffers { solution[buffer] = offsets[buffer] }
      return .found
    }
    var candidates: [Int] = []
    for buffer in part.buffers where offsets[buffer] < 0 {
      let offset = minimums[buffer]
      if options.canonicalOnly, offset < previous.offset || (offset == previous.offset && ranks[buffer] < previous.rank)
      {
        continue
      }
      if options.checkDominance, offset >= lowestTop { continue }
      candidates.append(buffer)
    }
    // Part buffers are in rank order, and the sort is stable in effect through the rank.
    candidates.sort { (minimums[$0], ranks[$0]) < (minimums[$1], ranks[$1]) }
    for buffer in candidates {
      let mark = trail.count
      let spans = sections.spans[buffer]
      let offset = minimums[buffer]
      offsets[buffer] = offset
      let (hatless, possible) = place(buffer, at: offset)
      var outcome = Outcome.exhausted
      if possible, canHoldRest(part, from: offset) {
        let inner = spans[0].section..<spans[spans.count - 1].section
        for section in inner { crossings[section] -= 1 }
        outcome = split(part, at: inner, floor: (offset, ranks[buffer]))
        if outcome == .found { solution[buffer] = offset }
        for section in inner { crossings[section] += 1 }
      }
      undo(to: mark)
      for span in spans { totals[span.section] += span.upper - span.lower }
      offsets[buffer] = -1
      if outcome != .exhausted { return outcome }
      if hatless, options.hatlessPruning { break }
    }
    return .exhausted
  }

  /// Raises floors and minimums for a buffer placed at an offset.
  private func place(_ buffer: Int, at offset: Int) -> (hatless: Bool, possible: Bool) {
    var hatless = true
    var possible = true
    for span in sections.spans[buffer] {
      trail.append(.floor(section: span.section, old: floors[span.section]))
      floors[span.section] = max(floors[span.section], offset + span.upper)
      totals[span.section] -= span.upper - span.lower
    }
    var firstAffected = Int.max
    var lastAffected = -1
    for overlap in overlaps[buffer] where offsets[overlap.buffer] < 0 {
      hatless = false
      let other = problem.buffers[overlap.buffer]
      let lowest = offset + overlap.distance
      guard lowest > minimums[overlap.buffer] else { continue }
      trail.append(.minimum(buffer: overlap.buffer, old: minimums[overlap.buffer]))
      let aligned = (lowest + other.alignment - 1) / other.alignment * other.alignment
      minimums[overlap.buffer] = aligned
      if let fixed = other.fixedOffset, aligned > fixed { possible = false }
      if aligned > problem.capacity - other.size { possible = false }
      let spans = sections.spans[overlap.buffer]
      firstAffected = min(firstAffected, spans[0].section)
      lastAffected = max(lastAffected, spans[spans.count - 1].section)
    }
    if possible, options.unallocatedFloor, firstAffected <= lastAffected {
      for section in firstAffected...lastAffected where totals[section] > 0 { raiseFloor(section) }
    }
    return (hatless, possible)
  }

  private func raiseFloor(_ section: Int) {
    var lowest = Int.max
    let floor = floors[section]
    for member in sections.members[section] where offsets[member] < 0 {
      lowest = min(lowest, minimums[member])
      if lowest <= floor { return }
    }
    if lowest != Int.max, lowest > floor {
      trail.append(.floor(section: section, old: floor))
      floors[section] = lowest
    }
  }

  private func canHoldRest(_ part: Part, from offset: Int) -> Bool {
    for section in part.sections where totals[section] > 0 {
      let floor = max(floors[section], offset)
      if floor + (options.sectionInference ? totals[section] : 0) > problem.capacity { return false }
    }
    return true
  }

  private func undo(to mark: Int) {
    while trail.count > mark {
      switch trail.removeLast() {
      case .minimum(let buffer, let old): minimums[buffer] = old
      case .floor(let section, let old): floors[section] = old
      }
    }
  }
}
