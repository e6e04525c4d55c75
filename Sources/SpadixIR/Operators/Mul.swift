import SpadixTensor

/// Product with a scalar or with a vector along the last axis.
public struct Mul: OperatorDefinition {
  /// Applied to the product before it is rounded.
  public var activation = Activation.none

  public init() {}

  public static let mnemonic = "nn.mul"
  public static let summary = "Product with a constant: a scalar, or a vector along the last axis"
  public static let documentation = """
    `y[..., c] = x[..., c] * factor[c]`, or `factor` itself when it has rank 0 or one element.

    Quantized: `acc = (qx - zx) * qf[c]`, then `clamp(round_half_even(float32(acc) * ((sx * sf[c]) / sy)) + zy)`; the \
    factor is a constant with zero points 0.
    """
  public static let operands = [
    OperandDescription("input", "[..., C]"), OperandDescription("factor", "[C], [1] or []"),
  ]
  public static let attributes: [AttributeField<Mul>] = .activation(\.activation)

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    guard check.factor() else { return nil }
    check.activation(activation)
    switch check.arithmetic() {
    case .real:
      check.requireF32(1, "factor")
      check.requireRealResult()
    case .quantized:
      check.requireQuantizedWeights(1, "factor")
      check.requireQuantizedResult()
    case nil: break
    }
    return check.shape(0)
  }
}

extension OperatorCheck {
  /// Whether the second operand is a scalar or a vector along the last axis of the first.
  mutating func factor() -> Bool {
    let channels = shape(0).last ?? 1
    if [[], [1], [channels]].contains(shape(1)) { return true }
    report(
      "factor", "the factor has shape \(shape(1)); expected [], [1] or [\(channels)], the last axis of the input",
      operands: [0, 1])
    return false
  }
}
