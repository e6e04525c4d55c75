import SpadixTensor

/// A tensor with a border around it.
public struct Pad: OperatorDefinition {
  /// Elements before the first of each axis.
  public var low: [Int] = []
  /// Elements after the last of each axis.
  public var high: [Int] = []
  /// The real value of the border.
  public var value: Float = 0

  public init() {}
  public init(low: [Int], high: [Int], value: Float = 0) {
    self.low = low
    self.high = high
    self.value = value
  }

  public static let mnemonic = "nn.pad"
  public static let summary = "A border of one value around a tensor"
  public static let documentation = """
    Quantized: the border is `value` quantized with the operand's scale and zero point; the result has its quantization.
    """
  public static let operands = [OperandDescription("input", "any shape")]
  public static let attributes: [AttributeField<Pad>] = [
    .integers("low", \.low, required: true, "elements before each axis"),
    .integers("high", \.high, required: true, "elements after each axis"),
    .real("value", \.value, "the real value of the border"),
  ]

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    if check.arithmetic() != nil { check.requireSameElement(0) }
    if value.isNaN { check.report("value", "value = nan: expected a number") }
    return check.padded(low: low, high: high)
  }
}

extension OperatorCheck {
  mutating func padded(low: [Int], high: [Int]) -> [Int]? {
    let shape = shape(0)
    let bounds = 0...TensorType.maximumElementCount
    guard integers("low", low, count: shape.count, in: bounds, rule: "low"),
      integers("high", high, count: shape.count, in: bounds, rule: "high")
    else { return nil }
    return shape.indices.map { low[$0] + shape[$0] + high[$0] }
  }
}
