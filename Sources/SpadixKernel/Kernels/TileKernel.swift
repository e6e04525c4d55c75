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
  /// Of the accumulator image, before pooling.
  public var columns: Int
  /// Of accumulator image and result.
  public var channels: Int
  /// Nil where nothing but identity terms is summed.
  public var contraction: Contraction?
  /// In the order in which they are added.
  public var identities: [Identity]
  /// Nil where sums start from zeros.
  public var bias: Bias?
  /// How sums become the result.
  public var store: Store

  /// A sum over taps and channels that the array computes.
  public struct Contraction: Sendable {
    /// What is summed over: an input of the operator, or a constant.
    public var operand: TileOperand
    /// Which input pixels an output pixel sums over.
    public var window: InputWindow
    /// What they are multiplied with.
    public var weights: Weights
    /// How the input lies in DRAM, in bytes from the start of its buffer.
    public var view: DRAMView

    /// Index into the operator's inputs; nil where a constant is summed over.
    public var input: Int? {
      if case .input(let input) = operand { input } else { nil }
    }
  }

  /// Strides of an NHWC tensor in DRAM, in bytes. A stride larger than the pixel leaves pixels out (a strided 1x1
  /// convolution reads only what it needs); a stride smaller than the pixel makes neighbours overlap (rows of taps
  /// packed into the channels).
  public struct DRAMView: Sendable, Hashable {
    /// From the start of the tensor's buffer to the first pixel.
    public var offset: Int
    /// From image to image.
    public var image: Int
    /// From row to row.
    public var row: Int
    /// From pixel to pixel; 0 for one row that serves all pixels.
    public var pixel: Int
  }

  /// Where the matrices of a contraction come from.
  public enum Weights: Sendable {
    /// A constant matrix, taps x input channels by output channels, row-major.
    case dense(ConstantID)
    /// An activation per image: [channels, outputs], or [outputs, channels] when transposed.
    case activation(input: Int, transposed: Bool)
    /// Constant blocks of `dim` outputs, each over its own range of input channels.
    case packed(PackedWeights)
    /// Constant taps, [taps, channels]: one weight per channel and tap, expanded to diagonal matrices on chip.
    case diagonal(ConstantID)
    /// The same taps, which lie in DRAM as diagonal matrices: `dim` times the bytes, and the array makes nothing of them.
    /// Behind those that are loaded together come the taps themselves, where they are multiplied with padding.
    case expanded(ConstantID)
    /// All taps one: the sum over a window, through one identity matrix.
    case ones
  }

  /// Adds an integer multiple of a tensor of the accumulator image's own shape.
  public struct Identity: Sendable {
    /// Index into the operator's inputs.
    public var input: Int
    /// One entry, or one per output channel.
    public var multipliers: [Int]
    /// How the addend lies in DRAM.
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
    /// How many classes the columns fall into.
    public var columnClasses: Int
    /// The class of each row of the accumulator image.
    public var rowClass: [Int]
    /// The class of each column of the accumulator image.
    public var columnClass: [Int]
    /// Whether there is one class for all pixels.
    public var isUniform: Bool
    /// The classes whose start values are zeros, which need no loads: `[row class, column class]`, or none.
    public var zeroClass: [Int] = []
    /// Int8 [row classes, column classes, taps]: the zero point of the input for each tap outside the image, 0 for
    /// others. Times the taps of a depthwise kernel they are the same start values, so that the array can add them:
    /// each product that padding leaves out, with the zero point for the pixel.
    public var paddingTaps: ConstantID?

    /// How many classes the rows fall into.
    public var rowClasses: Int { (rowClass.max() ?? 0) + 1 }

    /// Whether the start values of these classes are zeros, in all channels.
    public func isZero(rowClass: Int, columnClass: Int) -> Bool {
      zeroClass.first == rowClass && zeroClass.last == columnClass
    }
  }

  /// The way of sums into the result: scale, clamp and table, then pooling.
  public struct Store: Sendable, Hashable {
    /// Zero point, clamp and scales; scales per channel lie in DRAM as well.
    public var output: OutputStage
    /// The scales as Float32 in DRAM, when there is one per channel or the store adds biases.
    public var scaleConstant: ConstantID?
    /// Whether the store adds biases: for each block of `dim` channels int32 values behind the scales.
    public var hasBiases = false
    /// The table in DRAM, 256 int8.
    public var tableConstant: ConstantID?
    /// Elements of the accumulator are two int8, 256 a + b, that the store combines.
    public var pair: PairStage?
    /// Max pooling in the store; nil for none.
    public var pooling: Pooling?
    /// The stored image.
    public var rows: Int
    /// Of the stored image.
    public var columns: Int

    /// Bytes of scales and biases for each channel.
    public var channelBytes: Int {
      scaleConstant == nil ? 0 : hasBiases ? 2 * ElementWidth.accumulator : ElementWidth.accumulator
    }
  }

  /// Max pooling of int8 results, the same in both directions.
  public struct Pooling: Sendable, Hashable {
    /// Rows and columns.
    public var window: Int
    /// Rows and columns of the accumulator image from window to window.
    public var stride: Int
    /// Rows of padding above the image, which take no part.
    public var top: Int
    /// Columns of padding before the image, which take no part.
    public var left: Int
  }

  /// The rows of the accumulator image that the stored rows come from.
  public func accumulatorRows(_ stored: Range<Int>) -> Range<Int> {
    Self.unpooled(stored, store.pooling, pad: store.pooling?.top ?? 0, limit: rows)
  }
  /// The columns of the accumulator image that the stored columns come from.
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
  /// The bytes of all blocks.
  public var constant: ConstantID
  /// Of each block, in bytes from the start of the constant.
  public var offset: [Int]
  /// Of each block.
  public var firstChannel: [Int]
  /// Of each block.
  public var channelCount: [Int]
  /// Weights of one tap that are not there only to fill a block.
  public var usefulProducts: Int
}
