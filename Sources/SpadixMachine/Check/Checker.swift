import SpadixISA

/// Watches decoded steps for uses of rows and bytes that no program should make. It never looks at data.
///
/// Everything is a range of bits, so that a step costs a few nanoseconds; what a finding needs beyond is looked up when
/// there is one.
struct Checker {
  let checks: CheckSet
  let dim: Int
  private var own = FindingLog()

  private var scratchpadWritten: WrittenRows
  private var accumulatorWritten: WrittenRows
  private let dramValues: DramValues?
  private var order: DramOrder?
  private var waste: WasteTracker?
  private var station: StationCheck?
  private let watchesRows: Bool
  /// Bytes of DRAM that may hold anything at the end, as the program says.
  private let unspecified: [Program.AddressRange]

  static func needed(for checks: CheckSet) -> Bool {
    !checks.isDisjoint(with: [.initialized, .dram, .fences, .writeOrder, .waste, .hardwareFaults])
  }

  init(_ program: Program, checks: CheckSet) throws {
    self.checks = checks
    dim = program.target.dim
    watchesRows = checks.contains(.initialized)
    unspecified = program.unspecified
    scratchpadWritten = try WrittenRows(count: program.target.scratchpadRows + 64)
    accumulatorWritten = try WrittenRows(count: program.target.accumulatorRows + 64)
    if checks.contains(.dram) {
      let values = try DramValues(count: program.target.dramBytes)
      for segment in program.segments where !segment.bytes.isEmpty {
        values.insert(Int(segment.address), segment.bytes.count)
      }
      dramValues = values
    } else {
      dramValues = nil
    }
    if checks.contains(.fences) || checks.contains(.writeOrder) { order = try DramOrder(program, checks: checks) }
    if checks.contains(.waste) { waste = try WasteTracker(program) }
    if checks.contains(.hardwareFaults) && program.target.faults.rangeOrder { station = StationCheck(program) }
  }

  mutating func wroteDram(_ address: UInt64, _ count: Int) {
    if count > 0 { dramValues?.insert(Int(address), count) }
    waste?.hostWroteDram()
  }

  mutating func readDram(_ address: UInt64, _ count: Int) { waste?.hostReadDram(address, count) }

  /// `decoder` is the state behind the chunk; a chunk with a fence has one.
  mutating func check(_ chunk: borrowing DecodedChunk, _ decoder: Decoder?) {
    let commands = chunk.commands
    for index in commands.indices {
      if commands[index].kind == .compute && waste == nil && changesNothing(commands[index]) { continue }
      let it = commands[index]
      station?.step(it, chunk, decoder)
      switch it.kind {
      case .load: checkLoad(it)
      case .store:
        checkSource(it, chunk.stores[Int(it.configuration)])
        if it.normalization == 0 {
          Transfer.forEach(storedBy: it, chunk.stores[Int(it.configuration)]) { checkStore($0) }
        }
      case .storeScratchpad:
        checkSource(it, chunk.stores[Int(it.configuration)])
        checkScratchpadStore(it)
      case .loadScales:
        checkDramRead(Transfer(it), "config_output_scales")
        order?.load(Transfer(it))
      case .loadTable:
        checkDramRead(Transfer(it), "config_output_table")
        order?.load(Transfer(it))
      case .compute: checkCompute(it)
      case .fence: if let decoder { order?.fence(decoder) }
      }
      if waste != nil { waste?.step(it, chunk) }
    }
  }

  mutating func finish() {
    order?.finish()
    station?.finish()
  }

  /// What all parts found, in the order of the commands.
  var findings: FindingLog {
    FindingLog(merging: [own, order?.findings, waste?.findings, station?.findings].compactMap { $0 })
  }

  @inline(never)
  private mutating func report(_ finding: Finding) { own.add(finding) }

  // MARK: Rows

