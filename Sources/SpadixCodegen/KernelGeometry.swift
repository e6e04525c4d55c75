/// Sizes and ranges that follow from a tile kernel, a tiling and the array's dimension.
struct KernelGeometry: Sendable {
  let kernel: TileKernel
  let tiling: Tiling
  let dim: Int
  /// Blocks of `dim` output channels.
  let blockCount: Int
  /// Accumulator tiles of `tiling.blocks` blocks each, over all output channels.
  let chunkCount: Int
  /// Parts of the contraction that run one after the other on one accumulator tile; one entry when it is not sliced.
  let slices: [ContractionSlice]

  init(kernel: TileKernel, tiling: Tiling, dim: Int, withSlices: Bool = true) {
    self.kernel = kernel
    self.tiling = tiling
    self.dim = dim
    blockCount = Self.ceilDivide(kernel.channels, dim)
    chunkCount = Self.ceilDivide(blockCount, tiling.blocks)
    guard withSlices, let contraction = kernel.contraction else {
      slices = []
      return
    }
    var widest = 1
    for block in 0..<blockCount {
      widest = max(widest, Self.inputBlocks(of: block, contraction, dim).count)
    }
    var slices: [ContractionSlice] = []
    for firstBlock in stride(from: 0, to: widest, by: tiling.sliceBlocks) {
      for firstTap in stride(from: 0, to: contraction.taps, by: tiling.sliceTaps) {
        slices.append(
          ContractionSlice(
            index: slices.count, taps: firstTap..<min(contraction.taps, firstTap + tiling.sliceTaps),
            blocks: firstBlock..<min(widest, firstBlock + tiling.sliceBlocks)))
      }
    }
    self.slices = slices
  }

  static func ceilDivide(_ value: Int, _ divisor: Int) -> Int { (value + divisor - 1) / divisor }

  var isSliced: Bool { slices.count > 1 }

  /// The input channel blocks that an output block sums over.
  func inputBlocks(of block: Int) -> Range<Int> {
    guard let contraction = kernel.contraction else { return 0..<0 }
    return Self.inputBlocks(of: block, contraction, dim)
  }

  private static func inputBlocks(of block: Int, _ contraction: TileKernel.Contraction, _ dim: Int) -> Range<Int> {
    switch contraction.weights {
    case .dense, .activation: return 0..<ceilDivide(contraction.inputChannels, dim)
    case .packed(let packed):
      let first = packed.firstChannel[block]
      return (first / dim)..<ceilDivide(first + packed.channelCount[block], dim)
    case .diagonal, .ones: return block..<block + 1
    }
  }

  func inputBlocks(of block: Int, in slice: ContractionSlice) -> Range<Int> {
    let all = inputBlocks(of: block)
    let low = min(all.upperBound, all.lowerBound + slice.blocks.lowerBound)
    let high = min(all.upperBound, all.lowerBound + slice.blocks.upperBound)
    return low..<high
  }

  /// The input channel blocks that the window holds for some output blocks.
  func windowBlocks(_ blocks: Range<Int>, in slice: ContractionSlice) -> Range<Int> {
    var low = Int.max
    var high = 0
    for block in blocks {
      let range = inputBlocks(of: block, in: slice)
      if range.isEmpty { continue }
      low = min(low, range.lowerBound)
      high = max(high, range.upperBound)
    }
    return low < high ? low..<high : 0..<0
  }

  func chunkBlocks(_ chunk: Int) -> Range<Int> {
    chunk * tiling.blocks..<min(blockCount, (chunk + 1) * tiling.blocks)
  }

  /// Valid output channels of a block.
  func channels(of block: Int) -> Int { min(dim, kernel.channels - block * dim) }

  /// Valid input channels of an input block.
  func inputChannels(of block: Int) -> Int {
    min(dim, (kernel.contraction?.inputChannels ?? kernel.channels) - block * dim)
  }

  // MARK: Input windows

  func tapRows(_ slice: ContractionSlice) -> ClosedRange<Int> {
    let width = kernel.contraction!.kernelColumns
    return slice.taps.lowerBound / width...(slice.taps.upperBound - 1) / width
  }

  func tapColumns(_ slice: ContractionSlice) -> ClosedRange<Int> {
    let width = kernel.contraction!.kernelColumns
    let rows = tapRows(slice)
    if rows.count > 1 { return 0...width - 1 }
    return slice.taps.lowerBound % width...(slice.taps.upperBound - 1) % width
  }

  /// The input rows and columns that a tile reads through the taps of a slice, clipped to the image.
  func inputRegion(_ tile: OutputTile, _ slice: ContractionSlice) -> (rows: Range<Int>, columns: Range<Int>) {
    let contraction = kernel.contraction!
    let tapRows = tapRows(slice)
    let tapColumns = tapColumns(slice)
    func clip(_ low: Int, _ high: Int, _ limit: Int) -> Range<Int> {
      let low = min(max(0, low), limit)
      return low..<max(low, min(limit, high + 1))
    }
    return (
      clip(
        contraction.inputRow(tile.rows.lowerBound, tapRow: tapRows.lowerBound),
        contraction.inputRow(tile.rows.upperBound - 1, tapRow: tapRows.upperBound), contraction.inputRows),
      clip(
        contraction.inputColumn(tile.columns.lowerBound, tapColumn: tapColumns.lowerBound),
        contraction.inputColumn(tile.columns.upperBound - 1, tapColumn: tapColumns.upperBound),
        contraction.inputColumns)
    )
  }

  /// The most input columns that any tile reads: the pitch of the window's rows.
  var windowPitch: Int {
    guard let contraction = kernel.contraction else { return 0 }
    let columns = accumulatorColumnsPerTile
    let taps = slices.map { tapColumns($0).count }.max() ?? 1
    let reach = (columns - 1) * contraction.strideColumns + (taps - 1) * contraction.dilationColumns + 1
    return min(contraction.inputColumns, reach)
  }

