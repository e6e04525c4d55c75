import SpadixSupport

/// What it costs at least to complete, from every set of operators that may have run (an ideal) and the operator that
/// ran last, counting bytes where a schedule has sets of tensors.
///
/// Of a schedule there only remains how many bytes are live but outside the scratchpad. While `v` runs after `u`, at
/// least as many are outside as do not fit beside it, and at most those that neither of the two touches, since what `u`
/// touched was inside and what `v` touches must be. Where the least is above the most, bytes leave at that very step.
/// Likewise at least those bytes are stored that are outside beyond what DRAM holds anyway, and at most those that `u`
/// did not make. The least cost over all ways through the ideals bounds every order and residency.
///
/// What a way costs depends on the bytes outside, and those stored, at its start: `max(least, atZero - bytes)` of
/// either, as more of them are paid for. An ideal keeps the ways of which none is better in all four numbers.
struct IdealBound {
  /// A way to complete, in the unit of sizes.
  struct Tail {
    /// Bytes that still leave when none are outside, and at least.
    var evicted: Int
    var leastEvicted: Int
    /// Bytes that are still stored when none are, and at least.
    var stored: Int
    var leastStored: Int

    func isNoWorse(than other: Tail) -> Bool {
      evicted <= other.evicted && leastEvicted <= other.leastEvicted && stored <= other.stored
        && leastStored <= other.leastStored
    }
  }

  /// Elementary steps that it took, of about a nanosecond each.
  private(set) var effort = 0
  /// No order costs less.
  private(set) var total = 0

  private let index: IdealIndex
  /// Tails after each move.
  private var firstTail: [Int32] = []
  private var tailCount: [UInt8] = []
  private var tails: [Tail] = []
  /// A byte in the scratchpad moves at least so many bytes: a fraction.
  private var bytesOfSize: (bytes: Int, size: Int) = (1, 1)

  /// Ways kept of one ideal; of more the last ones become one that is no dearer than either.
  private static let mostTails = 6

  /// Nil when there are more moves between ideals than the limit, and effort says what it took to see that.
  ///
  /// - Parameter keys: a number for each operator; their sums tell ideals apart.
  init?(
    _ core: ScheduleCore, capacity: Int, keys: [UInt64], moveLimit: Int, cancellation: Cancellation?, effort: inout Int
  ) {
    guard
      let graph = IdealGraph(
        core, capacity: capacity, keys: keys, moveLimit: moveLimit, cancellation: cancellation, effort: &effort)
    else { return nil }
    index = graph.index
    defer { effort += self.effort }
    for tensor in core.tensors where tensor.size > 0 {
      let isLess =
        tensor.bytes.multipliedFullWidth(by: bytesOfSize.size) < bytesOfSize.bytes.multipliedFullWidth(by: tensor.size)
      if isLess { bytesOfSize = (tensor.bytes, tensor.size) }
    }
    bound(core, graph)
  }

  /// Backwards, the tails after every move.
  private mutating func bound(_ core: ScheduleCore, _ graph: IdealGraph) {
    let common = CommonSizes(core)
    firstTail = [Int32](repeating: 0, count: graph.moves.count)
    tailCount = [UInt8](repeating: 0, count: graph.moves.count)
    // Moves of an ideal follow those of the ideals before it, so targets come later.
    for number in graph.moves.indices.reversed() {
      firstTail[number] = Int32(tails.count)
      let move = graph.moves[number]
      addTails(
        of: Int(move.target), after: Int(index.opOfMove[number]), staying: move.staying, made: move.made, core, graph,
        common)
      tailCount[number] = UInt8(tails.count - Int(firstTail[number]))
    }
    let start = tails.count
    addTails(of: 0, after: nil, staying: 0, made: 0, core, graph, common)
    total = cost(start..<tails.count, outside: 0, stored: 0)
    tails.removeLast(tails.count - start)
  }

