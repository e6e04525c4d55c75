import SpadixISA
import SpadixPlan
import SpadixTiming

/// The modelled time of a kernel with a tiling: the one place where the compiler guesses cycles before there are commands.
///
/// The nest is walked tile by tile, and each load, compute and store takes its turn on a `StreamClock`:
///
/// - loads and stores take what `MoveTime` says of their moves: 64-byte requests, beats, requests in flight, tracked moves;
/// - computes share the kernel's array cycles by their products; new weights in the bank that pixels are read from cost the
///   array `dim` cycles more, and rows that loads write there one;
/// - the accumulator is used in halves where tiles fit, so that one is stored while the next is computed;
/// - a streamed operand has one place: it is loaded again behind its last use. A ring of more rows than a tile needs is
///   loaded ahead by so many;
/// - an operator begins where the results of the one before are stored, with its first constants loaded, and ends where its
///   own are.
///
/// docs/scheduling.md has how far that is from the machine's time model.
struct KernelTime {
  let moves: MoveTime
  let target: Target
  private var known: [Int: Int] = [:]

  init(_ target: Target) {
    self.target = target
    moves = MoveTime(target)
  }

  /// Cycles, and about how many commands.
  mutating func of(_ geometry: KernelGeometry, _ layout: KernelLayout, places: KernelPlaces, arrayCycles: Int)
    -> (time: Int, commands: Int)
  {
    var visitor = TimeVisitor(geometry, layout, places, arrayCycles, self)
    KernelWalk(
      geometry: geometry, inputIsResident: places.inputIsResident, weightsAreResident: places.weightsAreResident
    ).run(&visitor)
    known = visitor.time.known
    // Everything waits for the processor, a command after the other.
    return (max(visitor.clock.end, visitor.commands * moves.hardware.issueCycles), visitor.commands)
  }

  /// All that a kernel costs with a tiling.
  mutating func cost(
    _ geometry: KernelGeometry, _ layout: KernelLayout, places: KernelPlaces, arrayCycles: Int
  ) -> Cost {
    let bytes = KernelCost.of(geometry, places: places)
    let (time, commands) = of(geometry, layout, places: places, arrayCycles: arrayCycles)
    return Cost(
      readBytes: bytes.readBytes, writtenBytes: bytes.writtenBytes, arrayCycles: arrayCycles, time: time,
      commands: commands)
  }

  /// A whole tensor from DRAM into the scratchpad.
  mutating func fetch(pixels: Int, channels: Int) -> Cost {
    var sum = Cost(readBytes: pixels * channels, time: moves.loadLatency, commands: 1)
    let blocks = pixels <= Limits.blockStride ? target.maxBlockLength : 1
    for channel in stride(from: 0, to: channels, by: blocks * target.dim) {
      let columns = min(blocks * target.dim, channels - channel)
      sum.time += load(rows: pixels, bytes: columns, offset: channel, stride: channels)
      sum.commands += KernelGeometry.ceilDivide(pixels, target.dim)
    }
    return sum
  }

  /// A whole tensor from the scratchpad to DRAM.
  mutating func spill(pixels: Int, channels: Int) -> Cost {
    var sum = Cost(writtenBytes: pixels * channels, time: moves.storeLatency, commands: 1)
    for channel in stride(from: 0, to: channels, by: target.dim) {
      let columns = min(target.dim, channels - channel)
      sum.time += store(rows: pixels, bytes: columns, offset: channel, stride: channels)
      sum.commands += KernelGeometry.ceilDivide(pixels, target.dim)
    }
    return sum
  }

