import SpadixISA
import SpadixSupport

/// Commands that fill one of the slots of a buffer. They come when all of it has been used: row by row behind the uses,
/// they would write to the bank that is being read, and the array would wait.
struct SlotLoad: Sendable {
  var commands: Range<Int>
  /// Of the scratchpad.
  var rows: Range<Int>
}

/// Appends commands, leaving out configurations that are in force already and putting fences where a load depends on an
/// earlier store: the hardware does not track dependences through DRAM. It keeps clear of the target's faults.
struct CommandWriter {
  let target: Target
  private(set) var commands: [Command] = []
  private(set) var slotLoads: [SlotLoad] = []
  /// Commands before which all loads of sums so far have to go.
  private(set) var tileStarts: [Int] = []
  private var execute: ConfigExecute?
  private var loads: [ConfigLoad?] = [nil, nil, nil]
  private var store: ConfigStore?
  /// The table in the store.
  private var table: UInt64?
  private var occupancy: ArrayOccupancy
  /// Cycles in which the array is busy, up to the last command.
  private(set) var arrayCycles = 0
  /// That of the last store configuration.
  private var pooling: Pooling?
  /// Buffers written since the last fence.
  private var unfenced: Set<Int> = []
  private var station: StationGuard?
  /// Whether the last compute is one that a config_ex must not follow.
  private var endsShort = false

  init(target: Target) {
    self.target = target
    occupancy = ArrayOccupancy(target)
    if target.faults.rangeOrder { station = StationGuard(target) }
  }

  var count: Int { commands.count }

  /// Load states: input pixels, weights, accumulator.
  enum LoadState: Int {
    case pixels = 0
    case weights = 1
    case accumulator = 2
  }

  // MARK: Configuration

  mutating func configureExecute(sourceStride: Int, resultStride: Int = 1, transposeWeights: Bool = false) {
    let wanted = ConfigExecute(
      dataflow: .weightStationary, transposeB: transposeWeights, aStride: sourceStride, cStride: resultStride)
    if execute == wanted { return }
    if endsShort && target.faults.shortCompute { idle() }
    execute = wanted
    append(.configExecute(wanted))
  }

  mutating func configureLoad(_ state: LoadState, stride: Int, blockStride: Int, shrunk: Bool = false) {
    let wanted = ConfigLoad(state: state.rawValue, stride: stride, shrunk: shrunk, blockStride: blockStride)
    if loads[state.rawValue] == wanted { return }
    loads[state.rawValue] = wanted
    append(.configLoad(wanted))
  }

  mutating func configureStore(_ wanted: ConfigStore) {
    if store == wanted { return }
    store = wanted
    pooling = wanted.pooling
    append(.configStore(wanted))
  }

  /// What the commands of the output stage set.
  struct StoreStage {
    var output: ConfigOutput
    /// Scales of the block's channels, and whether biases lie behind them.
    var scales: (address: UInt64, count: Int, biases: Bool)?
    var table: UInt64?
    var pair: ConfigOutputPair?
  }

  /// Per-channel scales, output bounds and pairs last until the next store configuration; so it must be issued again. A
  /// table stays until another one is loaded.
  mutating func configureOutput(_ store: ConfigStore, _ stage: StoreStage) {
    pooling = store.pooling
    append(.configStore(store))
    append(.configOutput(stage.output))
    if let scales = stage.scales {
      append(.configOutputScales(dram: scales.address, count: scales.count, biases: scales.biases))
    }
    if let table = stage.table, table != self.table {
      append(.configOutputTable(dram: table))
      self.table = table
    }
    if let pair = stage.pair { append(.configOutputPair(pair)) }
    self.store = nil
  }

  /// Before the commands of a program, which loads its own.
  mutating func forgetTable() { table = nil }

  // MARK: Movement and computation

  /// A tile begins with the next product: its start values are in a bank that the array does not use yet, where loads
  /// are not held up by results.
  mutating func startTile() { tileStarts.append(commands.count) }

  /// The commands from `first` on have filled one of several slots, which are these rows.
  mutating func filledSlot(_ rows: Range<Int>, since first: Int) {
    if commands.count > first { slotLoads.append(SlotLoad(commands: first..<commands.count, rows: rows)) }
  }

  mutating func moveIn(_ state: LoadState, dram: UInt64, to address: LocalAddress, rows: Int, columns: Int) {
    if station != nil {
      order(load: address, state, rows, columns, loads[state.rawValue]?.shrunk == false ? .int32 : .int8)
    }
    append(.moveIn(state: state.rawValue, dram: dram, local: LocalTile(address, rows: rows, columns: columns)))
  }

  /// Writes zeros, without DRAM traffic.
  mutating func zero(_ state: LoadState, _ address: LocalAddress, rows: Int, columns: Int) {
    if station != nil { order(load: address, state, rows, columns, .zeros) }
    append(.moveIn(state: state.rawValue, dram: 0, local: LocalTile(address, rows: rows, columns: columns)))
  }

