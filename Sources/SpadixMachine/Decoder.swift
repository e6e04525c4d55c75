import SpadixISA
import SpadixSupport

/// Turns commands into steps: holds what configuration commands set, resolves addresses, refuses what has no meaning.
///
/// A refused command is a fault: the run ends before it. Faults keep the machine inside its memories, so they cannot be
/// turned off; what merely differs from hardware is a finding and can.
struct Decoder {
  struct LoadState {
    var isSet = false
    var stride = 0
    var scale: Float = 0
    var shrunk = false
    var blockStride = 0
    /// 0 until set: nothing is loaded.
    var pixelRepeats = 0
  }

  struct ExecuteState {
    var isSet = false
    var outputStationary = true
    var relu = false
    var transposeA = false
    var transposeB = false
    var aStride = 0
    var cStride = 0
    var shift = 0
  }

  let target: Target
  let checks: CheckSet
  let scratchpadRows: Int
  let accumulatorRows: Int
  let dim: Int
  /// dim is 1 << dimShift: divisions would cost more than the rest of a step.
  let dimShift: Int
  let dramLimit: UInt64
  /// Column blocks that one move of 8-bit and of 32-bit elements may have.
  let narrowBlocks: Int
  let wideBlocks: Int

  var loads: (LoadState, LoadState, LoadState) = (LoadState(), LoadState(), LoadState())
  var execute = ExecuteState()
  var store = StoreConfiguration()
  /// Index of the preload that waits for its compute, -1 for none.
  var preloadCommand: Int32 = -1
  var preloadWeights = LocalTile.garbage(rows: 0, columns: 0)
  var preloadResult = LocalTile.garbage(rows: 0, columns: 0)
  /// The dataflow that the array's content belongs to; nil before the first operand.
  var arrayIsOutputStationary: Bool?
  var matmul = LoopMatmulRegisters()
  var convolution = LoopConvRegisters()

  var command: Int32 = 0
  var findings: [Finding] = []
  /// Commands by function number.
  var counts = [Int](repeating: 0, count: 128)

  init(target: Target, checks: CheckSet) {
    self.target = target
    self.checks = checks
    self.scratchpadRows = target.scratchpadRows
    self.accumulatorRows = target.accumulatorRows
    self.dim = target.dim
    self.dimShift = target.dim.trailingZeroBitCount
    self.dramLimit = UInt64(target.dramBytes)
    self.narrowBlocks = target.maxBlockLength
    self.wideBlocks = target.maxBlockLengthAccumulator
  }

  /// Decodes one command into the chunk. Throws a `Finding` when the command is refused.
  mutating func decode(_ it: Command, index: Int, into chunk: inout DecodedChunk) throws(Finding) {
    command = Int32(truncatingIfNeeded: index)
    counts[Int(it.funct & 127)] &+= 1
    switch it.funct {
    case Funct.moveIn: try moveIn(loads.0, it.rs1, it.rs2, &chunk)
    case Funct.moveIn2: try moveIn(loads.1, it.rs1, it.rs2, &chunk)
    case Funct.moveIn3: try moveIn(loads.2, it.rs1, it.rs2, &chunk)
    case Funct.moveOut: try moveOut(it.rs1, it.rs2, &chunk)
    case Funct.preload: preload(LocalTile(command: it.rs1), LocalTile(command: it.rs2))
    case Funct.computePreloaded:
      try compute(true, LocalTile(command: it.rs1), LocalTile(command: it.rs2), &chunk)
    case Funct.computeAccumulated:
      try compute(false, LocalTile(command: it.rs1), LocalTile(command: it.rs2), &chunk)
    default:
      let instruction: Instruction
      do {
        instruction = try Instruction(decoding: it)
      } catch let diagnostic as Diagnostic {
        throw fault(diagnostic.id, diagnostic.message)
      } catch {
        throw fault("isa.illegal", "the command cannot be decoded")
      }
      try decode(instruction, &chunk)
    }
  }

