/// From one scale and zero point to others, with explicit integers.
public struct NpuRequantize: OutputStageOperator {
  /// Subtracted from the input, in -128...127.
  public var inputZeroPoint: Int32 = 0
  public var output = OutputStage()

  public init() {}

  public static let mnemonic = "npu.requantize"
  public static let summary = "Another scale and zero point, with explicit integers"
  public static let documentation = """
    `clamp(round_half_even(float32(x - input_zero_point) * scale) + output_zero_point)`.
    """
  public static let operands = [OperandDescription("input", "int8, any shape")]
  public static let attributes: [AttributeField<NpuRequantize>] =
    [.integer("input_zero_point", \.inputZeroPoint, "subtracted from the input")]
    + .outputStage(perChannel: false)

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    check.requireInt8(0, "input")
    check.zeroPoint("input_zero_point", inputZeroPoint)
    check.outputStage(output, channels: 1)
    check.requireInt8Result()
    return check.shape(0)
  }
}
