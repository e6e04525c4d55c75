import SpadixSupport

/// One depth-first search for a placement, with one order of ranks and a node limit.
///
/// The innermost loops of the allocator: numbers lie in flat memory, and every change is undone on the way up. What changes
/// in them is not checked for exclusive access at run time, which would take a third of the time: nothing else has it.
final class AllocationSearch {
  enum Outcome {
    case found
    case exhausted
    case limit
  }

  private let tables: AllocationTables
  private let capacity: Int
  private let options: AllocationSolver.Options
  private let cancellation: Cancellation?
  private var nodeLimit = 0
  private var ranking: (_ buffers: [Int], _ totals: UnsafePointer<Int>) -> [Int] = { buffers, _ in buffers }
  private var effortLimit = 0
  @exclusivity(unchecked)
  private(set) var nodes = 0
  /// Elementary steps, of about a nanosecond each.
  @exclusivity(unchecked)
  private(set) var effort = 0

  /// Offsets of the placed buffers, -1 for the others.
  private let offsets: UnsafeMutablePointer<Int>
  private let found: UnsafeMutablePointer<Int>
  /// The lowest offset that each unplaced buffer can still have.
  private let minimums: UnsafeMutablePointer<Int>
  private let ranks: UnsafeMutablePointer<Int>
  private let floors: UnsafeMutablePointer<Int>
  /// For each section a buffer that was unplaced and at its floor when last looked for; -1 at first.
  private let lowest: UnsafeMutablePointer<Int>
  /// Units still to be placed in each section.
  private let totals: UnsafeMutablePointer<Int>
  /// Unplaced buffers that cross from each section to the next.
  private let crossings: UnsafeMutablePointer<Int>

  /// What was changed, to be undone: a buffer's minimum, or, counted from the buffer count on, a section's floor.
  private let trail = Stack<(index: Int, old: Int)>()
  /// The unplaced buffers of the parts that are being searched, one part after the other, each in the order of its ranks.
  private let parts = Stack<Int>()
  /// Candidates of the levels of the recursion, one level after the other.
  private let candidates = Stack<Int>()

  /// The offsets after a search that found a placement.
  var solution: [Int] { (0..<tables.count).map { found[$0] } }

  init(
    _ tables: AllocationTables, capacity: Int, options: AllocationSolver.Options, cancellation: Cancellation?
  ) {
    self.tables = tables
    self.capacity = capacity
    self.options = options
    self.cancellation = cancellation
    func memory(_ count: Int, _ value: Int) -> UnsafeMutablePointer<Int> {
      let pointer = UnsafeMutablePointer<Int>.allocate(capacity: max(1, count))
      pointer.initialize(repeating: value, count: count)
      return pointer
    }
    offsets = memory(tables.count, -1)
    found = memory(tables.count, 0)
    minimums = memory(tables.count, 0)
    ranks = memory(tables.count, 0)
    floors = memory(tables.sectionCount, 0)
    lowest = memory(tables.sectionCount, -1)
    totals = memory(tables.sectionCount, 0)
    crossings = memory(tables.sectionCount, 0)
  }

  deinit {
    for pointer in [offsets, found, minimums, ranks, floors, lowest, totals, crossings] { pointer.deallocate() }
  }

  /// Searches from the start with the buffers of each part ranked by a function of them and the sections' totals.
  func run(
    nodeLimit: Int, effortLimit: Int, ranking: @escaping (_ buffers: [Int], _ totals: UnsafePointer<Int>) -> [Int]
  ) -> Outcome {
    self.nodeLimit = nodeLimit
    self.effortLimit = effortLimit
    self.ranking = ranking
    nodes = 0
    effort = 0
    trail.truncate(to: 0)
    parts.truncate(to: 0)
    candidates.truncate(to: 0)
    for section in 0..<tables.sectionCount {
      floors[section] = 0
      totals[section] = tables.totals[section]
      crossings[section] = 0
    }
    for (rank, buffer) in ranking(Array(0..<tables.count), totals).enumerated() {
      offsets[buffer] = -1
      ranks[buffer] = rank
      minimums[buffer] = tables.fixed[buffer] >= 0 ? tables.fixed[buffer] : 0
      found[buffer] = minimums[buffer]
      // A buffer that never takes anything has any offset inside the memory.
      guard tables.firstSection[buffer] >= 0 else { continue }
      parts.append(buffer)
      for section in tables.firstSection[buffer]..<tables.lastSection[buffer] { crossings[section] += 1 }
    }
    return split(
      0..<tables.sectionCount, buffers: 0..<parts.count, at: 0..<max(0, tables.sectionCount - 1), after: nil)
  }

