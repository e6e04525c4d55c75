import SpadixTensor

/// Tensors joined along an axis.
public struct Concat: OperatorDefinition {
  /// Negative axes count from the back.
  public var axis = -1

  public init() {}
  public init(axis: Int) { self.axis = axis }

  public static let mnemonic = "nn.concat"
  public static let summary = "Tensors joined along an axis"
  public static let documentation = """
    The operands agree in every dimension but that of the axis, and in their element type, which is the result's.
    """
  public static let operands = [OperandDescription("inputs", "tensors of one rank", .variadic)]
  public static let attributes: [AttributeField<Concat>] = [
    .integer("axis", \.axis, required: true, "the axis to join along; negative counts from the back")
  ]

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    let shape = check.concatenated(axis: axis)
    if check.arithmetic() != nil {
      for operand in check.operands.indices.dropFirst() where check.element(operand) != check.element(0) {
        check.report(
          "elements",
          "operands 0 and \(operand) have elements \(check.element(0)) and \(check.element(operand)); expected equal",
          operands: [0, operand],
          help: check.element(operand).isQuantized ? "change a scale with nn.requantize" : nil)
      }
      check.requireSameElement(0)
    }
    return shape
  }
}

extension OperatorCheck {
  /// The shape of the operands joined along an axis.
  mutating func concatenated(axis: Int) -> [Int]? {
    guard let axis = self.axis(axis, rank: shape(0).count) else { return nil }
    var result = shape(0)
    for operand in operands.indices.dropFirst() {
      var other = shape(operand)
      guard other.count == result.count else {
        report(
          "shapes", "operands 0 and \(operand) have shapes \(shape(0)) and \(other); expected equal ranks",
          operands: [0, operand])
        return nil
      }
      let length = other[axis]
      other[axis] = result[axis]
      guard other == result else {
        report(
          "shapes",
          "operands 0 and \(operand) have shapes \(shape(0)) and \(shape(operand)); expected equal ones but for "
            + "axis \(axis)", operands: [0, operand])
        return nil
      }
      result[axis] += length
      guard TensorType.checkedElementCount(result) != nil else {
        report("shapes", "the joined tensor has shape \(result), more elements than a tensor may have")
        return nil
      }
    }
    return result
  }
}
