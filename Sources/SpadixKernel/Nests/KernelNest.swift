import SpadixISA

/// The loop nest of a tile kernel with a tiling: generates its tile program.
public struct KernelNest {
  /// Kernel, tiling and what follows from them.
  public let geometry: KernelGeometry
  let kernel: TileKernel
  let places: KernelPlaces
  let constants: NestConstants
  let buffers: KernelBuffers
  /// The part of the result that is computed, in a group; nil for all of it.
  let strip: KernelStrip?
  let dim: Int
  /// Rows of half the accumulator.
  private let half: Int
  // What the loops ask of the kernel again and again.
  private let hasBias: Bool
  /// Whether loads of int8 start the sums and biases are added to them: Gemmini's hardware mixes up the other order.
  private let addsBias: Bool
  private let hasIdentities: Bool
  private let weightsDependOnImage: Bool
  /// Where constant weights lie in DRAM.
  let weightOrder: WeightOrder?
  let window: InputWindow?
  let input: TileOperand
  let view: TileKernel.DRAMView
  let output: (rows: Int, columns: Int, channels: Int)

  /// - Parameters:
  ///   - accumulatorRows: of the target, of both banks.
  ///   - strip: the part of the result that is computed, in a group; nil for all of it.
  public init(
    _ geometry: KernelGeometry, places: KernelPlaces, constants: NestConstants, accumulatorRows: Int,
    strip: KernelStrip? = nil
  ) {
    self.strip = strip
    self.geometry = geometry
    self.kernel = geometry.kernel
    self.places = places
    self.constants = constants
    buffers = KernelBuffers(geometry, places: places, accumulatorRows: accumulatorRows, strip: strip)
    dim = geometry.dim
    half = accumulatorRows / 2
    hasBias = kernel.bias != nil && !geometry.tiling.multipliesPadding
    hasIdentities = !kernel.identities.isEmpty
    addsBias = hasBias && kernel.contraction == nil && buffers.identities.first?.usesArray == false
    window = kernel.contraction?.window
    input = kernel.contraction?.operand ?? .input(0)
    view = kernel.contraction?.view ?? TileKernel.DRAMView(offset: 0, image: 0, row: 0, pixel: 0)
    output = (kernel.store.rows, kernel.store.columns, kernel.channels)
    weightOrder = kernel.contraction?.weights.matrices == nil ? nil : WeightOrder(geometry)
    if case .activation = kernel.contraction?.weights {
      weightsDependOnImage = true
    } else {
      weightsDependOnImage = false
    }
  }

  /// Scratchpad rows beside those of resident tensors.
  public var workingRows: Int { buffers.workingRows }

  /// Its buffers, as its program has them.
  public var localBuffers: [LocalBuffer] { buffers.all }

  /// In a group, those that are needed during a strip only, with their numbers: no constants that stay and no image rows.
  public var stripBuffers: [(number: Int, buffer: LocalBuffer)] {
    buffers.ofStrip.map { ($0.index, buffers.all[$0.index]) }
  }

  /// In a group, the buffer of image rows.
  public var imageBuffer: BufferID? { buffers.images }

  /// The whole program in memory.
  public func program() -> TileProgram {
    var operations: [TileOperation] = []
    generate(into: &operations)
    return TileProgram(
      reads: streamedInputs, writes: writes, buffers: buffers.all,
      windows: windows, sums: SumImage(kernel),
      operations: operations, summary: geometry.tiling.summary(geometry))
  }

  /// Of the contraction, of the identity terms, and of padding that is multiplied.
  var windows: [InputWindow] {
    var windows = kernel.contraction.map { [$0.window] } ?? []
    windows += kernel.identities.map {
      InputWindow.identity(rows: kernel.rows, columns: kernel.columns, channels: kernel.channels, passes: $0.passes)
    }
    if geometry.tiling.multipliesPadding, let taps = kernel.contraction?.window.taps {
      windows.append(.identity(rows: kernel.rows, columns: kernel.columns, channels: taps, passes: 1))
    }
    return windows
  }

  private var writes: Bool {
    guard let strip else { return !places.outputIsResident }
    return strip.storesToMemory || !strip.spills.isEmpty
  }

  private var streamedInputs: [Int] {
    var inputs: Set<Int> = []
    if let contraction = kernel.contraction {
      let isThere = places.inputIsResident || (strip?.input != nil && strip!.loads.isEmpty)
      if !isThere, let input = contraction.input { inputs.insert(input) }
      if case .activation(let weights, _) = contraction.weights, !places.weightsAreResident { inputs.insert(weights) }
    }
    for (index, identity) in kernel.identities.enumerated()
    where !places.identityIsResident[index] {
      if let strip, strip.identities[index] != nil, strip.identityLoads[index].isEmpty { continue }
      inputs.insert(identity.input)
    }
    return inputs.sorted()
  }

