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
