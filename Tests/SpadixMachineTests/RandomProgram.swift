import SpadixISA
import SpadixSupport
import SpadixTensor

/// Random programs that break no rule: every kind of command with every kind of operand, on small random targets.
struct RandomProgram {
  private var random: SplitMix64
  private let target: Target
  private var commands: [Command] = []
  private var store = ConfigStore(stride: 0)
  private var loads: [ConfigLoad] = []
  private var execute = ConfigExecute(dataflow: .weightStationary)
  /// The dataflow that the operand in the array belongs to.
  private var loaded: Dataflow?

  /// DRAM that programs use: read below, written above.
  static let readBase = 0x10000
  static let writeBase = 0x14000
  static let dramBytes = 0x20000

  static func make(seed: UInt64, length: Int = 40) -> Program {
    var maker = RandomProgram(seed: seed)
    return maker.make(length)
  }

  private init(seed: UInt64) {
    random = SplitMix64(seed: seed)
    let dim = [2, 4, 8, 16, 16, 16, 32].randomElement(using: &random)!
    target = Target(
      name: "random", dim: dim, scratchpadBanks: 2, scratchpadRowsPerBank: 4 * dim, accumulatorRows: 4 * dim,
      hasScratchpadStore: true, hasOutputStage: true, hasOutputBiases: true, hasOutputTable: true, hasOutputPair: true,
      hasPooledScratchpadStore: Bool.random(using: &random),
      dramBytes: Self.dramBytes)
  }

  private mutating func make(_ length: Int) -> Program {
    var bytes = (0..<0x2000).map { _ in UInt8.random(in: 0...255, using: &random) }
    // Scales that the output stage can read, among bytes of any kind.
    for index in 0..<256 {
      let scale = Float.random(in: 0.0001...0.9, using: &random)
      withUnsafeBytes(of: scale.bitPattern.littleEndian) { raw in
        for (offset, byte) in raw.enumerated() { bytes[0x1000 + 4 * index + offset] = byte }
      }
    }
    for state in 0..<3 { configureLoad(state) }
    configureExecute()
    configureStore()
    fill()
    for _ in 0..<length { step() }
    dump()
    return Program(
      target: target, commands: commands,
      segments: [Program.Segment(name: "random", address: UInt64(Self.readBase), bytes: bytes)])
  }

  private mutating func emit(_ instruction: Instruction) { commands.append(instruction.command) }
  private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
  private mutating func chance(_ percent: Int) -> Bool { number(1...100) <= percent }

  private mutating func scale() -> Float {
    switch number(0...9) {
    case 0...3: return 1
    case 4...5: return Float(sign: .plus, exponent: number(-12...2), significand: 1)
    case 6: return [Float.infinity, .nan, 1e30, 1e-30].randomElement(using: &random)!
    default: return Float.random(in: 0.001...1.5, using: &random)
    }
  }

  private mutating func configureLoad(_ state: Int) {
    let config = ConfigLoad(
      state: state, stride: number(0...96), scale: chance(60) ? 1 : scale(), shrunk: chance(40),
      blockStride: number(target.dim...2 * target.dim), pixelRepeats: chance(15) ? number(2...3) : 1)
    if loads.count > state { loads[state] = config } else { loads.append(config) }
    emit(.configLoad(config))
  }

  private mutating func configureExecute() {
    let dataflow: Dataflow = chance(60) ? .weightStationary : .outputStationary
    var (a, b) = (chance(20), chance(20))
    if dataflow == .weightStationary && a && b { a = false }
    if dataflow == .outputStationary && b { a = true }
    execute = ConfigExecute(
      dataflow: dataflow, activation: chance(30) ? .relu : .none, transposeA: a, transposeB: b,
      aStride: chance(80) ? 1 : number(1...3), cStride: chance(80) ? 1 : number(1...3), shift: number(0...12))
    emit(.configExecute(execute))
  }

