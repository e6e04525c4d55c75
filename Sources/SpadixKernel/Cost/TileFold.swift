import SpadixISA
import SpadixSupport
import SpadixTiming

/// The fold over the operations of a tile program.
struct TileFold: TileSink {
  private var time: KernelTime
  private var clock: StreamClock
  private var bytes: TileCost
  private let windows: [InputWindow]
  private let windowNumbers: [Int]
  private let sums: SumImage?
  private let locals: [LocalBuffer]
  private let dim: Int
  private let sumsBuffer: Int
  /// By buffer, then slot, or line of a ring.
  private var buffers: [[StreamClock.Buffer]]
  private let sharing: BankSharing
  /// Of the last tile that was multiplied: its pixels and the slot of its weights.
  private var lastPixels = 0
  private var lastSlot = 0
  private var arrayCycles = 0
  private var commands = 2
  /// Rows that loads have written to banks that the array reads, since the last compute.
  private var disturbance = 0.0
  private var stored = 0
  /// Rows of DRAM that loads of sums have asked for, and how many before the last load of each slot of the sums.
  private var sumRequests = 0
  private var sumStarts = [0, 0]

  init(
    _ time: KernelTime, _ locals: [LocalBuffer], _ windows: [InputWindow], _ sums: SumImage?, inputs: Int
  ) {
    var time = time
    windowNumbers = windows.map { time.products.number(of: $0) }
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
    sharing = BankSharing(locals, time.target)
  }

  // MARK: Limit

  /// Time from which on the cost does not matter.
  private var limit = Int.max
  /// Cycles that are at least to come once the array is done with what it has.
  private var toCome = 0
  /// Stops as soon as the time is known to be a limit or more.
  mutating func limit(_ time: Int, _ work: ArrayWork) {
    limit = time
    toCome = work.lastStores + (work.storesToMemory ? self.time.moves.storeLatency : 0)
    if work.products.contains(where: { $0.cycles > 0 }) { toCome += self.time.moves.arrayLatency }
    for products in work.products {
      let conflicts = Double(products.newMatrices * dim) * sharing.share(of: products.weights, with: products.pixels)
      toCome += products.cycles + max(0, Int(conflicts) - products.multiplications)
    }
  }

