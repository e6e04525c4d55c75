/// Matrix product as the array computes it.
public struct NpuMatMul: OutputStageOperator {
  /// Operand a is [..., K, M].
  public var transposeA = false
  /// Operand b is [..., N, K].
  public var transposeB = false
  /// Subtracted from a, in -128...127; b has none.
  public var inputZeroPoint: Int32 = 0
  public var output = OutputStage()

  public init() {}

  public static let mnemonic = "npu.matmul"
  public static let summary = "Matrix product on the array, with explicit integers"
  public static let documentation = """
    `acc = bias + sum (a - input_zero_point) * b`, then `clamp(round_half_even(float32(acc) * scales[n]) + \
    output_zero_point)`. Operand b is a constant or an activation with zero point 0.
    """
  public static let operands = [
    OperandDescription("a", "int8 [..., M, K]"), OperandDescription("b", "int8 [..., K, N] or [K, N]"),
    OperandDescription("bias", "i32 constant [N]", .optional),
  ]
  public static let attributes: [AttributeField<NpuMatMul>] =
    [
      .flag("transpose_a", \.transposeA, "a is [..., K, M]"),
      .flag("transpose_b", \.transposeB, "b is [..., N, K]"),
      .integer("input_zero_point", \.inputZeroPoint, "subtracted from a"),
    ] + .outputStage(perChannel: true)

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    guard let shape = check.matrixProduct(transposeA: transposeA, transposeB: transposeB) else { return nil }
    check.requireInt8(0, "operand a")
    check.requireInt8(1, "operand b")
    if check.operands.count > 2 {
      check.requireI32(2, "bias")
      check.requireConstant(2, "bias")
    }
    check.zeroPoint("input_zero_point", inputZeroPoint)
    check.outputStage(output, channels: shape[shape.count - 1])
    check.requireInt8Result()
    return shape
  }
}
