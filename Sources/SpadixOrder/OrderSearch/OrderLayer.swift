/// A way to have run the operators of an ideal: what is in the scratchpad, and what it has cost.
struct OrderLabel<Positions: PositionSet> {
  /// Bit per live tensor of the ideal: whether it is in the scratchpad.
  var resident: Positions
  /// Bit per live tensor: whether DRAM holds it.
  var clean: Positions
  var cost: Int
  /// The cost once everything is stored and evicted.
  var emptiedCost: Int
  /// No completion costs less in all.
  var bound: Int
  /// Index in the layer before, and the operator that was run from there.
  var parent: Int32
  var op: Int32
  var ideal: Int32
  /// The next label of the same ideal; -1 at the end.
  var next: Int32 = -1

  /// Whether two live tensors are in the same places.
  func isAlike(_ one: Int, _ other: Int) -> Bool {
    resident.contains(one) == resident.contains(other) && clean.contains(one) == clean.contains(other)
  }

  func isSame(as other: Self) -> Bool { resident == other.resident && clean == other.clean }
}

/// What is kept of a layer when there are more labels than its width: the least bound, then the least in the scratchpad.
private struct Rank: Comparable {
  var bound: Int
  var size: Int

  static let last = Rank(bound: Int.max, size: Int.max)

  static func < (one: Rank, other: Rank) -> Bool { (one.bound, one.size) < (other.bound, other.size) }
}

/// All labels that have run the same number of operators, by the set of operators that they have run (their ideal).
struct OrderLayer<Positions: PositionSet> {
  struct Ideal {
    var liveStart: Int32
    var liveCount: Int32
    /// Size of all live tensors.
    var liveSize: Int
    /// Bit per live tensor that DRAM does not hold until it is stored.
    var storable: Positions
    var readyStart: Int32
    var readyCount: Int32
    /// One past the last position in the suffix bound's order that has run.
    var frontier: Int32
    /// No completion costs less than this, whatever is in the scratchpad.
    var bound: Int
    /// How many of the largest operators are known to have run.
    var largestRun: Int
    var obstacleStart: Int32
    var obstacleCount: Int32
    /// Sum of the keys of the operators that have run.
    var key: UInt64
  }

  let words: Int
  /// Labels that are kept when the layer is complete.
  let width: Int
  private(set) var ideals: [Ideal] = []
  private var executed: [UInt64] = []
  private var liveTensors: [Int32] = []
  /// Bytes of each of `liveTensors`.
  private var bytesOfLive: [Int] = []
  private var sizeOfLive: [Int] = []
  private var readyOperators: [Int32] = []
  private var obstacles: [HoldingBound.Obstacle<Positions>] = []
  private(set) var firstLabel: [Int32] = []
  private(set) var labels: [OrderLabel<Positions>] = []
  private var superfluous: [Bool] = []
  private var superfluousCount = 0
  /// No label of this rank or a higher one will be among those that are kept, as enough others are better.
  private var firstBeyond = Rank.last
  /// So many labels are looked through for that.
  private let largestCount: Int
  private var isNarrowed = false
  private var indexOfKey: [UInt64: Int] = [:]
  /// The most live tensors of any ideal.
  private(set) var largestLiveCount = 0

  init(words: Int, width: Int = Int.max) {
    self.words = words
    self.width = width
    largestCount = width > Int.max / 2 ? Int.max : 2 * width
  }

  mutating func addRoot(_ core: ScheduleCore) {
    executed = [UInt64](repeating: 0, count: words)
    readyOperators = core.operators.indices.filter { core.operators[$0].predecessors.isEmpty }.map(Int32.init)
    ideals = [
      Ideal(
        liveStart: 0, liveCount: 0, liveSize: 0, storable: Positions(), readyStart: 0,
        readyCount: Int32(readyOperators.count),
        frontier: 0, bound: 0,
        largestRun: 0, obstacleStart: 0, obstacleCount: 0, key: 0)
    ]
    labels = [
      OrderLabel(
        resident: Positions(), clean: Positions(), cost: 0, emptiedCost: 0, bound: 0, parent: -1, op: -1, ideal: 0)
    ]
    superfluous = [false]
    firstLabel = [0]
  }

