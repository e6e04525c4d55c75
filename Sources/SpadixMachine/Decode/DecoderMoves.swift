import SpadixISA
import SpadixSupport

/// Moves in and out, with their addresses resolved.
extension Decoder {
  /// Both ends of a strided transfer lie between the first legal address and the end of DRAM.
  @inline(__always)
  mutating func checkDram(_ dram: UInt64, rows: Int, bytes: Int, stride: Int) throws(Finding) {
    let (span, overflow) = stride.multipliedReportingOverflow(by: rows - 1)
    let (last, overflow2) = Int(truncatingIfNeeded: dram).addingReportingOverflow(span)
    let low = min(Int(truncatingIfNeeded: dram), last)
    let (high, overflow3) = max(Int(truncatingIfNeeded: dram), last).addingReportingOverflow(bytes)
    let inside = low >= Target.firstAddress && UInt64(bitPattern: Int64(high)) <= dramLimit
    if _slowPath(overflow || overflow2 || overflow3 || !inside) {
      throw dramFault(dram, rows, bytes, stride)
    }
  }

  @inline(never)
  mutating func dramFault(_ dram: UInt64, _ rows: Int, _ bytes: Int, _ stride: Int) -> Finding {
    fault(
      "machine.dram-range",
      "\(rows) rows of \(bytes) bytes, stride \(stride), at \(hexadecimal(dram)) leave DRAM; "
        + "expected addresses from \(hexadecimal(UInt64(Target.firstAddress))) to \(hexadecimal(dramLimit))")
  }

  @inline(never)
  mutating func localFault(_ what: String, _ first: Int, _ end: Int, accumulator: Bool) -> Finding {
    let rows = accumulator ? accumulatorRows : scratchpadRows
    return fault(
      "machine.local-range",
      "\(what) takes rows \(first)...\(end - 1) of the \(accumulator ? "accumulator" : "scratchpad"), "
        + "which has \(rows) rows")
  }

  mutating func moveIn(
    _ state: LoadState, _ dram: UInt64, _ local: UInt64, _ chunk: inout DecodedChunk
  ) throws(Finding) {
    let rows = Int(local >> 48)
    let columns = Int(local >> 32 & 0xFFFF)
    let address = UInt32(truncatingIfNeeded: local)
    let accumulator = address & 0x8000_0000 != 0
    let row = Int(address & 0x1FFF_FFFF)
    if _slowPath(!state.isSet) {
      report(.configured, "machine.unconfigured", "the load state is used before config_ld sets it")
      return
    }
    if _slowPath(rows == 0 || columns == 0) {
      report(.limits, "machine.shape", "the move has \(rows) rows and \(columns) columns; expected at least one")
      return
    }
    let shrunk = accumulator && state.shrunk
    let blocks = (columns &+ dim &- 1) &>> dimShift
    let wide = accumulator && !shrunk
    if _slowPath(shrunk && dram == 0) {
      warn("zeros for int8 elements of the accumulator; hardware counts four bytes for each and loses the load's end")
    }
    if _slowPath(rows > dim || blocks > (wide ? wideBlocks : narrowBlocks)) {
      let most = dim * (wide ? target.maxBlockLengthAccumulator : target.maxBlockLength)
      report(
        .limits, "machine.shape", "the load has \(rows) rows and \(columns) columns; hardware has \(dim) and \(most)")
    }
    if _slowPath(blocks > 1 && state.blockStride < rows) {
      report(
        .limits, "machine.block-stride",
        "column blocks of \(rows) rows stand \(state.blockStride) rows apart and overlap")
    }
    if _slowPath(state.pixelRepeats > 1 && state.pixelRepeats * columns > dim) {
      throw fault(
        "machine.shape", "\(state.pixelRepeats) pixels of \(columns) columns do not fit a row of \(dim) elements")
    }
    let end = row + rows + (blocks - 1) * state.blockStride
    if _slowPath(end > (accumulator ? accumulatorRows : scratchpadRows)) {
      throw localFault("the load", row, end, accumulator: accumulator)
    }
    if _slowPath(!accumulator && address & 0x6000_0000 != 0) {
      warn("accumulation flags are set on a scratchpad address, where they have no effect")
    }
    var step = DecodedCommand(kind: .load, command: command)
    var flags: DecodedCommand.Flags = []
    if accumulator { flags.insert(.accumulator) }
    if accumulator && address & 0x4000_0000 != 0 { flags.insert(.accumulate) }
    if shrunk { flags.insert(.shrunk) }
    if dram == 0 {
      flags.insert(.zero)
    } else {
      try checkDram(dram, rows: rows, bytes: wide ? 4 * columns : columns, stride: state.stride)
      // 32-bit loads ignore the scale in the default configuration.
      if state.scale != 1 && !wide { flags.insert(.scaled) }
    }
    step.flags = flags
    step.a = DecodedCommand.Tile(
      row: Int32(truncatingIfNeeded: row), rows: UInt16(truncatingIfNeeded: rows),
      columns: UInt16(truncatingIfNeeded: columns))
    step.dram = dram
    step.stride = state.stride
    step.scale = state.scale
    step.aStride = Int32(truncatingIfNeeded: state.blockStride)
    step.small = UInt8(truncatingIfNeeded: state.pixelRepeats)
    chunk.append(step)
  }

