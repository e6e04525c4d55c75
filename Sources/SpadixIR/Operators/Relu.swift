/// `max(x, 0)`.
public struct Relu: OperatorDefinition {
  public init() {}

  public static let mnemonic = "nn.relu"
  public static let summary = "Elementwise maximum with zero"
  public static let documentation = """
    Quantized: `max(q, zero point)`; the result has the operand's quantization.
    """
  public static let operands = [OperandDescription("input", "any shape")]
  public static let attributes: [AttributeField<Relu>] = []

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    if check.arithmetic() != nil { check.requireSameElement(0) }
    return check.shape(0)
  }
}
