/// Elementwise sum as the accumulator computes it.
public struct NpuAdd: OutputStageOperator {
  /// Of a and of b, each in 1...1016.
  public var multipliers: [Int32] = [1, 1]
  /// Subtracted from a and from b, in -128...127.
  public var zeroPoints: [Int32] = [0, 0]
  public var output = OutputStage()

  public init() {}

  public static let mnemonic = "npu.add"
  public static let summary = "Elementwise sum in the accumulator, with explicit integers"
  public static let documentation = """
    `acc = multipliers[0] * (a - zero_points[0]) + multipliers[1] * (b - zero_points[1])`, then \
    `clamp(round_half_even(float32(acc) * scale) + output_zero_point)`.
    """
  public static let operands = [
    OperandDescription("a", "int8, any shape"), OperandDescription("b", "int8, the shape of a"),
  ]
  public static let attributes: [AttributeField<NpuAdd>] =
    [
      .integers("multipliers", \.multipliers, count: 2, "each in 1...1016"),
      .integers("zero_points", \.zeroPoints, count: 2, "subtracted from the operands"),
    ] + .outputStage(perChannel: false)

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    guard check.sameShapes() else { return nil }
    check.requireInt8(0, "first addend")
    check.requireInt8(1, "second addend")
    _ = check.multipliers("multipliers", multipliers, counts: [2])
    for value in zeroPoints { check.zeroPoint("zero_points", value) }
    check.outputStage(output, channels: 1)
    check.requireInt8Result()
    return check.shape(0)
  }
}
