/// `min(max(x, low), high)`.
public struct Clamp: OperatorDefinition {
  /// In real numbers, also where the operand is quantized.
  public var low: Float = -.infinity
  /// In real numbers, at least `low`.
  public var high: Float = .infinity

  public init() {}
  public init(low: Float, high: Float) {
    self.low = low
    self.high = high
  }

  public static let mnemonic = "nn.clamp"
  public static let summary = "Elementwise restriction to an interval"
  public static let documentation = """
    `min(max(x, low), high)`; ReLU6 is `{low = 0.0, high = 6.0}`. A bound that is not given does not restrict.

    Quantized: the bounds are quantized with the operand's scale and zero point; the result has its quantization.
    """
  public static let operands = [OperandDescription("input", "any shape")]
  public static let attributes: [AttributeField<Clamp>] = [
    .real("low", \.low, "lower bound"), .real("high", \.high, "upper bound"),
  ]

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    check.interval(low: low, high: high)
    if check.arithmetic() != nil { check.requireSameElement(0) }
    return check.shape(0)
  }
}