  /// What stores have in common: the source in range, the configuration set. Nil when there is nothing to store.
  @inline(__always)
  mutating func source(
    _ kind: DecodedCommand.Kind, _ tile: LocalTile, configuration: Int
  ) throws(Finding) -> DecodedCommand? {
    let accumulator = tile.address.isAccumulator
    let row = tile.address.row
    if _slowPath(!store.isSet) {
      report(.configured, "machine.unconfigured", "the store configuration is used before config_st sets it")
    }
    let blocks = (tile.columns &+ dim &- 1) &>> dimShift
    var end = row + tile.rows + (blocks - 1) * dim
    let fullWidth = accumulator && tile.address.isFullWidth
    if let pooling = store.pooling {
      if tile.columns == 0 || pooling.outRows == 0 || pooling.outCols == 0 { return nil }
      try check(pooling, columns: tile.columns)
      if fullWidth { warn("a pooled store of 32-bit elements writes 8-bit ones in the functional model") }
      end = row + pooling.pixelsRead
    } else {
      if _slowPath(tile.rows == 0 || tile.columns == 0) {
        report(
          .limits, "machine.shape", "the store has \(tile.rows) rows and \(tile.columns) columns; expected at least one"
        )
        return nil
      }
      if _slowPath(tile.rows > dim || blocks > (fullWidth ? 1 : narrowBlocks)) {
        let most = dim * (fullWidth ? 1 : target.maxBlockLength)
        report(
          .limits, "machine.shape",
          "the store has \(tile.rows) rows and \(tile.columns) columns; hardware has \(dim) and \(most)")
      }
    }
    if _slowPath(end > (accumulator ? accumulatorRows : scratchpadRows)) {
      throw localFault("the store", row, end, accumulator: accumulator)
    }
    if _slowPath(accumulator && store.usesTable && !hasTable && (store.pooling != nil || !fullWidth)) {
      report(
        .configured, "machine.unconfigured", "the table of the store is used before config_output_table loads it")
    }
    var step = DecodedCommand(kind: kind, command: command)
    var flags: DecodedCommand.Flags = []
    if accumulator { flags.insert(.accumulator) }
    if store.pooling != nil {
      flags.insert(.pooled)
    } else {
      if fullWidth { flags.insert(.fullWidth) }
      if accumulator && (store.activation.rawValue > 1 || tile.address.normalization != 0) {
        try normalizing(tile.address.normalization, fullWidth)
        flags.insert(.normalizing)
        step.normalization = UInt8(truncatingIfNeeded: tile.address.normalization)
      }
    }
    step.flags = flags
    step.a = DecodedCommand.Tile(
      row: Int32(truncatingIfNeeded: row), rows: UInt16(truncatingIfNeeded: tile.rows),
      columns: UInt16(truncatingIfNeeded: tile.columns))
    step.configuration = Int32(truncatingIfNeeded: configuration)
    return step
  }