  /// The live tensors of an ideal, ascending.
  func live(of ideal: Int) -> ArraySlice<Int32> {
    let start = Int(ideals[ideal].liveStart)
    return liveTensors[start..<start + Int(ideals[ideal].liveCount)]
  }

  func obstacles(of ideal: Int) -> ArraySlice<HoldingBound.Obstacle<Positions>> {
    let start = Int(ideals[ideal].obstacleStart)
    return obstacles[start..<start + Int(ideals[ideal].obstacleCount)]
  }

  /// The operators that can run next, ascending.
  func ready(of ideal: Int) -> ArraySlice<Int32> {
    let start = Int(ideals[ideal].readyStart)
    return readyOperators[start..<start + Int(ideals[ideal].readyCount)]
  }

  /// Bit per operator that has run.
  func executed(of ideal: Int) -> ArraySlice<UInt64> { executed[ideal * words..<(ideal + 1) * words] }

  /// Whether none of some operators has run.
  func hasRunNone(of operators: Bitset, _ ideal: Int) -> Bool {
    operators.isDisjoint(with: executed(of: ideal))
  }

  func hasRun(_ op: Int, _ ideal: Int) -> Bool {
    executed[ideal * words + op >> 6] >> UInt64(op & 63) & 1 != 0
  }

  /// The ideal that running an operator leads to from one of the layer before.
  mutating func ideal(
    after op: Int, of parent: Int, in layer: OrderLayer<Positions>, _ core: ScheduleCore, _ opKey: UInt64,
    _ suffix: SuffixBound,
    _ holding: HoldingBound?
  ) -> Int {
    var key = layer.ideals[parent].key &+ opKey
    let start = executed.count
    executed.append(contentsOf: layer.executed[parent * words..<(parent + 1) * words])
    executed[start + op >> 6] |= 1 << UInt64(op & 63)
    while let known = indexOfKey[key] {
      if executed[known * words..<(known + 1) * words].elementsEqual(executed[start..<start + words]) {
        executed.removeLast(words)
        return known
      }
      // Two sets of one key: the next free key tells them apart.
      key &+= 1
    }
    let index = ideals.count
    indexOfKey[key] = index
    let frontier = max(Int(layer.ideals[parent].frontier), suffix.position[op] + 1)
    ideals.append(
      Ideal(
        liveStart: Int32(liveTensors.count), liveCount: 0, liveSize: 0, storable: Positions(),
        readyStart: Int32(readyOperators.count), readyCount: 0, frontier: Int32(frontier), bound: 0,
        largestRun: layer.ideals[parent].largestRun, obstacleStart: Int32(obstacles.count), obstacleCount: 0,
        key: layer.ideals[parent].key &+ opKey))
    ideals[index].bound = suffix.bound(core, frontier: frontier) { hasRun($0, index) }
    addLive(op, layer.live(of: parent), core, index)
    addReady(op, layer.ready(of: parent), core, index)
    if let holding {
      var largestRun = ideals[index].largestRun
      let found: [HoldingBound.Obstacle<Positions>] = holding.obstacles(live: live(of: index), start: &largestRun) {
        hasRun($0, index)
      }
      ideals[index].largestRun = largestRun
      obstacles += found
      ideals[index].obstacleCount = Int32(found.count)
    }
    firstLabel.append(-1)
    return index
  }

  private mutating func addLive(_ op: Int, _ before: ArraySlice<Int32>, _ core: ScheduleCore, _ index: Int) {
    var at = before.startIndex
    let operands = core.operators[op].operands
    var number = 0
    let start = liveTensors.count
    // A merge of two ascending lists.
    while at < before.endIndex || number < operands.count {
      let passing = at < before.endIndex ? before[at] : Int32.max
      let operand = number < operands.count ? Int32(operands[number]) : Int32.max
      if passing < operand {
        liveTensors.append(passing)
        at += 1
        continue
      }
      if passing == operand { at += 1 }
      number += 1
      if core.tensors[Int(operand)].touches.contains(where: { !hasRun($0, index) }) { liveTensors.append(operand) }
    }
    ideals[index].liveCount = Int32(liveTensors.count - start)
    for (position, tensor) in liveTensors[start...].enumerated() {
      bytesOfLive.append(core.tensors[Int(tensor)].bytes)
      sizeOfLive.append(core.tensors[Int(tensor)].size)
      ideals[index].liveSize += core.tensors[Int(tensor)].size
      if !core.tensors[Int(tensor)].isClean, position < Positions.capacity {
        ideals[index].storable |= Positions(position)
      }
    }
    largestLiveCount = max(largestLiveCount, liveTensors.count - start)
  }

