/// Convolution as the array computes it.
public struct NpuConv2D: OutputStageOperator {
  /// [vertical, horizontal]
  public var strides = [1, 1]
  /// [top, left, bottom, right]
  public var padding = [0, 0, 0, 0]
  /// [vertical, horizontal]
  public var dilations = [1, 1]
  /// Divides input and output channels.
  public var groups = 1
  /// Subtracted from the input, in -128...127.
  public var inputZeroPoint: Int32 = 0
  public var output = OutputStage()
  /// Whether the last operand is added in the accumulator.
  public var residual = false
  /// Of the addend: one, or one for each output channel, each in 1...1016.
  public var residualMultipliers: [Int32] = [1]
  /// Subtracted from the addend, in -128...127.
  public var residualZeroPoint: Int32 = 0
  /// Of the int8 results. Nil for none.
  public var pooling: FusedPooling?

  public init() {}

  public static let mnemonic = "npu.conv2d"
  public static let summary = "Convolution on the array, with explicit integers"
  public static let documentation = """
    `acc = bias + sum (x - input_zero_point) * w + residual_multipliers[o] * (addend - residual_zero_point)`, then \
    `clamp(round_half_even(float32(acc) * scales[o]) + output_zero_point)`, then max pooling, whose padding takes no \
    part. Padding of the convolution contributes nothing.
    """
  public static let operands = [
    OperandDescription("input", "int8 [N, H, W, C]"),
    OperandDescription("weights", "int8 constant [KH, KW, C / groups, O]"),
    OperandDescription("bias", "i32 constant [O]", .optional),
    OperandDescription("addend", "int8, with `residual = true`", .optional),
  ]
  public static let attributes: [AttributeField<NpuConv2D>] =
    [
      .integers("strides", \.strides, count: 2, "[vertical, horizontal]"),
      .integers("padding", \.padding, count: 4, "[top, left, bottom, right]"),
      .integers("dilations", \.dilations, count: 2, "[vertical, horizontal]"),
      .integer("groups", \.groups, "independent convolutions that the channels are split into"),
      .integer("input_zero_point", \.inputZeroPoint, "subtracted from the input"),
      .flag("residual", \.residual, "the last operand is added in the accumulator"),
      .integers("residual_multipliers", \.residualMultipliers, "multipliers of the addend, one or one per channel"),
      .integer("residual_zero_point", \.residualZeroPoint, "subtracted from the addend"),
    ] + .outputStage(perChannel: true) + .fusedPooling(\.pooling)

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    let roles = ConvolutionOperands(count: check.operands.count, residual: residual)
    guard
      let sizes = check.convolution(
        strides: strides, padding: padding, dilations: dilations, groups: groups, pooling: pooling, roles)
    else { return nil }
    check.requireInt8(0, "input")
    check.requireInt8(1, "weights")
    check.requireConstant(1, "weights")
    if let bias = roles.bias {
      check.requireI32(bias, "bias")
      check.requireConstant(bias, "bias")
    }
    if let addend = roles.addend {
      check.requireInt8(addend, "addend")
      _ = check.multipliers("residual_multipliers", residualMultipliers, counts: [1, sizes.result[3]])
    }
    check.zeroPoint("input_zero_point", inputZeroPoint)
    check.zeroPoint("residual_zero_point", residualZeroPoint)
    check.outputStage(output, channels: sizes.result[3])
    check.requireInt8Result()
    return sizes.result
  }
}
