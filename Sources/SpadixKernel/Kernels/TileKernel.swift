import SpadixIR
import SpadixISA
import SpadixTensor

/// What an npu operator computes, in the machine's terms: accumulator tiles are started from a bias, summed from at
/// most one contraction and any number of identity terms, and stored through the output stage.
///
///     acc[y, x, n] = start[class(y, x), n]
///                  + sum over taps (ky, kx), channels c of input[y*s + ky*d - p, x*s + kx*d - p, c] * weights[ky, kx, c, n]
///                  + sum over identity terms of multiplier[n] * addend[y, x, n]
///     result = pool(table[clamp(round((acc + bias[n]) * scale[n]) + zeroPoint)])
///
/// Convolutions, matrix products, pooling, additions and rescaling are all of this form; so one loop nest, one cost
/// model and one emitter serve them.
public struct TileKernel: Sendable {
  /// Independent images: the batch of a convolution with borders, or of a product of two activations.
  public var images: Int
  /// The accumulator image, before pooling.
  public var rows: Int
  public var columns: Int
  public var channels: Int
  public var contraction: Contraction?
  public var identities: [Identity]
  public var bias: Bias?
  public var store: Store

  /// A sum over taps and channels that the array computes.
  public struct Contraction: Sendable {
    /// Index into the operator's inputs.
    public var input: Int
    public var window: InputWindow
    public var weights: Weights
    /// How the input lies in DRAM, in bytes from the start of its buffer.
    public var view: DRAMView
  }

  /// Strides of an NHWC tensor in DRAM, in bytes. A stride larger than the pixel leaves pixels out (a strided 1x1
  /// convolution reads only what it needs); a stride smaller than the pixel makes neighbours overlap (rows of taps
  /// packed into the channels).
  public struct DRAMView: Sendable, Hashable {
    public var offset: Int
    public var image: Int
    public var row: Int
    public var pixel: Int
  }

  public enum Weights: Sendable {
    /// A constant matrix, taps x input channels by output channels, row-major.
    case dense(ConstantID)
    /// An activation per image: [channels, outputs], or [outputs, channels] when transposed.
    case activation(input: Int, transposed: Bool)
    /// Constant blocks of `dim` outputs, each over its own range of input channels.
    case packed(PackedWeights)
    /// Constant taps, [taps, channels]: one weight per channel and tap, expanded to diagonal matrices on chip.
    case diagonal(ConstantID)
    /// All taps one: the sum over a window, through one identity matrix.
    case ones
  }

  /// Adds an integer multiple of a tensor of the accumulator image's own shape.
  public struct Identity: Sendable {
    /// Index into the operator's inputs.
    public var input: Int
    /// One entry, or one per output channel.
    public var multipliers: [Int]
    public var view: DRAMView

    /// Whether an accumulating move does it without the array.
    public var isPlainSum: Bool { multipliers.allSatisfy { $0 == 1 } }

    /// Whether one row is added to every pixel of an image: only from DRAM, where a load repeats it.
    public var isRepeated: Bool { view.pixel == 0 }

    /// Diagonal matrices that add up to the multipliers of a block, each entry an int8.
    public var passes: Int { max(1, multipliers.map { (abs($0) + 126) / 127 }.max() ?? 1) }

    /// The share of a multiplier in one of the passes; the shares add up to it.
    public func share(of multiplier: Int, pass: Int) -> Int {
      let passes = passes
      let base = multiplier / passes
      let rest = multiplier - base * passes
      return base + (pass < abs(rest) ? rest.signum() : 0)
    }
  }

  /// Start values of the accumulator, in addition to those that the store adds. Rows and columns of the image fall into
  /// classes, because an input zero point adds a constant only where a tap lies inside the image.
  public struct Bias: Sendable, Hashable {
    /// Int32 [rowClasses, columnClasses, channels].
    public var constant: ConstantID
    public var columnClasses: Int
    /// The class of each row of the accumulator image.
    public var rowClass: [Int]
    public var columnClass: [Int]
    public var isUniform: Bool
    /// The classes whose start values are zeros, which need no loads: `[row class, column class]`, or none.
    public var zeroClass: [Int] = []
    /// Int8 [row classes, column classes, taps]: the zero point of the input for each tap outside the image, 0 for
    /// others. Times the taps of a depthwise kernel they are the same start values, so that the array can add them:
    /// each product that padding leaves out, with the zero point for the pixel.
    public var paddingTaps: ConstantID?

    public var rowClasses: Int { (rowClass.max() ?? 0) + 1 }

    public func isZero(rowClass: Int, columnClass: Int) -> Bool {
      zeroClass.first == rowClass && zeroClass.last == columnClass
    }
  }

  public struct Store: Sendable, Hashable {
    public var output: OutputStage
    /// The scales as Float32 in DRAM, when there is one per channel or the store adds biases.
    public var scaleConstant: ConstantID?
    /// Whether the store adds biases: for each block of `dim` channels int32 values behind the scales.
    public var hasBiases = false
    /// The table in DRAM, 256 int8.
    public var tableConstant: ConstantID?
    /// Elements of the accumulator are two int8, 256 a + b, that the store combines.
    public var pair: PairStage?
    public var pooling: Pooling?
    /// The stored image.
    public var rows: Int
    public var columns: Int

    /// Bytes of scales and biases for each channel.
    public var channelBytes: Int {
      scaleConstant == nil ? 0 : hasBiases ? 2 * ElementWidth.accumulator : ElementWidth.accumulator
    }
  }

  public struct Pooling: Sendable, Hashable {
    public var window: Int
    public var stride: Int
    public var top: Int
    public var left: Int
  }

  /// The rows of the accumulator image that the stored rows come from.
  public func accumulatorRows(_ stored: Range<Int>) -> Range<Int> {
    Self.unpooled(stored, store.pooling, pad: store.pooling?.top ?? 0, limit: rows)
  }
  public func accumulatorColumns(_ stored: Range<Int>) -> Range<Int> {
    Self.unpooled(stored, store.pooling, pad: store.pooling?.left ?? 0, limit: columns)
  }

  private static func unpooled(_ stored: Range<Int>, _ pooling: Pooling?, pad: Int, limit: Int) -> Range<Int> {
    guard let pooling else { return stored }
    let low = max(0, stored.lowerBound * pooling.stride - pad)
    let high = min(limit, (stored.upperBound - 1) * pooling.stride - pad + pooling.window)
    return low..<high
  }
}

/// Constant weights cut into blocks of `dim` output channels; block `n` covers the input channels
/// `firstChannel[n] ..< firstChannel[n] + channelCount[n]`. In DRAM the block is [taps, channelCount, dim] at
/// `offset[n]` bytes.
public struct PackedWeights: Sendable {
  public var constant: ConstantID
  public var offset: [Int]
  public var firstChannel: [Int]
  public var channelCount: [Int]
  /// Weights of one tap that are not there only to fill a block.
  public var usefulProducts: Int
}
