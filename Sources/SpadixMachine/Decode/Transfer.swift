import SpadixISA

/// The DRAM side of a step: rows of bytes, one stride apart.
struct Transfer {
  var dram: UInt64
  var stride: Int
  var rows: Int
  var bytes: Int
  var command: Int32

  /// Pooled stores count as all rows from their first to their last output pixel.
  @inline(__always)
  init(_ it: DecodedCommand) {
    dram = it.dram
    stride = it.stride
    rows = Int(it.a.rows)
    bytes = Int(it.a.columns) * it.elementBytes
    command = it.command
    if it.flags.contains(.pooled) { rows = Int(it.c.rows) }
  }

  /// What a store writes: one transfer, or with pooling one for each output row.
  @inline(__always)
  static func forEach(
    storedBy it: DecodedCommand, _ configuration: borrowing StoreConfiguration, _ body: (Transfer) -> Void
  ) {
    var transfer = Transfer(it)
    guard it.flags.contains(.pooled), let pooling = configuration.pooling else {
      body(transfer)
      return
    }
    transfer.rows = pooling.outCols
    for row in 0..<pooling.outRows {
      transfer.dram = it.dram &+ UInt64(bitPattern: Int64(row * pooling.outDim * it.stride))
      body(transfer)
    }
  }

  @inline(__always)
  func address(_ row: Int) -> UInt64 { dram &+ UInt64(bitPattern: Int64(row &* stride)) }

  var last: UInt64 { address(max(rows - 1, 0)) }

  /// Calls the body with ranges of 64-byte blocks that hold all bytes of the transfer and maybe some more: one range from
  /// the first row to the last where that is short, as between the columns of a tensor, else one for each row.
  @inline(__always)
  func forEachBlockRange(_ body: (_ first: Int, _ count: Int) -> Void) {
    let low = min(dram, last)
    let end = max(dram, last) &+ UInt64(truncatingIfNeeded: bytes)
    if end &- low <= Self.longestBlockRange {
      Self.blockRange(low, end, body)
    } else {
      for row in 0..<rows { Self.blockRange(address(row), address(row) &+ UInt64(truncatingIfNeeded: bytes), body) }
    }
  }

  private static let longestBlockRange: UInt64 = 1 << 16

  @inline(__always)
  private static func blockRange(_ start: UInt64, _ end: UInt64, _ body: (_ first: Int, _ count: Int) -> Void) {
    let first = Int(truncatingIfNeeded: start >> 6)
    body(first, Int(truncatingIfNeeded: (end &- 1) >> 6) &- first &+ 1)
  }

  /// Whether any byte of the two transfers is the same.
  func overlaps(_ other: Transfer) -> Bool {
    let low = min(dram, last)
    let high = max(dram, last) + UInt64(bytes)
    if max(other.dram, other.last) + UInt64(other.bytes) <= low || min(other.dram, other.last) >= high { return false }
    for row in 0..<rows {
      let start = address(row)
      for otherRow in 0..<other.rows {
        let otherStart = other.address(otherRow)
        if start < otherStart + UInt64(other.bytes) && otherStart < start + UInt64(bytes) { return true }
      }
    }
    return false
  }
}
