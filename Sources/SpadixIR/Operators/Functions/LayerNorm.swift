import SpadixTensor

/// Rows along the last axis, brought to mean 0 and variance 1.
public struct LayerNorm: FunctionOperator {
  /// Added to the variance; 0 or more.
  var epsilon: Float = 1e-5

  public init() {}
  public init(epsilon: Float) { self.epsilon = epsilon }

  public static let mnemonic = "nn.layer_norm"
  public static let summary = "Rows along the last axis, brought to mean 0 and variance 1"
  public static let documentation = """
    `y = (x - mean) / sqrt(variance + epsilon) * scale + bias` with the mean and the variance of each row, summed in \
    Float64.

    Quantized: the row is dequantized, normalized in the same steps, and quantized; `scale` and `bias` stay f32.
    """
  public static let operands = [
    OperandDescription("input", "[..., C]"), OperandDescription("scale", "[C]", .optional),
    OperandDescription("bias", "[C]", .optional),
  ]
  public static let attributes: [AttributeField<LayerNorm>] = [.real("epsilon", \.epsilon, "added to the variance")]

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    guard check.minimumRank(0, "input", 1) else { return nil }
    check.realFunction(Self.operands)
    let shape = check.shape(0)
    for operand in 1..<max(1, check.operands.count) where check.shape(operand) != [shape[shape.count - 1]] {
      check.report(
        "parameters",
        "the \(Self.operands[operand].name) has shape \(check.shape(operand)); expected [\(shape[shape.count - 1])]",
        operands: [operand, 0])
    }
    if !(epsilon >= 0) { check.report("epsilon", "epsilon = \(epsilon): expected 0 or more") }
    return shape
  }

  public func int8Form(_ operands: [TensorType]) -> FunctionInt8Form { .real }

  public func evaluate(_ operands: [Tensor], _ type: TensorType) throws -> Tensor {
    let width = type.shape[type.rank - 1]
    var values = operands[0].floats
    for start in stride(from: 0, to: values.count, by: width) {
      let row = values[start..<(start + width)].map(Double.init)
      let mean = row.reduce(0, +) / Double(width)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
      let deviation = (variance + Double(epsilon)).squareRoot()
      for column in 0..<width {
        var value = Float((row[column] - mean) / deviation)
        if operands.count > 1 { value *= operands[1].floats[column] }
        if operands.count > 2 { value += operands[2].floats[column] }
        values[start + column] = value
      }
    }
    return Tensor(type, .f32(values))
  }

  public func range(_ operands: [ValueRange?]) -> ValueRange? { nil }
}
