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

public struct LoopBounds: Hashable, Sendable {
  public var padI: Int
  public var padJ: Int
  public var padK: Int
  public var i: Int
  public var j: Int
  public var k: Int

  public init(padI: Int = 0, padJ: Int = 0, padK: Int = 0, i: Int, j: Int, k: Int) {
    self.padI = padI
    self.padJ = padJ
    self.padK = padK
    self.i = i
    self.j = j
    self.k = k
  }
}

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
  public var bHalf: Int
  public var transposeA: Bool
  public var transposeB: Bool
  /// D and B are added instead of A and B multiplied.
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
  public var batch: Int
  public var inRows: Int
  public var inChannels: Int
  public var outChannels: Int
  public var outRows: Int
  public var poolOutRows: Int
  public var outCols: Int
  public var stride: Int
  public var padding: Int

  public init(
    batch: Int, inRows: Int, inChannels: Int, outChannels: Int, outRows: Int, poolOutRows: Int, outCols: Int,
    stride: Int, padding: Int
  ) {
    self.batch = batch
    self.inRows = inRows
    self.inChannels = inChannels
    self.outChannels = outChannels
    self.outRows = outRows
    self.poolOutRows = poolOutRows
    self.outCols = outCols
    self.stride = stride
    self.padding = padding
  }
}

/// funct 17: pooling and kernel of the operator, sizes of this tile.
public struct LoopConvPooling: Hashable, Sendable {
  public var poolPadding: Int
  public var poolStride: Int
  public var poolSize: Int
  public var poolOutCols: Int
  public var kernel: Int
  /// Of this tile: channels, columns and rows after pooling, batches.
  public var tileChannels: Int
  public var tileCols: Int
  public var tileRows: Int
  public var tileBatches: Int

  public init(
    poolPadding: Int, poolStride: Int, poolSize: Int, poolOutCols: Int, kernel: Int, tileChannels: Int,
    tileCols: Int, tileRows: Int, tileBatches: Int
  ) {
    self.poolPadding = poolPadding
    self.poolStride = poolStride
    self.poolSize = poolSize
    self.poolOutCols = poolOutCols
    self.kernel = kernel
    self.tileChannels = tileChannels
    self.tileCols = tileCols
    self.tileRows = tileRows
    self.tileBatches = tileBatches
  }
}

/// funct 18: kernel tile and padding of this tile.
public struct LoopConvPadding: Hashable, Sendable {
  public var leftPad: Int
  public var kernelChannels: Int
  public var kernelCols: Int
  public var kernelRows: Int
  public var inCols: Int
  public var poolLeftPad: Int
  public var downPad: Int
  public var upPad: Int
  public var rightPad: Int

  public init(
    leftPad: Int, kernelChannels: Int, kernelCols: Int, kernelRows: Int, inCols: Int, poolLeftPad: Int,
    downPad: Int, upPad: Int, rightPad: Int
  ) {
    self.leftPad = leftPad
    self.kernelChannels = kernelChannels
    self.kernelCols = kernelCols
    self.kernelRows = kernelRows
    self.inCols = inCols
    self.poolLeftPad = poolLeftPad
    self.downPad = downPad
    self.upPad = upPad
    self.rightPad = rightPad
  }
}

/// funct 19: dilation, pool padding, output tile before pooling, strides in elements.
public struct LoopConvTile: Hashable, Sendable {
  public var kernelDilation: Int
  public var poolDownPad: Int
  public var poolUpPad: Int
  public var poolRightPad: Int
  public var outRows: Int
  public var outCols: Int
  public var outStride: Int
  public var weightStride: Int
  public var inStride: Int

  public init(
    kernelDilation: Int, poolDownPad: Int, poolUpPad: Int, poolRightPad: Int, outRows: Int, outCols: Int,
    outStride: Int, weightStride: Int, inStride: Int
  ) {
    self.kernelDilation = kernelDilation
    self.poolDownPad = poolDownPad
    self.poolUpPad = poolUpPad
    self.poolRightPad = poolRightPad
    self.outRows = outRows
    self.outCols = outCols
    self.outStride = outStride
    self.weightStride = weightStride
    self.inStride = inStride
  }
}

/// funct 15.
public struct LoopConvRun: Hashable, Sendable {
  public var noBias: Bool
  /// The kernel is rotated by 180 degrees.
  public var rotate180: Bool
  public var transposeOutput1203: Bool
  public var transposeWeights1203: Bool
  public var transposeWeights0132: Bool
  public var transposeInput3120: Bool
  public var depthwise: Bool
  public var maxPixelsPerRow: Int
  public var aHalf: Int
  public var bHalf: Int
  public var noPool: Bool
  public var downsample: Bool
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
