/// Exponentials along an axis, divided by their sum.
public struct Softmax: OperatorDefinition {
  /// Negative axes count from the back.
  public var axis = -1

  public init() {}
  public init(axis: Int) { self.axis = axis }

  public static let mnemonic = "nn.softmax"
  public static let summary = "Exponentials along an axis, divided by their sum"
  public static let documentation = """
    `y = exp(x - max) / sum(exp(x - max))` along the axis, each exponential rounded to Float32, summed in order.

    Quantized: the row is dequantized, taken through the same steps in Float32, and quantized.
    """
  public static let operands = [OperandDescription("input", "any shape of rank 1 or more")]
  public static let attributes: [AttributeField<Softmax>] = [
    .integer("axis", \.axis, "the axis that sums to 1; negative counts from the back")
  ]

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    guard check.minimumRank(0, "input", 1), check.axis(axis, rank: check.shape(0).count) != nil else { return nil }
    switch check.arithmetic() {
    case .real: check.requireRealResult()
    case .quantized: check.requireQuantizedResult()
    case nil: break
    }
    return check.shape(0)
  }
}