  private mutating func addReady(_ op: Int, _ before: ArraySlice<Int32>, _ core: ScheduleCore, _ index: Int) {
    let start = readyOperators.count
    var fresh = core.operators[op].successors.filter { successor in
      core.operators[successor].predecessors.allSatisfy { hasRun($0, index) }
    }[...]
    for ready in before where ready != Int32(op) {
      while let first = fresh.first, first < Int(ready) {
        readyOperators.append(Int32(first))
        fresh.removeFirst()
      }
      readyOperators.append(ready)
    }
    readyOperators += fresh.map(Int32.init)
    ideals[index].readyCount = Int32(readyOperators.count - start)
  }

  /// Adds a label unless another of its ideal makes it superfluous, and marks those that it makes superfluous.
  ///
  /// Until the layer is narrowed the labels of an ideal stand by ascending cost: only cheaper ones can cover the new
  /// one, and they do so often, and it can only cover dearer ones.
  ///
  /// - Returns: how many labels it was compared with.
  mutating func insert(_ label: OrderLabel<Positions>, dominance: Bool) -> Int {
    var compared = 0
    let ideal = Int(label.ideal)
    var index = firstLabel[ideal]
    var previous: Int32 = -1
    var place: Int32 = -1
    while index >= 0 {
      let (isCheaper, isCovered, covers, following) = labels.withUnsafeBufferPointer { labels in
        let other = labels.baseAddress! + Int(index)
        let (isCheaper, isDearer) = (other[0].cost <= label.cost, other[0].cost >= label.cost)
        return (
          isCheaper, isCheaper && self.covers(other[0], label, dominance),
          isDearer && self.covers(label, other[0], dominance), other[0].next
        )
      }
      compared += 1
      if isCovered { return compared }
      if covers {
        superfluous[Int(index)] = true
        superfluousCount += 1
        if previous < 0 { firstLabel[ideal] = following } else { labels[Int(previous)].next = following }
      } else {
        previous = index
        if isCheaper { place = index }
      }
      index = following
    }
    var added = label
    let new = Int32(labels.count)
    if place < 0 {
      added.next = firstLabel[ideal]
      firstLabel[ideal] = new
    } else {
      added.next = labels[Int(place)].next
      labels[Int(place)].next = new
    }
    labels.append(added)
    superfluous.append(false)
    if labels.count - superfluousCount >= largestCount { trim() }
    return compared
  }

  /// Whether a label makes one that is no cheaper superfluous.
  @inline(__always)
  private func covers(_ first: OrderLabel<Positions>, _ second: OrderLabel<Positions>, _ dominance: Bool) -> Bool {
    dominance ? dominates(first, second) : first.isSame(as: second)
  }

  private func rank(_ label: OrderLabel<Positions>) -> Rank {
    Rank(bound: label.bound, size: size(of: label.resident, ideal: Int(label.ideal)))
  }

  /// Those of some labels that are within the width, ascending by index, and the rank of the first one that is not.
  private func withinWidth(_ indices: [Int]) -> (kept: [Int], firstBeyond: Rank) {
    let ranks = indices.map { rank(labels[$0]) }
    let places = indices.indices.sorted { (ranks[$0], $0) < (ranks[$1], $1) }
    return (places.prefix(width).sorted().map { indices[$0] }, ranks[places[width]])
  }

  /// Whether a label of such a bound is none of those that will be kept.
  mutating func isBeyondWidth(_ bound: Int, resident: Positions, ideal: Int) -> Bool {
    if bound < firstBeyond.bound { return false }
    if bound == firstBeyond.bound, size(of: resident, ideal: ideal) < firstBeyond.size { return false }
    isNarrowed = true
    return true
  }