  private mutating func configureStore() {
    var pooling: Pooling?
    if chance(20) {
      let (rows, cols) = (number(1...4), number(1...4))
      let (outRows, outCols) = (number(1...3), number(1...3))
      pooling = Pooling(
        window: number(1...3), stride: number(1...2), upPad: number(0...1), leftPad: number(0...1),
        outDim: number(outCols...4), outRows: outRows, outCols: outCols, inRows: rows, inCols: cols)
    }
    if !hasTable { loadTable() }
    store = ConfigStore(
      stride: number(4 * target.dim...4 * target.dim + 16), activation: chance(40) ? .relu : .none, scale: scale(),
      pooling: pooling)
    emit(.configStore(store))
    if chance(30) {
      let low = number(-128...0)
      emit(
        .configOutput(
          ConfigOutput(
            zeroPoint: Int8(number(-128...127)), low: Int8(low), high: Int8(number(low...127)), usesTable: chance(40))))
      if chance(40) { loadTable() }
    }
    if chance(15) { emit(.configOutputPair(pair())) }
    if chance(30) {
      emit(
        .configOutputScales(
          dram: UInt64(Self.readBase + 0x1000 + 4 * number(0...100)), count: target.dim, biases: chance(50)))
    }
  }

  private var hasTable = false

  private mutating func loadTable() {
    hasTable = true
    emit(.configOutputTable(dram: UInt64(Self.readBase + number(0...0x1000))))
  }

  private mutating func pair() -> ConfigOutputPair {
    ConfigOutputPair(
      isProduct: chance(50), isUnsigned: chance(30), zeroPointA: Int8(number(-128...127)),
      zeroPointB: Int8(number(-128...127)),
      factorA: scale(), factorB: scale(), offset: Float(number(-300...300)) / 2)
  }

  /// Gives every local row a value.
  private mutating func fill() {
    for row in stride(from: 0, to: target.scratchpadRows, by: target.dim) {
      emit(.configLoad(ConfigLoad(state: 0, stride: target.dim, blockStride: target.dim)))
      emit(
        .moveIn(
          state: 0, dram: UInt64(Self.readBase + number(0...0xD00)),
          local: LocalTile(.scratchpad(row), rows: target.dim, columns: target.dim)))
    }
    for row in stride(from: 0, to: target.accumulatorRows, by: target.dim) {
      emit(
        .moveIn(
          state: 0, dram: UInt64(Self.readBase + number(0...0x100)),
          local: LocalTile(.accumulator(row), rows: target.dim, columns: target.dim)))
    }
    emit(.configLoad(loads[0]))
  }

  /// Stores everything, so that nothing that went wrong stays hidden.
  private mutating func dump() {
    emit(.configStore(ConfigStore(stride: 4 * target.dim)))
    var address = Self.writeBase
    for row in stride(from: 0, to: target.accumulatorRows, by: target.dim) {
      let tile = LocalTile(.accumulator(row, fullWidth: true), rows: target.dim, columns: target.dim)
      emit(.moveOut(dram: UInt64(address), local: tile))
      address += 4 * target.dim * target.dim
    }
    emit(.configStore(ConfigStore(stride: target.dim)))
    for row in stride(from: 0, to: target.scratchpadRows, by: target.dim) {
      emit(.moveOut(dram: UInt64(address), local: LocalTile(.scratchpad(row), rows: target.dim, columns: target.dim)))
      address += target.dim * target.dim
    }
  }

  private mutating func step() {
    switch number(0...11) {
    case 0: configureLoad(number(0...2))
    case 1: configureExecute()
    case 2: configureStore()
    case 3, 4, 5: load()
    case 6: storeDram()
    case 7: storeScratchpad()
    default: product()
    }
  }

  private mutating func load() {
    let state = number(0...2)
    let config = loads[state]
    let dim = target.dim
    let isAccumulator = chance(40)
    let isWide = isAccumulator && !config.shrunk
    let blocks = isWide ? target.maxBlockLengthAccumulator : target.maxBlockLength
    var columns = number(1...min(blocks, 2) * dim)
    if config.pixelRepeats > 1 { columns = max(1, dim / config.pixelRepeats) }
    // At dim 2 three pixels do not fit.
    if config.pixelRepeats * columns > dim && config.pixelRepeats > 1 { return }
    let used = (columns + dim - 1) / dim
    let rows = number(1...dim)
    let most = (isAccumulator ? target.accumulatorRows : target.scratchpadRows) - rows - (used - 1) * config.blockStride
    if most < 0 { return }
    let row = number(0...most)
    let address: LocalAddress = isAccumulator ? .accumulator(row, accumulate: chance(40)) : .scratchpad(row)
    let dram = chance(10) ? 0 : UInt64(Self.readBase + number(0...0x100))
    emit(.moveIn(state: state, dram: dram, local: LocalTile(address, rows: rows, columns: columns)))
  }