  /// The most input rows that any tile reads at once: the least ring of rows.
  var minimumWindowRows: Int {
    guard let contraction = kernel.contraction else { return 0 }
    let taps = slices.map { tapRows($0).count }.max() ?? 1
    let reach = (accumulatorRowsPerTile - 1) * contraction.strideRows + (taps - 1) * contraction.dilationRows + 1
    return min(contraction.inputRows, reach)
  }

  /// The largest tile's rows in the accumulator image.
  var accumulatorRowsPerTile: Int {
    guard let pooling = kernel.store.pooling else { return tiling.tileRows }
    return min(kernel.rows, (tiling.tileRows - 1) * pooling.stride + pooling.window)
  }
  var accumulatorColumnsPerTile: Int {
    guard let pooling = kernel.store.pooling else { return tiling.tileColumns }
    return min(kernel.columns, (tiling.tileColumns - 1) * pooling.stride + pooling.window)
  }
  var accumulatorPixelsPerTile: Int { accumulatorRowsPerTile * accumulatorColumnsPerTile }

  /// How the contraction's input lies in the scratchpad while a tile is computed.
  func inputPlane(_ tile: OutputTile, _ slice: ContractionSlice, resident: Bool) -> PlaneLayout {
    if resident { return PlaneLayout(pitch: kernel.contraction!.inputColumns, ring: nil, firstColumn: 0) }
    return PlaneLayout(
      pitch: windowPitch, ring: tiling.windowRows, firstColumn: inputRegion(tile, slice).columns.lowerBound)
  }

  /// The tiles of the first image, in the order of the walk.
  func tilesOfImage() -> [OutputTile] {
    var tiles: [OutputTile] = []
    for firstColumn in stride(from: 0, to: kernel.store.columns, by: tiling.tileColumns) {
      for firstRow in stride(from: 0, to: kernel.store.rows, by: tiling.tileRows) {
        tiles.append(tile(image: 0, firstRow: firstRow, firstColumn: firstColumn))
      }
    }
    return tiles
  }

  func tile(image: Int, firstRow: Int, firstColumn: Int) -> OutputTile {
    let rows = firstRow..<min(kernel.store.rows, firstRow + tiling.tileRows)
    let columns = firstColumn..<min(kernel.store.columns, firstColumn + tiling.tileColumns)
    return OutputTile(
      image: image, storedRows: rows, storedColumns: columns, rows: kernel.accumulatorRows(rows),
      columns: kernel.accumulatorColumns(columns))
  }

  /// Accumulator tiles that are started and stored, over all images, tiles and chunks.
  var accumulatorTiles: Int {
    kernel.images * chunkCount * Self.ceilDivide(kernel.store.rows, tiling.tileRows)
      * Self.ceilDivide(kernel.store.columns, tiling.tileColumns)
  }

  // MARK: Weights

  /// Scratchpad rows of the weights of some output blocks in one slice.
  func weightRows(_ blocks: Range<Int>, _ slice: ContractionSlice) -> Int {
    guard let contraction = kernel.contraction else { return 0 }
    switch contraction.weights {
    case .ones: return 0
    case .diagonal: return blocks.count * slice.taps.count * dim
    case .activation(_, let transposed) where transposed:
      // Stored as the tensor is: rows are outputs, blocks run over the contracted channels.
      let outputs = blocks.map(channels(of:)).reduce(0, +)
      return blocks.isEmpty ? 0 : inputBlocks(of: blocks.lowerBound, in: slice).count * outputs
    case .dense, .activation, .packed:
      return blocks.reduce(0) { $0 + weightRows(block: $1, slice) }
    }
  }

  /// Scratchpad rows of one output block's weights: taps x channels of the slice.
  func weightRows(block: Int, _ slice: ContractionSlice) -> Int { slice.taps.count * contractedChannels(block, slice) }

  /// Input channels of a block's part of a slice.
  func contractedChannels(_ block: Int, _ slice: ContractionSlice) -> Int {
    let blocks = inputBlocks(of: block, in: slice)
    guard !blocks.isEmpty, let contraction = kernel.contraction else { return 0 }
    let end: Int
    if case .packed(let packed) = contraction.weights {
      end = packed.firstChannel[block] + packed.channelCount[block]
    } else {
      end = contraction.inputChannels
    }
    return min(end, blocks.upperBound * dim) - blocks.lowerBound * dim
  }

  /// Places for weights: pinned chunks have one each, the others of a group share one.
  var weightSlots: Int {
    let chunks = min(tiling.chunksPerGroup, chunkCount)
    return min(chunks, tiling.pinnedChunks + 1)
  }

  func slot(chunkInGroup: Int) -> Int { min(chunkInGroup, weightSlots - 1) }

  var weightSlotRows: Int {
    var most = 0
    for chunk in 0..<chunkCount {
      for slice in slices { most = max(most, weightRows(chunkBlocks(chunk), slice)) }
    }
    return most
  }
}

/// A part of the contraction: a range of taps, and of each output block's own input blocks.
struct ContractionSlice: Hashable, Sendable {
  var index: Int
  var taps: Range<Int>
  var blocks: Range<Int>
}

/// One accumulator tile's place in the image.
struct OutputTile: Sendable {
  var image: Int
  var storedRows: Range<Int>
  var storedColumns: Range<Int>
  /// The region of the accumulator image, row-major in the accumulator with a pitch of `columns.count`.
  var rows: Range<Int>
  var columns: Range<Int>

  var pixels: Int { rows.count * columns.count }
}
