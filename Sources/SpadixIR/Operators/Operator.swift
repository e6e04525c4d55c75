import SpadixTensor

/// Every operator: those that passes know one by one as payloads of their own, those that say themselves what they
/// compute as functions, and what lowering makes of both.
public enum Operator: Hashable, Sendable {
  case constant(Constant)
  case conv2d(Conv2D)
  case matmul(MatMul)
  case add(Add)
  case mul(Mul)
  case relu(Relu)
  case clamp(Clamp)
  case maxPool2d(MaxPool2D)
  case avgPool2d(AvgPool2D)
  case globalAvgPool2d(GlobalAvgPool2D)
  case concat(Concat)
  case reshape(Reshape)
  case transpose(Transpose)
  case pad(Pad)
  case batchNorm(BatchNorm)
  case softmax(Softmax)
  case quantize(Quantize)
  case dequantize(Dequantize)
  case requantize(Requantize)
  case function(OperatorFunction)
  case npu(NpuOperator)
}

extension Operator {
  /// The operator's definition together with its attributes.
  public var payload: any OperatorDefinition {
    switch self {
    case .constant(let payload): payload
    case .conv2d(let payload): payload
    case .matmul(let payload): payload
    case .add(let payload): payload
    case .mul(let payload): payload
    case .relu(let payload): payload
    case .clamp(let payload): payload
    case .maxPool2d(let payload): payload
    case .avgPool2d(let payload): payload
    case .globalAvgPool2d(let payload): payload
    case .concat(let payload): payload
    case .reshape(let payload): payload
    case .transpose(let payload): payload
    case .pad(let payload): payload
    case .batchNorm(let payload): payload
    case .softmax(let payload): payload
    case .quantize(let payload): payload
    case .dequantize(let payload): payload
    case .requantize(let payload): payload
    case .function(let function): function.definition
    case .npu(let npu): npu.payload
    }
  }

  /// Every operator there is, in the order of the documentation.
  public static let kinds: [OperatorKind] =
    [
      OperatorKind(Operator.constant),
      OperatorKind(Operator.conv2d),
      OperatorKind(Operator.matmul),
      OperatorKind(Operator.add),
      OperatorKind(Operator.mul),
      OperatorKind(Operator.relu),
      OperatorKind(Operator.clamp),
      OperatorKind(Operator.maxPool2d),
      OperatorKind(Operator.avgPool2d),
      OperatorKind(Operator.globalAvgPool2d),
      OperatorKind(Operator.concat),
      OperatorKind(Operator.reshape),
      OperatorKind(Operator.transpose),
      OperatorKind(Operator.pad),
      OperatorKind(Operator.batchNorm),
      OperatorKind(Operator.softmax),
      OperatorKind(Operator.quantize),
      OperatorKind(Operator.dequantize),
      OperatorKind(Operator.requantize),
    ] + OperatorFunction.kinds + NpuOperator.kinds

  /// The name in the text: `nn.conv2d`.
  public var mnemonic: String { type(of: payload).mnemonic }

  /// Whether it is one of the operators that lowering makes.
  public var isNpu: Bool { if case .npu = self { true } else { false } }

  /// The result's shape from the operands' types alone; nil where a rule is broken, and for a reshape, whose shape only
  /// its result type says.
  public func inferredShape(_ operandTypes: [TensorType]) -> [Int]? {
    guard OperatorKind.named(mnemonic)?.accepts(operandCount: operandTypes.count) == true else { return nil }
    var check = OperatorCheck(
      operands: operandTypes.map { OperatorCheck.Operand(type: $0, isConstant: true) }, resultType: nil)
    let shape = payload.resultShape(&check)
    return check.problems.isEmpty ? shape : nil
  }
}
