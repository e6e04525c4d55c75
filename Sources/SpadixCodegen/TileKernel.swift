/// What an npu operator computes, in the machine's terms: accumulator tiles are started from a bias, summed from at most
/// one contraction and any number of identity terms, and stored through the output stage.
///
///     acc[y, x, n] = bias[class(y, x), n]
///                  + sum over taps (ky, kx), channels c of input[y*s + ky*d - p, x*s + kx*d - p, c] * weights[ky, kx, c, n]
///                  + sum over identity terms of multiplier[n] * addend[y, x, n]
///     result = pool(clamp(round(acc * scale[n]) + zeroPoint))
///
/// Convolutions, matrix products, pooling, additions and rescaling are all of this form; so one loop nest, one cost model
/// and one emitter serve them.
struct TileKernel: Sendable {
  /// Independent images: the batch of a convolution with borders, or of a product of two activations.
  var images: Int
  /// The accumulator image, before pooling.
  var rows: Int
  var columns: Int
  var channels: Int
  var contraction: Contraction?
  var identities: [Identity]
  var bias: Bias?
  var store: Store

  /// A sum over taps and channels that the array computes.
  struct Contraction: Sendable {
    /// Index into the operator's inputs.
    var input: Int
    var inputRows: Int
    var inputColumns: Int
    var inputChannels: Int
    var kernelRows: Int
    var kernelColumns: Int
    var strideRows: Int
    var strideColumns: Int
    var dilationRows: Int
    var dilationColumns: Int
    var paddingTop: Int
    var paddingLeft: Int
    var weights: Weights
    /// How the input lies in DRAM, in bytes from the start of its buffer.
    var view: DRAMView

    var taps: Int { kernelRows * kernelColumns }

    /// The input row that an output row reads through a row of taps; may lie outside the image.
    func inputRow(_ row: Int, tapRow: Int) -> Int { row * strideRows + tapRow * dilationRows - paddingTop }
    func inputColumn(_ column: Int, tapColumn: Int) -> Int {
      column * strideColumns + tapColumn * dilationColumns - paddingLeft
    }

    /// The output rows of `range` for which the input row through `tapRow` lies inside the image.
    func validRows(_ range: Range<Int>, tapRow: Int) -> Range<Int> {
      Self.valid(range, stride: strideRows, offset: tapRow * dilationRows - paddingTop, limit: inputRows)
    }
    func validColumns(_ range: Range<Int>, tapColumn: Int) -> Range<Int> {
      Self.valid(range, stride: strideColumns, offset: tapColumn * dilationColumns - paddingLeft, limit: inputColumns)
    }

    private static func valid(_ range: Range<Int>, stride: Int, offset: Int, limit: Int) -> Range<Int> {
      // 0 <= position * stride + offset < limit
      let low = max(range.lowerBound, offset >= 0 ? 0 : (-offset + stride - 1) / stride)
      let high = min(range.upperBound, limit - offset <= 0 ? 0 : (limit - offset - 1) / stride + 1)
      return low < high ? low..<high : low..<low
    }
  }

  /// Strides of an NHWC tensor in DRAM, in bytes. A stride larger than the pixel leaves pixels out (a strided 1x1
  /// convolution reads only what it needs); a stride smaller than the pixel makes neighbours overlap (rows of taps packed
  /// into the channels).
  struct DRAMView: Sendable, Hashable {
    var offset: Int
    var image: Int
    var row: Int
    var pixel: Int
  }

  enum Weights: Sendable {
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
  struct Identity: Sendable {
    /// Index into the operator's inputs.
    var input: Int
    /// One entry, or one per output channel.
    var multipliers: [Int]
    var view: DRAMView

    /// Whether an accumulating move does it without the array.
    var isPlainSum: Bool { multipliers.allSatisfy { $0 == 1 } }
  }

  /// Start values of the accumulator. Rows and columns of the image fall into classes, because an input zero point adds
  /// a constant only where a tap lies inside the image.
  struct Bias: Sendable {
    /// Int32 [rowClasses, columnClasses, channels].
    var constant: ConstantID
    var columnClasses: Int
    /// The class of each row of the accumulator image.
    var rowClass: [Int]
    var columnClass: [Int]
    var isUniform: Bool
  }

  struct Store: Sendable {
    /// One entry, or one per channel (then `scaleConstant` holds them as Float32 in DRAM).
    var scales: [Float]
    var scaleConstant: ConstantID?
    var zeroPoint: Int
    var low: Int
    var high: Int
    var pooling: Pooling?
    /// The stored image.
    var rows: Int
    var columns: Int
  }

  struct Pooling: Sendable {
    var window: Int
    var stride: Int
    var top: Int
    var left: Int
  }

  /// The rows of the accumulator image that the stored rows come from.
  func accumulatorRows(_ stored: Range<Int>) -> Range<Int> {
    Self.unpooled(stored, store.pooling, pad: store.pooling?.top ?? 0, limit: rows)
  }
  func accumulatorColumns(_ stored: Range<Int>) -> Range<Int> {
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
struct PackedWeights: Sendable {
  var constant: ConstantID
  var offset: [Int]
  var firstChannel: [Int]
  var channelCount: [Int]
  /// Weights of one tap that are not there only to fill a block.
  var usefulProducts: Int
}
