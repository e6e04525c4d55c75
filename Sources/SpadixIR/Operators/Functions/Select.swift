import SpadixTensor

/// Elements of one tensor or another.
public struct Select: FunctionOperator {
  public init() {}

  public static let mnemonic = "nn.select"
  public static let summary = "Elements of one tensor where a condition holds, of another elsewhere"
  public static let documentation = """
    `y = condition != 0 ? a : b`; the three are broadcast as numpy does.

    Quantized: int8 operands are dequantized, and the element chosen is quantized.
    """
  public static let operands = [
    OperandDescription("condition", "any shape"), OperandDescription("a", "where it is not 0"),
    OperandDescription("b", "where it is 0"),
  ]
  public static let attributes: [AttributeField<Select>] = []

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    check.realFunction(Self.operands)
    return check.broadcast()
  }

  public func int8Form(_ operands: [TensorType]) -> FunctionInt8Form { .real }

  public func evaluate(_ operands: [Tensor], _ type: TensorType) throws -> Tensor {
    let all = operands.map { Broadcast.expand($0.floats, $0.type.shape, to: type.shape) }
    return Tensor(type, .f32(all[0].indices.map { all[0][$0] != 0 ? all[1][$0] : all[2][$0] }))
  }

  public func range(_ operands: [ValueRange?]) -> ValueRange? {
    guard let a = operands[1], let b = operands[2] else { return nil }
    return ValueRange(low: min(a.low, b.low), high: max(a.high, b.high))
  }
}
