import SpadixTensor

/// Real numbers rounded to those that integers of a given scale and zero point stand for.
public struct FakeQuantize: FunctionOperator {
  /// What one integer is worth; finite and positive.
  public var scale: Float = 1
  /// The integer that stands for 0.
  public var zeroPoint: Int32 = 0
  /// The integers that there are: [low, high].
  public var bounds: [Int32] = [-128, 127]

  public init() {}
  public init(scale: Float, zeroPoint: Int32, bounds: [Int32]) {
    self.scale = scale
    self.zeroPoint = zeroPoint
    self.bounds = bounds
  }

  public static let mnemonic = "nn.fake_quantize"
  public static let summary = "Real numbers rounded to those that integers of a given scale and zero point stand for"
  public static let documentation = """
    `q = clamp(round_half_even(x / scale) + zero_point, low, high)`, `y = (q - zero_point) * scale`: what a model says \
    about the int8 it was made for.

    Quantized: nothing. Where there are 256 integers and the target's store has zero points, operand and result have this \
    scale and the zero point that makes s8 of them; elsewhere this is a range.
    """
  public static let operands = [OperandDescription("input", "any shape")]
  public static let attributes: [AttributeField<FakeQuantize>] = [
    .real("scale", \.scale, required: true, "what one integer is worth"),
    .integer("zero_point", \.zeroPoint, required: true, "the integer that stands for 0"),
    .integers("bounds", \.bounds, count: 2, "the integers that there are: [low, high]"),
  ]

  /// The real numbers of the lowest and of the highest integer.
  public var range: ValueRange {
    ValueRange(low: Float(bounds[0] - zeroPoint) * scale, high: Float(bounds[1] - zeroPoint) * scale)
  }

  /// As a type of s8; nil where the integers are no 256 ones around 0 or from 0 on.
  public var quantization: Quantization? {
    guard bounds[1] - bounds[0] == 255, bounds[0] == 0 || bounds[0] == -128 else { return nil }
    return Quantization(scale: scale, zeroPoint: zeroPoint - bounds[0] - 128)
  }

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    if check.element(0) == .f32 { check.requireRealResult() } else { check.requireSameElement(0) }
    if !(scale.isFinite && scale > 0) { check.report("scale", "scale = \(scale): expected a finite positive number") }
    let limit: Int32 = 1 << 24
    if bounds.count != 2 || bounds[0] > zeroPoint || bounds[1] < zeroPoint || bounds[0] < -limit || bounds[1] > limit {
      check.report("bounds", "bounds = \(bounds), zero_point = \(zeroPoint): expected low <= zero_point <= high")
    }
    return check.shape(0)
  }

  public func int8Form(_ operands: [TensorType]) -> FunctionInt8Form { .movement }

  public func evaluate(_ operands: [Tensor], _ type: TensorType) throws -> Tensor {
    guard case .f32(let values) = operands[0].storage else { return Tensor(type, operands[0].storage) }
    let (low, high, zero) = (Float(bounds[0]), Float(bounds[1]), Float(zeroPoint))
    return Tensor(
      type,
      .f32(
        values.map { value in
          // A value that is not a number gives the lowest integer.
          let integer = (value / scale).rounded(.toNearestOrEven) + zero
          return ((integer >= low ? min(integer, high) : low) - zero) * scale
        }))
  }

  public func range(_ operands: [ValueRange?]) -> ValueRange? { range }
}

extension Operator {
  /// What a model says about the int8 of a value; nil for all operators but `nn.fake_quantize`.
  public var fakeQuantize: FakeQuantize? {
    if case .function(let function) = self { function.definition as? FakeQuantize } else { nil }
  }
}
