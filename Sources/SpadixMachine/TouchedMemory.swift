import SpadixISA

/// Counts the DRAM pages that stores touch, so that a hostile program cannot fill the computer's memory.
final class TouchedMemory {
  private static let pageShift: UInt64 = 16

  private var pages: [Bool]
  private var remaining: Int
  private let limit: Int

  init(_ program: Program, limit: Int) {
    self.limit = limit
    self.remaining = limit >> Int(Self.pageShift)
    pages = [Bool](repeating: false, count: program.target.dramBytes >> Int(Self.pageShift) + 2)
    for segment in program.segments where !segment.bytes.isEmpty {
      let last = segment.address + UInt64(segment.bytes.count - 1)
      for page in segment.address >> Self.pageShift...last >> Self.pageShift { pages[Int(page)] = true }
    }
  }

  /// The first step that goes beyond the limit, and the fault.
  func check(_ steps: UnsafeBufferPointer<DecodedCommand>) -> (Int, Finding)? {
    for index in steps.indices where steps[index].kind == .store && steps[index].normalization == 0 {
      touch(steps[index])
      if remaining < 0 {
        return (
          index,
          Finding(
            "machine.memory-limit", Int(steps[index].command), "the program stores to more than \(limit) bytes of DRAM")
        )
      }
    }
    return nil
  }

  private func touch(_ it: DecodedCommand) {
    let transfer = Transfer(it)
    let first = min(transfer.dram, transfer.last) >> Self.pageShift
    let last = (max(transfer.dram, transfer.last) + UInt64(transfer.bytes - 1)) >> Self.pageShift
    if first == last {
      mark(first)
      return
    }
    for row in 0..<transfer.rows {
      let start = transfer.address(row)
      for page in start >> Self.pageShift...(start + UInt64(transfer.bytes - 1)) >> Self.pageShift { mark(page) }
    }
  }

  @inline(__always)
  private func mark(_ page: UInt64) {
    if pages[Int(page)] { return }
    pages[Int(page)] = true
    remaining -= 1
  }
}

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