  private mutating func addTails(
    of ideal: Int, after last: Int?, staying: Int, made: Int, _ core: ScheduleCore, _ graph: IdealGraph,
    _ common: CommonSizes
  ) {
    let start = tails.count
    let moves = index.moves(of: ideal)
    if moves.isEmpty {
      tails.append(Tail(evicted: 0, leastEvicted: 0, stored: 0, leastStored: 0))
      return
    }
    let live = graph.live[ideal]
    let mostStored = live - graph.clean[ideal] - made
    for number in moves {
      let move = graph.moves[number]
      let op = Int(index.opOfMove[number])
      let operands = core.footprints[op] - move.fresh
      let least = move.leastOutside
      let most = live - staying - operands + (last.map { common.size($0, op) } ?? 0)
      let leastStored = max(0, least - (graph.clean[ideal] - move.cleanOperands))
      for index in Int(firstTail[number])..<Int(firstTail[number]) + Int(tailCount[number]) {
        let tail = tails[index]
        add(
          Tail(
            evicted: max(least + tail.leastEvicted, tail.evicted),
            leastEvicted: max(max(0, least - most) + tail.leastEvicted, tail.evicted - most),
            stored: max(leastStored + tail.leastStored, tail.stored),
            leastStored: max(max(0, leastStored - mostStored) + tail.leastStored, tail.stored - mostStored)),
          from: start)
      }
    }
    effort += 20 * moves.count
  }

  private mutating func add(_ tail: Tail, from start: Int) {
    var index = start
    while index < tails.count {
      if tails[index].isNoWorse(than: tail) { return }
      if tail.isNoWorse(than: tails[index]) {
        tails.swapAt(index, tails.count - 1)
        tails.removeLast()
      } else {
        index += 1
      }
    }
    if tails.count - start < Self.mostTails {
      tails.append(tail)
      return
    }
    let last = tails[tails.count - 1]
    tails[tails.count - 1] = Tail(
      evicted: min(last.evicted, tail.evicted), leastEvicted: min(last.leastEvicted, tail.leastEvicted),
      stored: min(last.stored, tail.stored), leastStored: min(last.leastStored, tail.leastStored))
  }

  // MARK: - Looking up

  /// The moves of the ideal of so many operators with a key.
  func moves(_ count: Int, key: UInt64) -> Range<Int> { index.moves(of: index.ideal(count, key: key)) }

  /// The tails after the move of an operator, which is one of the given moves.
  func tails(after op: Int, of moves: Range<Int>) -> Range<Int> {
    guard let move = moves.first(where: { index.opOfMove[$0] == Int32(op) }) else { return 0..<0 }
    return Int(firstTail[move])..<Int(firstTail[move]) + Int(tailCount[move])
  }

  /// What the best of some tails costs at least with so much outside, paid for, and stored, in bytes.
  @inline(__always)
  func cost(_ range: Range<Int>, outside: Int, stored: Int) -> Int {
    var best = Int.max
    for index in range {
      let tail = tails[index]
      best = min(best, max(tail.leastEvicted, tail.evicted - outside) + max(tail.leastStored, tail.stored - stored))
    }
    return best == Int.max ? 0 : bytes(ofSize: best)
  }

  /// What tensors of so much size move at least.
  @inline(__always)
  func bytes(ofSize size: Int) -> Int {
    if bytesOfSize == (1, 1) { return size }
    return bytesOfSize.size.dividingFullWidth(size.multipliedFullWidth(by: bytesOfSize.bytes)).quotient
  }
}

/// For every two operators the size of what both touch.
private struct CommonSizes {
  private let sizes: [[(op: Int, size: Int)]]

  init(_ core: ScheduleCore) {
    var sizes = [[Int: Int]](repeating: [:], count: core.count)
    for tensor in core.tensors {
      for one in tensor.touches {
        for other in tensor.touches where other != one { sizes[one][other, default: 0] += tensor.size }
      }
    }
    self.sizes = sizes.map { row in row.sorted { $0.key < $1.key }.map { (op: $0.key, size: $0.value) } }
  }

  func size(_ one: Int, _ other: Int) -> Int { sizes[one].first { $0.op == other }?.size ?? 0 }
}