  /// Drops labels that will not be kept, so that nothing is compared with them.
  private mutating func trim() {
    let all = labels.indices.filter { !superfluous[$0] }
    let (kept, beyond) = withinWidth(all)
    (firstBeyond, isNarrowed) = (beyond, true)
    superfluous = [Bool](repeating: true, count: labels.count)
    for index in kept { superfluous[index] = false }
    superfluousCount = labels.count - kept.count
    for ideal in firstLabel.indices {
      var index = firstLabel[ideal]
      var previous: Int32 = -1
      while index >= 0 {
        let following = labels[Int(index)].next
        if !superfluous[Int(index)] {
          previous = index
        } else if previous < 0 {
          firstLabel[ideal] = following
        } else {
          labels[Int(previous)].next = following
        }
        index = following
      }
    }
  }

  /// Bytes that the layer takes, or nearly so.
  var memory: Int {
    labels.count * (MemoryLayout<OrderLabel<Positions>>.stride + 1) + executed.count * 8 + liveTensors.count * 20
      + readyOperators.count * 4 + obstacles.count * MemoryLayout<HoldingBound.Obstacle<Positions>>.stride
      + ideals.count * (MemoryLayout<Ideal>.stride + 40)
  }

  /// What it costs to evict everything that a label keeps, with stores of what is not clean.
  func evictionCost(resident: Positions, clean: Positions, ideal: Int) -> Int {
    liveBytes(resident, ideal) + liveBytes(resident & ~clean, ideal)
  }

  /// Sum of the sizes of live tensors of an ideal.
  func size(of tensors: Positions, ideal: Int) -> Int {
    sizeOfLive.withUnsafeBufferPointer { sizes in
      var total = 0
      var start = Int(ideals[ideal].liveStart)
      for index in 0..<Positions.wordCount {
        var rest = tensors.word(index)
        while rest != 0 {
          total &+= sizes[start &+ rest.trailingZeroBitCount]
          rest &= rest &- 1
        }
        start += 64
      }
      return total
    }
  }

  /// Sum of the bytes of live tensors; from the limit on, some of it.
  @inline(__always)
  private func liveBytes(_ tensors: Positions, _ ideal: Int, limit: Int = Int.max) -> Int {
    bytesOfLive.withUnsafeBufferPointer { bytes in
      var total = 0
      var start = Int(ideals[ideal].liveStart)
      for index in 0..<Positions.wordCount {
        var rest = tensors.word(index)
        while rest != 0, total < limit {
          total &+= bytes[start &+ rest.trailingZeroBitCount]
          rest &= rest &- 1
        }
        start += 64
      }
      return total
    }
  }

  /// Whether the first label could become as good as the second by storing and evicting now, at no higher cost.
  @inline(__always)
  private func dominates(_ first: OrderLabel<Positions>, _ second: OrderLabel<Positions>) -> Bool {
    // What the first saves must pay for what it has to evict; emptying both afterwards keeps the order.
    let slack = second.cost - first.cost
    if slack < 0 || first.emptiedCost > second.emptiedCost { return false }
    let surplus = first.resident & ~second.resident
    let evictions = liveBytes(surplus, Int(first.ideal), limit: slack + 1)
    if evictions > slack { return false }
    let unsaved = (surplus | second.resident & second.clean) & first.resident & ~first.clean
    return evictions + liveBytes(unsaved, Int(first.ideal), limit: slack + 1) <= slack
  }

  /// Drops superfluous labels, and the least promising ones beyond the width; true when any of the latter were dropped, now
  /// or before.
  mutating func narrow() -> Bool {
    var kept = labels.indices.filter { !superfluous[$0] }
    if kept.count > width {
      isNarrowed = true
      kept = withinWidth(kept).kept
    }
    firstLabel = [Int32](repeating: -1, count: ideals.count)
    var compact: [OrderLabel<Positions>] = []
    compact.reserveCapacity(kept.count)
    for index in kept {
      var label = labels[index]
      label.next = firstLabel[Int(label.ideal)]
      firstLabel[Int(label.ideal)] = Int32(compact.count)
      compact.append(label)
    }
    labels = compact
    superfluous = [Bool](repeating: false, count: labels.count)
    superfluousCount = 0
    indexOfKey = [:]
    return isNarrowed
  }
}
