import SpadixSupport

/// Which bytes of DRAM have a value.
///
/// One bit for each byte, and one for each block of 64 bytes that are known to have one each: nearly every load is
/// answered by a few words of the latter.
struct DramValues {
  private let bytes: BitRange
  private let blocks: BitRange

  init(count: Int) throws {
    bytes = try BitRange(count: count)
    blocks = try BitRange(count: ceilDivide(count, 64))
  }

  @inline(__always)
  func insert(_ address: Int, _ count: Int) { bytes.set(address, count) }

  @inline(__always)
  func insert(_ transfer: Transfer) { bytes.setRows(transfer) }

  /// The first row of the transfer with a byte that has no value.
  @inline(__always)
  func firstMissingRow(_ transfer: Transfer) -> Int? {
    var isFull = true
    transfer.forEachBlockRange { if !blocks.allSet($0, $1) { isFull = false } }
    return isFull ? nil : firstMissingRowByBytes(transfer)
  }

  @inline(never)
  private func firstMissingRowByBytes(_ transfer: Transfer) -> Int? {
    // The first load of a block finds out about it, for all that follow.
    var isFull = true
    transfer.forEachBlockRange { first, count in
      if bytes.allSet(first << 6, count << 6) { blocks.set(first, count) } else { isFull = false }
    }
    if isFull { return nil }
    return (0..<transfer.rows).first { !bytes.allSet(Int(transfer.address($0)), transfer.bytes) }
  }

  func firstMissing(_ address: Int, _ count: Int) -> Int? { bytes.firstUnset(address, count) }
}
