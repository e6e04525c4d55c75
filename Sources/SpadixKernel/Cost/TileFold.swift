import SpadixISA
import SpadixSupport
import SpadixTiming

/// The fold over the operations of a tile program.
struct TileFold: TileSink {
  private var time: KernelTime
  private var clock: StreamClock
  private var bytes: TileCost
  private let windows: [InputWindow]
  private let sums: SumImage?
  private let locals: [LocalBuffer]
  private let dim: Int
  private let sumsBuffer: Int
  /// By buffer, then slot, or line of a ring.
  private var buffers: [[StreamClock.Buffer]]
  /// First rows of working buffers: weights at the end of the scratchpad, pixels at its start.
  private var starts: [Int] = []
  private var arrayCycles = 0
  private var commands = 2
  /// Rows that loads have written to banks that the array reads, since the last compute.
  private var disturbance = 0.0
  private var stored = 0

  init(
    _ time: KernelTime, _ locals: [LocalBuffer], _ windows: [InputWindow], _ sums: SumImage?, inputs: Int
  ) {
    self.time = time
    self.locals = locals
    self.windows = windows
    self.sums = sums
    dim = time.target.dim
    bytes = TileCost(inputs: inputs, sums: sums, dim: time.target.dim)
    sumsBuffer = locals.firstIndex { $0.contents == .sums } ?? 0
    clock = StreamClock(
      loadLatency: time.moves.loadLatency, arrayLatency: time.moves.arrayLatency,
      storeLatency: time.moves.storeLatency)
    buffers = locals.map { Array(repeating: StreamClock.Buffer(), count: $0.slots) }
    var (low, high) = (0, time.target.scratchpadRows)
    for local in locals {
      if let start = local.start {
        starts.append(start)
      } else if !local.isWorking {
        starts.append(0)
      } else if local.contents == .weights {
        high -= local.totalRows
        starts.append(high)
      } else {
        starts.append(low)
        low += local.totalRows
      }
    }
  }

  /// - Parameter time: takes back what is known.
  mutating func result(_ time: inout KernelTime) -> Cost {
    // Commands leave the processor one after the other.
    let issue = commands * self.time.moves.hardware.issueCycles
    swap(&time, &self.time)
    return Cost(
      readBytes: bytes.readBytes, writtenBytes: bytes.writtenBytes, arrayCycles: arrayCycles,
      time: max(clock.end, issue), commands: commands)
  }

  static var takesProducts: Bool { true }

  // Inlined where a nest makes the operation, for which the operation need not be made.
  @inline(__always)
  mutating func append(_ operation: TileOperation) {
    bytes.append(operation)
    switch operation {
    case .host: break
    case .begin(let tile): begin(tile)
    case .load(let load): self.load(load)
    case .zero(let zero): self.zero(zero)
    case .bias(let tile): bias(tile)
    case .diagonals(let diagonals): make(diagonals)
    case .multiply(let products): multiply(products)
    case .store(let store): self.store(store)
    case .copy(let copy): self.copy(copy)
    }
  }

  private func moveCount(_ rows: Int) -> Int { KernelGeometry.ceilDivide(rows, dim) }

  private func isInBothHalves(_ tile: SumTile) -> Bool { tile.sumRows > time.target.accumulatorRows / 2 }

  private mutating func begin(_ tile: SumTile) {
    stored = 0
    // A tile in both halves waits for the stores from both.
    if isInBothHalves(tile) { buffers[sumsBuffer][0].include(buffers[sumsBuffer][1]) }
  }

  // MARK: Loads

  private mutating func load(_ load: TileLoad) {
    let transfer = load.transfer
    let local = transfer.local
    var isConstant = false
    if case .constant = transfer.operand { isConstant = true }
    let together = (transfer.blockStride <= KernelTime.largestBlockStride ? time.target.maxBlockLength : 1) * dim
    let isSums = locals[local.buffer].contents == .sums
    if let ring = transfer.ring, ring > 1 {
      loadLines(transfer, together, isConstant)
      return
    }
    var cycles = 0
    var moves = 0
    func add(_ rows: Int, offset: Int, times: Int) {
      for column in stride(from: 0, to: transfer.columns, by: together) {
        cycles +=
          times
          * time.cycles(
            rows: rows, bytes: min(together, transfer.columns - column), offset: offset + column,
            stride: transfer.rowStride, reads: nil)
        moves += times * moveCount(rows)
      }
    }
    if transfer.linePitch != transfer.rows && transfer.lineStride & (Hardware.requestBytes - 1) == 0 {
      // Lines by themselves, alike in how they lie in their requests.
      add(transfer.rows, offset: transfer.offset, times: transfer.lines)
    } else {
      for span in transfer.spans { add(span.count, offset: span.offset, times: 1) }
    }
    commands += moves
    if !isSums { disturb(local, transfer.lines * transfer.rows * moveCount(transfer.columns)) }
    if load.adds {
      clock.add(cycles, parts: moves, to: &buffers[local.buffer.index][local.slot])
    } else {
      clock.load(
        cycles, parts: moves, into: &buffers[local.buffer.index][local.slot], isConstant: isConstant,
        waitsForAll: !isSums && locals[local.buffer].slots > 1)
    }
  }

