import SpadixIR
import SpadixISA
import SpadixSupport
import SpadixTensor

/// Which int8 types quantization may choose.
struct QuantizationScheme: Sendable, Equatable {
  enum Activations: String, Sendable, CaseIterable {
    /// Zero point 0, scale max(|low|, |high|) / 127.
    case symmetric
    /// Scale (high - low) / 255, zero point such that `low` is -128.
    case asymmetric
  }

  enum Weights: String, Sendable, CaseIterable {
    case perTensor = "per-tensor"
    /// One scale per output channel.
    case perChannel = "per-channel"
  }

  var activations: Activations
  var weights: Weights
  /// Whether a store can confine results to any int8 interval. Otherwise saturation has to be the clamp.
  var hasClamp: Bool
  /// How often the array may add a residual to a convolution, each time with a multiplier of at most 127; nil where that
  /// depends on what the convolution costs.
  var residualPasses: Int?
  /// Rows and columns of the array.
  var dim = 16

  init(activations: Activations, weights: Weights, hasClamp: Bool) {
    self.activations = activations
    self.weights = weights
    self.hasClamp = hasClamp
  }

  /// What the target's output stage can do exactly.
  init(target: Target) {
    self.init(
      activations: target.hasOutputStage ? .asymmetric : .symmetric,
      weights: target.hasOutputStage ? .perChannel : .perTensor,
      hasClamp: target.hasOutputStage)
    dim = target.dim
  }

  /// How often the array may add a residual to a convolution of so many taps and input channels: for at most an eighth of
  /// the time that the convolution takes itself, but once, and never more than four times.
  func residualPasses(taps: Int, channels: Int) -> Int {
    residualPasses ?? min(4, max(1, taps * ceilDivide(channels, dim) / 8))
  }

  /// The softmax result in [0, 1]: all 256 codes, or the non-negative half of them. 1 is exact.
  static func softmax(symmetric: Bool) -> Quantization {
    quantization(for: ValueRange(low: 0, high: 1), symmetric: symmetric)
  }

  /// The type for real values of an interval. Zero is always exactly representable.
  static func quantization(for range: ValueRange, symmetric: Bool) -> Quantization {
    let low = min(range.low, 0)
    let high = max(range.high, 0)
    if symmetric { return Quantization(scale: usable(max(-low, high) / 127), zeroPoint: 0) }
    let scale = usable((high - low) / 255)
    let zeroPoint = (-128 - low / scale).rounded(.toNearestOrEven)
    return Quantization(scale: scale, zeroPoint: Int32(min(max(zeroPoint, -128), 127)))
  }

  /// The smallest scale that is chosen: a normal Float32 number, as are its products with small integers.
  static let smallestScale: Float = 0x1p-120
  /// The magnitudes that ranges may have besides 0. Weights and biases may be smaller, and count as 0 then.
  static let smallestMagnitude: Float = 0x1p-112
  static let largestMagnitude: Float = 0x1p40

  /// A scale for a tensor of zeros is 1.
  static func usable(_ scale: Float) -> Float { scale == 0 ? 1 : max(scale, smallestScale) }
}