  /// Decodes the commands that are not worth a fast path, and those that loops expand to.
  mutating func decode(_ instruction: Instruction, _ chunk: inout DecodedChunk) throws(Finding) {
    switch instruction {
    case .configExecute(let config): try configure(config)
    case .configLoad(let config): configure(config)
    case .configStore(let config): try configure(config, &chunk)
    case .configNorm(let config): try configure(config, &chunk)
    case .configOutput(let config):
      try requireOutputStage()
      store.output = config
      store.hasStage = true
      chunk.stores.append(store)
    case .configOutputScales(let dram, let count): try loadScales(dram, count, &chunk)
    case .moveIn(let state, let dram, let local):
      try moveIn(state == 0 ? loads.0 : state == 1 ? loads.1 : loads.2, dram, local.bits, &chunk)
    case .moveOut(let dram, let local): try moveOut(dram, local.bits, &chunk)
    case .moveOutScratchpad(let destination, let stride, let source):
      try moveOutScratchpad(destination, stride, source, &chunk)
    case .preload(let weights, let result): preload(weights, result)
    case .compute(let preloaded, let a, let bias): try compute(preloaded, a, bias, &chunk)
    case .fence: chunk.commands.append(DecodedCommand(kind: .fence, command: command))
    case .flush, .counter, .clockGate: break
    case .loopMatmul(let loop): try run(loop, &chunk)
    case .loopConv(let loop): try run(loop, &chunk)
    }
  }

  func fault(_ id: String, _ message: String) -> Finding { Finding(id, Int(command), message) }

  @inline(never)
  mutating func report(_ check: CheckSet, _ id: String, _ message: String) {
    guard checks.contains(check) else { return }
    if findings.count < Machine.maximumFindings { findings.append(Finding(id, Int(command), message)) }
  }

  @inline(never)
  mutating func warn(_ message: String) {
    guard checks.contains(.portability), findings.count < Machine.maximumFindings else { return }
    findings.append(Finding("machine.portability", Int(command), message, severity: .warning))
  }
}

extension LocalTile {
  @inline(__always)
  init(command bits: UInt64) {
    self.init(
      LocalAddress(bits: UInt32(truncatingIfNeeded: bits)), rows: Int(bits >> 48), columns: Int(bits >> 32 & 0xFFFF))
  }
}

// MARK: Configuration

extension Decoder {
  mutating func configure(_ config: ConfigExecute) throws(Finding) {
    if !config.setOnlyStrides {
      let outputStationary = config.dataflow == .outputStationary
      if outputStationary && config.shift > 31 {
        throw fault("machine.shift", "the shift is \(config.shift); expected 0 to 31")
      }
      if outputStationary ? config.transposeB && !config.transposeA : config.transposeB && config.transposeA {
        let combination = outputStationary ? "B alone, output-stationary" : "A and B, weight-stationary"
        report(.limits, "machine.transpose", "the array cannot transpose \(combination)")
      }
      execute.outputStationary = outputStationary
      execute.relu = config.activation == .relu
      execute.transposeA = config.transposeA
      execute.transposeB = config.transposeB
      execute.shift = config.shift
      execute.isSet = true
    }
    if config.cStride != 1 && execute.outputStationary {
      warn("c_stride is \(config.cStride) in output-stationary mode, where hardware computes other addresses")
    }
    execute.aStride = config.aStride
    execute.cStride = config.cStride
  }

  mutating func configure(_ config: ConfigLoad) {
    let state = LoadState(
      isSet: true, stride: config.stride, scale: config.scale, shrunk: config.shrunk,
      blockStride: config.blockStride, pixelRepeats: max(config.pixelRepeats, 1))
    switch config.state {
    case 0: loads.0 = state
    case 1: loads.1 = state
    default: loads.2 = state
    }
  }

