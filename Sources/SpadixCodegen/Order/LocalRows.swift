import SpadixISA

/// Rows of local memory that a command uses: `blocks` times `count` rows, `pitch` rows apart. The accumulator's rows are
/// numbered behind the scratchpad's.
struct LocalRows: Equatable {
  private(set) var firstRow: Int32 = 0
  private(set) var rowCount: Int32 = 0
  private(set) var blocks: Int32 = 1
  private(set) var pitch: Int32 = 0

  var first: Int { Int(firstRow) }
  /// Of a block.
  var count: Int { Int(rowCount) }

  static let none = LocalRows()

  var isEmpty: Bool { rowCount == 0 }

  init() {}

  /// - Parameter rows: of the memory that the address is in.
  init(_ address: LocalAddress, rows: Int, blocks: Int = 1, pitch: Int = 0, _ target: Target) {
    if address.isGarbage || rows <= 0 { return }
    let base = address.isAccumulator ? target.scratchpadRows : 0
    let end = base + (address.isAccumulator ? target.accumulatorRows : target.scratchpadRows)
    let first = min(base + address.row, end)
    firstRow = Int32(first)
    self.blocks = Int32(blocks)
    self.pitch = Int32(pitch)
    rowCount = Int32(max(0, min(rows, end - first - (blocks - 1) * pitch)))
  }

  @inline(__always)
  func forEach(_ body: (Int) -> Void) {
    for block in 0..<Int(blocks) {
      let start = first + block * Int(pitch)
      for row in start..<start + count { body(row) }
    }
  }

  /// So many rows from the first one, of one block.
  func prefix(_ rows: Int) -> LocalRows {
    var part = self
    part.rowCount = min(rowCount, Int32(rows))
    return part
  }

  /// Those behind them.
  func dropFirst(_ rows: Int) -> LocalRows {
    let dropped = min(rowCount, Int32(rows))
    var part = self
    part.firstRow += dropped
    part.rowCount -= dropped
    return part
  }

  /// The largest of the rows' numbers.
  @inline(__always)
  func last(_ numbers: [Int32]) -> Int32 {
    var found: Int32 = 0
    forEach { found = max(found, numbers[$0]) }
    return found
  }
}

/// What a command, or a preload with its compute, uses of local memory.
struct LocalUse: Equatable {
  /// A of a product, or what a store takes.
  var source = LocalRows.none
  var weights = LocalRows.none
  /// So many rows of the weights are those that the command names: transposed ones take as many as the result has
  /// columns.
  var namedWeights = 0
  /// What a load or a product writes, or a store to the scratchpad.
  var result = LocalRows.none
}
