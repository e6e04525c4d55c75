/// Maximum over windows, of int8 as it is.
public struct NpuMaxPool2D: OperatorDefinition {
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

  public static let mnemonic = "npu.max_pool2d"
  public static let summary = "Maximum over windows of an int8 image"
  public static let documentation = """
    The maximum of the int8 values of the window that lie inside the image.
    """
  public static let operands = [OperandDescription("input", "int8 [N, H, W, C]")]
  public static let attributes: [AttributeField<NpuMaxPool2D>] = [
    .integers("window", \.window, count: 2, required: true, "[height, width]"),
    .integers("strides", \.strides, count: 2, "[vertical, horizontal]"),
    .integers("padding", \.padding, count: 4, "[top, left, bottom, right], each less than the window"),
  ]

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    let shape = check.pooledImage(window2D)
    check.requireInt8(0, "input")
    check.requireSameElement(0)
    return shape
  }
}