  /// A kernel that only moves, through two buffers in turn: loads beside stores.
  mutating func cost(of kernel: CopyKernel, inputsAreResident: [Bool], outputIsResident: Bool) -> Cost {
    var cost = Cost(
      readBytes: kernel.readBytes(dim: target.dim), writtenBytes: outputIsResident ? 0 : kernel.writtenBytes)
    for block in kernel.blocks {
      if case .input(let index) = block.source, inputsAreResident[index] { cost.readBytes -= block.rows * block.bytes }
    }
    var loading = 0
    var storing = 0
    var commands = 2
    for block in kernel.blocks {
      var isResident = false
      if case .input(let index) = block.source { isResident = inputsAreResident[index] }
      for column in stride(from: 0, to: block.bytes, by: Hardware.requestBytes) {
        let bytes = min(Hardware.requestBytes, block.bytes - column)
        let moves = KernelGeometry.ceilDivide(block.rows, target.dim)
        if !isResident {
          loading += load(rows: block.rows, bytes: bytes, offset: column, stride: block.sourceStride)
          commands += moves
        }
        if !outputIsResident {
          storing += store(rows: block.rows, bytes: bytes, offset: column, stride: block.destinationStride)
          commands += moves
        }
      }
    }
    cost.time = max(loading, storing) + moves.loadLatency + moves.storeLatency
    cost.commands = commands
    return cost
  }

  // MARK: Moves

  /// Cycles of loads of consecutive rows, `dim` a move.
  mutating func load(rows: Int, bytes: Int, offset: Int, stride: Int) -> Int {
    let dim = target.dim
    var cycles = 0
    if rows >= dim { cycles += rows / dim * one(rows: dim, bytes, offset, stride, isLoad: true, reads: 0) }
    if rows % dim > 0 { cycles += one(rows: rows % dim, bytes, offset, stride, isLoad: true, reads: 0) }
    return cycles
  }

  mutating func store(rows: Int, bytes: Int, offset: Int, stride: Int) -> Int {
    let dim = target.dim
    var cycles = 0
    if rows >= dim { cycles += rows / dim * one(rows: dim, bytes, offset, stride, isLoad: false, reads: dim) }
    if rows % dim > 0 { cycles += one(rows: rows % dim, bytes, offset, stride, isLoad: false, reads: rows % dim) }
    return cycles
  }

  /// A pooled store: rows that it writes from rows that it reads.
  mutating func store(rows: Int, bytes: Int, offset: Int, stride: Int, reads: Int) -> Int {
    moves.store(rows: rows, bytes: bytes, offset: offset, stride: stride, reads: reads)
  }

  private mutating func one(
    rows: Int, _ bytes: Int, _ offset: Int, _ stride: Int, isLoad: Bool, reads: Int
  ) -> Int {
    let line = Hardware.requestBytes
    // Only where rows lie in their requests counts, and whether one is repeated.
    let phase = stride == 0 ? line : stride & (line - 1)
    let key = (((rows << 16 | bytes) << 7 | phase) << 7 | offset & (line - 1)) << 1 | (isLoad ? 1 : 0)
    if let cycles = known[key] { return cycles }
    let stride = stride == 0 ? 0 : phase == 0 ? line : phase
    let cycles =
      isLoad
      ? moves.load(rows: rows, bytes: bytes, offset: offset & (line - 1), stride: stride)
      : moves.store(rows: rows, bytes: bytes, offset: offset & (line - 1), stride: stride, reads: reads)
    known[key] = cycles
    return cycles
  }
}

private struct TimeVisitor: KernelVisitor {
  let geometry: KernelGeometry
  let layout: KernelLayout
  let places: KernelPlaces
  let arrayCycles: Int
  var time: KernelTime
  var clock: StreamClock
  var commands = 4

  private let kernel: TileKernel
  private let dim: Int
  private var weights: [StreamClock.Buffer]
  private var window: [StreamClock.Buffer]
  private var addend = StreamClock.Buffer()
  private var sums = [StreamClock.Buffer](repeating: StreamClock.Buffer(), count: 2)
  /// The half of the accumulator that the tile is in; tiles of more rows begin in the first.
  private var half = 1
  /// Products of all tiles, that array cycles are shared by.
  private var products = 0
  /// The share of weights that lie in banks that pixels are read from.
  private var conflicts = 0.0
  private var disturbance = 0.0

