import SpadixISA

/// Appends commands, leaving out configurations that are in force already and putting fences where a load depends on an
/// earlier store: the hardware does not track dependences through DRAM.
struct CommandWriter {
  let target: Target
  private(set) var commands: [Command] = []
  private var execute: ConfigExecute?
  private var loads: [ConfigLoad?] = [nil, nil, nil]
  private var store: ConfigStore?
  private var occupancy: ArrayOccupancy
  /// Cycles in which the array is busy, up to the last command.
  private(set) var arrayCycles = 0
  /// Buffers written since the last fence.
  private var unfenced: Set<Int> = []

  init(target: Target) {
    self.target = target
    occupancy = ArrayOccupancy(target)
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
    append(.configStore(wanted))
  }

  /// Per-channel scales and output bounds last until the next store configuration; so it must be issued again.
  mutating func configureOutput(_ store: ConfigStore, _ output: ConfigOutput, scales: (address: UInt64, count: Int)?) {
    append(.configStore(store))
    append(.configOutput(output))
    if let scales { append(.configOutputScales(dram: scales.address, count: scales.count)) }
    self.store = nil
  }

  // MARK: Movement and computation

  mutating func moveIn(_ state: LoadState, dram: UInt64, to address: LocalAddress, rows: Int, columns: Int) {
    append(.moveIn(state: state.rawValue, dram: dram, local: LocalTile(address, rows: rows, columns: columns)))
  }

  /// Writes zeros, without DRAM traffic.
  mutating func zero(_ state: LoadState, _ address: LocalAddress, rows: Int, columns: Int) {
    append(.moveIn(state: state.rawValue, dram: 0, local: LocalTile(address, rows: rows, columns: columns)))
  }

  mutating func moveOut(dram: UInt64, from address: LocalAddress, rows: Int, columns: Int) {
    append(.moveOut(dram: dram, local: LocalTile(address, rows: rows, columns: columns)))
  }

  mutating func moveOutScratchpad(to row: Int, from address: LocalAddress, rows: Int, columns: Int) {
    append(
      .moveOutScratchpad(
        destination: .scratchpad(row), destinationStride: 1,
        source: LocalTile(address, rows: rows, columns: columns)))
  }

  /// One product of up to `dim` rows with new weights, or with those in the array when `weights` is nil.
  mutating func compute(
    weights: LocalAddress?, weightRows: Int, source: LocalAddress, result: LocalAddress, rows: Int, columns: Int
  ) {
    let transposes = execute?.transposeB == true
    arrayCycles += occupancy.cycles(
      rows: rows, loadsWeights: weights != nil, transposesWeights: weights != nil && transposes, transposes: transposes)
    append(
      .preload(
        weights: LocalTile(weights ?? .garbage, rows: weightRows, columns: columns),
        result: LocalTile(result, rows: rows, columns: columns)))
    append(
      .compute(
        preloaded: weights != nil, a: LocalTile(source, rows: rows, columns: weightRows),
        bias: LocalTile(.garbage, rows: rows, columns: columns)))
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
    append(.fence)
  }

  private mutating func append(_ instruction: Instruction) { commands.append(instruction.command) }
}
