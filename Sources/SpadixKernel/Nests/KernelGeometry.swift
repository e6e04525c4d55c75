import SpadixSupport

/// Sizes and ranges that follow from a tile kernel, a tiling and the array's dimension.
///
/// It never changes, and is shared: loops that ask it something would copy the whole kernel with each question.
public final class KernelGeometry: Sendable {
  /// The operator.
  public let kernel: TileKernel
  /// How it is walked through.
  public let tiling: Tiling
  /// Of the array: elements of a local row.
  public let dim: Int
  /// Blocks of `dim` output channels.
  public let blockCount: Int
  /// Accumulator tiles of `tiling.blocks` blocks each, over all output channels.
  public let chunkCount: Int
  /// Parts of the contraction that run one after the other on one accumulator tile; one entry when it is not sliced.
  public let slices: [ContractionSlice]
  /// The most input columns that any tile reads: the pitch of the window's rows.
  public let windowPitch: Int
  /// Of a ring in parts, how many rows before the first one of the image its first part begins: so that the rows that are
  /// new for a tile begin with a part.
  public let ringShift: Int
  /// Of the contraction, where there is one.
  private let window: InputWindow?
  private let inputs: BlockInputs

  /// - Parameter withSlices: without, `slices` is empty and nothing is known of the window: for questions about tiles only.
  public init(kernel: TileKernel, tiling: Tiling, dim: Int, withSlices: Bool = true) {
    self.kernel = kernel
    self.tiling = tiling
    self.dim = dim
    blockCount = ceilDivide(kernel.channels, dim)
    chunkCount = ceilDivide(blockCount, tiling.blocks)
    guard withSlices, let contraction = kernel.contraction else {
      slices = []
      windowPitch = 0
      ringShift = 0
      window = nil
      inputs = .all(channels: 0, blocks: 0..<0)
      return
    }
    window = contraction.window
    inputs = BlockInputs(contraction, dim)
    let widest = max(1, inputs.most)
    var slices: [ContractionSlice] = []
    for firstBlock in stride(from: 0, to: widest, by: tiling.sliceBlocks) {
      for firstTap in stride(from: 0, to: contraction.window.taps, by: tiling.sliceTaps) {
        slices.append(
          ContractionSlice(
            index: slices.count, taps: firstTap..<min(contraction.window.taps, firstTap + tiling.sliceTaps),
            blocks: firstBlock..<min(widest, firstBlock + tiling.sliceBlocks)))
      }
    }
    self.slices = slices
    windowPitch = Self.windowPitch(kernel, tiling, contraction.window, slices)
    ringShift = Self.ringShift(kernel, tiling, contraction.window)
  }

  private static func ringShift(_ kernel: TileKernel, _ tiling: Tiling, _ window: InputWindow) -> Int {
    if tiling.windowParts == 1 { return 0 }
    let last = kernel.accumulatorRows(0..<min(kernel.store.rows, tiling.tileRows)).upperBound - 1
    let end = window.inputRow(last, tapRow: window.kernelRows - 1) + 1
    let part = max(1, tiling.windowRows / tiling.windowParts)
    return (part - end % part) % part
  }

  /// Rows of a part of the ring.
  var partLines: Int { tiling.windowParts > 1 ? tiling.windowRows / tiling.windowParts : 0 }

  /// Whether a tile sums over more than one slice.
  public var isSliced: Bool { slices.count > 1 }

  /// The input channel blocks that an output block sums over.
  public func inputBlocks(of block: Int) -> Range<Int> {
    inputs.blocks(of: block)
  }

  /// The input channel blocks that an output block sums over in a slice; may be empty.
  public func inputBlocks(of block: Int, in slice: ContractionSlice) -> Range<Int> {
    let all = inputBlocks(of: block)
    let low = min(all.upperBound, all.lowerBound + slice.blocks.lowerBound)
    let high = min(all.upperBound, all.lowerBound + slice.blocks.upperBound)
    return low..<high
  }

