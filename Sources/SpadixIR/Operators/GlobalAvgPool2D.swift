/// Mean over the whole image.
public struct GlobalAvgPool2D: OperatorDefinition {
  /// Applied to the mean before it is rounded.
  public var activation = Activation.none

  public init() {}

  public static let mnemonic = "nn.global_avg_pool2d"
  public static let summary = "Mean over the whole image, for each channel"
  public static let documentation = """
    `[N, H, W, C]` becomes `[N, 1, 1, C]`. Quantized as `nn.avg_pool2d` with the image as its window, but with the scale \
    `sx / (sy * n)` of ONNX Runtime's QLinearGlobalAveragePool, which may differ in the last bit.
    """
  public static let operands = [OperandDescription("input", "[N, H, W, C]")]
  public static let attributes: [AttributeField<GlobalAvgPool2D>] = .activation(\.activation)

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    guard check.rank(0, "input", 4, layout: "[N, H, W, C]") else { return nil }
    check.activation(activation)
    switch check.arithmetic() {
    case .real: check.requireRealResult()
    case .quantized: check.requireQuantizedResult()
    case nil: break
    }
    return [check.shape(0)[0], 1, 1, check.shape(0)[3]]
  }
}

extension Operator {
  /// Whether it averages whole images, whose scale differs from that of a window in the last bit.
  public var isGlobalAverage: Bool {
    if case .globalAvgPool2d = self { true } else { false }
  }
}
