/// From int8 to f32.
public struct Dequantize: OperatorDefinition {
  public init() {}

  public static let mnemonic = "nn.dequantize"
  public static let summary = "Quantized int8 to the real numbers they stand for"
  public static let documentation = """
    `(q - zero point) * scale` in Float32 with the scale and zero point of the operand's type.
    """
  public static let operands = [OperandDescription("input", "q8, any shape")]
  public static let attributes: [AttributeField<Dequantize>] = []

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    if !check.element(0).isQuantized {
      check.report("type", "the input has elements \(check.element(0)); expected q8", operands: [0])
    }
    check.requireRealResult()
    return check.shape(0)
  }
}