  /// Splits a part after those of the given sections that nothing unplaced crosses, and searches each piece.
  private func split(
    _ sections: Range<Int>, buffers: Range<Int>, at places: Range<Int>, after previous: (offset: Int, rank: Int)?
  ) -> Outcome {
    var start = sections.lowerBound
    var hasSplit = false
    if options.dynamicDecomposition || previous == nil {
      for section in places where crossings[section] == 0 {
        hasSplit = true
        let outcome = searchPiece(start..<section + 1, of: buffers)
        if outcome != .found { return outcome }
        start = section + 1
      }
    }
    if !hasSplit { return search(sections, buffers: buffers, after: previous ?? (0, -1)) }
    return searchPiece(start..<sections.upperBound, of: buffers)
  }

  /// Searches the unplaced buffers of a part that live in some of its sections. They meet no others any more, so they
  /// begin their own order of offsets, and are ranked by what is left to be placed.
  private func searchPiece(_ sections: Range<Int>, of buffers: Range<Int>) -> Outcome {
    let start = parts.count
    for position in buffers {
      let buffer = parts[position]
      if offsets[buffer] < 0, sections.contains(tables.firstSection[buffer]) { parts.append(buffer) }
    }
    if parts.count == start { return .found }
    let piece = start..<parts.count
    let before = piece.map { (buffer: parts[$0], rank: ranks[parts[$0]]) }
    for (rank, buffer) in ranking(before.map(\.buffer), totals).enumerated() {
      parts[start + rank] = buffer
      ranks[buffer] = rank
    }
    let outcome = search(sections, buffers: piece, after: (0, -1))
    for (buffer, rank) in before { ranks[buffer] = rank }
    parts.truncate(to: start)
    return outcome
  }

  private func search(
    _ sections: Range<Int>, buffers: Range<Int>, after previous: (offset: Int, rank: Int)
  ) -> Outcome {
    if nodes >= nodeLimit || effort >= effortLimit || cancellation?.isCancelled == true { return .limit }
    nodes += 1
    effort += 50 + 2 * buffers.count
    // Nothing may lie at or above the lowest top that some unplaced buffer can have: that one would fit below.
    var lowestTop = Int.max
    for position in buffers {
      let buffer = parts[position]
      if offsets[buffer] < 0 { lowestTop = min(lowestTop, minimums[buffer] + tables.size[buffer]) }
    }
    if lowestTop == Int.max {
      for position in buffers { found[parts[position]] = offsets[parts[position]] }
      return .found
    }
    let start = candidates.count
    defer { candidates.truncate(to: start) }
    for position in buffers {
      let buffer = parts[position]
      guard offsets[buffer] < 0 else { continue }
      let offset = minimums[buffer]
      if options.checkDominance, offset >= lowestTop { continue }
      if options.canonicalOnly, offset < previous.offset || (offset == previous.offset && ranks[buffer] < previous.rank)
      {
        continue
      }
      // Insertion keeps them sorted by offset and rank; parts are in rank order and the lists are short.
      candidates.append(buffer)
      var at = candidates.count - 1
      while at > start, minimums[candidates[at - 1]] > offset {
        candidates.swapAt(at, at - 1)
        at -= 1
      }
    }
    let end = candidates.count
    for index in start..<end {
      let buffer = candidates[index]
      let offset = minimums[buffer]
      let mark = trail.count
      offsets[buffer] = offset
      let (hatless, isPossible) = place(buffer, at: offset)
      var outcome = Outcome.exhausted
      effort += 20 + 2 * sections.count
      if isPossible, canHoldRest(sections, from: offset) {
        let inner = tables.firstSection[buffer]..<tables.lastSection[buffer]
        for section in inner { crossings[section] -= 1 }
        outcome = split(sections, buffers: buffers, at: inner, after: (offset, ranks[buffer]))
        if outcome == .found { found[buffer] = offset }
        for section in inner { crossings[section] += 1 }
      }
      undo(to: mark)
      for span in tables.spans(of: buffer) { totals[span.section] += span.upper - span.lower }
      offsets[buffer] = -1
      if outcome != .exhausted { return outcome }
      if hatless, options.hatlessPruning { break }
    }
    return .exhausted
  }

