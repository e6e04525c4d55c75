/// Maximum over windows.
public struct MaxPool2D: OperatorDefinition {
  /// [height, width]
  public var window: [Int] = []
  /// [vertical, horizontal]
  public var strides = [1, 1]
  /// [top, left, bottom, right]
  public var padding = [0, 0, 0, 0]

  public init() {}
  public init(window: [Int], strides: [Int] = [1, 1], padding: [Int] = [0, 0, 0, 0]) {
    self.window = window
    self.strides = strides
    self.padding = padding
  }

  /// Window, strides and padding together.
  public var window2D: Window2D { Window2D(size: window, strides: strides, padding: padding) }

  public static let mnemonic = "nn.max_pool2d"
  public static let summary = "Maximum over windows of an image"
  public static let documentation = """
    The maximum over the elements of the window that lie inside the image; padding takes no part. The result has the \
    operand's element type, quantization included.
    """
  public static let operands = [OperandDescription("input", "[N, H, W, C]")]
  public static let attributes: [AttributeField<MaxPool2D>] = [
    .integers("window", \.window, count: 2, required: true, "[height, width]"),
    .integers("strides", \.strides, count: 2, "[vertical, horizontal]"),
    .integers("padding", \.padding, count: 4, "[top, left, bottom, right], each less than the window"),
  ]

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    let shape = check.pooledImage(window2D)
    if check.arithmetic() != nil { check.requireSameElement(0) }
    return shape
  }
}

extension OperatorCheck {
  /// The shape that pooling an NHWC image gives.
  mutating func pooledImage(_ window: Window2D) -> [Int]? {
    guard rank(0, "input", 4, layout: "[N, H, W, C]"), pooling(window) else { return nil }
    let input = shape(0)
    guard let size = windowed(window, over: [input[1], input[2]]) else { return nil }
    return [input[0], size[0], size[1], input[3]]
  }
}
