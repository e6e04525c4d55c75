/// Which bytes of DRAM have a value.
///
/// One bit for each byte, and one for each block of 64 bytes that all have one: nearly every load is answered by a few
/// words of the latter.
struct DramValues {
  private let bytes: BitRange
  private let blocks: BitRange

  init(count: Int) throws {
    bytes = try BitRange(count: count)
    blocks = try BitRange(count: (count + 63) / 64)
  }

  @inline(__always)
  func insert(_ address: Int, _ count: Int) {
    bytes.set(address, count)
    // A block is a word of the bits.
    for block in address >> 6...(address + count - 1) >> 6 where bytes.isFull(word: block) { blocks.set(block, 1) }
  }

  @inline(__always)
  func insert(_ transfer: Transfer) {
    for row in 0..<transfer.rows { insert(Int(transfer.address(row)), transfer.bytes) }
  }

  /// The first row of the transfer with a byte that has no value.
  @inline(__always)
  func firstMissingRow(_ transfer: Transfer) -> Int? {
    var isFull = true
    transfer.forEachBlockRange { if !blocks.allSet($0, $1) { isFull = false } }
    return isFull ? nil : firstMissingRowByBytes(transfer)
  }

  @inline(never)
  private func firstMissingRowByBytes(_ transfer: Transfer) -> Int? {
    (0..<transfer.rows).first { !bytes.allSet(Int(transfer.address($0)), transfer.bytes) }
  }

  func firstMissing(_ address: Int, _ count: Int) -> Int? { bytes.firstUnset(address, count) }
}