  /// Raises floors and minimums for a buffer placed at an offset.
  private func place(_ buffer: Int, at offset: Int) -> (hatless: Bool, isPossible: Bool) {
    var hatless = true
    var isPossible = true
    for span in tables.spans(of: buffer) {
      let floor = floors[span.section]
      if offset + span.upper > floor {
        trail.append((tables.count + span.section, floor))
        floors[span.section] = offset + span.upper
      }
      totals[span.section] -= span.upper - span.lower
    }
    effort += 2 * tables.overlaps(of: buffer).count
    var firstAffected = Int.max
    var lastAffected = -1
    for overlap in tables.overlaps(of: buffer) where offsets[overlap.buffer] < 0 {
      let other = overlap.buffer
      hatless = false
      let lowest = offset + overlap.distance
      guard lowest > minimums[other] else { continue }
      trail.append((other, minimums[other]))
      let alignment = tables.alignment[other]
      let aligned = alignment == 1 ? lowest : roundUp(lowest, toMultipleOf: alignment)
      minimums[other] = aligned
      if tables.fixed[other] >= 0, aligned > tables.fixed[other] { isPossible = false }
      if aligned > capacity - tables.size[other] { isPossible = false }
      firstAffected = min(firstAffected, tables.firstSection[other])
      lastAffected = max(lastAffected, tables.lastSection[other])
    }
    if isPossible, options.unallocatedFloor, firstAffected <= lastAffected {
      for section in firstAffected...lastAffected where totals[section] > 0 { raiseFloor(section) }
    }
    return (hatless, isPossible)
  }

  private func raiseFloor(_ section: Int) {
    let floor = floors[section]
    let known = lowest[section]
    if known >= 0, offsets[known] < 0, minimums[known] <= floor { return }
    var minimum = Int.max
    for member in tables.members(of: section) where offsets[member] < 0 && minimums[member] < minimum {
      minimum = minimums[member]
      lowest[section] = member
      if minimum <= floor { return }
    }
    if minimum != Int.max {
      trail.append((tables.count + section, floor))
      floors[section] = minimum
    }
  }

  private func canHoldRest(_ sections: Range<Int>, from offset: Int) -> Bool {
    for section in sections {
      let total = totals[section]
      if total > 0, max(floors[section], offset) + (options.sectionInference ? total : 0) > capacity { return false }
    }
    return true
  }

  private func undo(to mark: Int) {
    while trail.count > mark {
      let change = trail.removeLast()
      if change.index < tables.count {
        minimums[change.index] = change.old
      } else {
        floors[change.index - tables.count] = change.old
      }
    }
  }
}

/// A growing stack in memory of its own, because the checks of an array's storage show in the innermost loops.
final class Stack<Element> {
  @exclusivity(unchecked)
  private var memory: UnsafeMutablePointer<Element>
  private var capacity = 1024
  @exclusivity(unchecked)
  private(set) var count = 0

  init() { memory = .allocate(capacity: capacity) }

  deinit { memory.deallocate() }

  /// For elements without references: nothing is released when they go.
  func append(_ element: Element) {
    if count == capacity {
      let larger = UnsafeMutablePointer<Element>.allocate(capacity: 2 * capacity)
      larger.moveInitialize(from: memory, count: count)
      memory.deallocate()
      memory = larger
      capacity *= 2
    }
    (memory + count).initialize(to: element)
    count += 1
  }

  subscript(index: Int) -> Element {
    get { memory[index] }
    set { memory[index] = newValue }
  }

  func swapAt(_ left: Int, _ right: Int) {
    let element = memory[left]
    memory[left] = memory[right]
    memory[right] = element
  }

  func removeLast() -> Element {
    count -= 1
    return memory[count]
  }

  func truncate(to count: Int) { self.count = count }
}