  // MARK: Loops

  struct Window {
    var image: Int
    var blocks: Range<Int>
    var columns: Range<Int>
    var rows: Range<Int>
  }

  struct WeightsKey: Equatable {
    var image: Int
    var chunk: Int
    var slice: Int
  }

  /// What is in the buffers while the loops run.
  struct State {
    var window: Window?
    var windowSlot = -1
    /// Per slot of the weights, and the slot that was filled last.
    var weights: [WeightsKey?]
    var filled = -1
    /// Blocks whose diagonal matrices are held, per identity term.
    var matrices: [Range<Int>?]
    /// Of the last tile.
    var slot = 0
  }

  /// Gives the operations in order, until the sink wants no more.
  public func generate<Sink: TileSink>(into sink: inout Sink) {
    let takesProducts = Sink.takesProducts
    let tiling = geometry.tiling
    var state = State(
      weights: Array(repeating: nil, count: max(1, geometry.weightSlots)),
      matrices: Array(repeating: nil, count: kernel.identities.count))
    state.slot = strip?.firstSlot ?? 0
    let storedRows = strip?.rows ?? 0..<kernel.store.rows
    if strip?.constants == .kept {
      for chunk in 0..<state.weights.count { state.weights[chunk] = WeightsKey(image: 0, chunk: chunk, slice: 0) }
    } else {
      loadMatrices(&sink)
    }
    loadImageRows(&sink)
    zeroEdges(&sink)
    var hasAddends = false
    for image in 0..<kernel.images {
      for firstChunk in stride(from: 0, to: geometry.chunkCount, by: tiling.chunksPerGroup) {
        let chunks = firstChunk..<min(geometry.chunkCount, firstChunk + tiling.chunksPerGroup)
        let groupBlocks =
          geometry.chunkBlocks(chunks.lowerBound).lowerBound..<geometry.chunkBlocks(chunks.upperBound - 1).upperBound
        let groupWindow =
          geometry.isSliced || geometry.slices.isEmpty
          ? 0..<0 : geometry.windowBlocks(groupBlocks, in: geometry.slices[0])
        // Columns outside: going down a strip of columns, the window slides.
        for firstColumn in stride(from: 0, to: kernel.store.columns, by: tiling.tileColumns) {
          for firstRow in stride(from: storedRows.lowerBound, to: storedRows.upperBound, by: tiling.tileRows) {
            let place = geometry.tile(
              image: image, firstRow: firstRow, firstColumn: firstColumn, end: storedRows.upperBound)
            for chunk in chunks {
              let tile = begin(place, geometry.chunkBlocks(chunk), &state, &sink)
              let slots = geometry.weightSlots(chunkInGroup: chunk - firstChunk)
              let startTap = start(tile, &sink)
              for slice in geometry.slices {
                let slot = loadWeights(tile, chunk, slice, slots, &state, &sink)
                if !places.inputIsResident && strip?.input == nil {
                  let blocks = geometry.isSliced ? geometry.windowBlocks(tile.blocks, in: slice) : groupWindow
                  loadWindow(place, slice, blocks, &state, &sink)
                }
                if takesProducts {
                  multiply(
                    tile, place, slice, slot: slot, windowSlot: max(0, state.windowSlot),
                    windowBlocks: state.window?.blocks ?? 0..<0,
                    startTap: slice.index == 0 ? startTap : nil, &sink)
                  multiplyPadding(tile, slice, slot: slot, &sink)
                }
              }
              // Weights of the first tile come before what is only added to its sums.
              if !hasAddends { loadAddendRows(&sink) }
              hasAddends = true
              addIdentities(tile, &state, &sink)
              let together = blocksStoredTogether(tile)
              for block in stride(from: tile.blocks.lowerBound, to: tile.blocks.upperBound, by: together) {
                store(tile, block..<min(block + together, tile.blocks.upperBound), &sink)
              }
              if !sink.wantsMore { return }
            }
          }
        }
      }
    }
    spill(&sink)
  }

  // MARK: Constants of the kernel

  private func loadMatrices(_ sink: inout some TileSink) {
    if let oneHot = buffers.oneHot {
      let local = LocalPlace(oneHot)
      sink.append(.zero(TileZero(local, rows: dim - 1 + dim * dim)))
      sink.append(
        .load(
          TileLoad(
            Transfer(
              .constant(constants.identity), rows: 1, rowStride: dim, lines: dim, lineStride: dim, columns: dim,
              local: LocalPlace(oneHot, row: dim - 1), blockStride: dim, linePitch: dim))))
    }
    loadPadding(&sink)
    if let ones = buffers.ones { load(.identity, 0..<1, to: LocalPlace(ones), &sink) }
    if geometry.tiling.streamsMatrices { return }
    for (index, identity) in kernel.identities.enumerated()
    where buffers.identities[index].usesArray && identity.multipliers.count == 1 {
      load(
        .term(index), 0..<buffers.identities[index].passes, to: LocalPlace(buffers.identities[index].matrices!), &sink)
    }
  }

