import SpadixIR
import SpadixTensor

/// Constant weights as int8 along their last axis, with the scales that fit the accumulator they go into.
struct WeightQuantization {
  /// One, or one per index of the last axis.
  var scales: [Float]
  /// As many as scales: what a residual is multiplied with; nil without a residual.
  var multipliers: [Int32]?
  /// Whether a bias made a scale more than twice as coarse as the weights need.
  var isCoarsenedByBias = false

  /// Biases stay within this magnitude, so that sums of products have room beside them.
  private static let largestBias: Float = 0x1p30

  /// Scales for weights of which the largest magnitudes per index of the last axis are given.
  ///
  /// - Parameters:
  ///   - maxima: one per channel.
  ///   - bias: one per channel, or nil.
  ///   - inputScale: the scale of what the weights are multiplied with.
  ///   - load: what products add up to at most in the accumulator.
  init(maxima: [Float], perChannel: Bool, bias: [Float]?, inputScale: Float, load: AccumulatorLoad) {
    let largest = maxima.max() ?? 0
    // A channel of zeros has no scale of its own.
    let fallback = largest > 0 ? largest / 127 : 1
    var scales = maxima.map { max($0 > 0 ? $0 / 127 : fallback, QuantizationScheme.smallestScale) }
    if let bias {
      for channel in scales.indices {
        // In Float64: the quotient of a bias and a tiny scale may be beyond Float32. What is beyond it in the end as
        // well is refused when the bias becomes an integer.
        let needed = Float(
          min(Double(bias[channel].magnitude) / Double(inputScale) / Double(Self.largestBias), 0x1p120))
        if needed > 2 * scales[channel], maxima[channel] > 0 { isCoarsenedByBias = true }
        scales[channel] = max(scales[channel], needed)
      }
    }
    for channel in scales.indices {
      scales[channel] = max(scales[channel], load.smallestScale(bias: bias?[channel] ?? 0, inputScale: inputScale))
    }
    self.scales = perChannel ? scales : [scales.max() ?? 1]
  }

  /// The largest sum of products that an accumulator of 32 bits, which wraps, may have to hold.
  struct AccumulatorLoad {
    /// The largest sum of the magnitudes of the weights of a channel, how many they are, and the largest magnitude of what
    /// they are multiplied with, an integer.
    var weights: Double
    var count: Int
    var input: Int32

    /// The scale from which on products and bias stay within 31 bits and a little less, roundings included.
    func smallestScale(bias: Float, inputScale: Float) -> Float {
      let rounding = Double(count) / 2 * Double(input)
      let room = max(0.98 * 0x1p31 - rounding, 0x1p29)
      return Float(min((weights * Double(input) + Double(bias.magnitude) / Double(inputScale)) / room, 0x1p120))
    }
  }

  /// Enlarges the scales until the residual's is an integer multiple of the accumulator's; false, and nothing changes,
  /// where the residual's scale is smaller than the accumulator's already.
  ///
  /// - Parameter passes: how often the array may add the residual, each time with an int8 multiplier.
  mutating func fit(residualScale: Float, inputScale: Float, passes: Int) -> Bool {
    var multipliers: [Int32] = []
    var fitted: [Float] = []
    for scale in scales {
      let ratio = Double(residualScale) / (Double(inputScale) * Double(scale))
      // The tolerance lets a ratio that is an integer but for rounding be that integer.
      let multiplier = min((ratio * (1 + 1e-6)).rounded(.down), Double(passes * 127))
      guard multiplier >= 1 else { return false }
      multipliers.append(Int32(multiplier))
      fitted.append(Float(Double(residualScale) / (Double(inputScale) * multiplier)))
    }
    if Set(multipliers).count == 1 { multipliers = [multipliers[0]] }
    self.multipliers = multipliers
    self.scales = fitted
    return true
  }

  /// The largest magnitude in each of `channels` interleaved columns; throws at the first element that is not finite or
  /// too large to be quantized, with its position.
  static func maxima(of elements: [Float], channels: Int) throws(UnusableElement) -> [Float] {
    var maxima = [Float](repeating: 0, count: channels)
    var isUsable = true
    elements.withUnsafeBufferPointer { elements in
      maxima.withUnsafeMutableBufferPointer { maxima in
        for row in stride(from: 0, to: elements.count, by: channels) {
          for channel in 0..<channels {
            let magnitude = elements[row + channel].magnitude
            if !(magnitude <= QuantizationScheme.largestMagnitude) { isUsable = false }
            maxima[channel] = max(maxima[channel], magnitude)
          }
        }
      }
    }
    if isUsable { return maxima }
    let position = elements.firstIndex { !($0.magnitude <= QuantizationScheme.largestMagnitude) } ?? 0
    throw UnusableElement(position: position, element: elements[position])
  }

  /// The maxima that keep the scales of weights that are multiples of a step already, as those of quantized models are:
  /// 127 steps.
  static func gridMaxima(of elements: [Float], maxima: [Float]) -> [Float] {
    let channels = maxima.count
    return maxima.enumerated().map { channel, maximum in
      guard maximum > 0, elements.count / channels >= 8 else { return maximum }
      // As s8, or as u8 around 128, neither of which holds 128.
      let steps = ([127, 128] + Array(64...126)).first { steps in
        let scale = Float(steps) / maximum
        return stride(from: channel, to: elements.count, by: channels).allSatisfy { position in
          let multiple = elements[position] * scale
          return multiple < 127.5 && (multiple - multiple.rounded()).magnitude < 1e-4
        }
      }
      return steps.map { maximum / Float($0) * 127 } ?? maximum
    }
  }

  struct UnusableElement: Error {
    var position: Int
    var element: Float
  }

  /// The int8 values of weights whose last axis has `channels` indices.
  func quantize(_ elements: [Float], channels: Int) -> [Int8] {
    let scales = scales.count == 1 ? [Float](repeating: scales[0], count: channels) : scales
    return [Int8](unsafeUninitializedCapacity: elements.count) { buffer, count in
      elements.withUnsafeBufferPointer { elements in
        scales.withUnsafeBufferPointer { scales in
          for row in stride(from: 0, to: elements.count, by: channels) {
            for channel in 0..<channels {
              buffer[row + channel] = QuantizedArithmetic.quantize(
                elements[row + channel], scale: scales[channel], zeroPoint: 0)
            }
          }
        }
      }
      count = elements.count
    }
  }
}
