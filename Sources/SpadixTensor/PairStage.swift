/// How two int8 become one without an accumulator of products between them: sums of any two scales, and products of
/// activations, bit for bit as ONNX Runtime's QLinearAdd and QLinearMul.
///
/// Here **the zero point stands inside the rounding**, other than in `requantize`: on ties, and with an odd zero point,
/// the two differ. All steps are in Float32.
///
///     sum      clamp(round_half_even(fma(a, factors[0], fma(b, factors[1], offset))), low, high)
///     product  clamp(round_half_even((a - zeroPoints[0]) * (b - zeroPoints[1]) * factors[0] + offset), low, high)
///
/// Models of uint8 are computed as such, because Float32 rounds sums of other integers elsewhere: with `isUnsigned` 128 is
/// added to what a sum takes, and taken from what either gives before it is clamped.
public struct PairStage: Hashable, Sendable {
  /// What the two numbers are combined to; the words are those of the attribute `function`.
  public enum Function: String, CaseIterable, Sendable {
    case sum, product
  }

  /// Decides which of the other properties count.
  public var function: Function
  /// Of a product; those of a sum are in the offset.
  public var zeroPoints: [Int32] = [0, 0]
  /// Of a product the first alone.
  public var factors: [Float]
  /// In units of the result, its zero point included; added before rounding.
  public var offset: Float
  /// The arithmetic is that of uint8: see above.
  public var isUnsigned = false

  public init(
    _ function: Function = .sum, zeroPoints: [Int32] = [0, 0], factors: [Float] = [1, 1], offset: Float = 0,
    isUnsigned: Bool = false
  ) {
    self.function = function
    self.zeroPoints = zeroPoints
    self.factors = factors
    self.offset = offset
    self.isUnsigned = isUnsigned
  }

  /// `a + b`, or `a - b`, of real numbers. With rA = a.scale / output.scale and rB likewise, the offset is
  /// `z - fma(rA, za, rB * zb)`: what the zero points add.
  public static func sum(
    _ a: Quantization, _ b: Quantization, output: Quantization, subtracts: Bool = false, isUnsigned: Bool = false
  ) -> PairStage {
    let factors = [a.scale / output.scale, (subtracts ? -b.scale : b.scale) / output.scale]
    let shift: Int32 = isUnsigned ? 128 : 0
    let zeros = (factors[1] * Float(b.zeroPoint + shift)).addingProduct(factors[0], Float(a.zeroPoint + shift))
    return PairStage(
      .sum, factors: factors, offset: Float(output.zeroPoint + shift) - zeros, isUnsigned: isUnsigned)
  }

  /// `a * b` of real numbers: the factor is `(a.scale * b.scale) / output.scale`.
  public static func product(
    _ a: Quantization, _ b: Quantization, output: Quantization, isUnsigned: Bool = false
  ) -> PairStage {
    PairStage(
      .product, zeroPoints: [a.zeroPoint, b.zeroPoint], factors: [(a.scale * b.scale) / output.scale, 0],
      offset: Float(output.zeroPoint + (isUnsigned ? 128 : 0)), isUnsigned: isUnsigned)
  }

  /// The result for two int8, within `low` and `high`; a NaN becomes `low`.
  public func callAsFunction(_ a: Int8, _ b: Int8, low: Int32 = -128, high: Int32 = 127) -> Int8 {
    let real: Float
    let shift: Int32 = isUnsigned ? 128 : 0
    switch function {
    case .sum:
      real = offset.addingProduct(factors[1], Float(Int32(b) + shift))
        .addingProduct(factors[0], Float(Int32(a) + shift))
    case .product:
      let product = (Int32(a) - zeroPoints[0]) * (Int32(b) - zeroPoints[1])
      real = Float(product) * factors[0] + offset
    }
    let rounded = real.rounded(.toNearestOrEven) - Float(shift)
    if rounded.isNaN { return Int8(low) }
    return Int8(min(max(rounded, Float(low)), Float(high)))
  }
}