  init(
    _ geometry: KernelGeometry, _ layout: KernelLayout, _ places: KernelPlaces, _ arrayCycles: Int, _ time: KernelTime
  ) {
    self.geometry = geometry
    self.layout = layout
    self.places = places
    self.arrayCycles = arrayCycles
    self.time = time
    kernel = geometry.kernel
    dim = geometry.dim
    clock = StreamClock(
      loadLatency: time.moves.loadLatency, arrayLatency: time.moves.arrayLatency,
      storeLatency: time.moves.storeLatency)
    weights = Array(repeating: StreamClock.Buffer(), count: max(1, geometry.weightSlots))
    window = Array(repeating: StreamClock.Buffer(), count: max(1, geometry.tiling.windowRows))
    products = kernel.images * kernel.rows * kernel.columns * matrices(0..<geometry.blockCount, nil)
    conflicts = sharedBanks()
  }

  /// Matrices that the pixels of some output blocks are multiplied with; of one slice, or of all.
  private func matrices(_ blocks: Range<Int>, _ slice: ContractionSlice?) -> Int {
    guard let contraction = kernel.contraction else { return 0 }
    return blocks.reduce(0) { sum, block in
      let inputs = slice.map { geometry.inputBlocks(of: block, in: $0) } ?? geometry.inputBlocks(of: block)
      return sum + inputs.count * (slice?.taps.count ?? contraction.taps)
    }
  }

  /// How much of the weights shares its banks with the pixels that they are multiplied with, for a working block at row 0.
  private func sharedBanks() -> Double {
    guard kernel.contraction != nil else { return 0 }
    let banks = time.target.scratchpadBanks
    if places.inputIsResident || places.weightsAreResident { return 1 / Double(banks) }
    let rows = time.target.scratchpadRowsPerBank
    func share(_ range: Range<Int>, _ bank: Int) -> Double {
      if range.isEmpty { return 0 }
      let inside = range.clamped(to: bank * rows..<(bank + 1) * rows)
      return Double(inside.count) / Double(range.count)
    }
    let weights = layout.weights..<layout.weights + geometry.weightSlots * layout.weightSlotRows
    let pixels = layout.window..<layout.totalRows
    return (0..<banks).reduce(0) { $0 + share(weights, $1) * share(pixels, $1) }
  }

  private func channels(_ blocks: Range<Int>) -> Int {
    min(kernel.channels, blocks.upperBound * dim) - blocks.lowerBound * dim
  }

  private func moveCount(_ rows: Int) -> Int { KernelGeometry.ceilDivide(rows, dim) }

  // MARK: Loads

  mutating func begin(_ tile: OutputTile, _ blocks: Range<Int>) {
    half = tile.pixels * blocks.count <= time.target.accumulatorRows / 2 ? 1 - half : 0
    guard let bias = kernel.bias else { return }
    var cycles = 0
    var moves = 0
    if bias.isUniform {
      cycles = time.load(rows: tile.pixels, bytes: 4 * dim, offset: 0, stride: 0) * blocks.count
      moves = moveCount(tile.pixels) * blocks.count
    } else {
      for run in geometry.biasRuns(tile, bias) {
        cycles += time.load(rows: run.count, bytes: 4 * dim, offset: 0, stride: 0) * blocks.count
        moves += blocks.count
      }
    }
    commands += moves
    clock.load(cycles, parts: moves, into: &sums[half], isConstant: true)
    // A tile in both halves takes the other one as well.
    if tile.pixels * blocks.count > time.target.accumulatorRows / 2 { sums[1] = sums[0] }
  }

