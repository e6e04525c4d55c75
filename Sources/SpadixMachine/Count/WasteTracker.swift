import SpadixISA

/// Remarks on moves that change nothing: stores over results that nobody read, loads of what is there already.
struct WasteTracker {
  private(set) var findings = FindingLog()
  private let dim: Int
  private var unread: UnreadStores
  /// Where the content of each scratchpad row came from; 0 for nowhere in particular.
  private var source: [UInt64]
  private var width: [UInt16]
  private var loader: [Int32]
  /// Grows with every store to DRAM; a row loaded before the last one may be out of date.
  private var epoch: Int32 = 1
  private var loadEpoch: [Int32]

  init(_ program: Program) throws {
    dim = program.target.dim
    unread = try UnreadStores(count: program.target.dramBytes)
    let rows = program.target.scratchpadRows
    source = [UInt64](repeating: 0, count: rows)
    width = [UInt16](repeating: 0, count: rows)
    loader = [Int32](repeating: 0, count: rows)
    loadEpoch = [Int32](repeating: 0, count: rows)
  }

  mutating func hostWroteDram() { epoch += 1 }
  mutating func hostReadDram(_ address: UInt64, _ count: Int) { unread.read(Int(address), count) }

  mutating func step(_ it: DecodedCommand, _ chunk: borrowing DecodedChunk) {
    switch it.kind {
    case .load: load(it)
    case .store:
      if it.normalization == 0 {
        Transfer.forEach(storedBy: it, chunk.stores[Int(it.configuration)]) { store($0) }
      }
    case .storeScratchpad: forget(Int(it.c.row), Int(it.c.rows), Int(it.cStride))
    case .compute:
      if !it.c.isGarbage && !it.flags.contains(.accumulator) {
        forget(Int(it.c.row), Int(it.c.rows), Int(it.cStride))
      }
    case .loadScales, .loadTable: unread.read(Int(it.dram), Transfer(it).bytes)
    case .fence: break
    }
  }

  private mutating func forget(_ row: Int, _ rows: Int, _ stride: Int) {
    for index in 0..<rows { source[row + index * stride] = 0 }
  }

  private mutating func load(_ it: DecodedCommand) {
    let transfer = Transfer(it)
    if !it.flags.contains(.zero) {
      for row in 0..<transfer.rows { unread.read(Int(transfer.address(row)), transfer.bytes) }
    }
    if it.flags.contains(.accumulator) { return }
    let isPlain = it.small == 1 && !it.flags.contains(.scaled) && !it.flags.contains(.zero)
    var isRepeated = isPlain
    var earlier = Int32.max
    var done = 0
    var block = Int(it.a.row)
    while done < Int(it.a.columns) {
      let count = min(dim, Int(it.a.columns) - done)
      for row in 0..<Int(it.a.rows) {
        let address = isPlain ? transfer.address(row) + UInt64(done) : 0
        let local = block + row
        if source[local] != address || Int(width[local]) < count || loadEpoch[local] != epoch { isRepeated = false }
        earlier = min(earlier, loader[local])
        source[local] = address
        width[local] = UInt16(count)
        loader[local] = it.command
        loadEpoch[local] = epoch
      }
      done += dim
      block += Int(it.aStride)
    }
    if isRepeated {
      findings.add(
        Finding(
          "machine.redundant-load", Int(it.command), "the rows hold these bytes already", earlier: Int(earlier),
          severity: .remark))
    }
  }

  private mutating func store(_ transfer: Transfer) {
    epoch += 1
    for earlier in unread.store(transfer) {
      findings.add(
        Finding(
          "machine.dead-store", earlier, "what it stores is stored over by command \(transfer.command) unread",
          severity: .remark))
    }
  }
}
