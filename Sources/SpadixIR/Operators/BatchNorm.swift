/// Normalization with statistics from training.
public struct BatchNorm: OperatorDefinition {
  /// Added to the variance; finite, 0 or more.
  public var epsilon: Float = 1e-5

  public init() {}
  public init(epsilon: Float) { self.epsilon = epsilon }

  public static let mnemonic = "nn.batch_norm"
  public static let summary = "Normalization of each channel with statistics from training"
  public static let documentation = """
    `y = (x - mean) / sqrt(variance + epsilon) * scale + bias`, along the last axis; f32 only. The pass `fold-constants` \
    puts it into the weights of the convolution or matrix product before it.
    """
  public static let operands = [
    OperandDescription("input", "[..., C]"), OperandDescription("scale", "[C]"), OperandDescription("bias", "[C]"),
    OperandDescription("mean", "[C]"), OperandDescription("variance", "[C]"),
  ]
  public static let attributes: [AttributeField<BatchNorm>] = [
    .real("epsilon", \.epsilon, "added to the variance; positive or zero")
  ]

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    guard check.minimumRank(0, "input", 1) else { return nil }
    let channels = [check.shape(0)[check.shape(0).count - 1]]
    check.requireF32(0, "input")
    for operand in 1..<5 {
      let name = Self.operands[operand].name
      check.requireF32(operand, name)
      if check.shape(operand) != channels {
        check.report(
          "channels", "the \(name) has shape \(check.shape(operand)); expected \(channels), the last axis of the input",
          operands: [0, operand])
      }
    }
    if !(epsilon >= 0 && epsilon.isFinite) {
      check.report("epsilon", "epsilon = \(epsilon): expected a finite number of at least 0")
    }
    check.requireRealResult()
    return check.shape(0)
  }
}
