/// The same int8 elements under another shape.
public struct NpuReshape: OperatorDefinition {
  public init() {}

  public static let mnemonic = "npu.reshape"
  public static let summary = "The same int8 elements, row-major, under another shape"
  public static let documentation = """
    Moves int8 only; the new shape is that of the result type.
    """
  public static let operands = [OperandDescription("input", "int8, any shape")]
  public static let attributes: [AttributeField<NpuReshape>] = []

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    check.requireInt8(0, "input")
    check.requireInt8Result()
    return check.reshaped()
  }
}
