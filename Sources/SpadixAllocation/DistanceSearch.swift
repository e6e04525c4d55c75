import SpadixSupport

/// A complete search for a placement that decides, pair by pair, which interval of distances two buffers keep to.
///
/// Every buffer has a lowest and a highest offset. What is decided narrows them, sections that have no room for all that
/// must lie in a stretch of them end a branch, and where all lowest offsets agree with each other they are a placement:
/// if any placement keeps to the decisions, the one of lowest offsets does too. Unlike `AllocationSearch`, which stacks
/// buffers upwards, this knows buffers that reach into each other's windows.
struct DistanceSearch {
  enum Outcome {
    case found
    case exhausted
    case limit
  }

  private typealias Interval = AllocationDistances.Interval

  private let pairs: [AllocationDistances.Pair]
  private let pairsOfBuffer: [[Int]]
  private let alignments: [Int]
  private let spans: [[AllocationSections.Span]]
  private let members: [[Int]]
  private let capacity: Int
  private let cancellation: Cancellation?

  private var lowest: [Int]
  private var highest: [Int]
  /// The intervals of each pair that are still possible: `from[pair] ... to[pair]`.
  private var from: [Int]
  private var to: [Int]
  private var isStartPossible = true

  private enum Change {
    case lowest(buffer: Int, old: Int)
    case highest(buffer: Int, old: Int)
    case from(pair: Int, old: Int)
    case to(pair: Int, old: Int)
  }
  private var trail: [Change] = []
  private var queue: [Int] = []
  private var isQueued: [Bool]
  private var dirtySections: [Int] = []
  private var isDirty: [Bool]

  private(set) var nodes = 0
  /// Elementary steps, of about a nanosecond each.
  private(set) var effort = 0
  private var effortLimit = Int.max

  /// Sections of more buffers are not looked through for overloads.
  private static let largestSection = 64

  init(
    _ problem: AllocationProblem, _ sections: AllocationSections, _ distances: AllocationDistances,
    cancellation: Cancellation?
  ) {
    pairs = Self.withoutTwins(distances.pairs, problem, sections)
    pairsOfBuffer = distances.pairsOfBuffer
    alignments = problem.buffers.map(\.alignment)
    spans = sections.spans
    members = sections.members
    capacity = problem.capacity
    self.cancellation = cancellation
    lowest = problem.buffers.map { $0.fixedOffset ?? 0 }
    highest = problem.buffers.map { buffer in
      let room = problem.capacity - buffer.size
      if let fixed = buffer.fixedOffset { return min(fixed, room) }
      return room < 0 ? -1 : room / buffer.alignment * buffer.alignment
    }
    from = [Int](repeating: 0, count: distances.pairs.count)
    to = pairs.map { $0.allowed.count - 1 }
    isQueued = [Bool](repeating: false, count: problem.buffers.count)
    isDirty = [Bool](repeating: false, count: sections.count)
    isStartPossible = zip(lowest, highest).allSatisfy { $0 <= $1 }
  }

  /// The lowest offsets, a placement after `found`.
  var offsets: [Int] { lowest }

  /// Of two buffers that are alike in everything the second lies above the first.
  private static func withoutTwins(
    _ pairs: [AllocationDistances.Pair], _ problem: AllocationProblem, _ sections: AllocationSections
  ) -> [AllocationDistances.Pair] {
    pairs.map { pair in
      let first = problem.buffers[pair.first]
      let second = problem.buffers[pair.second]
      guard first.fixedOffset == nil, second.fixedOffset == nil, first.size == second.size,
        first.alignment == second.alignment, sections.spans[pair.first] == sections.spans[pair.second]
      else { return pair }
      var ordered = pair
      ordered.allowed = pair.allowed.compactMap { interval in
        interval.high < 0 ? nil : Interval(low: max(0, interval.low), high: interval.high)
      }
      return ordered
    }
  }

