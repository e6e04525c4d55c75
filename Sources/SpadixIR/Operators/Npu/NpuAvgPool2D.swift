/// Sum over windows, scaled.
public struct NpuAvgPool2D: OutputStageOperator {
  /// [height, width]
  public var window: [Int] = []
  /// [vertical, horizontal]
  public var strides = [1, 1]
  /// [top, left, bottom, right]
  public var padding = [0, 0, 0, 0]
  /// Subtracted from the input, in -128...127.
  public var inputZeroPoint: Int32 = 0
  public var output = OutputStage()

  public init() {}

  /// Window, strides and padding together.
  public var window2D: Window2D { Window2D(size: window, strides: strides, padding: padding) }

  public static let mnemonic = "npu.avg_pool2d"
  public static let summary = "Mean over windows in the accumulator, with explicit integers"
  public static let documentation = """
    `acc = sum (x - input_zero_point)` over the window, where padding contributes nothing, then \
    `clamp(round_half_even(float32(acc) * scale) + output_zero_point)`; the scale holds the division by the window's \
    size.
    """
  public static let operands = [OperandDescription("input", "int8 [N, H, W, C]")]
  public static let attributes: [AttributeField<NpuAvgPool2D>] =
    [
      .integers("window", \.window, count: 2, required: true, "[height, width]"),
      .integers("strides", \.strides, count: 2, "[vertical, horizontal]"),
      .integers("padding", \.padding, count: 4, "[top, left, bottom, right], each less than the window"),
      .integer("input_zero_point", \.inputZeroPoint, "subtracted from the input"),
    ] + .outputStage(perChannel: false)

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    let shape = check.pooledImage(window2D)
    check.requireInt8(0, "input")
    check.zeroPoint("input_zero_point", inputZeroPoint)
    check.outputStage(output, channels: 1)
    check.requireInt8Result()
    return shape
  }
}
