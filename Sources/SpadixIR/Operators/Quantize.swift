/// From f32 to int8.
public struct Quantize: OperatorDefinition {
  public init() {}

  public static let mnemonic = "nn.quantize"
  public static let summary = "Real numbers to the int8 that stand for them"
  public static let documentation = """
    `clamp(round_half_even(x / scale) + zero point, -128, 127)` with the scale and zero point of the result type.
    """
  public static let operands = [OperandDescription("input", "f32, any shape")]
  public static let attributes: [AttributeField<Quantize>] = []

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    check.requireF32(0, "input")
    check.requireResult(\.isQuantized, "q8")
    return check.shape(0)
  }
}
