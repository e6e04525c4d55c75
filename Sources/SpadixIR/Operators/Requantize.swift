/// From one scale and zero point to others.
public struct Requantize: OperatorDefinition {
  /// Applied before rounding.
  public var activation = Activation.none

  public init() {}

  public static let mnemonic = "nn.requantize"
  public static let summary = "The same real numbers with another scale and zero point"
  public static let documentation = """
    `clamp(round_half_even(float32(q - zx) * (sx / sy)) + zy)`.
    """
  public static let operands = [OperandDescription("input", "q8 with one scale, any shape")]
  public static let attributes: [AttributeField<Requantize>] = .activation(\.activation)

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    check.requirePerTensor(0, "input")
    check.activation(activation)
    check.requireQuantizedResult()
    return check.shape(0)
  }
}
