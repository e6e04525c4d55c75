import Foundation

/// The integer semantics of the whole compiler: how an int32 accumulator becomes int8, and what int8 values mean.
///
/// These are the semantics of Gemmini's output stage and of ONNX Runtime's QLinear operators: one Float32
/// multiplication, one rounding to the nearest integer with ties to even, the zero point added afterwards.
public enum QuantizedArithmetic {
  /// `clamp(round_half_even(Float32(accumulator) * scale) + zeroPoint, low, high)`.
  ///
  /// The accumulator is first rounded to Float32 (24 bits), then the product is. A product that is not a number or that
  /// no 64-bit integer can hold counts as the most negative one, as in Gemmini's functional model.
  /// - Parameters: `low` and `high` within -128...127.
  @inlinable
  public static func requantize(
    _ accumulator: Int32, scale: Float, zeroPoint: Int32, low: Int32 = -128, high: Int32 = 127
  ) -> Int8 {
    saturate(rounded: Float(accumulator) * scale, zeroPoint: zeroPoint, low: low, high: high)
  }

  @inlinable
  static func saturate(rounded value: Float, zeroPoint: Int32, low: Int32, high: Int32) -> Int8 {
    let rounded = value.rounded(.toNearestOrEven)
    let shifted: Int64
    if rounded.magnitude < 0x1p31 {
      shifted = Int64(rounded) &+ Int64(zeroPoint)
    } else if rounded > 0 && rounded < 0x1p63 {
      shifted = Int64(Int32.max)
    } else {
      shifted = Int64(Int32.min)
    }
    return Int8(truncatingIfNeeded: min(max(shifted, Int64(low)), Int64(high)))
  }

  /// The int8 that stands for a real value: `clamp(round_half_even(value / scale) + zeroPoint, -128, 127)`.
  ///
  /// A value that is not a number gives -128; infinities saturate to their side.
  @inlinable
  public static func quantize(_ value: Float, scale: Float, zeroPoint: Int32) -> Int8 {
    let quotient = value / scale
    if quotient >= 0x1p31 { return 127 }
    return saturate(rounded: quotient, zeroPoint: zeroPoint, low: -128, high: 127)
  }

  /// `(value - zeroPoint) * scale` in Float32.
  @inlinable
  public static func dequantize(_ value: Int8, scale: Float, zeroPoint: Int32) -> Float {
    Float(Int32(value) - zeroPoint) * scale
  }

  /// The int32 that stands for a bias in the accumulator of an operator: `round_half_even(bias / (input * weight))`,
  /// saturated; computed in Float64 because a bias needs more bits than Float32 has.
  public static func quantizeBias(_ bias: Float, input: Float, weight: Float) -> Int32 {
    let quotient = (Double(bias) / (Double(input) * Double(weight))).rounded(.toNearestOrEven)
    if quotient.isNaN { return 0 }
    return Int32(min(max(quotient, Double(Int32.min)), Double(Int32.max)))
  }

  /// Where the scales of output stages lie. Below, every accumulator becomes 0, as it does at the lower end; above,
  /// every accumulator but 0 saturates, as it does at the upper end, and a product that no 64-bit integer holds would
  /// count as the most negative one.
  static let outputScales: ClosedRange<Float> = .leastNormalMagnitude...0x1p31

  /// The scale that turns an accumulator of products into the output: `(input * weight) / output` in Float32, within
  /// `outputScales`.
  public static func outputScale(input: Float, weight: Float, output: Float) -> Float {
    let product = input * weight
    // Tiny scales whose product is no normal number may still have a quotient that is one.
    return confined(
      product.isNormal ? product / output : Float(Double(input) * Double(weight) / Double(output)))
  }

  /// The scale of a requantization, and of the addition of equal scales: `input / output` in Float32, within
  /// `outputScales`.
  public static func rescale(input: Float, output: Float) -> Float { confined(input / output) }

  /// The scale of a sum `multiplier * q` of addends: `(input / multiplier) / output` in Float32, within `outputScales`.
  public static func addScale(input: Float, multiplier: Int32, output: Float) -> Float {
    confined((input / Float(multiplier)) / output)
  }

  /// The scale of an average over the `count` elements of a window: `(input / output) * (1 / count)` in Float32, within
  /// `outputScales`; of the average of a whole image `input / (output * count)`, which is what ONNX Runtime's
  /// QLinearGlobalAveragePool does.
  public static func averageScale(input: Float, output: Float, count: Int, isGlobal: Bool) -> Float {
    confined(isGlobal ? input / (output * Float(count)) : (input / output) * (1 / Float(count)))
  }

  private static func confined(_ scale: Float) -> Float {
    min(max(scale, outputScales.lowerBound), outputScales.upperBound)
  }

  /// The int8 bounds of a real interval in a per-tensor quantized type: its ends, quantized.
  public static func clampBounds(
    low: Float, high: Float, scale: Float, zeroPoint: Int32
  ) -> (low: Int32, high: Int32) {
    (
      Int32(quantize(low, scale: scale, zeroPoint: zeroPoint)),
      Int32(quantize(high, scale: scale, zeroPoint: zeroPoint))
    )
  }

  /// Softmax of one row in Float32, with the maximum subtracted first.
  ///
  /// Each exponential is computed in Float64 and rounded to Float32, so that the C library in use does not matter; the
  /// sum is taken in Float32 from left to right.
  public static func softmax(_ row: [Float]) -> [Float] {
    guard let maximum = row.max() else { return [] }
    let exponentials = row.map { Float(exp(Double($0 - maximum))) }
    let sum = exponentials.reduce(0, +)
    return exponentials.map { $0 / sum }
  }

  /// Softmax of one row of int8: dequantize, softmax, quantize.
  public static func softmax(_ row: [Int8], input: Quantization, output: Quantization) -> [Int8] {
    let real = row.map { dequantize($0, scale: input.scale, zeroPoint: input.zeroPoint) }
    return softmax(real).map { quantize($0, scale: output.scale, zeroPoint: output.zeroPoint) }
  }
}

extension QuantizedArithmetic {
  /// Quantizes a whole tensor, per tensor or per index of the axis.
  public static func quantize(_ values: [Float], shape: [Int], _ quantization: Quantization) -> [Int8] {
    mapByChannel(values, shape: shape, quantization, quantize)
  }

  /// What the int8 values of a whole tensor stand for.
  static func dequantize(_ values: [Int8], shape: [Int], _ quantization: Quantization) -> [Float] {
    mapByChannel(values, shape: shape, quantization, dequantize)
  }

  @inline(__always)
  private static func mapByChannel<From, To>(
    _ values: [From], shape: [Int], _ quantization: Quantization, _ function: (From, Float, Int32) -> To
  ) -> [To] {
    let channels = quantization.axis.map { shape[$0] } ?? 1
    let inner = quantization.axis.map { shape[($0 + 1)...].reduce(1, *) } ?? values.count
    var result: [To] = []
    result.reserveCapacity(values.count)
    var position = 0
    while position < values.count {
      for channel in 0..<channels {
        let scale = quantization.scale(at: channel)
        let zeroPoint = quantization.zeroPoint(at: channel)
        for _ in 0..<inner {
          result.append(function(values[position], scale, zeroPoint))
          position += 1
        }
      }
    }
    return result
  }
}
