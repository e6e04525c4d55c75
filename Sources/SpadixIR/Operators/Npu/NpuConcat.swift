/// int8 tensors joined along an axis.
public struct NpuConcat: OperatorDefinition {
  /// Negative axes count from the back.
  public var axis = -1

  public init() {}
  public init(axis: Int) { self.axis = axis }

  public static let mnemonic = "npu.concat"
  public static let summary = "int8 tensors joined along an axis"
  public static let documentation = """
    Moves int8 only; the operands agree in every dimension but that of the axis.
    """
  public static let operands = [OperandDescription("inputs", "int8 tensors of one rank", .variadic)]
  public static let attributes: [AttributeField<NpuConcat>] = [
    .integer("axis", \.axis, required: true, "the axis to join along; negative counts from the back")
  ]

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    for operand in check.operands.indices { check.requireInt8(operand, "operand") }
    check.requireInt8Result()
    return check.concatenated(axis: axis)
  }
}
