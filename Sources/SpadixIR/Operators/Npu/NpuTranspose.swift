/// Axes in another order, of int8.
public struct NpuTranspose: OperatorDefinition {
  /// Axis i of the result is axis `permutation[i]` of the operand.
  public var permutation: [Int] = []

  public init() {}
  public init(permutation: [Int]) { self.permutation = permutation }

  public static let mnemonic = "npu.transpose"
  public static let summary = "Axes in another order, of int8"
  public static let documentation = """
    Moves int8 only. Rows of the last axis move whole when the last axis stays last.
    """
  public static let operands = [OperandDescription("input", "int8, any shape")]
  public static let attributes: [AttributeField<NpuTranspose>] = [
    .integers("permutation", \.permutation, required: true, "the operand's axes in the order of the result's")
  ]

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    check.requireInt8(0, "input")
    check.requireInt8Result()
    return check.permuted(permutation)
  }
}
