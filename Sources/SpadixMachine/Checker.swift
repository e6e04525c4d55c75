import SpadixISA

/// Watches decoded steps for uses of rows and bytes that no program should make. It never looks at data.
///
/// Everything is a range of bits, so that a step costs a few nanoseconds; what a finding needs beyond is looked up when
/// there is one.
final class Checker {
  let checks: CheckSet
  let dim: Int
  private(set) var findings: [Finding] = []

  private let scratchpadWritten: BitRange
  private let accumulatorWritten: BitRange
  private let dramWritten: BitRange?
  private var order: DramOrder?
  private var waste: WasteTracker?
  private let watchesRows: Bool

  static func needed(for checks: CheckSet) -> Bool {
    !checks.isDisjoint(with: [.initialized, .dram, .fences, .writeOrder, .waste])
  }

  init(_ program: Program, checks: CheckSet) throws {
    self.checks = checks
    dim = program.target.dim
    watchesRows = checks.contains(.initialized)
    scratchpadWritten = try BitRange(count: program.target.scratchpadRows + 64)
    accumulatorWritten = try BitRange(count: program.target.accumulatorRows + 64)
    if checks.contains(.dram) {
      let written = try BitRange(count: program.target.dramBytes)
      for segment in program.segments where !segment.bytes.isEmpty {
        written.set(Int(segment.address), segment.bytes.count)
      }
      dramWritten = written
    } else {
      dramWritten = nil
    }
    if checks.contains(.fences) || checks.contains(.writeOrder) { order = try DramOrder(program, checks: checks) }
    if checks.contains(.waste) { waste = try WasteTracker(program) }
  }

  func wroteDram(_ address: UInt64, _ count: Int) {
    if count > 0 { dramWritten?.set(Int(address), count) }
    waste?.hostTouchedDram()
  }