  /// Lines of a ring, each a buffer of its own; lines that follow one another in both places share moves.
  private mutating func loadLines(_ transfer: Transfer, _ together: Int, _ isConstant: Bool) {
    let ring = transfer.ring ?? 1
    let buffer = transfer.local.buffer.index
    if buffers[buffer].count < ring {
      buffers[buffer] += Array(repeating: StreamClock.Buffer(), count: ring - buffers[buffer].count)
    }
    let isJoined = transfer.linePitch == transfer.rows && transfer.lineStride == transfer.rows * transfer.rowStride
    var line = 0
    while line < transfer.lines {
      let place = (transfer.firstLine + line) % ring
      let count = isJoined ? min(transfer.lines - line, ring - place) : 1
      var cycles = 0
      var moves = 0
      for column in stride(from: 0, to: transfer.columns, by: together) {
        cycles += time.cycles(
          rows: count * transfer.rows, bytes: min(together, transfer.columns - column),
          offset: transfer.offset + line * transfer.lineStride + column, stride: transfer.rowStride, reads: nil)
        moves += moveCount(count * transfer.rows)
      }
      commands += moves
      for part in 0..<count {
        clock.load(
          cycles * (part + 1) / count - cycles * part / count, parts: max(1, moves / count),
          into: &buffers[buffer][place + part], isConstant: isConstant)
      }
      line += count
    }
    disturb(transfer.local, transfer.lines * transfer.rows * moveCount(transfer.columns))
  }

  /// Rows that are written where the array may be reading: weights that follow their like into one place go to the bank
  /// that these are read from, others to any.
  private mutating func disturb(_ local: LocalPlace, _ rows: Int) {
    if locals[local.buffer].contents == .weights {
      let isReloaded = locals[local.buffer].slots == 1 && buffers[local.buffer.index][local.slot].wasUsed
      disturbance += isReloaded ? Double(rows) : 0
    } else if locals[local.buffer].slots == 1 {
      disturbance += Double(rows) * sharedBanks(local.buffer.index, local.buffer.index)
    }
  }

  private mutating func zero(_ zero: TileZero) {
    commands += moveCount(zero.rows)
    clock.load(
      zero.rows, parts: moveCount(zero.rows), into: &buffers[zero.local.buffer.index][zero.local.slot],
      isConstant: true)
  }

  private mutating func bias(_ tile: SumTile) {
    guard let bias = sums?.bias else { return }
    let bytes = ElementWidth.accumulator * dim
    var cycles = 0
    var moves = 0
    if bias.isUniform {
      cycles = time.cycles(rows: tile.pixels, bytes: bytes, offset: 0, stride: 0, reads: nil)
      moves = moveCount(tile.pixels)
    } else {
      // Rows of pixels of a class are alike in this.
      var known: [Int: (cycles: Int, moves: Int)] = [:]
      for row in tile.rows {
        if known[bias.rowClass[row]] == nil {
          var sum = (cycles: 0, moves: 0)
          for run in bias.runs(rows: row..<row + 1, columns: tile.columns, dim: dim) {
            sum.cycles +=
              run.isZero ? run.count : time.cycles(rows: run.count, bytes: bytes, offset: 0, stride: 0, reads: nil)
            sum.moves += 1
          }
          known[bias.rowClass[row]] = sum
        }
        cycles += known[bias.rowClass[row]]!.cycles
        moves += known[bias.rowClass[row]]!.moves
      }
    }
    commands += moves * tile.blocks.count
    clock.load(
      cycles * tile.blocks.count, parts: moves * tile.blocks.count, into: &buffers[sumsBuffer][tile.slot],
      isConstant: true)
  }