  private enum Matrices {
    case identity
    case term(Int)
  }

  /// Loads some of a constant's `dim` x `dim` matrices.
  private func load(
    _ matrices: Matrices, _ range: Range<Int>, to local: LocalPlace, _ sink: inout some TileSink
  ) {
    let constant: ConstantID
    switch matrices {
    case .identity: constant = constants.identity
    case .term(let index): constant = constants.diagonals[index]
    }
    sink.append(
      .load(
        TileLoad(
          Transfer(
            .constant(constant), offset: range.lowerBound * dim * dim, rows: range.count * dim, rowStride: dim,
            columns: dim, local: local, blockStride: dim))))
  }

  // MARK: Starting a tile

  /// Two slots in turn where there is room, so that one tile is stored while the next is computed.
  private func begin(
    _ place: OutputTile, _ blocks: Range<Int>, _ state: inout State, _ sink: inout some TileSink
  ) -> SumTile {
    let fits = place.pixels * blocks.count <= half
    state.slot = fits && state.slot == 0 ? 1 : 0
    let tile = SumTile(place, blocks: blocks, slot: state.slot)
    sink.append(.begin(tile))
    return tile
  }

  /// Gives the sums their first values; the tap whose products do, where neither biases nor zeros are needed.
  private func start(_ tile: SumTile, _ sink: inout some TileSink) -> Int? {
    if hasBias {
      if !addsBias { sink.append(.bias(TileBias(tile: tile))) }
      return nil
    }
    guard let window else { return nil }
    let taps = geometry.slices[0].taps
    let tap = taps.first {
      $0 + window.columnPixels <= taps.upperBound && window.covers(rows: tile.rows, columns: tile.columns, tap: $0)
    }
    if tap == nil { sink.append(.zero(TileZero(LocalPlace(buffers.sums, slot: tile.slot), rows: tile.sumRows))) }
    return tap
  }

  // MARK: Loads

  /// The slot that holds the weights of a chunk in a slice, where they are loaded unless they are there.
  private func loadWeights(
    _ tile: SumTile, _ chunk: Int, _ slice: ContractionSlice, _ slots: Range<Int>, _ state: inout State,
    _ sink: inout some TileSink
  ) -> Int {
    if places.weightsAreResident { return 0 }
    let key = WeightsKey(image: weightsDependOnImage ? tile.image : 0, chunk: chunk, slice: slice.index)
    if let slot = slots.first(where: { state.weights[$0] == key }) { return slot }
    let slot: Int
    if slots.count == 1 {
      slot = slots.lowerBound
    } else {
      slot = slots.contains(state.filled + 1) ? state.filled + 1 : slots.lowerBound
      state.filled = slot
    }
    state.weights[slot] = key
    loadWeights(tile.blocks, chunk: chunk, slice, slot: slot, image: tile.image, &sink)
    return slot
  }

  // MARK: The end of a tile

  private func addIdentities(_ tile: SumTile, _ state: inout State, _ sink: inout some TileSink) {
    if !hasIdentities { return }
    for index in kernel.identities.indices {
      let isFirst = index == 0 && (!hasBias || addsBias) && kernel.contraction == nil
      if buffers.identities[index].usesArray {
        addThroughArray(index, tile, replaces: isFirst, &state, &sink)
      } else {
        let sums = LocalPlace(buffers.sums, slot: tile.slot)
        sink.append(.load(TileLoad(addends(index, tile, to: sums), adds: !isFirst)))
      }
    }
    if addsBias { sink.append(.bias(TileBias(tile: tile, adds: true))) }
  }

  /// A tile's pixels of an identity term.
  private func addends(_ index: Int, _ tile: SumTile, to local: LocalPlace) -> Transfer {
    let view = kernel.identities[index].view
    return Transfer(
      .input(kernel.identities[index].input),
      offset: view.offset + tile.image * view.image + tile.rows.lowerBound * view.row
        + tile.columns.lowerBound * view.pixel + tile.blocks.lowerBound * dim,
      rows: tile.columns.count, rowStride: view.pixel, lines: tile.rows.count, lineStride: view.row,
      columns: geometry.channels(of: tile.blocks), local: local, blockStride: tile.pixels,
      linePitch: tile.columns.count)
  }

