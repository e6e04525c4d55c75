import SpadixSupport

/// A step of a tile program. In order, they are the program: what an operation reads, one before has brought or
/// computed.
public enum TileOperation: Hashable, Sendable {
  /// A tile of sums begins in its slot; what the slot held is gone.
  case begin(SumTile)
  case load(TileLoad)
  case zero(TileZero)
  case bias(TileBias)
  /// Depthwise taps become diagonal matrices.
  case diagonals(TileDiagonals)
  case multiply(TileMultiply)
  case store(TileStore)
  case copy(TileCopy)
  /// The host evaluates the operator.
  case host

  /// Every place that the operation names.
  /// - Parameter sums: the program's buffer of sums, nil when it has none.
  func places(sums: BufferID?) -> [LocalPlace] {
    func place(_ tile: SumTile) -> [LocalPlace] { sums.map { [LocalPlace($0, slot: tile.slot)] } ?? [] }
    return switch self {
    case .begin(let tile): place(tile)
    case .bias(let bias): place(bias.tile)
    case .load(let load): [load.transfer.local]
    case .zero(let zero): [zero.local]
    case .diagonals(let diagonals): [diagonals.oneHot, diagonals.compact, diagonals.matrices]
    case .multiply(let product): place(product.tile) + [product.source.place, product.weights.place]
    case .store(let store):
      [store.transfer.local] + (store.sums.map { place($0.tile) } ?? []) + (store.resident.map { [$0] } ?? [])
    case .copy(let copy): [copy.local]
    case .host: []
    }
  }
}

/// Sums of a tile start from the program's biases.
public struct TileBias: Hashable, Sendable {
  /// Must have begun.
  public var tile: SumTile
  /// Whether they are added to what is there already.
  public var adds = false

  public init(tile: SumTile, adds: Bool = false) {
    self.tile = tile
    self.adds = adds
  }
}

/// A tile of the sums that an operator computes: pixels and blocks of output channels. Pixel p of block b is in row
/// `(b - blocks.lowerBound) * pixels + p` of its slot.
public struct SumTile: Hashable, Sendable {
  /// The slot of the program's buffer of sums.
  public var slot: Int
  /// Index of the image.
  public var image: Int
  /// The region of the sums' image, row-major.
  public var rows: Range<Int>
  /// Of the sums' image.
  public var columns: Range<Int>
  /// The region of the stored image: the same unless the store pools.
  public var storedRows: Range<Int>
  /// Of the stored image.
  public var storedColumns: Range<Int>
  /// Blocks of `dim` output channels.
  public var blocks: Range<Int>

  /// Some channel blocks of a tile, in a slot of the sums.
  public init(_ tile: OutputTile, blocks: Range<Int>, slot: Int) {
    self.slot = slot
    image = tile.image
    rows = tile.rows
    columns = tile.columns
    storedRows = tile.storedRows
    storedColumns = tile.storedColumns
    self.blocks = blocks
  }

  /// Rows of a block.
  public var pixels: Int { rows.count * columns.count }
  /// Rows of the accumulator.
  public var sumRows: Int { pixels * blocks.count }
  /// The first row of a block, from the start of the slot.
  public func row(of block: Int) -> Int { (block - blocks.lowerBound) * pixels }
}

/// Brings rows into a buffer.
public struct TileLoad: Hashable, Sendable {
  /// From DRAM to the buffer.
  public var transfer: Transfer
  /// Adds to the sums that are there, instead of replacing them.
  public var adds: Bool

  public init(_ transfer: Transfer, adds: Bool = false) {
    self.transfer = transfer
    self.adds = adds
  }
}

/// Writes zeros, without DRAM.
public struct TileZero: Hashable, Sendable {
  /// First row.
  public var local: LocalPlace
  /// Rows of a line.
  public var rows: Int
  /// Each of `rows` rows, `linePitch` apart.
  public var lines: Int
  /// Local rows from line to line.
  public var linePitch: Int

  public init(_ local: LocalPlace, rows: Int, lines: Int = 1, linePitch: Int = 0) {
    self.local = local
    self.rows = rows
    self.lines = lines
    self.linePitch = linePitch
  }
}