  @inline(__always)
  private mutating func needsScratchpad(
    _ row: Int, _ count: Int, _ stride: Int, _ it: DecodedCommand, _ what: StaticString
  ) {
    if !watchesRows || scratchpadWritten.contains(row, count, stride) { return }
    if let missing = scratchpadWritten.require(row, count, stride) {
      unwritten("scratchpad", missing, it, what)
    }
  }

  @inline(__always)
  private mutating func needsAccumulator(
    _ row: Int, _ count: Int, _ stride: Int, _ it: DecodedCommand, _ what: StaticString
  ) {
    if !watchesRows || accumulatorWritten.contains(row, count, stride) { return }
    if let missing = accumulatorWritten.require(row, count, stride) {
      unwritten("accumulator", missing, it, what)
    }
  }

  @inline(never)
  private mutating func unwritten(_ memory: String, _ row: Int, _ it: DecodedCommand, _ what: StaticString) {
    report(
      Finding(
        "machine.uninitialized", Int(it.command),
        "\(what) reads row \(row) of the \(memory), which no command has written"))
  }

  // MARK: Steps

  private mutating func checkLoad(_ it: DecodedCommand) {
    let row = Int(it.a.row)
    let rows = Int(it.a.rows)
    let isAccumulator = it.flags.contains(.accumulator)
    var block = 0
    var done = 0
    repeat {
      let first = row + block * Int(it.aStride)
      if isAccumulator {
        if it.flags.contains(.accumulate) { needsAccumulator(first, rows, 1, it, "the accumulating load") }
        accumulatorWritten.insert(first, rows, 1)
      } else {
        scratchpadWritten.insert(first, rows, 1)
      }
      block += 1
      done += dim
    } while done < Int(it.a.columns)
    // Pixels go to the rows before as well.
    if it.small > 1 && !isAccumulator {
      let before = min(Int(it.small) - 1, row)
      scratchpadWritten.insert(row - before, before + 1, 1)
    }
    if it.flags.contains(.zero) { return }
    let transfer = Transfer(it)
    checkDramRead(transfer, "the load")
    order?.load(transfer)
  }

  private mutating func checkSource(_ it: DecodedCommand, _ configuration: borrowing StoreConfiguration) {
    var rows = Int(it.a.rows)
    var columns = Int(it.a.columns)
    if it.flags.contains(.pooled), let pooling = configuration.pooling {
      rows = pooling.pixelsRead
      columns = min(columns, dim)
    }
    var row = Int(it.a.row)
    while columns > 0 {
      if _slowPath(!unspecified.isEmpty) && !it.flags.contains(.pooled) { excuse(it, row, rows) }
      if it.flags.contains(.accumulator) {
        needsAccumulator(row, rows, 1, it, "the store")
      } else {
        needsScratchpad(row, rows, 1, it, "the store")
      }
      columns -= dim
      row += dim
    }
  }

  /// Rows without a value may go to bytes that are declared to hold anything: a remark, not an error.
  ///
  /// - Parameter row: the first row of a column block of the store.
  @inline(never)
  private mutating func excuse(_ it: DecodedCommand, _ row: Int, _ rows: Int) {
    let transfer = Transfer(it)
    let isAccumulator = it.flags.contains(.accumulator)
    var first: Int?
    for index in 0..<rows {
      let local = row + index
      let start = transfer.address(index)
      let isWritten = isAccumulator ? accumulatorWritten.contains(local, 1, 1) : scratchpadWritten.contains(local, 1, 1)
      let isExcused = unspecified.contains {
        start >= $0.address && start + UInt64(transfer.bytes) <= $0.address + UInt64($0.length)
      }
      if isWritten || !isExcused { continue }
      if isAccumulator { accumulatorWritten.insert(local, 1, 1) } else { scratchpadWritten.insert(local, 1, 1) }
      first = first ?? local
    }
    guard let first else { return }
    report(
      Finding(
        "machine.uninitialized", Int(it.command),
        "the store reads row \(first) of the \(isAccumulator ? "accumulator" : "scratchpad"), which no command has "
          + "written, into bytes that are declared unspecified", severity: .remark))
  }