  mutating func moveOut(dram: UInt64, from address: LocalAddress, rows: Int, columns: Int) {
    if station != nil {
      let last = roundUp(columns, toMultipleOf: target.dim) - target.dim
      let rows = LocalRows(address, rows: pooling.map { $0.pixelsRead } ?? last + rows, target)
      if station!.needsFence(store: rows, isPooled: pooling != nil) { appendFence() }
      station!.take(store: rows, isPooled: pooling != nil)
    }
    append(.moveOut(dram: dram, local: LocalTile(address, rows: rows, columns: columns)))
  }

  mutating func moveOutScratchpad(to row: Int, from address: LocalAddress, rows: Int, columns: Int) {
    if station != nil {
      let pooled = target.hasPooledScratchpadStore ? pooling : nil
      let (read, written) = pooled.map { ($0.pixelsRead, ($0.outRows - 1) * $0.outDim + $0.outCols) } ?? (rows, rows)
      station!.take(
        scratchpadStore: LocalUse(
          source: LocalRows(address, rows: read, target),
          result: LocalRows(.scratchpad(row), rows: written, target)))
    }
    append(
      .moveOutScratchpad(
        destination: .scratchpad(row), destinationStride: 1,
        source: LocalTile(address, rows: rows, columns: columns)))
  }

  /// One product of up to `dim` rows with new weights, or with those in the array when `weights` is nil.
  mutating func compute(
    weights: LocalAddress?, weightRows: Int, source: LocalAddress, result: LocalAddress, rows: Int, columns: Int
  ) {
    if station != nil { order(weights, weightRows, source, result, rows, columns) }
    let transposes = execute?.transposeB == true
    arrayCycles += occupancy.cycles(
      rows: rows, loadsWeights: weights != nil, transposesWeights: weights != nil && transposes, transposes: transposes)
    endsShort = weights != nil && rows <= Target.shortComputeRows && !transposes
    append(
      .preload(
        weights: LocalTile(weights ?? .garbage, rows: weightRows, columns: columns),
        result: LocalTile(result, rows: rows, columns: columns)))
    append(
      .compute(
        preloaded: weights != nil, a: LocalTile(source, rows: rows, columns: weightRows),
        bias: LocalTile(.garbage, rows: rows, columns: columns)))
  }

  /// A compute that does nothing and keeps the weights: behind it a config_ex does no harm (docs/isa.md).
  private mutating func idle() {
    let none = LocalTile(.garbage, rows: 0, columns: 0)
    append(.preload(weights: none, result: none))
    append(.compute(preloaded: false, a: none, bias: none))
    arrayCycles += occupancy.cycles(rows: 0, loadsWeights: false, transposesWeights: false, transposes: false)
    endsShort = false
  }

  // MARK: Order through local memory

  /// Whether pooled stores follow, which ask for the writers of their rows.
  mutating func expectPooling(_ pooling: Bool) { station?.watchesResults = pooling }

  /// Whether rows of the second accumulator bank may still be read without the hardware's knowledge.
  var hasOpenStore: Bool { station?.hasOpenStore ?? false }

  private mutating func order(
    load address: LocalAddress, _ state: LoadState, _ rows: Int, _ columns: Int,
    _ path: StationGuard.AccumulatorLoad.Path
  ) {
    let load = StationGuard.AccumulatorLoad(
      adds: address.isAccumulator && address.accumulates, path: path,
      requests: path == .zeros ? 0 : loads[state.rawValue]?.stride == 0 ? 1 : rows)
    let local = LocalRows(
      address, rows: rows, blocks: ceilDivide(columns, target.dim),
      pitch: loads[state.rawValue]?.blockStride ?? 0, target)
    if station!.needsFence(load: local, load) { appendFence() }
    station!.take(load: local, load)
  }

  private mutating func order(
    _ weights: LocalAddress?, _ weightRows: Int, _ source: LocalAddress, _ result: LocalAddress, _ rows: Int,
    _ columns: Int
  ) {
    let (a, c) = (max(execute?.aStride ?? 1, 1), max(execute?.cStride ?? 1, 1))
    let taken = weights == nil ? 0 : execute?.transposeB == true ? columns : weightRows
    let use = LocalUse(
      source: LocalRows(source, rows: (rows - 1) * a + 1, target),
      weights: LocalRows(weights ?? .garbage, rows: taken, target), namedWeights: weightRows,
      result: LocalRows(result, rows: (rows - 1) * c + 1, target))
    if station!.needsFence(product: use) { appendFence() }
    station!.take(product: use)
  }

  // MARK: Order through DRAM

  /// Before loads from a buffer.
  mutating func willRead(buffer: Int) {
    if unfenced.contains(buffer) { fence() }
  }

  /// Before stores to a buffer.
  mutating func willWrite(buffer: Int) { unfenced.insert(buffer) }

  mutating func fence() {
    if unfenced.isEmpty { return }
    unfenced.removeAll()
    appendFence()
  }

  /// The kernel may be in the middle of writing its buffer, so that stays unfenced.
  private mutating func appendFence() {
    station?.fence()
    append(.fence)
  }

  private mutating func append(_ instruction: Instruction) { commands.append(instruction.command) }
}
