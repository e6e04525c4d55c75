/// The same elements under another shape.
public struct Reshape: OperatorDefinition {
  public init() {}

  public static let mnemonic = "nn.reshape"
  public static let summary = "The same elements, row-major, under another shape"
  public static let documentation = """
    The new shape is that of the result type: `%flat = nn.reshape %x : f32[1, 1024]`.
    """
  public static let operands = [OperandDescription("input", "any shape")]
  public static let attributes: [AttributeField<Reshape>] = []

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    if check.arithmetic() != nil { check.requireSameElement(0) }
    return check.reshaped()
  }
}

extension OperatorCheck {
  /// The result's shape, if it has as many elements as the operand's. Without a result type nothing can be said.
  mutating func reshaped() -> [Int]? {
    guard let result = resultType else { return nil }
    if type(0).checkedElementCount == result.checkedElementCount { return result.shape }
    let found = result.checkedElementCount.map(String.init) ?? "too many"
    report(
      "count",
      "the result \(result.shape) has \(found) elements; expected "
        + "\(type(0).checkedElementCount.map(String.init) ?? "as many"), as the operand \(shape(0)) has", operands: [0])
    return nil
  }
}