/// Makes the diagonal matrices of depthwise weights from compact taps: the taps times a matrix with a single one at
/// (c, c) is column c of every tap's diagonal.
public struct TileDiagonals: Hashable, Sendable {
  /// Blocks of `dim` channels.
  public var blocks: Range<Int>
  /// Taps of a channel block.
  public var taps: Int
  /// Rows with a single one each, apart by `dim - 1` rows of zeros: a window of `dim` rows ending `dim - 1 - c` rows
  /// after row c's one is the matrix with a single one at (c, c).
  public var oneHot: LocalPlace
  /// The taps of all blocks, one block after the other.
  public var compact: LocalPlace
  /// The matrices, in the same order.
  public var matrices: LocalPlace

  public init(blocks: Range<Int>, taps: Int, oneHot: LocalPlace, compact: LocalPlace, matrices: LocalPlace) {
    self.blocks = blocks
    self.taps = taps
    self.oneHot = oneHot
    self.compact = compact
    self.matrices = matrices
  }
}

/// Adds products to a tile: for each tap, block of output channels and block of input channels, the pixels that the tap
/// sees times one matrix.
public struct TileMultiply: Hashable, Sendable {
  /// Must have begun.
  public var tile: SumTile
  /// Which of the program's windows says how output pixels see input pixels.
  public var window: Int
  /// Of the window.
  public var taps: Range<Int>
  /// The tap that goes first and whose first products replace the sums; nil when all of them add. Where pixels share the
  /// columns of the input, all taps of its row, each for its own pixels.
  public var startTap: Int?
  /// Of output channels, within the tile's.
  public var blocks: Range<Int>
  /// The blocks of input channels that each output block sums over; nil when it is the one of the same number.
  public var inputBlocks: Range<Int>?
  /// Where the pixels are.
  public var source: PixelSource
  /// Where the matrices are.
  public var weights: WeightSource

  /// Where pixel (y, x) of an input block is: `place.row + (block - firstBlock) * blockStride`, and from there the row
  /// that the plane says.
  public struct PixelSource: Hashable, Sendable {
    /// Where `firstBlock` begins.
    public var place: LocalPlace
    /// The first input block that is there.
    public var firstBlock: Int
    /// Local rows from input block to input block.
    public var blockStride: Int
    /// How the pixels of a block lie.
    public var plane: PlaneLayout

    public init(place: LocalPlace, firstBlock: Int = 0, blockStride: Int, plane: PlaneLayout) {
      self.place = place
      self.firstBlock = firstBlock
      self.blockStride = blockStride
      self.plane = plane
    }
  }

  /// Where the matrix of an output block, a tap and an input block is: strides from the first of each.
  public struct WeightSource: Hashable, Sendable {
    /// The first matrix: of the first output block, tap and input block.
    public var place: LocalPlace
    /// Local rows from output block to output block.
    public var blockStride: Int
    /// Local rows from tap to tap.
    public var tapStride: Int
    /// Local rows from input block to input block.
    public var inputStride: Int
    /// Whether rows are output channels: the array transposes the matrix.
    public var isTransposed: Bool
    /// Whether one matrix serves everything, so that it stays in the array.
    public var isShared: Bool

    public init(
      place: LocalPlace, blockStride: Int = 0, tapStride: Int = 0, inputStride: Int = 0, isTransposed: Bool = false,
      isShared: Bool = false
    ) {
      self.place = place
      self.blockStride = blockStride
      self.tapStride = tapStride
      self.inputStride = inputStride
      self.isTransposed = isTransposed
      self.isShared = isShared
    }
  }

  public init(
    tile: SumTile, window: Int, taps: Range<Int>, startTap: Int? = nil, blocks: Range<Int>, inputBlocks: Range<Int>?,
    source: PixelSource, weights: WeightSource
  ) {
    self.tile = tile
    self.window = window
    self.taps = taps
    self.startTap = startTap
    self.blocks = blocks
    self.inputBlocks = inputBlocks
    self.source = source
    self.weights = weights
  }