  mutating func loadWeights(_ blocks: Range<Int>, _ slice: ContractionSlice, slot: Int, image: Int) {
    guard let contraction = kernel.contraction else { return }
    var cycles = 0
    var moves = 0
    var isConstant = true
    func add(_ rows: Int, _ bytes: Int, _ offset: Int, _ stride: Int) {
      cycles += time.load(rows: rows, bytes: bytes, offset: offset, stride: stride)
      moves += moveCount(rows)
    }
    switch contraction.weights {
    case .ones: return
    case .dense, .activation(_, false):
      if case .activation = contraction.weights { isConstant = false }
      let rows = slice.taps.count * geometry.contractedChannels(blocks.lowerBound, slice)
      for first in stride(from: blocks.lowerBound, to: blocks.upperBound, by: time.target.maxBlockLength) {
        let group = first..<min(blocks.upperBound, first + time.target.maxBlockLength)
        add(rows, channels(group), first * dim, kernel.channels)
      }
    case .activation(_, true):
      isConstant = false
      let inputs = geometry.inputBlocks(of: blocks.lowerBound, in: slice)
      for first in stride(from: inputs.lowerBound, to: inputs.upperBound, by: time.target.maxBlockLength) {
        let last = min(inputs.upperBound, first + time.target.maxBlockLength)
        let bytes = min(contraction.inputChannels, last * dim) - first * dim
        add(channels(blocks), bytes, first * dim, contraction.inputChannels)
      }
    case .packed:
      for block in blocks {
        let contracted = geometry.contractedChannels(block, slice)
        for _ in slice.taps { add(contracted, geometry.channels(of: block), 0, dim) }
      }
    case .diagonal:
      for first in stride(from: blocks.lowerBound, to: blocks.upperBound, by: time.target.maxBlockLength) {
        let group = first..<min(blocks.upperBound, first + time.target.maxBlockLength)
        add(slice.taps.count, channels(group), first * dim, kernel.channels)
      }
    }
    commands += moves
    disturbance += Double(geometry.weightRows(blocks, slice)) * conflicts
    clock.load(cycles, parts: moves, into: &weights[slot], isConstant: isConstant)
  }

  mutating func loadWindow(image: Int, rows: Range<Int>, columns: Range<Int>, blocks: Range<Int>) {
    guard let contraction = kernel.contraction else { return }
    let view = contraction.view
    let pitch = geometry.windowPitch
    let ring = geometry.tiling.windowRows
    // Rows of a full width that follow each other in both places are one span.
    let isJoined = columns.count == pitch && columns.count * view.pixel == view.row
    var line = rows.lowerBound
    while line < rows.upperBound {
      let count = isJoined ? min(rows.upperBound - line, ring - line % ring) : 1
      var cycles = 0
      var moves = 0
      for first in stride(from: blocks.lowerBound, to: blocks.upperBound, by: time.target.maxBlockLength) {
        let last = min(blocks.upperBound, first + time.target.maxBlockLength)
        let bytes = min(contraction.inputChannels, last * dim) - first * dim
        let offset = view.offset + line * view.row + columns.lowerBound * view.pixel + first * dim
        cycles += time.load(rows: count * columns.count, bytes: bytes, offset: offset & 63, stride: view.pixel)
        moves += moveCount(count * columns.count)
      }
      commands += moves
      disturbance += Double(count * columns.count * blocks.count) * conflicts
      // One buffer for each line that is kept; the moves bring all lines together.
      for part in 0..<count {
        clock.load(
          cycles * (part + 1) / count - cycles * part / count, parts: max(1, moves / count),
          into: &window[(line + part) % ring], isConstant: false)
      }
      line += count
    }
  }

  // MARK: Array

  mutating func accumulate(
    _ tile: OutputTile, _ blocks: Range<Int>, _ slice: ContractionSlice, slot: Int, windowBlocks: Range<Int>
  ) {
    let tiles = matrices(blocks, slice)
    let share = products > 0 ? Double(tile.pixels * tiles) / Double(products) : 0
    commands += 2 * tiles * moveCount(tile.pixels) + 2
    var cycles = Double(arrayCycles) * share + disturbance
    disturbance = 0
    if kernel.contraction?.weights.isShared != true { cycles += Double(tiles * dim) * conflicts }
    compute(Int(cycles), tile, blocks, slice, slot: slot, tiles: tiles)
  }