  // MARK: Array

  private mutating func make(_ diagonals: TileDiagonals) {
    let widest = sums?.channels(of: diagonals.blocks.lowerBound, dim: dim) ?? dim
    let narrowest = sums?.channels(of: diagonals.blocks.upperBound - 1, dim: dim) ?? dim
    var cycles = 0
    for channel in 0..<widest {
      let blocks = channel < narrowest ? diagonals.blocks.count : diagonals.blocks.count - 1
      let computes = moveCount(diagonals.taps * blocks)
      cycles += computes * dim
      commands += 2 * computes
    }
    arrayCycles += cycles
    var compact = buffers[diagonals.compact.buffer.index][diagonals.compact.slot]
    clock.make(
      cycles, from: &compact, into: &buffers[diagonals.matrices.buffer.index][diagonals.matrices.slot])
    let isApart = diagonals.compact.buffer != diagonals.matrices.buffer
    if isApart { buffers[diagonals.compact.buffer.index][diagonals.compact.slot] = compact }
  }

  private mutating func multiply(_ it: TileMultiply) {
    let pairs = it.blocks.reduce(0) { $0 + it.inputs(of: $1).count }
    let one = products(it)
    arrayCycles += pairs * one.busy
    commands += 2 * pairs * one.computes + 2
    let matrices = pairs * it.taps.count
    var cycles = pairs * one.cycles + Int(disturbance)
    disturbance = 0
    if !it.weights.isShared { cycles += Int(Double(matrices * dim) * sharedBanks(it)) }
    let place = (it.weights.place.buffer.index, min(it.weights.place.slot, buffers[it.weights.place.buffer].count - 1))
    var weights = buffers[place.0][place.1]
    var pixels = pixelBuffer(it)
    clock.compute(
      cycles, weights: &weights, matrices: matrices, pixels: &pixels, sums: &buffers[sumsBuffer][it.tile.slot],
      firstPass: cycles / max(1, it.taps.count * it.blocks.count))
    buffers[place.0][place.1] = weights
    adopt(pixels, it)
  }

  /// Cycles and computes of all taps for one pair of blocks.
  private mutating func products(_ it: TileMultiply) -> KernelTime.ProductCycles {
    let key = KernelTime.Products(
      window: windows[it.window], rows: it.tile.rows, columns: it.tile.columns, taps: it.taps, plane: it.source.plane,
      newWeights: !it.weights.isShared)
    if let known = time.products[key] { return known }
    let least = min(4, dim)
    var sum = KernelTime.ProductCycles()
    for tap in it.taps {
      let runs = windows[it.window].runs(
        rows: it.tile.rows, columns: it.tile.columns, tap: tap, plane: it.source.plane, dim: dim)
      guard let last = runs.last else { continue }
      let change = it.weights.isShared ? 0 : dim - max(last.count, least)
      var cycles = change
      for run in runs {
        sum.busy += max(run.count, least)
        cycles += max(run.count, time.moves.leastCompute(rows: max(run.count, least)))
      }
      sum.busy += change
      sum.cycles += cycles
      sum.computes += runs.count
    }
    time.products[key] = sum
    return sum
  }

  /// The buffer of the pixels; of a ring, all lines that the tile reads as one.
  private func pixelBuffer(_ it: TileMultiply) -> StreamClock.Buffer {
    let buffer = buffers[it.source.place.buffer]
    guard let lines = lines(it), let first = lines.first else {
      return buffer[min(it.source.place.slot, buffer.count - 1)]
    }
    var pixels = buffer[first]
    for line in lines.dropFirst() { pixels.include(buffer[line]) }
    return pixels
  }

  private mutating func adopt(_ pixels: StreamClock.Buffer, _ it: TileMultiply) {
    let buffer = it.source.place.buffer.index
    guard let lines = lines(it) else {
      buffers[buffer][min(it.source.place.slot, buffers[buffer].count - 1)] = pixels
      return
    }
    for line in lines { buffers[buffer][line].adopt(useOf: pixels) }
  }