  private mutating func checkStore(_ transfer: Transfer) {
    order?.store(transfer)
    dramValues?.insert(transfer)
  }

  private mutating func checkScratchpadStore(_ it: DecodedCommand) {
    let rows = Int(it.c.rows)
    if it.cStride == 0 && rows > 1 {
      writtenTwice(it, "mvout_spad writes row \(it.c.row) \(rows) times: its stride is 0")
    }
    scratchpadWritten.insert(Int(it.c.row), rows, Int(it.cStride))
  }

  @inline(never)
  private mutating func writtenTwice(_ it: DecodedCommand, _ message: String) {
    if checks.contains(.writeOrder) { report(Finding("machine.write-order", Int(it.command), message)) }
  }

  /// Whether all rows that a compute reads and writes are known to be written, as nearly always. Logical and physical
  /// rows differ under transposition; the larger number is safe to look at. The row of no operand is -1. Transposed
  /// operands can lie outside what hardware orders.
  @inline(__always)
  private func changesNothing(_ it: DecodedCommand) -> Bool {
    let written = scratchpadWritten.prefix
    let result = it.flags.contains(.accumulator) ? accumulatorWritten.prefix : written
    return Int(it.a.row) &+ Int(max(it.a.rows, it.a.columns)) &* Int(it.aStride) < written
      && Int(it.b.row) &+ Int(max(it.b.rows, it.b.columns)) < written
      && Int(it.d.row) &+ Int(max(it.d.rows, it.d.columns)) < written
      && Int(it.c.row) &+ Int(it.c.rows) &* Int(it.cStride) < result && it.cStride != 0
      && !it.flags.contains(.transposeB)
  }

  private mutating func checkCompute(_ it: DecodedCommand) {
    if !it.a.isGarbage {
      let rows = it.flags.contains(.transposeA) ? Int(it.a.columns) : Int(it.a.rows)
      needsScratchpad(Int(it.a.row), rows, Int(it.aStride), it, "A")
    }
    let outputStationary = it.flags.contains(.outputStationary)
    if !it.b.isGarbage {
      let transposed = it.flags.contains(.transposeB) && !outputStationary
      needsScratchpad(Int(it.b.row), transposed ? Int(it.b.columns) : Int(it.b.rows), 1, it, "the preload")
    }
    if !it.d.isGarbage {
      let transposed = it.flags.contains(.transposeB) && outputStationary
      needsScratchpad(
        Int(it.d.row), transposed ? Int(it.d.columns) : Int(it.d.rows), 1, it, outputStationary ? "B" : "D")
    }
    if it.c.isGarbage || it.c.rows == 0 { return }
    let row = Int(it.c.row)
    let rows = Int(it.c.rows)
    if it.cStride == 0 && rows > 1 {
      writtenTwice(it, "the result's \(rows) rows all go to row \(row): c_stride is 0")
    }
    if it.flags.contains(.accumulator) {
      if it.flags.contains(.accumulate) {
        needsAccumulator(row, rows, Int(it.cStride), it, "the accumulating result")
      }
      accumulatorWritten.insert(row, rows, Int(it.cStride))
    } else {
      scratchpadWritten.insert(row, rows, Int(it.cStride))
    }
  }

  // MARK: DRAM

  @inline(__always)
  private mutating func checkDramRead(_ transfer: Transfer, _ what: StaticString) {
    guard let dramValues, let row = dramValues.firstMissingRow(transfer) else { return }
    withoutValue(dramValues, transfer, row, what)
  }

  @inline(never)
  private mutating func withoutValue(_ values: DramValues, _ transfer: Transfer, _ row: Int, _ what: StaticString) {
    let address = Int(transfer.address(row))
    guard let byte = values.firstMissing(address, transfer.bytes) else { return }
    report(
      Finding(
        "machine.uninitialized-dram", Int(transfer.command),
        "\(what) reads \(hexadecimal(UInt64(byte))), which holds no input, weight or earlier result"))
    values.insert(address, transfer.bytes)
  }
}