  mutating func configure(_ config: ConfigStore, _ chunk: inout DecodedChunk) throws(Finding) {
    let isSoftmax = store.activation == .softmax && config.activation == .none
    if (config.activation == .layernorm || config.activation == .igelu) && !target.hasNormalizations {
      throw fault("machine.capability", "\(config.activation) needs the normalization unit, which the target lacks")
    }
    if isSoftmax { warn("softmax stays selected in the functional model; hardware leaves it with every config_st") }
    if config.scale < 0 { warn("the scale \(config.scale) is negative; hardware applies relu before it") }
    store.isSet = true
    store.stride = config.stride
    store.scale = config.scale
    // The functional model leaves softmax only by another activation.
    store.activation =
      isSoftmax ? .softmax : StoreConfiguration.Activation(rawValue: config.activation.rawValue) ?? .none
    store.pooling = config.pooling
    store.output = ConfigOutput()
    store.hasStage = false
    store.perChannel = false
    chunk.stores.append(store)
  }

  mutating func configure(_ config: ConfigNorm, _ chunk: inout DecodedChunk) throws(Finding) {
    guard target.hasNormalizations else {
      throw fault("machine.capability", "config_norm needs the normalization unit, which the target lacks")
    }
    guard config.statistics < Normalization.statisticsRegisters else {
      throw fault(
        "machine.statistics",
        "statistics register \(config.statistics) does not exist; expected 0 to \(Normalization.statisticsRegisters - 1)"
      )
    }
    store.normalization.statistics = config.statistics
    if !config.setOnlyStatistics {
      store.normalization.qb = config.b
      store.normalization.qc = config.c
      if config.softmax {
        guard store.activation == .none || store.activation == .softmax else {
          throw fault("machine.activation", "softmax is selected on top of \(store.activation); expected none")
        }
        store.activation = .softmax
      }
      if config.constantIsInverse {
        store.normalization.qln2Inverse = config.constant
      } else {
        store.normalization.qln2 = config.constant
      }
    }
    chunk.stores.append(store)
  }

  func requireOutputStage() throws(Finding) {
    guard target.hasOutputStage else {
      throw fault("machine.capability", "config_output needs the output stage, which the target '\(target.name)' lacks")
    }
  }

  mutating func loadScales(_ dram: UInt64, _ count: Int, _ chunk: inout DecodedChunk) throws(Finding) {
    try requireOutputStage()
    guard (1...dim).contains(count) else {
      throw fault("machine.shape", "config_output_scales reads \(count) scales; expected 1 to \(dim)")
    }
    try checkDram(dram, rows: 1, bytes: 4 * count, stride: 0)
    var step = DecodedCommand(kind: .loadScales, command: command)
    step.dram = dram
    step.a = DecodedCommand.Tile(row: 0, rows: 1, columns: UInt16(count))
    chunk.commands.append(step)
    store.perChannel = true
    chunk.stores.append(store)
  }
}

// MARK: Moves

extension Decoder {
  /// Both ends of a strided transfer lie between the first legal address and the end of DRAM.
  @inline(__always)
  func checkDram(_ dram: UInt64, rows: Int, bytes: Int, stride: Int) throws(Finding) {
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
  func dramFault(_ dram: UInt64, _ rows: Int, _ bytes: Int, _ stride: Int) -> Finding {
    fault(
      "machine.dram-range",
      "\(rows) rows of \(bytes) bytes, stride \(stride), at \(hexadecimal(dram)) leave DRAM; "
        + "expected addresses from \(hexadecimal(UInt64(Target.firstAddress))) to \(hexadecimal(dramLimit))")
  }

  @inline(never)
  func localFault(_ what: String, _ first: Int, _ end: Int, accumulator: Bool) -> Finding {
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
    chunk.commands.append(step)
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
    guard var step = try source(.store, LocalTile(command: local), configuration: chunk.stores.count - 1) else {
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
    chunk.commands.append(step)
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
    guard var step = try source(.storeScratchpad, tile, configuration: chunk.stores.count - 1) else { return }
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
    chunk.commands.append(step)
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
    if store.activation == .layernorm { warn("layernorm rounds differently in hardware") }
    if fullWidth { warn("hardware stores 32-bit elements without the activation") }
  }
}

extension Pooling {
  /// Image rows that the windows reach.
  var rowsRead: Int { max(0, min(inRows, (outRows - 1) * stride + window - upPad)) }

  /// Rows of local memory from the first pixel to the last one that a window reaches.
  var pixelsRead: Int { rowsRead * inCols }
}

/// `0x` and lower-case digits.
func hexadecimal(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