  /// The taps in the order in which they are computed.
  ///
  /// - Parameter window: the multiplication's.
  public func orderedTaps(_ window: InputWindow) -> [Int] {
    guard let startTap else { return Array(taps) }
    let starting = taps.clamped(to: startTap..<startTap + window.columnPixels)
    return Array(starting) + taps.filter { !starting.contains($0) }
  }

  /// Whether the first products of a tap replace the sums.
  ///
  /// - Parameter window: the multiplication's.
  public func starts(_ tap: Int, _ window: InputWindow) -> Bool {
    startTap.map { $0..<$0 + window.columnPixels ~= tap } ?? false
  }

  /// The input blocks of an output block.
  public func inputs(of block: Int) -> Range<Int> { inputBlocks ?? block..<block + 1 }

  /// Pairs of an output block and an input block.
  var pairs: Int { blocks.count * (inputBlocks?.count ?? 1) }

  /// The row of a matrix, from the start of its slot.
  public func weightRow(block: Int, tap: Int, input: Int) -> Int {
    weights.place.row + (block - blocks.lowerBound) * weights.blockStride + (tap - taps.lowerBound) * weights.tapStride
      + (input - inputs(of: block).lowerBound) * weights.inputStride
  }

  /// The first row of an input block's plane, from the start of its slot.
  public func sourceRow(input: Int) -> Int { source.place.row + (input - source.firstBlock) * source.blockStride }
}

/// Moves rows out: sums of a tile through the output stage, or pixels of the scratchpad as they are.
public struct TileStore: Hashable, Sendable {
  /// From the buffer to the output in DRAM, or in the same spacing to `resident`.
  public var transfer: Transfer
  /// Sums: the tile and the block of output channels, the first one where the transfer has the columns of several.
  public var sums: Sums?
  /// The rows of a resident result that take the place of DRAM: a row for each pixel, in the transfer's spacing.
  public var resident: LocalPlace?
  /// Where each line begins, from the resident place, when lines are not in the transfer's spacing.
  public var starts: [Int]

  /// Which sums are stored: a block of output channels of a tile, or some from it on.
  public struct Sums: Hashable, Sendable {
    /// Must have begun; its sums are complete.
    public var tile: SumTile
    /// One of the tile's.
    public var block: Int

    public init(tile: SumTile, block: Int) {
      self.tile = tile
      self.block = block
    }
  }

  public init(_ transfer: Transfer, sums: Sums? = nil, resident: LocalPlace? = nil, starts: [Int] = []) {
    self.starts = starts
    self.transfer = transfer
    self.sums = sums
    self.resident = resident
  }
}

/// Moves rows from one strided place in DRAM to another, through the slots of a buffer in turn: pieces of `dim` rows,
/// as wide as a slot.
public struct TileCopy: Hashable, Sendable {
  /// Where the rows come from.
  public var operand: TileOperand
  /// Bytes from the start of the operand to the first row.
  public var offset: Int
  /// Bytes from row to row; 0 repeats one row.
  public var stride: Int
  /// Of the output.
  public var outputOffset: Int
  /// Bytes from row to row of the output.
  public var outputStride: Int
  /// Rows that are moved.
  public var rows: Int
  /// Bytes of a row.
  public var columns: Int
  /// The first slot that is used.
  public var local: LocalPlace

  public init(
    _ operand: TileOperand, offset: Int, stride: Int, outputOffset: Int, outputStride: Int, rows: Int, columns: Int,
    local: LocalPlace
  ) {
    self.operand = operand
    self.offset = offset
    self.stride = stride
    self.outputOffset = outputOffset
    self.outputStride = outputStride
    self.rows = rows
    self.columns = columns
    self.local = local
  }

  /// Bytes read. A repeated row is fetched once for every piece.
  public func bytesRead(dim: Int) -> Int {
    (stride == 0 ? ceilDivide(rows, dim) : rows) * columns
  }
  /// Every row counts, also where one is repeated.
  public var bytesWritten: Int { rows * columns }

  /// Columns of a piece: what a slot holds in blocks of `dim` rows.
  public static func width(slotRows: Int) -> Int { slotRows }

  /// Pieces: each takes the next slot.
  public func pieces(dim: Int, slotRows: Int) -> Int {
    ceilDivide(rows, dim) * ceilDivide(columns, Self.width(slotRows: slotRows))
  }
}
