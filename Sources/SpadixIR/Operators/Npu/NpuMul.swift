/// Product with a constant vector along the last axis.
public struct NpuMul: OutputStageOperator {
  /// Subtracted from the input, in -128...127.
  public var inputZeroPoint: Int32 = 0
  public var output = OutputStage()

  public init() {}

  public static let mnemonic = "npu.mul"
  public static let summary = "Product with a constant along the last axis, with explicit integers"
  public static let documentation = """
    `acc = (x - input_zero_point) * factor[c]`, then `clamp(round_half_even(float32(acc) * scales[c]) + \
    output_zero_point)`; on the array, a multiplication by diagonal matrices.
    """
  public static let operands = [
    OperandDescription("input", "int8 [..., C]"), OperandDescription("factor", "int8 constant: [C], [1] or []"),
  ]
  public static let attributes: [AttributeField<NpuMul>] =
    [.integer("input_zero_point", \.inputZeroPoint, "subtracted from the input")]
    + .outputStage(perChannel: true)

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    guard check.factor() else { return nil }
    check.requireInt8(0, "input")
    check.requireInt8(1, "factor")
    check.requireConstant(1, "factor")
    check.zeroPoint("input_zero_point", inputZeroPoint)
    check.outputStage(output, channels: check.shape(0).last ?? 1)
    check.requireInt8Result()
    return check.shape(0)
  }
}
