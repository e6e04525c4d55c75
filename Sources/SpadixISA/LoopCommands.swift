/// The commands of the hardware matrix product (functs 8...13). Sizes count tiles of dim, strides count elements.
public enum LoopMatmulCommand: Hashable, Sendable {
  /// funct 9. Padding in elements, bounds in tiles.
  case bounds(LoopBounds)
  /// funct 10. Address 0 skips the load.
  case addressesAB(a: UInt64, b: UInt64)
  /// funct 11. Address 0 skips the load or store.
  case addressesDC(d: UInt64, c: UInt64)
  /// funct 12.
  case stridesAB(a: UInt64, b: UInt64)
  /// funct 13.
  case stridesDC(d: UInt64, c: UInt64)
  /// funct 8.
  case run(LoopMatmulRun)
}

/// Size of the hardware product: C, of i x j tiles of dim x dim, sums over k tiles.
public struct LoopBounds: Hashable, Sendable {
  /// Rows that the last tile of rows lacks, 0..<dim.
  public var padI: Int
  /// Columns that the last tile of columns lacks, 0..<dim.
  public var padJ: Int
  /// Elements of the sum that its last tile lacks, 0..<dim.
  public var padK: Int
  /// Tiles of rows.
  public var i: Int
  /// Tiles of columns.
  public var j: Int
  /// Tiles of the sum.
  public var k: Int

  init(padI: Int = 0, padJ: Int = 0, padK: Int = 0, i: Int, j: Int, k: Int) {
    self.padI = padI
    self.padJ = padJ
    self.padK = padK
    self.i = i
    self.j = j
    self.k = k
  }
}

/// funct 8: starts the product, C = A B + D, with what the five commands before it have set.
public struct LoopMatmulRun: Hashable, Sendable {
  /// Adds to what the accumulator holds.
  public var accumulate: Bool
  /// Stores 32-bit results.
  public var fullC: Bool
  /// D is int8.
  public var lowD: Bool
  /// 0 none, 1 relu, 2 layernorm, 3 igelu, 4 softmax.
  public var activation: Int
  /// 0...3: which half of the scratchpad, 0 for the choice of the hardware.
  public var aHalf: Int
  /// As `aHalf`: 2 ends at the end of the scratchpad, anything else at its middle.
  public var bHalf: Int
  /// A lies transposed in DRAM.
  public var transposeA: Bool
  /// B lies transposed in DRAM.
  public var transposeB: Bool
  /// A and B are added in the accumulator instead of multiplied.
  public var residualAdd: Bool

  public init(
    accumulate: Bool = false, fullC: Bool = false, lowD: Bool = false, activation: Int = 0, aHalf: Int = 0,
    bHalf: Int = 0, transposeA: Bool = false, transposeB: Bool = false, residualAdd: Bool = false
  ) {
    self.accumulate = accumulate
    self.fullC = fullC
    self.lowD = lowD
    self.activation = activation
    self.aHalf = aHalf
    self.bHalf = bHalf
    self.transposeA = transposeA
    self.transposeB = transposeB
    self.residualAdd = residualAdd
  }
}

/// The commands of the hardware convolution (functs 15...21).
public enum LoopConvCommand: Hashable, Sendable {
  case sizes(LoopConvSizes)
  case pooling(LoopConvPooling)
  case padding(LoopConvPadding)
  case tile(LoopConvTile)
  /// funct 20.
  case weightsOutput(weights: UInt64, output: UInt64)
  /// funct 21.
  case biasInput(bias: UInt64, input: UInt64)
  case run(LoopConvRun)
}

/// funct 16: the whole operator.
public struct LoopConvSizes: Hashable, Sendable {
  /// Images in DRAM.
  public var batch: Int
  /// Rows of an input image.
  public var inRows: Int
  /// Channels of the input in DRAM.
  public var inChannels: Int
  /// Channels of the output in DRAM.
  public var outChannels: Int
  /// Rows of the output before pooling.
  public var outRows: Int
  /// Rows of the output after pooling.
  public var poolOutRows: Int
  /// Columns of the output before pooling.
  public var outCols: Int
  /// Of the convolution, the same in both directions.
  public var stride: Int
  /// Of the operator, at all four sides; a tile's own is in `LoopConvPadding`.
  var padding: Int
}