  private func lines(_ it: TileMultiply) -> [Int]? {
    guard let ring = it.source.plane.ring, buffers[it.source.place.buffer].count == ring else { return nil }
    let window = windows[it.window]
    let taps = it.taps.lowerBound / window.kernelColumns...(it.taps.upperBound - 1) / window.kernelColumns
    let low = max(0, window.inputRow(it.tile.rows.lowerBound, tapRow: taps.lowerBound))
    let high = min(window.inputRows - 1, window.inputRow(it.tile.rows.upperBound - 1, tapRow: taps.upperBound))
    if low > high { return [] }
    return (low...min(high, low + ring - 1)).map { $0 % ring }
  }

  /// How much of the weights shares its banks with the pixels that they are multiplied with, these at opposite ends;
  /// where one of them is a tensor anywhere, what is to be expected.
  private func sharedBanks(_ it: TileMultiply) -> Double {
    let (weights, pixels) = (it.weights.place.buffer.index, it.source.place.buffer.index)
    let banks = time.target.scratchpadBanks
    guard locals[weights].isWorking, locals[pixels].isWorking else { return 1 / Double(banks) }
    return sharedBanks(weights, pixels)
  }

  private func sharedBanks(_ left: Int, _ right: Int) -> Double {
    let banks = time.target.scratchpadBanks
    let rows = time.target.scratchpadRowsPerBank
    func share(_ buffer: Int, _ bank: Int) -> Double {
      let all = starts[buffer]..<starts[buffer] + locals[buffer].totalRows
      if all.isEmpty { return 0 }
      return Double(all.clamped(to: bank * rows..<(bank + 1) * rows).count) / Double(all.count)
    }
    return (0..<banks).reduce(0) { $0 + share(left, $1) * share(right, $1) }
  }

  // MARK: Stores

  private mutating func store(_ store: TileStore) {
    let transfer = store.transfer
    let rows = transfer.lines * transfer.rows
    guard let of = store.sums, let sums else {
      // From a resident tensor.
      var cycles = 0
      for column in stride(from: 0, to: transfer.columns, by: dim) {
        cycles += time.cycles(
          rows: rows, bytes: min(dim, transfer.columns - column), offset: transfer.offset + column,
          stride: transfer.rowStride, reads: 1)
      }
      commands += moveCount(rows) * moveCount(transfer.columns)
      clock.copy(loading: 0, storing: cycles)
      return
    }
    var cycles: Int
    var parts = 1
    let window = sums.store.pooling.map { $0.window * $0.window } ?? 1
    if store.resident != nil {
      cycles = time.moves.storeOnChip(reads: rows * window)
    } else {
      cycles = time.cycles(
        rows: rows, bytes: transfer.columns, offset: transfer.offset, stride: transfer.rowStride, reads: window)
    }
    if sums.store.pooling == nil { parts = storeMoves(transfer, store.starts) }
    // A store waits for the scales of its channels.
    if sums.store.scaleConstant != nil { cycles += time.moves.loadLatency / 4 }
    commands += parts + (sums.store.scaleConstant == nil ? 0 : 2) + (sums.store.pair == nil ? 0 : 2)
    if stored == 0, sums.store.tableConstant != nil {
      cycles += time.moves.loadLatency
      commands += 1
    }
    let isWide = isInBothHalves(of.tile)
    let isEarly = isWide && 2 * (of.tile.row(of: of.block) + of.tile.pixels) <= of.tile.sumRows
    clock.store(
      cycles, parts: parts, from: &buffers[sumsBuffer][of.tile.slot], isFirst: stored == 0, isEarly: isEarly,
      toMemory: store.resident == nil)
    stored += 1
    if isWide { buffers[sumsBuffer][1] = buffers[sumsBuffer][0] }
  }

  /// Lines that are each by themselves share no moves.
  private func storeMoves(_ transfer: Transfer, _ starts: [Int]) -> Int {
    starts.isEmpty ? moveCount(transfer.lines * transfer.rows) : transfer.lines * moveCount(transfer.rows)
  }

  private mutating func copy(_ copy: TileCopy) {
    var loading = 0
    var storing = 0
    for column in stride(from: 0, to: copy.columns, by: Hardware.requestBytes) {
      let bytes = min(Hardware.requestBytes, copy.columns - column)
      loading += time.cycles(
        rows: copy.rows, bytes: bytes, offset: copy.offset + column, stride: copy.stride, reads: nil)
      storing += time.cycles(
        rows: copy.rows, bytes: bytes, offset: copy.outputOffset + column, stride: copy.outputStride, reads: 1)
      commands += 2 * moveCount(copy.rows)
    }
    clock.copy(loading: loading, storing: storing)
  }
}