  /// The input channel blocks that the window holds for some output blocks.
  public func windowBlocks(_ blocks: Range<Int>, in slice: ContractionSlice) -> Range<Int> {
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

  /// The output channel blocks of a chunk.
  public func chunkBlocks(_ chunk: Int) -> Range<Int> {
    chunk * tiling.blocks..<min(blockCount, (chunk + 1) * tiling.blocks)
  }

  /// Valid output channels of a block.
  public func channels(of block: Int) -> Int { min(dim, kernel.channels - block * dim) }

  /// Valid output channels of some blocks.
  public func channels(of blocks: Range<Int>) -> Int {
    min(kernel.channels, blocks.upperBound * dim) - blocks.lowerBound * dim
  }

  // MARK: Input windows

  private static func tapRows(_ slice: ContractionSlice, width: Int) -> ClosedRange<Int> {
    slice.taps.lowerBound / width...(slice.taps.upperBound - 1) / width
  }

  private static func tapColumns(_ slice: ContractionSlice, width: Int) -> ClosedRange<Int> {
    if tapRows(slice, width: width).count > 1 { return 0...width - 1 }
    return slice.taps.lowerBound % width...(slice.taps.upperBound - 1) % width
  }

  /// The input rows and columns that a tile reads through the taps of a slice, clipped to the image.
  public func inputRegion(_ tile: OutputTile, _ slice: ContractionSlice) -> (rows: Range<Int>, columns: Range<Int>) {
    let window = window!
    let tapRows = Self.tapRows(slice, width: window.kernelColumns)
    let tapColumns = Self.tapColumns(slice, width: window.kernelColumns)
    func clip(_ low: Int, _ high: Int, _ limit: Int) -> Range<Int> {
      let low = min(max(0, low), limit)
      return low..<max(low, min(limit, high + 1))
    }
    return (
      clip(
        window.inputRow(tile.rows.lowerBound, tapRow: tapRows.lowerBound),
        window.inputRow(tile.rows.upperBound - 1, tapRow: tapRows.upperBound), window.inputRows),
      clip(
        window.inputColumn(tile.columns.lowerBound, tapColumn: tapColumns.lowerBound),
        window.inputColumn(tile.columns.upperBound - 1, tapColumn: tapColumns.upperBound), window.inputColumns)
    )
  }

  private static func windowPitch(
    _ kernel: TileKernel, _ tiling: Tiling, _ window: InputWindow, _ slices: [ContractionSlice]
  ) -> Int {
    if tiling.windowCopies > 1 && window.isStrided { return kernel.columns }
    let columns = accumulatorColumnsPerTile(kernel, tiling)
    let taps = slices.map { tapColumns($0, width: window.kernelColumns).count }.max() ?? 1
    // A tile may begin and end with some of the pixels of a column.
    let across = ceilDivide(columns - 1, window.columnPixels)
    let reach = across * window.strideColumns + (taps - 1) * window.dilationColumns + 1
    return min(window.inputColumns, reach)
  }

  /// The most input rows that any tile reads at once: the least ring of rows.
  public var minimumWindowRows: Int {
    guard let contraction = kernel.contraction else { return 0 }
    let window = contraction.window
    let taps = slices.map { Self.tapRows($0, width: window.kernelColumns).count }.max() ?? 1
    let reach = (accumulatorRowsPerTile - 1) * window.strideRows + (taps - 1) * window.dilationRows + 1
    return min(window.inputRows, reach)
  }

  /// The largest tile's rows in the accumulator image.
  public var accumulatorRowsPerTile: Int {
    guard let pooling = kernel.store.pooling else { return tiling.tileRows }
    return min(kernel.rows, (tiling.tileRows - 1) * pooling.stride + pooling.window)
  }
  /// The largest tile's columns in the accumulator image.
  public var accumulatorColumnsPerTile: Int { Self.accumulatorColumnsPerTile(kernel, tiling) }

  private static func accumulatorColumnsPerTile(_ kernel: TileKernel, _ tiling: Tiling) -> Int {
    guard let pooling = kernel.store.pooling else { return tiling.tileColumns }
    return min(kernel.columns, (tiling.tileColumns - 1) * pooling.stride + pooling.window)
  }
  /// Accumulator rows of a channel block of the largest tile.
  public var accumulatorPixelsPerTile: Int { accumulatorRowsPerTile * accumulatorColumnsPerTile }

  /// Whether the input is one row of pixels, of which the window keeps those of some tiles.
  public var hasFlatInput: Bool { window?.inputRows == 1 }

  /// The columns of a copy of the window that hold pixels, between zeros: those of the input that its column of taps reads,
  /// or of the output pixels that see something where the copy gathers.
  public func columns(ofCopy tapColumn: Int) -> Range<Int> {
    guard let window = kernel.contraction?.window else { return 0..<0 }
    if window.isStrided {
      let seeing = window.validColumns(0..<kernel.columns, tapColumn: tapColumn)
      return seeing.count == 0 ? 0..<0 : seeing.first..<seeing.first + seeing.count
    }
    let low = min(window.inputColumns, max(0, window.inputColumn(0, tapColumn: tapColumn)))
    let high = window.inputColumn(kernel.columns - 1, tapColumn: tapColumn) + 1
    return low..<max(low, min(window.inputColumns, high))
  }

  /// How the contraction's input lies in the scratchpad while a tile is computed.
  public func inputPlane(_ tile: OutputTile, _ slice: ContractionSlice, resident: Bool) -> PlaneLayout {
    let window = window!
    if resident { return PlaneLayout(pitch: window.inputColumns) }
    var plane = PlaneLayout(
      pitch: windowPitch, ring: hasFlatInput ? 1 : tiling.windowRows, hasZeroEdges: tiling.windowCopies > 1,
      shift: ringShift, partLines: partLines)
    if !window.gathers(plane) { plane.firstColumn = inputRegion(tile, slice).columns.lowerBound }
    return plane
  }

  /// - Parameter end: stored rows from there on are another tile's.
  public func tile(image: Int, firstRow: Int, firstColumn: Int, end: Int = Int.max) -> OutputTile {
    let rows = firstRow..<min(kernel.store.rows, end, firstRow + tiling.tileRows)
    let columns = firstColumn..<min(kernel.store.columns, firstColumn + tiling.tileColumns)
    return OutputTile(
      image: image, storedRows: rows, storedColumns: columns, rows: kernel.accumulatorRows(rows),
      columns: kernel.accumulatorColumns(columns))
  }

  // MARK: Weights

  /// Scratchpad rows of the weights of some output blocks in one slice.
  public func weightRows(_ blocks: Range<Int>, _ slice: ContractionSlice) -> Int {
    guard let contraction = kernel.contraction else { return 0 }
    switch contraction.weights {
    case .ones: return 0
    // Behind the matrices the taps, where these are multiplied with padding.
    case .diagonal, .expanded: return blocks.count * slice.taps.count * (tiling.multipliesPadding ? dim + 1 : dim)
    case .activation(_, let transposed) where transposed:
      // Stored as the tensor is: rows are outputs, blocks run over the contracted channels.
      let outputs = blocks.map(channels(of:)).reduce(0, +)
      return blocks.isEmpty ? 0 : inputBlocks(of: blocks.lowerBound, in: slice).count * outputs
    case .dense, .activation, .packed:
      return blocks.reduce(0) { $0 + weightRows(block: $1, slice) }
    }
  }

  /// Scratchpad rows of one output block's weights: taps x channels of the slice.
  public func weightRows(block: Int, _ slice: ContractionSlice) -> Int {
    slice.taps.count * contractedChannels(block, slice)
  }

  /// Input channels of a block's part of a slice.
  public func contractedChannels(_ block: Int, _ slice: ContractionSlice) -> Int {
    let blocks = inputBlocks(of: block, in: slice)
    return blocks.isEmpty ? 0 : min(inputs.end(of: block), blocks.upperBound * dim) - blocks.lowerBound * dim
  }

  /// Places for weights: pinned chunks have one each, the others of a group take turns in one and the spare ones.
  public var weightSlots: Int {
    let chunks = min(tiling.chunksPerGroup, chunkCount)
    return min(chunks, tiling.pinnedChunks + 1) + tiling.sparePlaces
  }

  /// The places that a chunk's weights can be in: its own, or those in which chunks take turns. Where all chunks of a
  /// group are pinned, they take turns with those of the next group.
  func weightSlots(chunkInGroup: Int) -> Range<Int> {
    let areAllPinned = tiling.pinnedChunks >= min(tiling.chunksPerGroup, chunkCount)
    if areAllPinned { return 0..<weightSlots }
    return chunkInGroup < tiling.pinnedChunks ? chunkInGroup..<chunkInGroup + 1 : tiling.pinnedChunks..<weightSlots
  }

  /// Scratchpad rows of a slot of weights: what the largest chunk needs for a slice.
  public var weightSlotRows: Int {
    var most = 0
    for chunk in 0..<chunkCount {
      for slice in slices { most = max(most, weightRows(chunkBlocks(chunk), slice)) }
    }
    return most
  }
}

/// Which input channels the blocks of output channels sum over.
private enum BlockInputs {
  /// Each of them all.
  case all(channels: Int, blocks: Range<Int>)
  /// Each those of its own number.
  case same(channels: Int)
  /// Each a range of its own.
  case own(PackedWeights, dim: Int)