  private func addThroughArray(
    _ index: Int, _ tile: SumTile, replaces: Bool, _ state: inout State,
    _ sink: inout some TileSink
  ) {
    let buffer = buffers.identities[index]
    let passes = buffer.passes
    let isPerChannel = kernel.identities[index].multipliers.count > 1
    let matrices = LocalPlace(buffer.matrices!)
    if isPerChannel && !geometry.tiling.streamsMatrices && state.matrices[index] != tile.blocks {
      state.matrices[index] = tile.blocks
      load(
        .term(index), tile.blocks.lowerBound * passes..<tile.blocks.upperBound * passes, to: matrices, &sink)
    }
    let source: TileMultiply.PixelSource
    if let rows = strip?.identities[index] {
      source = TileMultiply.PixelSource(
        place: LocalPlace(buffer.addend!), blockStride: kernel.columns,
        plane: rows.plane(tile.rows, pitch: kernel.columns))
    } else if places.identityIsResident[index] {
      source = TileMultiply.PixelSource(
        place: LocalPlace(buffer.addend!, row: tile.image * kernel.rows * kernel.columns),
        blockStride: kernel.images * kernel.rows * kernel.columns, plane: PlaneLayout(pitch: kernel.columns))
    } else {
      let local = LocalPlace(buffer.addend!)
      sink.append(.load(TileLoad(addends(index, tile, to: local))))
      source = TileMultiply.PixelSource(
        place: local, firstBlock: tile.blocks.lowerBound, blockStride: tile.pixels,
        plane: PlaneLayout(
          pitch: tile.columns.count, firstRow: tile.rows.lowerBound, firstColumn: tile.columns.lowerBound))
    }
    func multiply(_ block: Int, _ taps: Range<Int>, matrix: Int, _ sink: inout some TileSink) {
      var place = matrices
      place.row = matrix * dim
      sink.append(
        .multiply(
          TileMultiply(
            tile: tile, window: index + (kernel.contraction == nil ? 0 : 1), taps: taps,
            startTap: replaces && taps.lowerBound == 0 ? 0 : nil, blocks: block..<block + 1, inputBlocks: nil,
            source: source, weights: TileMultiply.WeightSource(place: place, tapStride: dim))))
    }
    if !geometry.tiling.streamsMatrices {
      for block in tile.blocks {
        let first = isPerChannel ? (block - tile.blocks.lowerBound) * passes : 0
        multiply(block, 0..<passes, matrix: first, &sink)
      }
      return
    }
    // One place for all matrices; one that serves all blocks is loaded once for them.
    for pass in 0..<passes {
      if !isPerChannel { load(.term(index), pass..<pass + 1, to: matrices, &sink) }
      for block in tile.blocks {
        let matrix = block * passes + pass
        if isPerChannel { load(.term(index), matrix..<matrix + 1, to: matrices, &sink) }
        multiply(block, pass..<pass + 1, matrix: 0, &sink)
      }
    }
  }

  /// A store takes rows of several blocks that are `dim` rows apart: those of a tile of `dim` pixels.
  private func blocksStoredTogether(_ tile: SumTile) -> Int {
    let isPlain = kernel.store.pooling == nil && kernel.store.scaleConstant == nil && kernel.store.pair == nil
    return isPlain && buffers.output == nil && tile.pixels == dim ? max(1, Target.requestBytes / dim) : 1
  }

  private func store(_ tile: SumTile, _ blocks: Range<Int>, _ sink: inout some TileSink) {
    let block = blocks.lowerBound
    let first =
      (tile.image * output.rows + tile.storedRows.lowerBound) * output.columns + tile.storedColumns.lowerBound
    var store = TileStore(
      Transfer(
        .output, offset: first * output.channels + block * dim, rows: tile.storedColumns.count,
        rowStride: output.channels, lines: tile.storedRows.count, lineStride: output.columns * output.channels,
        columns: geometry.channels(of: blocks),
        local: LocalPlace(buffers.sums, slot: tile.slot, row: tile.row(of: block)), blockStride: tile.pixels,
        linePitch: tile.storedColumns.count),
      sums: TileStore.Sums(tile: tile, block: block))
    if let rows = strip?.output {
      storeRows(store, tile, block, rows, &sink)
      if !strip!.storesToMemory { return }
    } else if let resident = buffers.output {
      store.resident = LocalPlace(resident, row: block * kernel.images * output.rows * output.columns + first)
    }
    sink.append(.store(store))
  }

  /// Image rows of the result, each to where it lies.
  private func storeRows(
    _ store: TileStore, _ tile: SumTile, _ block: Int, _ rows: ImageRows, _ sink: inout some TileSink
  ) {
    var store = store
    store.resident = LocalPlace(buffers.output!, row: block * output.columns + tile.storedColumns.lowerBound)
    store.starts = tile.storedRows.map(rows.start)
    sink.append(.store(store))
  }
}
