import SpadixISA
import SpadixTiming

/// The last store to each block of 64 bytes of DRAM.
///
/// A program stores a byte once: a value has addresses of its own, or those of what copies it (`MemoryMap`). So loads wait for stores, and stores
/// for nothing.
struct StoredBlocks {
  private static let shift: UInt64 = 6
  private let first: UInt64
  private var last: [Int32]

  init(_ program: Program) {
    let written = program.symbols.filter { $0.kind != .weights && $0.kind != .input }
    first = written.map { $0.address >> Self.shift }.min() ?? 0
    let end = written.map { ($0.address + UInt64($0.length)) >> Self.shift + 1 }.max() ?? first
    last = [Int32](repeating: 0, count: Int(end - first))
  }

  private func blocks(_ address: UInt64, _ bytes: Int) -> Range<Int> {
    func clamped(_ block: UInt64) -> Int { block <= first ? 0 : min(Int(clamping: block - first), last.count) }
    let begin = address >> Self.shift
    return clamped(begin)..<clamped((address &+ UInt64(max(bytes, 1) - 1)) >> Self.shift + 1)
  }

  /// The last store that a load has to find in DRAM.
  func last(loadedBy it: Operation) -> Int32 {
    var found: Int32 = 0
    var address = it.address
    for _ in 0..<(it.flags.contains(.repeated) ? 1 : Int(it.rows)) {
      for block in blocks(address, Int(it.bytes)) { found = max(found, last[block]) }
      address &+= UInt64(bitPattern: it.stride)
    }
    return found
  }

  mutating func store(_ it: Operation, number: Int32) {
    var address = it.address
    var column = 0
    for _ in 0..<Int(it.rows) {
      let blocks = blocks(address, Int(it.bytes))
      precondition(!blocks.isEmpty, "stores go to values")
      for block in blocks { last[block] = number }
      address &+= UInt64(bitPattern: it.stride)
      guard it.pixels > 0 else { continue }
      column += 1
      if column == Int(it.pixels) {
        column = 0
        address &+= UInt64(bitPattern: it.stride) &* UInt64(it.pixelPitch - it.pixels)
      }
    }
  }
}
