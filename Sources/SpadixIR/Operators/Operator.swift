import SpadixTensor

/// Every operator, as a sum of payloads.
///
/// A new operator is a case here, a line in `payload` and one in `kinds`, its payload's file, and a case in each of the
/// two evaluators of SpadixReference; the compiler's exhaustiveness errors lead to every place.
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

  case npuConv2d(NpuConv2D)
  case npuMatmul(NpuMatMul)
  case npuAdd(NpuAdd)
  case npuMul(NpuMul)
  case npuMaxPool2d(NpuMaxPool2D)
  case npuAvgPool2d(NpuAvgPool2D)
  case npuRequantize(NpuRequantize)
  case npuConcat(NpuConcat)
  case npuPad(NpuPad)
  case npuReshape(NpuReshape)
  case npuTranspose(NpuTranspose)
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
    case .npuConv2d(let payload): payload
    case .npuMatmul(let payload): payload
    case .npuAdd(let payload): payload
    case .npuMul(let payload): payload
    case .npuMaxPool2d(let payload): payload
    case .npuAvgPool2d(let payload): payload
    case .npuRequantize(let payload): payload
    case .npuConcat(let payload): payload
    case .npuPad(let payload): payload
    case .npuReshape(let payload): payload
    case .npuTranspose(let payload): payload
    }
  }

  /// Every operator there is, in the order of the documentation.
  public static let kinds: [OperatorKind] = [
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
    OperatorKind(Operator.npuConv2d),
    OperatorKind(Operator.npuMatmul),
    OperatorKind(Operator.npuAdd),
    OperatorKind(Operator.npuMul),
    OperatorKind(Operator.npuMaxPool2d),
    OperatorKind(Operator.npuAvgPool2d),
    OperatorKind(Operator.npuRequantize),
    OperatorKind(Operator.npuConcat),
    OperatorKind(Operator.npuPad),
    OperatorKind(Operator.npuReshape),
    OperatorKind(Operator.npuTranspose),
  ]

  /// The name in the text: `nn.conv2d`.
  public var mnemonic: String { type(of: payload).mnemonic }

  /// Whether it is one of the operators that lowering makes, `npu.*`.
  public var isNpu: Bool { mnemonic.hasPrefix("npu.") }

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
