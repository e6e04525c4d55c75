import SpadixTensor

/// Elementwise sum.
public struct Add: OperatorDefinition {
  /// What quantized addends are multiplied with before they are summed.
  public var multipliers: [Int32] = [1, 1]
  /// Applied to the sum before it is rounded.
  public var activation = Activation.none

  public init() {}

  public static let mnemonic = "nn.add"
  public static let summary = "Elementwise sum of two tensors of one shape"
  public static let documentation = """
    Quantized: `acc = ka * (qa - za) + kb * (qb - zb)`, then \
    `clamp(round_half_even(float32(acc) * ((sa / ka) / sy)) + zy)`. The addends must agree on what an accumulator step \
    is worth: `sa / ka = sb / kb` within one part in 100,000; `nn.requantize` changes an addend's scale.
    """
  public static let operands = [OperandDescription("a", "any shape"), OperandDescription("b", "the shape of a")]
  public static let attributes: [AttributeField<Add>] =
    [
      .integers("multipliers", \.multipliers, count: 2, "quantized only: [ka, kb], each in 1...1016")
    ] + .activation(\.activation)

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    guard check.sameShapes() else { return nil }
    check.activation(activation)
    switch check.arithmetic() {
    case .real:
      check.requireF32(1, "second addend")
      check.requireRealResult()
    case .quantized:
      check.requirePerTensor(1, "second addend")
      check.requireQuantizedResult()
      guard check.multipliers("multipliers", multipliers, counts: [2]) else { break }
      checkScales(&check)
    case nil: break
    }
    return check.shape(0)
  }

  private func checkScales(_ check: inout OperatorCheck) {
    guard let a = check.element(0).quantization, let b = check.element(1).quantization, b.isPerTensor else { return }
    let left = Double(a.scale) / Double(multipliers[0])
    let right = Double(b.scale) / Double(multipliers[1])
    if abs(left - right) <= 1e-5 * max(left, right) { return }
    let divided = multipliers == [1, 1] ? "" : " divided by their multipliers \(multipliers)"
    check.report(
      "scales", "the addends have scales \(a.scale) and \(b.scale)\(divided); expected equal scales",
      operands: [0, 1], help: "insert nn.requantize before the addend of the smaller scale")
  }
}

extension OperatorCheck {
  mutating func sameShapes() -> Bool {
    if shape(0) == shape(1) { return true }
    report("shapes", "the operands have shapes \(shape(0)) and \(shape(1)); expected equal shapes", operands: [0, 1])
    return false
  }
}
