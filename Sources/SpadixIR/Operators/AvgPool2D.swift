/// Mean over windows.
public struct AvgPool2D: OperatorDefinition {
  /// [height, width]
  public var window: [Int] = []
  /// [vertical, horizontal]
  public var strides = [1, 1]
  /// [top, left, bottom, right]
  public var padding = [0, 0, 0, 0]
  /// Whether elements of the padding count, as zeros, or the mean is over the elements inside the image only.
  public var countIncludePad = false
  /// Applied to the mean before it is rounded.
  public var activation = Activation.none

  public init() {}
  public init(
    window: [Int], strides: [Int] = [1, 1], padding: [Int] = [0, 0, 0, 0], countIncludePad: Bool = false,
    activation: Activation = .none
  ) {
    self.window = window
    self.strides = strides
    self.padding = padding
    self.countIncludePad = countIncludePad
    self.activation = activation
  }

  /// Window, strides and padding together.
  public var window2D: Window2D { Window2D(size: window, strides: strides, padding: padding) }

  public static let mnemonic = "nn.avg_pool2d"
  public static let summary = "Mean over windows of an image"
  public static let documentation = """
    The sum over the window divided by its size with `count_include_pad`, or by the number of its elements inside the \
    image.

    Quantized: `acc = sum (q - zx)`, then `clamp(round_half_even(float32(acc) * ((sx / sy) * (1 / n))) + zy)` with n \
    the size of the window; with padding this needs `count_include_pad = true`.
    """
  public static let operands = [OperandDescription("input", "[N, H, W, C]")]
  public static let attributes: [AttributeField<AvgPool2D>] =
    [
      .integers("window", \.window, count: 2, required: true, "[height, width]"),
      .integers("strides", \.strides, count: 2, "[vertical, horizontal]"),
      .integers("padding", \.padding, count: 4, "[top, left, bottom, right], each less than the window"),
      .flag("count_include_pad", \.countIncludePad, "elements of the padding count, as zeros"),
    ] + .activation(\.activation)

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    let shape = check.pooledImage(window2D)
    check.activation(activation)
    switch check.arithmetic() {
    case .real: check.requireRealResult()
    case .quantized:
      check.requireQuantizedResult()
      if !countIncludePad, padding.contains(where: { $0 != 0 }) {
        check.report(
          "padding", "a quantized average with padding = \(padding); expected count_include_pad = true or no padding",
          help: "leave this operator in f32, between nn.dequantize and nn.quantize")
      }
    case nil: break
    }
    return shape
  }
}