  mutating func moveOut(_ dram: UInt64, _ local: UInt64, _ chunk: inout DecodedChunk) throws(Finding) {
    guard var step = try source(.store, LocalTile(bits: local), configuration: chunk.configuration) else {
      return
    }
    step.dram = dram
    step.stride = store.stride
    let bytes = Int(step.a.columns) * step.elementBytes
    if let pooling = store.pooling {
      let rows = (pooling.outRows - 1) * pooling.outDim + pooling.outCols
      try checkDram(dram, rows: rows, bytes: bytes, stride: step.stride)
      step.c = DecodedCommand.Tile(row: 0, rows: UInt16(rows), columns: 0)
    } else if step.normalization == 0 {
      try checkDram(dram, rows: Int(step.a.rows), bytes: bytes, stride: step.stride)
    }
    chunk.append(step)
  }

  mutating func moveOutScratchpad(
    _ destination: LocalAddress, _ stride: Int, _ tile: LocalTile, _ chunk: inout DecodedChunk
  ) throws(Finding) {
    guard target.hasScratchpadStore else {
      throw fault(
        "machine.capability", "mvout_spad needs the scratchpad store, which the target '\(target.name)' lacks")
    }
    if destination.bits & 0xE000_0000 != 0 {
      throw fault("machine.address", "the destination of mvout_spad is not a scratchpad address")
    }
    if tile.columns > dim {
      throw fault("machine.shape", "mvout_spad has \(tile.columns) columns; expected at most \(dim)")
    }
    // Without pooled scratchpad stores a pooling configuration is for DRAM only.
    let pooling = store.pooling
    if !target.hasPooledScratchpadStore { store.pooling = nil }
    defer { store.pooling = pooling }
    guard var step = try source(.storeScratchpad, tile, configuration: chunk.configuration) else { return }
    if step.flags.contains(.fullWidth) {
      throw fault("machine.address", "mvout_spad cannot store 32-bit elements")
    }
    if step.flags.contains(.normalizing) {
      throw fault("machine.capability", "mvout_spad has no normalization")
    }
    var rows = tile.rows
    if let pooling = store.pooling { rows = (pooling.outRows - 1) * pooling.outDim + pooling.outCols }
    let (span, overflow) = stride.multipliedReportingOverflow(by: rows - 1)
    let end = destination.row + (overflow ? Int.max / 2 : span) + 1
    guard end <= scratchpadRows else {
      throw localFault("mvout_spad", destination.row, end, accumulator: false)
    }
    step.c = DecodedCommand.Tile(row: Int32(destination.row), rows: UInt16(rows), columns: step.a.columns)
    step.cStride = Int32(stride)
    chunk.append(step)
  }

  @inline(never)
  mutating func check(_ pooling: Pooling, columns: Int) throws(Finding) {
    guard columns <= dim else {
      throw fault("machine.shape", "a pooled store has \(columns) columns; expected at most \(dim)")
    }
    if pooling.window == 0 {
      report(.limits, "machine.pooling", "the pooling window is 0; expected 1 to 3")
    }
    if pooling.outDim < pooling.outCols {
      report(
        .limits, "machine.pooling",
        "output rows of \(pooling.outCols) pixels stand \(pooling.outDim) pixels apart and overlap")
    }
  }

  @inline(never)
  mutating func normalizing(_ command: Int, _ fullWidth: Bool) throws(Finding) {
    guard target.hasNormalizations else {
      throw fault("machine.capability", "normalization needs a unit that the target '\(target.name)' lacks")
    }
    if store.usesTable || store.pair != nil {
      throw fault("machine.capability", "a store that normalizes passes by the table and takes no pairs")
    }
    let constants = store.normalization
    let isSet =
      switch store.activation {
      case .igelu: constants.isSet
      case .softmax: constants.hasLn2 && constants.hasLn2Inverse
      case .none, .relu, .layernorm: true
      }
    if !isSet {
      report(
        .configured, "machine.unconfigured", "\(store.activation) is used before config_norm sets its constants")
    }
    if store.activation == .layernorm { warn("layernorm rounds differently in hardware") }
    if fullWidth { warn("hardware stores 32-bit elements without the activation") }
  }
}

/// `0x` and lower-case digits.
func hexadecimal(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