  /// A decision: all intervals up to one, or all after it; the other half is tried afterwards.
  private struct Level {
    var mark: Int
    var pair: Int
    /// The last interval of the lower half.
    var split: Int
    var triesLowerHalf: Bool
    var isLast: Bool
  }

  /// - Parameter prefersRoom: whether the half that leaves more room is tried first, or the one that moves less.
  mutating func run(nodeLimit: Int, effortLimit: Int, prefersRoom: Bool) -> Outcome {
    guard isStartPossible else { return .exhausted }
    self.effortLimit = effortLimit
    var levels: [Level] = []
    for buffer in lowest.indices { enqueue(buffer) }
    for section in members.indices { markDirty(section) }
    var isPossible = propagate()
    while true {
      if nodes >= nodeLimit || effort >= effortLimit || cancellation?.isCancelled == true { return .limit }
      nodes += 1
      if isPossible {
        guard let choice = choose(prefersRoom: prefersRoom) else { return .found }
        levels.append(
          Level(
            mark: trail.count, pair: choice.pair, split: choice.split, triesLowerHalf: choice.lowerFirst, isLast: false)
        )
      } else {
        while let level = levels.last, level.isLast { levels.removeLast() }
        guard let last = levels.indices.last else { return .exhausted }
        undo(to: levels[last].mark)
        levels[last].triesLowerHalf.toggle()
        levels[last].isLast = true
      }
      isPossible = decide(levels[levels.count - 1]) && propagate()
    }
  }

  private mutating func decide(_ level: Level) -> Bool {
    if level.triesLowerHalf {
      trail.append(.to(pair: level.pair, old: to[level.pair]))
      to[level.pair] = level.split
    } else {
      trail.append(.from(pair: level.pair, old: from[level.pair]))
      from[level.pair] = level.split + 1
    }
    enqueue(pairs[level.pair].first)
    return true
  }

  /// The pair that the lowest offsets break and that has the least room left, nil when there is none.
  private mutating func choose(prefersRoom: Bool) -> (pair: Int, split: Int, lowerFirst: Bool)? {
    var best: (pair: Int, split: Int, lowerFirst: Bool)?
    var leastRoom = Int.max
    effort += pairs.count
    for index in pairs.indices {
      let pair = pairs[index]
      let distance = lowest[pair.second] - lowest[pair.first]
      if from[index] == to[index] { continue }
      // The first interval that does not end below the distance; it begins above it when the distance is forbidden.
      var upper = from[index]
      while upper <= to[index], pair.allowed[upper].high < distance { upper += 1 }
      if upper <= to[index], pair.allowed[upper].low <= distance { continue }
      // After propagation the hull of what is possible holds the distance.
      let split = min(max(upper - 1, from[index]), to[index] - 1)
      let raisesFirst = distance - pair.allowed[split].high
      let raisesSecond = pair.allowed[split + 1].low - distance
      let roomBelow = highest[pair.first] - lowest[pair.first] - raisesFirst
      let roomAbove = highest[pair.second] - lowest[pair.second] - raisesSecond
      let room = min(roomBelow, roomAbove)
      if room < leastRoom {
        leastRoom = room
        best = (index, split, prefersRoom ? roomBelow > roomAbove : raisesFirst < raisesSecond)
      }
    }
    return best
  }

  // MARK: - Propagation

  private mutating func enqueue(_ buffer: Int) {
    if isQueued[buffer] { return }
    isQueued[buffer] = true
    queue.append(buffer)
  }

  private mutating func markDirty(_ section: Int) {
    if isDirty[section] { return }
    isDirty[section] = true
    dirtySections.append(section)
  }

