import SpadixSupport

/// All sets of operators that may have run (ideals), and the moves between them: an operator that is ready runs.
struct IdealGraph {
  /// What a move changes, in sizes.
  struct Move {
    var target: Int32
    /// Operands that are not live yet, and private tensors.
    var fresh: Int
    /// Live bytes that are outside the scratchpad meanwhile, at least.
    var leastOutside = 0
    /// Live operands that DRAM holds anyway.
    var cleanOperands: Int
    /// Operands that stay live, and of those what the operator makes and DRAM does not hold.
    var staying: Int
    var made: Int
  }

  private(set) var index = IdealIndex()
  private(set) var moves: [Move] = []
  /// Live bytes of each ideal, and of those what DRAM holds anyway.
  private(set) var live: [Int] = []
  private(set) var clean: [Int] = []
  /// The live tensors of each ideal, one after the other, ascending; and how many of their touches have run.
  private(set) var liveTensors: [Int32] = []
  private(set) var touchesRun: [Int32] = []
  private(set) var firstLive: [Int] = []
  /// Bit per operator that has run, so many words for each ideal; kept with the live tensors.
  private(set) var executed: [UInt64] = []
  private let words: Int

  /// Elementary steps for sums of sizes: what is outside is so as a whole.
  private static let mostRounding = 50_000_000

  /// Nil when there are more moves than the limit, and effort says what it took to see that.
  ///
  /// - Parameters:
  ///   - keys: a number for each operator; their sums tell ideals apart.
  ///   - keepsLive: whether the live tensors are kept.
  init?(
    _ core: ScheduleCore, capacity: Int, keys: [UInt64], moveLimit: Int, keepsLive: Bool = false,
    cancellation: Cancellation?, effort: inout Int
  ) {
    words = ceilDivide(core.count, UInt64.bitWidth)
    var roundingEffort = 0
    defer { effort += roundingEffort }
    let nothing = SuffixBound(order: Array(0..<core.count))
    var layer = OrderLayer<UInt128>(words: words)
    layer.addRoot(core)
    var order = [0]
    for _ in 0..<core.count {
      var next = OrderLayer<UInt128>(words: layer.words)
      let base = index.keyOfIdeal.count
      let firstOfLayer = moves.count
      for ideal in order {
        index.keyOfIdeal.append(layer.ideals[ideal].key)
        index.firstMove.append(Int32(moves.count))
        let liveOfIdeal = layer.live(of: ideal)
        live.append(layer.ideals[ideal].liveSize)
        clean.append(
          liveOfIdeal.reduce(0) { $0 + (core.tensors[Int($1)].isClean ? core.tensors[Int($1)].size : 0) })
        if keepsLive {
          firstLive.append(liveTensors.count)
          liveTensors += liveOfIdeal
          executed += layer.executed(of: ideal)
          for tensor in liveOfIdeal {
            touchesRun.append(Int32(core.tensors[Int(tensor)].touches.count { layer.hasRun($0, ideal) }))
          }
        }
        for op in layer.ready(of: ideal).map(Int.init) {
          let target = next.ideal(after: op, of: ideal, in: layer, core, keys[op], nothing, nil)
          var move = Move(
            target: Int32(target), fresh: core.operators[op].privateSize, cleanOperands: 0, staying: 0, made: 0)
          for operand in core.operators[op].operands {
            let tensor = core.tensors[operand]
            if !liveOfIdeal.contains(Int32(operand)) {
              move.fresh += tensor.size
            } else if tensor.isClean {
              move.cleanOperands += tensor.size
            }
            if next.live(of: target).contains(Int32(operand)) {
              move.staying += tensor.size
              if tensor.producer == op, !tensor.isClean { move.made += tensor.size }
            }
          }
          move.leastOutside = max(0, layer.ideals[ideal].liveSize + move.fresh - capacity)
          if move.leastOutside > 0, roundingEffort < Self.mostRounding {
            let operands = core.operators[op].operands
            let others = liveOfIdeal.filter { !operands.contains(Int($0)) }.map { core.tensors[Int($0)].size }
            move.leastOutside = SubsetSums.least(of: others, atLeast: move.leastOutside, effort: &roundingEffort)
          }
          moves.append(move)
          index.opOfMove.append(Int32(op))
          effort += 300 + core.count / 4 + 10 * liveOfIdeal.count
        }
        if moves.count > moveLimit || cancellation?.isCancelled == true { return nil }
      }
      order = next.ideals.indices.sorted { next.ideals[$0].key < next.ideals[$1].key }
      for (one, other) in zip(order, order.dropFirst()) where next.ideals[one].key == next.ideals[other].key {
        return nil
      }
      var place = [Int32](repeating: 0, count: order.count)
      for (rank, ideal) in order.enumerated() { place[ideal] = Int32(base + layer.ideals.count + rank) }
      for move in firstOfLayer..<moves.count { moves[move].target = place[Int(moves[move].target)] }
      index.layerStart.append(index.keyOfIdeal.count)
      layer = next
    }
    // The last ideal has run everything.
    index.keyOfIdeal.append(layer.ideals[0].key)
    index.firstMove += [Int32(moves.count), Int32(moves.count)]
    live.append(0)
    clean.append(0)
    firstLive += [liveTensors.count, liveTensors.count]
    index.layerStart.append(index.keyOfIdeal.count)
  }

  /// Whether an operator has run in an ideal; only where live tensors are kept, and not of the last ideal.
  func hasRun(_ op: Int, _ ideal: Int) -> Bool { executed[ideal * words + op >> 6] >> UInt64(op & 63) & 1 != 0 }
}

/// Finds ideals and their moves again, by the keys of the operators that have run.
struct IdealIndex {
  /// Ideals by number of operators, each layer in the order of keys.
  fileprivate(set) var layerStart: [Int] = [0]
  fileprivate(set) var keyOfIdeal: [UInt64] = []
  /// Moves of each ideal, and at the end.
  fileprivate(set) var firstMove: [Int32] = []
  fileprivate(set) var opOfMove: [Int32] = []

  var idealCount: Int { keyOfIdeal.count }

  /// The ideal of so many operators with a key.
  func ideal(_ count: Int, key: UInt64) -> Int {
    var (low, high) = (layerStart[count], layerStart[count + 1] - 1)
    while low < high {
      let middle = (low + high) / 2
      if keyOfIdeal[middle] < key { low = middle + 1 } else { high = middle }
    }
    return low
  }

  func moves(of ideal: Int) -> Range<Int> { Int(firstMove[ideal])..<Int(firstMove[ideal + 1]) }
}