  var wantsMore: Bool { clock.arrayFree + toCome < limit }

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
    case .bias(let bias): self.bias(bias.tile, adds: bias.adds)
    case .diagonals(let diagonals): make(diagonals)
    case .multiply(let products): multiply(products)
    case .store(let store): self.store(store)
    case .copy(let copy): self.copy(copy)
    }
  }

  private func moveCount(_ rows: Int) -> Int { ceilDivide(rows, dim) }

  private mutating func begin(_ tile: SumTile) {
    stored = 0
    // A tile in both halves waits for the stores from both.
    if time.isInBothHalves(tile) { buffers[sumsBuffer][0].include(buffers[sumsBuffer][1]) }
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
    if isSums {
      let requests = transfer.lines * transfer.rows * ceilDivide(transfer.columns, together)
      startSums(local.slot, adds: load.adds, requests: requests)
    } else {
      disturb(local, transfer.lines * transfer.rows * moveCount(transfer.columns))
    }
    if load.adds {
      clock.add(cycles, parts: moves, to: &buffers[local.buffer.index][local.slot])
    } else {
      clock.load(
        cycles, parts: moves, into: &buffers[local.buffer.index][local.slot], isConstant: isConstant,
        waitsForAll: !isSums && locals[local.buffer].slots > 1)
    }
  }

  /// What is added to rows that are still on their way is lost on hardware with this fault: there is a fence between.
  private mutating func startSums(_ slot: Int, adds: Bool, requests: Int) {
    if adds && time.target.faults.rangeOrder && sumRequests - sumStarts[slot] < Target.Faults.overtakingRows {
      clock.fence()
    }
    sumStarts[slot] = sumRequests
    sumRequests += requests
  }

  /// Lines of a ring, each a buffer of its own; lines that follow one another in both places share moves.
  private mutating func loadLines(_ transfer: Transfer, _ together: Int, _ isConstant: Bool) {
    let ring = transfer.ring ?? 1
    let buffer = transfer.local.buffer.index
    if buffers[buffer].count < ring {
      buffers[buffer] += Array(repeating: StreamClock.Buffer(), count: ring - buffers[buffer].count)
    }
    let isJoined = transfer.linePitch == transfer.rows && transfer.lineStride == transfer.rows * transfer.rowStride
    let isRefilled = buffers[buffer][transfer.firstLine % ring].wasUsed
    var line = 0
    while line < transfer.lines {
      let place = (transfer.firstLine + line) % ring
      let end = transfer.partLines > 0 ? (place / transfer.partLines + 1) * transfer.partLines : ring
      let count = isJoined ? min(transfer.lines - line, end - place) : 1
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
    disturb(transfer.local, transfer.lines * transfer.rows * moveCount(transfer.columns), isRefilled: isRefilled)
  }

  /// Rows that are written where the array may be reading: weights that follow their like into one place go to the bank
  /// that these are read from, others to any.
  private mutating func disturb(_ local: LocalPlace, _ rows: Int, isRefilled: Bool = false) {
    if locals[local.buffer].contents == .weights {
      if !buffers[local.buffer.index][local.slot].wasUsed { return }
      let share =
        locals[local.buffer].slots == 1
        ? 1 : sharing.share(ofSlot: local.slot, with: lastSlot) * waiting(for: rows)
      disturbance += Double(rows) * share
    } else if locals[local.buffer].slots == 1 {
      // Close behind what is read of a window that is there already, anywhere in one that is filled for the first time.
      let share = isRefilled ? 1 : sharing.share(local.buffer.index, local.buffer.index)
      disturbance += Double(rows) * share
    }
  }

  /// Of so many rows that are written to the bank of the weights that are multiplied with, how many the array waits for
  /// with its next matrix.
  private func waiting(for rows: Int) -> Double {
    let (rows, period) = (Double(rows), Double(max(dim, lastPixels)))
    return rows >= period ? 1 - period / (2 * rows) : rows / (2 * period)
  }

  private mutating func zero(_ zero: TileZero) {
    let moves = zero.lines * moveCount(zero.rows)
    commands += moves
    clock.load(
      zero.lines * zero.rows, parts: moves, into: &buffers[zero.local.buffer.index][zero.local.slot],
      isConstant: true)
  }

  private mutating func bias(_ tile: SumTile, adds: Bool) {
    guard let bias = sums?.bias else { return }
    let bytes = ElementWidth.accumulator * dim
    var cycles = 0
    var moves = 0
    if bias.isUniform {
      cycles = time.cycles(rows: tile.pixels, bytes: bytes, offset: 0, stride: 0, reads: nil)
      moves = moveCount(tile.pixels)
    } else {
      // Rows of pixels of a class between others of the same are alike in this.
      var known: [Int: (cycles: Int, moves: Int)] = [:]
      for row in tile.rows {
        let around = max(tile.rows.lowerBound, row - 1)..<min(tile.rows.upperBound, row + 2)
        let key = around.reduce(row - around.lowerBound) { $0 << 16 | (bias.rowClass[$1] + 1) }
        let sum = known[key] ?? biasMoves(bias, row, around, tile.columns, bytes)
        known[key] = sum
        cycles += sum.cycles
        moves += sum.moves
      }
    }
    commands += moves * tile.blocks.count
    if adds {
      startSums(tile.slot, adds: true, requests: moves * tile.blocks.count)
      clock.add(cycles * tile.blocks.count, parts: moves * tile.blocks.count, to: &buffers[sumsBuffer][tile.slot])
      return
    }
    clock.load(
      cycles * tile.blocks.count, parts: moves * tile.blocks.count, into: &buffers[sumsBuffer][tile.slot],
      isConstant: true)
  }

  /// Moves of biases that begin in a row of pixels, which may go on in the next.
  private mutating func biasMoves(
    _ bias: TileKernel.Bias, _ row: Int, _ around: Range<Int>, _ columns: Range<Int>, _ bytes: Int
  ) -> (cycles: Int, moves: Int) {
    let first = (row - around.lowerBound) * columns.count
    var sum = (cycles: 0, moves: 0)
    for run in bias.runs(rows: around, columns: columns, dim: dim)
    where (first..<first + columns.count).contains(run.result) {
      let stride = run.distance * ElementWidth.accumulator * (sums?.channels ?? 0)
      sum.cycles +=
        run.isZero ? run.count : time.cycles(rows: run.count, bytes: bytes, offset: 0, stride: stride, reads: nil)
      sum.moves += 1
    }
    return sum
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
    let pairs = it.pairs
    let one = time.products.cycles(
      it, windows[it.window], number: windowNumbers[it.window], dim: dim, time.moves)
    arrayCycles += pairs * one.busy
    commands += 2 * pairs * one.computes + 2
    let matrices = pairs * it.taps.count
    var cycles = pairs * one.cycles
    if !it.weights.isShared {
      cycles += Int(Double(matrices * dim) * sharing.share(of: it.weights.place.buffer, with: it.source.place.buffer))
    }
    toCome -= cycles
    (lastPixels, lastSlot) = (it.tile.pixels, it.weights.place.slot)
    cycles += Int(disturbance)
    disturbance = 0
    let place = (it.weights.place.buffer.index, min(it.weights.place.slot, buffers[it.weights.place.buffer].count - 1))
    var weights = buffers[place.0][place.1]
    let lines = self.lines(it)
    var pixels = pixelBuffer(it, lines)
    clock.compute(
      cycles, weights: &weights, matrices: matrices, pixels: &pixels, sums: &buffers[sumsBuffer][it.tile.slot],
      firstPass: cycles / max(1, it.taps.count * it.blocks.count))
    buffers[place.0][place.1] = weights
    adopt(pixels, it, lines)
  }

  /// The buffer of the pixels; of a ring, all lines that the tile reads as one.
  private func pixelBuffer(_ it: TileMultiply, _ lines: RingLines?) -> StreamClock.Buffer {
    let index = it.source.place.buffer.index
    guard let lines, !lines.rows.isEmpty else {
      return buffers[index][min(it.source.place.slot, buffers[index].count - 1)]
    }
    var line = lines.rows.lowerBound % lines.ring
    var pixels = buffers[index][line]
    for _ in 1..<lines.rows.count {
      line = line + 1 == lines.ring ? 0 : line + 1
      pixels.include(buffers[index][line])
    }
    return pixels
  }

  private mutating func adopt(_ pixels: StreamClock.Buffer, _ it: TileMultiply, _ lines: RingLines?) {
    let index = it.source.place.buffer.index
    guard let lines else {
      buffers[index][min(it.source.place.slot, buffers[index].count - 1)] = pixels
      return
    }
    for row in lines.rows { buffers[index][row % lines.ring].adopt(useOf: pixels) }
  }

  /// Rows of the input that are in a ring.
  private struct RingLines {
    var rows: Range<Int>
    var ring: Int
  }

  private func lines(_ it: TileMultiply) -> RingLines? {
    guard let ring = it.source.plane.ring, buffers[it.source.place.buffer.index].count == ring else { return nil }
    let window = windows[it.window]
    let taps = it.taps.lowerBound / window.kernelColumns...(it.taps.upperBound - 1) / window.kernelColumns
    let low = max(0, window.inputRow(it.tile.rows.lowerBound, tapRow: taps.lowerBound))
    let high = min(window.inputRows - 1, window.inputRow(it.tile.rows.upperBound - 1, tapRow: taps.upperBound))
    if low > high { return RingLines(rows: 0..<0, ring: ring) }
    let shift = it.source.plane.shift
    return RingLines(rows: low + shift..<min(high, low + ring - 1) + 1 + shift, ring: ring)
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
    var cycles = time.cycles(of: store, sums)
    var parts = 1
    if sums.store.pooling == nil { parts = storeMoves(transfer, store.starts) }
    // A store waits for the scales of its channels.
    if sums.store.scaleConstant != nil {
      cycles += time.moves.loadLatency / 4
      let bytes = sums.store.channelBytes * sums.channels(of: of.block, dim: dim)
      clock.loadOutputStage(time.cycles(rows: 1, bytes: bytes, offset: 0, stride: bytes, reads: nil))
    }
    commands += parts + (sums.store.scaleConstant == nil ? 0 : 2) + (sums.store.pair == nil ? 0 : 2)
    if stored == 0, sums.store.tableConstant != nil {
      cycles += time.moves.loadLatency
      commands += 1
    }
    let isWide = time.isInBothHalves(of.tile)
    clock.store(
      cycles, parts: parts, from: &buffers[sumsBuffer][of.tile.slot], isFirst: stored == 0,
      isEarly: store.isEarly(of, time),
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