  init(_ contraction: TileKernel.Contraction, _ dim: Int) {
    let channels = contraction.window.inputChannels
    switch contraction.weights {
    case .dense, .activation: self = .all(channels: channels, blocks: 0..<ceilDivide(channels, dim))
    case .packed(let packed): self = .own(packed, dim: dim)
    case .diagonal, .expanded, .ones: self = .same(channels: channels)
    }
  }

  /// The most input blocks of an output block.
  var most: Int {
    switch self {
    case .all(_, let blocks): blocks.count
    case .same: 1
    case .own(let packed, _): packed.firstChannel.indices.reduce(0) { max($0, blocks(of: $1).count) }
    }
  }

  func blocks(of block: Int) -> Range<Int> {
    switch self {
    case .all(_, let blocks): blocks
    case .same: block..<block + 1
    case .own(let packed, let dim): (packed.firstChannel[block] / dim)..<ceilDivide(end(of: block), dim)
    }
  }

  /// The channel behind the last one.
  func end(of block: Int) -> Int {
    switch self {
    case .all(let channels, _), .same(let channels): channels
    case .own(let packed, _): packed.firstChannel[block] + packed.channelCount[block]
    }
  }
}

/// A part of the contraction: a range of taps, and of each output block's own input blocks.
public struct ContractionSlice: Hashable, Sendable {
  /// Position among the slices.
  public var index: Int
  /// Of all taps of the window.
  public var taps: Range<Int>
  /// Counted from the first input block that an output block sums over.
  public var blocks: Range<Int>
}

/// One accumulator tile's place in the image.
public struct OutputTile: Sendable {
  /// Index of the image.
  public var image: Int
  /// Of the stored image, after pooling.
  public var storedRows: Range<Int>
  /// Of the stored image, after pooling.
  public var storedColumns: Range<Int>
  /// The region of the accumulator image, row-major in the accumulator with a pitch of `columns.count`.
  public var rows: Range<Int>
  /// Of the accumulator image.
  public var columns: Range<Int>

  /// Of the accumulator image: accumulator rows of a channel block.
  public var pixels: Int { rows.count * columns.count }
}
