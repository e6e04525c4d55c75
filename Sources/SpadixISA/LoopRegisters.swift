/// What functs 9...13 have set for the hardware matrix product.
public struct LoopMatmulRegisters: Hashable, Sendable {
  /// All zero before the first funct 9.
  public private(set) var bounds = LoopBounds(i: 0, j: 0, k: 0)
  /// DRAM address; 0 for none.
  public private(set) var a: UInt64 = 0
  /// DRAM address; 0 for none.
  public private(set) var b: UInt64 = 0
  /// DRAM address; 0 for none.
  public private(set) var d: UInt64 = 0
  /// DRAM address; 0 for none.
  public private(set) var c: UInt64 = 0
  /// In elements.
  public private(set) var aStride: UInt64 = 0
  /// In elements.
  public private(set) var bStride: UInt64 = 0
  /// In elements.
  public private(set) var dStride: UInt64 = 0
  /// In elements.
  public private(set) var cStride: UInt64 = 0

  public init() {}

  /// Takes a command; the run when it is the one that starts the loop.
  public mutating func take(_ command: LoopMatmulCommand) -> LoopMatmulRun? {
    switch command {
    case .bounds(let it): bounds = it
    case .addressesAB(let a, let b): (self.a, self.b) = (a, b)
    case .addressesDC(let d, let c): (self.d, self.c) = (d, c)
    case .stridesAB(let a, let b): (aStride, bStride) = (a, b)
    case .stridesDC(let d, let c): (dStride, cStride) = (d, c)
    case .run(let run): return run
    }
    return nil
  }
}

/// What functs 16...21 have set for the hardware convolution.
public struct LoopConvRegisters: Hashable, Sendable {
  /// funct 16.
  public private(set) var sizes = LoopConvSizes(
    batch: 0, inRows: 0, inChannels: 0, outChannels: 0, outRows: 0, poolOutRows: 0, outCols: 0, stride: 0, padding: 0)
  /// funct 17.
  public private(set) var pooling = LoopConvPooling(
    poolPadding: 0, poolStride: 0, poolSize: 0, poolOutCols: 0, kernel: 0, tileChannels: 0, tileCols: 0, tileRows: 0,
    tileBatches: 0)
  /// funct 18.
  public private(set) var padding = LoopConvPadding(
    leftPad: 0, kernelChannels: 0, kernelCols: 0, kernelRows: 0, inCols: 0, poolLeftPad: 0, downPad: 0, upPad: 0,
    rightPad: 0)
  /// funct 19.
  public private(set) var tile = LoopConvTile(
    kernelDilation: 0, poolDownPad: 0, poolUpPad: 0, poolRightPad: 0, outRows: 0, outCols: 0, outStride: 0,
    weightStride: 0, inStride: 0)
  /// DRAM address; 0 for none.
  public private(set) var weights: UInt64 = 0
  /// DRAM address; 0 for none.
  public private(set) var output: UInt64 = 0
  /// DRAM address; 0 for none.
  public private(set) var bias: UInt64 = 0
  /// DRAM address; 0 for none.
  public private(set) var input: UInt64 = 0

  public init() {}

  /// Takes a command; the run when it is the one that starts the loop.
  public mutating func take(_ command: LoopConvCommand) -> LoopConvRun? {
    switch command {
    case .sizes(let it): sizes = it
    case .pooling(let it): pooling = it
    case .padding(let it): padding = it
    case .tile(let it): tile = it
    case .weightsOutput(let weights, let output): (self.weights, self.output) = (weights, output)
    case .biasInput(let bias, let input): (self.bias, self.input) = (bias, input)
    case .run(let run): return run
    }
    return nil
  }
}