  /// `decoder` is the state behind the chunk.
  func check(_ chunk: borrowing DecodedChunk, _ decoder: Decoder) {
    for index in chunk.commands.indices {
      let it = chunk.commands[index]
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
      case .compute: checkCompute(it)
      case .fence: order?.fence(decoder)
      }
      if waste != nil { waste?.step(it, chunk, &findings) }
    }
    if let order, !order.findings.isEmpty {
      for finding in order.findings { report(finding) }
      self.order?.findings.removeAll()
    }
  }

  func finish() {
    order?.finish()
    for finding in order?.findings ?? [] { report(finding) }
    order?.findings.removeAll()
  }

  @inline(never)
  private func report(_ finding: Finding) {
    if findings.count < Machine.maximumFindings { findings.append(finding) }
  }

  // MARK: Rows

  @inline(__always)
  private func needsScratchpad(_ row: Int, _ count: Int, _ stride: Int, _ it: DecodedCommand, _ what: StaticString) {
    if !watchesRows || count == 0 { return }
    if stride == 1 {
      if scratchpadWritten.allSet(row, count) { return }
    } else if (0..<count).allSatisfy({ scratchpadWritten.allSet(row + $0 * stride, 1) }) {
      return
    }
    unwritten(scratchpadWritten, "scratchpad", row, count, stride, it, what)
  }

  @inline(__always)
  private func needsAccumulator(_ row: Int, _ count: Int, _ stride: Int, _ it: DecodedCommand, _ what: StaticString) {
    if !watchesRows || count == 0 { return }
    if stride == 1 {
      if accumulatorWritten.allSet(row, count) { return }
    } else if (0..<count).allSatisfy({ accumulatorWritten.allSet(row + $0 * stride, 1) }) {
      return
    }
    unwritten(accumulatorWritten, "accumulator", row, count, stride, it, what)
  }

  @inline(never)
  private func unwritten(
    _ written: BitRange, _ memory: String, _ row: Int, _ count: Int, _ stride: Int, _ it: DecodedCommand,
    _ what: StaticString
  ) {
    for index in 0..<count where !written.allSet(row + index * stride, 1) {
      report(
        Finding(
          "machine.uninitialized", Int(it.command),
          "\(what) reads row \(row + index * stride) of the \(memory), which no command has written"))
      break
    }
    // Once is enough.
    for index in 0..<count { written.set(row + index * stride, 1) }
  }

  @inline(__always)
  private func wrote(_ written: BitRange, _ row: Int, _ count: Int, _ stride: Int) {
    if count == 0 { return }
    if stride == 1 {
      written.set(row, count)
    } else {
      for index in 0..<count { written.set(row + index * stride, 1) }
    }
  }

  // MARK: Steps

  private func checkLoad(_ it: DecodedCommand) {
    let row = Int(it.a.row)
    let rows = Int(it.a.rows)
    let isAccumulator = it.flags.contains(.accumulator)
    var block = 0
    var done = 0
    repeat {
      let first = row + block * Int(it.aStride)
      if isAccumulator {
        if it.flags.contains(.accumulate) { needsAccumulator(first, rows, 1, it, "the accumulating load") }
        accumulatorWritten.set(first, rows)
      } else {
        scratchpadWritten.set(first, rows)
      }
      block += 1
      done += dim
    } while done < Int(it.a.columns)
    // Pixels go to the rows before as well.
    if it.small > 1 && !isAccumulator {
      let before = min(Int(it.small) - 1, row)
      scratchpadWritten.set(row - before, before + 1)
    }
    if it.flags.contains(.zero) { return }
    let transfer = Transfer(it)
    checkDramRead(transfer, "the load")
    order?.load(transfer)
  }

  private func checkSource(_ it: DecodedCommand, _ configuration: borrowing StoreConfiguration) {
    var rows = Int(it.a.rows)
    var columns = Int(it.a.columns)
    if it.flags.contains(.pooled), let pooling = configuration.pooling {
      rows = pooling.pixelsRead
      columns = min(columns, dim)
    }
    var row = Int(it.a.row)
    while columns > 0 {
      if it.flags.contains(.accumulator) {
        needsAccumulator(row, rows, 1, it, "the store")
      } else {
        needsScratchpad(row, rows, 1, it, "the store")
      }
      columns -= dim
      row += dim
    }
  }

  private func checkStore(_ transfer: Transfer) {
    order?.store(transfer)
    guard let dramWritten else { return }
    for row in 0..<transfer.rows { dramWritten.set(Int(transfer.address(row)), transfer.bytes) }
  }

  private func checkScratchpadStore(_ it: DecodedCommand) {
    let rows = Int(it.c.rows)
    if it.cStride == 0 && rows > 1 {
      writtenTwice(it, "mvout_spad writes row \(it.c.row) \(rows) times: its stride is 0")
    }
    wrote(scratchpadWritten, Int(it.c.row), rows, Int(it.cStride))
  }

  @inline(never)
  private func writtenTwice(_ it: DecodedCommand, _ message: String) {
    if checks.contains(.writeOrder) { report(Finding("machine.write-order", Int(it.command), message)) }
  }

  private func checkCompute(_ it: DecodedCommand) {
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
      wrote(accumulatorWritten, row, rows, Int(it.cStride))
    } else {
      wrote(scratchpadWritten, row, rows, Int(it.cStride))
    }
  }

  // MARK: DRAM

  @inline(__always)
  private func checkDramRead(_ transfer: Transfer, _ what: StaticString) {
    guard let dramWritten else { return }
    let rows = transfer.stride == 0 ? 1 : transfer.rows
    for row in 0..<rows {
      let address = Int(transfer.address(row))
      if _slowPath(!dramWritten.allSet(address, transfer.bytes)) {
        unwritten(dramWritten, transfer, row, what)
        return
      }
    }
  }

  @inline(never)
  private func unwritten(_ written: BitRange, _ transfer: Transfer, _ row: Int, _ what: StaticString) {
    let address = Int(transfer.address(row))
    guard let byte = written.firstUnset(address, transfer.bytes) else { return }
    report(
      Finding(
        "machine.uninitialized-dram", Int(transfer.command),
        "\(what) reads \(hexadecimal(UInt64(byte))), which holds no input, weight or earlier result"))
    written.set(address, transfer.bytes)
  }
}