  private mutating func propagate() -> Bool {
    defer {
      for buffer in queue { isQueued[buffer] = false }
      queue.removeAll(keepingCapacity: true)
      for section in dirtySections { isDirty[section] = false }
      dirtySections.removeAll(keepingCapacity: true)
    }
    // A queue whose order does not matter: the narrowest offsets are the same in every order.
    while true {
      var head = 0
      while head < queue.count {
        let buffer = queue[head]
        head += 1
        isQueued[buffer] = false
        effort += 4 * pairsOfBuffer[buffer].count
        for index in pairsOfBuffer[buffer] where !narrow(index) { return false }
        // Distances that force each other up forever end at the capacity, which may be far.
        if head & 1023 == 0 {
          if effort >= effortLimit || cancellation?.isCancelled == true { return true }
          queue.removeFirst(head)
          head = 0
        }
      }
      queue.removeAll(keepingCapacity: true)
      for section in dirtySections {
        isDirty[section] = false
        if isOverloaded(section) { return false }
      }
      dirtySections.removeAll(keepingCapacity: true)
      if queue.isEmpty { return true }
    }
  }

  private mutating func narrow(_ index: Int) -> Bool {
    let first = pairs[index].first
    let second = pairs[index].second
    var low = from[index]
    var high = to[index]
    let least = lowest[second] - highest[first]
    let most = highest[second] - lowest[first]
    while low <= high, pairs[index].allowed[low].high < least { low += 1 }
    while low <= high, pairs[index].allowed[high].low > most { high -= 1 }
    if low > high { return false }
    if low != from[index] {
      trail.append(.from(pair: index, old: from[index]))
      from[index] = low
    }
    if high != to[index] {
      trail.append(.to(pair: index, old: to[index]))
      to[index] = high
    }
    let nearest = pairs[index].allowed[low].low
    let furthest = pairs[index].allowed[high].high
    return raise(second, to: lowest[first] + nearest) && lower(first, to: highest[second] - nearest)
      && raise(first, to: lowest[second] - furthest) && lower(second, to: highest[first] + furthest)
  }

  private mutating func raise(_ buffer: Int, to bound: Int) -> Bool {
    guard bound > lowest[buffer] else { return true }
    let alignment = alignments[buffer]
    let value = alignment == 1 ? bound : roundUp(bound, toMultipleOf: alignment)
    if value > highest[buffer] { return false }
    trail.append(.lowest(buffer: buffer, old: lowest[buffer]))
    lowest[buffer] = value
    hasMoved(buffer)
    return true
  }

  private mutating func lower(_ buffer: Int, to bound: Int) -> Bool {
    guard bound < highest[buffer] else { return true }
    if bound < lowest[buffer] { return false }
    let alignment = alignments[buffer]
    let value = alignment == 1 ? bound : bound / alignment * alignment
    if value < lowest[buffer] { return false }
    trail.append(.highest(buffer: buffer, old: highest[buffer]))
    highest[buffer] = value
    hasMoved(buffer)
    return true
  }

  private mutating func hasMoved(_ buffer: Int) {
    enqueue(buffer)
    for span in spans[buffer] { markDirty(span.section) }
  }

  /// Whether some buffers of a section must all lie within fewer units than they take.
  private mutating func isOverloaded(_ section: Int) -> Bool {
    let members = self.members[section]
    if members.count < 2 || members.count > Self.largestSection { return false }
    effort += members.count * members.count
    var stretches = members.map { buffer -> (start: Int, end: Int, size: Int) in
      let span = AllocationSections.span(in: spans[buffer], section: section)
      return (lowest[buffer] + span.lower, highest[buffer] + span.upper, span.upper - span.lower)
    }
    stretches.sort { ($0.end, $0.start) < ($1.end, $1.start) }
    for stretch in stretches {
      var total = 0
      for other in stretches where other.start >= stretch.start {
        total += other.size
        if stretch.start + total > other.end { return true }
      }
    }
    return false
  }

  private mutating func undo(to mark: Int) {
    while trail.count > mark {
      switch trail.removeLast() {
      case .lowest(let buffer, let old): lowest[buffer] = old
      case .highest(let buffer, let old): highest[buffer] = old
      case .from(let pair, let old): from[pair] = old
      case .to(let pair, let old): to[pair] = old
      }
    }
  }
}