/// funct 17: pooling and kernel of the operator, sizes of this tile.
public struct LoopConvPooling: Hashable, Sendable {
  /// Of the operator, at all four sides.
  var poolPadding: Int
  /// The same in both directions.
  public var poolStride: Int
  /// Rows and columns of the window.
  public var poolSize: Int
  /// Columns of the output after pooling.
  public var poolOutCols: Int
  /// Rows and columns of the kernel in DRAM.
  public var kernel: Int
  /// Of this tile: channels, columns and rows after pooling, batches.
  public var tileChannels: Int
  /// Of this tile, after pooling.
  public var tileCols: Int
  /// Of this tile, after pooling.
  public var tileRows: Int
  /// Images of this tile.
  public var tileBatches: Int
}

/// funct 18: kernel tile and padding of this tile.
public struct LoopConvPadding: Hashable, Sendable {
  /// Columns of padding of this tile.
  public var leftPad: Int
  /// Input channels that this tile sums over.
  public var kernelChannels: Int
  /// Columns of the kernel that this tile sums over.
  public var kernelCols: Int
  /// Rows of the kernel that this tile sums over.
  public var kernelRows: Int
  /// Columns of an input image in DRAM.
  public var inCols: Int
  /// Columns of pooling padding of this tile.
  public var poolLeftPad: Int
  /// Rows of padding below this tile.
  public var downPad: Int
  /// Rows of padding above this tile.
  public var upPad: Int
  /// Columns of padding of this tile.
  public var rightPad: Int
}

/// funct 19: dilation, pool padding, output tile before pooling, strides in elements.
public struct LoopConvTile: Hashable, Sendable {
  /// 10 bits; the functional model reads the lower 8.
  public var kernelDilation: Int
  /// Rows of pooling padding below this tile.
  var poolDownPad: Int
  /// Rows of pooling padding above this tile.
  public var poolUpPad: Int
  /// Columns of pooling padding of this tile.
  var poolRightPad: Int
  /// Of this tile, before pooling.
  public var outRows: Int
  /// Of this tile, before pooling.
  public var outCols: Int
  /// Elements between pixels of the output in DRAM.
  public var outStride: Int
  /// Elements between rows of weights in DRAM.
  public var weightStride: Int
  /// Elements between pixels of the input in DRAM.
  public var inStride: Int
}

/// funct 15.
public struct LoopConvRun: Hashable, Sendable {
  /// The accumulator starts from zeros.
  public var noBias: Bool
  /// The kernel is rotated by 180 degrees.
  public var rotate180: Bool
  /// Axes of the output in DRAM: rows, columns, batch, channels.
  public var transposeOutput1203: Bool
  /// Axes of the weights in DRAM: input channels first.
  public var transposeWeights1203: Bool
  /// Axes of the weights in DRAM: the two of channels exchanged.
  public var transposeWeights0132: Bool
  /// Axes of the input in DRAM: channels first, batch last.
  public var transposeInput3120: Bool
  /// One channel at a time.
  public var depthwise: Bool
  /// Kernel columns that are packed into a row of local memory; 0 counts as 1.
  public var maxPixelsPerRow: Int
  /// 2: the input lies from the middle of the scratchpad on, otherwise from row 0.
  public var aHalf: Int
  /// 2: the weights end at the end of the scratchpad, otherwise at its middle.
  public var bHalf: Int
  /// Results are stored as they are, whatever `LoopConvPooling` says.
  public var noPool: Bool
  /// Loads every second row and column of the input: for kernels of 1 x 1 with stride 2.
  public var downsample: Bool
  /// Zeros stand between the pixels of the input; the stride is 1 then.
  public var inputDilated: Bool
  /// 0...3.
  public var activation: Int

  public init(
    noBias: Bool = false, rotate180: Bool = false, transposeOutput1203: Bool = false,
    transposeWeights1203: Bool = false, transposeWeights0132: Bool = false, transposeInput3120: Bool = false,
    depthwise: Bool = false, maxPixelsPerRow: Int = 1, aHalf: Int = 0, bHalf: Int = 0, noPool: Bool = false,
    downsample: Bool = false, inputDilated: Bool = false, activation: Int = 0
  ) {
    self.noBias = noBias
    self.rotate180 = rotate180
    self.transposeOutput1203 = transposeOutput1203
    self.transposeWeights1203 = transposeWeights1203
    self.transposeWeights0132 = transposeWeights0132
    self.transposeInput3120 = transposeInput3120
    self.depthwise = depthwise
    self.maxPixelsPerRow = maxPixelsPerRow
    self.aHalf = aHalf
    self.bHalf = bHalf
    self.noPool = noPool
    self.downsample = downsample
    self.inputDilated = inputDilated
    self.activation = activation
  }
}