  private mutating func compute(
    _ cycles: Int, _ tile: OutputTile, _ blocks: Range<Int>, _ slice: ContractionSlice, slot: Int, tiles: Int
  ) {
    // All pixels of the tile are read for the first tap of the first block, but for what lower rows of taps add.
    let firstPass = cycles / max(1, slice.taps.count * blocks.count)
    var pixels = StreamClock.Buffer()
    let region = places.inputIsResident ? 0..<0 : geometry.inputRegion(tile, slice).rows
    let ring = geometry.tiling.windowRows
    if !region.isEmpty {
      pixels = window[region.lowerBound % ring]
      for line in region { pixels.include(window[line % ring]) }
    }
    var noAddend = StreamClock.Buffer()
    clock.compute(
      cycles, weights: &weights[slot], weightTiles: tiles, window: &pixels, addend: &noAddend, sums: &sums[half],
      firstPass: firstPass)
    for line in region { window[line % ring].adopt(useOf: pixels) }
  }

  // MARK: Ends of tiles

  mutating func finish(_ tile: OutputTile, _ blocks: Range<Int>) {
    let rows = tile.pixels * blocks.count
    for (index, identity) in kernel.identities.enumerated() {
      let identityLayout = layout.identities[index]
      if !places.identityIsResident[index] { loadAddend(identity, tile, blocks, usesArray: identityLayout.usesArray) }
      if identityLayout.usesArray {
        let cycles = identityLayout.passes * blocks.count * max(tile.pixels, dim)
        commands += 2 * identityLayout.passes * blocks.count * moveCount(tile.pixels)
        var matrices = StreamClock.Buffer()
        var pixels = StreamClock.Buffer()
        clock.compute(
          cycles, weights: &matrices, weightTiles: identityLayout.passes * blocks.count, window: &pixels,
          addend: &addend, sums: &sums[half], firstPass: cycles)
      }
    }
    let isInBothHalves = rows > time.target.accumulatorRows / 2
    var cycles = 0
    var moves = 0
    let stored = tile.storedRows.count * tile.storedColumns.count
    for block in blocks {
      let bytes = geometry.channels(of: block)
      if places.outputIsResident {
        cycles += tile.pixels + moveCount(stored) * 2
      } else if kernel.store.pooling != nil {
        cycles += time.store(
          rows: stored, bytes: bytes, offset: block * dim, stride: kernel.channels, reads: pooledReads(tile))
      } else {
        cycles += time.store(rows: stored, bytes: bytes, offset: block * dim, stride: kernel.channels)
      }
      moves += kernel.store.pooling == nil ? moveCount(stored) : 1
      if kernel.store.scaleConstant != nil { cycles += time.moves.loadLatency / 4 }
    }
    commands += moves + (kernel.store.scaleConstant == nil ? 0 : 2 * blocks.count)
    clock.store(
      cycles, parts: moves, from: &sums[half], spansBanks: isInBothHalves, toMemory: !places.outputIsResident)
    if isInBothHalves { sums[1] = sums[0] }
  }

  private func pooledReads(_ tile: OutputTile) -> Int {
    let window = kernel.store.pooling?.window ?? 1
    return tile.storedRows.count * tile.storedColumns.count * window * window
  }

  private mutating func loadAddend(
    _ identity: TileKernel.Identity, _ tile: OutputTile, _ blocks: Range<Int>, usesArray: Bool
  ) {
    var cycles = 0
    var moves = 0
    // 32-bit rows of the accumulator are filled from int8: four times the rows for the same bytes.
    for first in stride(from: blocks.lowerBound, to: blocks.upperBound, by: time.target.maxBlockLength) {
      let group = first..<min(blocks.upperBound, first + time.target.maxBlockLength)
      cycles += time.load(
        rows: tile.pixels, bytes: channels(group), offset: first * dim, stride: identity.view.pixel)
      moves += moveCount(tile.pixels)
    }
    commands += moves
    if usesArray {
      clock.load(cycles, parts: moves, into: &addend, isConstant: false)
    } else {
      clock.add(cycles, parts: moves, to: &sums[half])
    }
  }
}