  /// A source for stores that fits memory and configuration; nil when chance found none.
  private mutating func source(columns limit: Int, fullWidth: Bool) -> LocalTile? {
    let dim = target.dim
    let isAccumulator = chance(70)
    let wide = isAccumulator && fullWidth && store.pooling == nil
    let columns = number(1...(wide || store.pooling != nil ? dim : limit))
    let rows = number(1...dim)
    var needed = rows + (columns - 1) / dim * dim
    if let pooling = store.pooling { needed = pooling.inRows * pooling.inCols }
    let most = (isAccumulator ? target.accumulatorRows : target.scratchpadRows) - needed
    if most < 0 { return nil }
    let row = number(0...most)
    return LocalTile(
      isAccumulator ? .accumulator(row, fullWidth: wide) : .scratchpad(row), rows: rows, columns: columns)
  }

  private mutating func storeDram() {
    guard let tile = source(columns: 2 * target.dim, fullWidth: chance(30)) else { return }
    if (tile.columns + target.dim - 1) / target.dim > target.maxBlockLength { return }
    emit(.moveOut(dram: UInt64(Self.writeBase + 0x8000 + number(0...0x400)), local: tile))
  }

  private mutating func storeScratchpad() {
    if store.pooling != nil && !target.hasPooledScratchpadStore { return }
    guard let tile = source(columns: target.dim, fullWidth: false) else { return }
    let stride = number(1...2)
    var rows = tile.rows
    if let pooling = store.pooling { rows = (pooling.outRows - 1) * pooling.outDim + pooling.outCols }
    let most = target.scratchpadRows - (rows - 1) * stride - 1
    if most < 0 { return }
    let destination = number(0...most)
    let last = destination + (rows - 1) * stride
    let sourceRows = max(tile.rows, store.pooling.map { $0.inRows * $0.inCols } ?? 0)
    // What a move onto its own source does is defined nowhere.
    let isDisjoint = last < tile.address.row || destination >= tile.address.row + sourceRows
    if !tile.address.isAccumulator && !isDisjoint { return }
    emit(.moveOutScratchpad(destination: .scratchpad(destination), destinationStride: stride, source: tile))
  }

  private mutating func product() {
    let dim = target.dim
    let (m, k, n) = (number(1...dim), number(1...dim), number(1...dim))
    func tile(_ rows: Int, _ columns: Int, transposed: Bool, stride: Int, _ random: inout SplitMix64) -> LocalTile? {
      let physical = transposed ? columns : rows
      let most = target.scratchpadRows - (physical - 1) * stride - 1
      if most < 0 { return nil }
      return LocalTile(.scratchpad(Int.random(in: 0...most, using: &random)), rows: rows, columns: columns)
    }
    let isWeightStationary = execute.dataflow == .weightStationary
    guard
      let a = tile(m, k, transposed: execute.transposeA, stride: execute.aStride, &random),
      let b = tile(k, n, transposed: execute.transposeB, stride: 1, &random),
      let d = tile(m, n, transposed: false, stride: 1, &random)
    else { return }
    var result = LocalTile.garbage(rows: m, columns: n)
    if chance(90) {
      let isAccumulator = chance(75)
      let memory = isAccumulator ? target.accumulatorRows : target.scratchpadRows
      let most = memory - (m - 1) * execute.cStride - 1
      if most < 0 { return }
      let row = number(0...most)
      result = LocalTile(
        isAccumulator ? .accumulator(row, accumulate: chance(50)) : .scratchpad(row), rows: m, columns: n)
    }
    let keeps = chance(30) && loaded == execute.dataflow
    loaded = execute.dataflow
    let operand = chance(10) ? LocalTile.garbage(rows: k, columns: n) : isWeightStationary ? b : d
    emit(.preload(weights: keeps ? .garbage(rows: k, columns: n) : operand, result: result))
    let top = chance(60) && isWeightStationary ? LocalTile.garbage(rows: m, columns: n) : isWeightStationary ? d : b
    emit(.compute(preloaded: !keeps, a: a, bias: top))
  }
}
