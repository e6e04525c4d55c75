/// Axes in another order.
public struct Transpose: OperatorDefinition {
  /// Axis i of the result is axis `permutation[i]` of the operand.
  public var permutation: [Int] = []

  public init() {}
  public init(permutation: [Int]) { self.permutation = permutation }

  public static let mnemonic = "nn.transpose"
  public static let summary = "Axes in another order"
  public static let documentation = """
    Axis i of the result is axis `permutation[i]` of the operand: `{permutation = [0, 3, 1, 2]}` makes NCHW of NHWC.
    """
  public static let operands = [OperandDescription("input", "any shape")]
  public static let attributes: [AttributeField<Transpose>] = [
    .integers("permutation", \.permutation, required: true, "the operand's axes in the order of the result's")
  ]

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    if check.arithmetic() != nil { check.requireSameElement(0) }
    return check.permuted(permutation)
  }
}

extension OperatorCheck {
  mutating func permuted(_ permutation: [Int]) -> [Int]? {
    let shape = shape(0)
    guard permutation.sorted() == Array(shape.indices) else {
      report(
        "permutation", "permutation = \(permutation): expected each of the operand's \(shape.count) axes once",
        operands: [0])
      return nil
    }
    return permutation.map { shape[$0] }
  }
}
