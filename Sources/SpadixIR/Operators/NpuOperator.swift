/// What lowering makes of nn operators: everything that the machine needs, in explicit integers.
public enum NpuOperator: Hashable, Sendable {
  case conv2d(NpuConv2D)
  case matmul(NpuMatMul)
  case add(NpuAdd)
  case mul(NpuMul)
  case maxPool2d(NpuMaxPool2D)
  case avgPool2d(NpuAvgPool2D)
  case requantize(NpuRequantize)
  case concat(NpuConcat)
  case pad(NpuPad)
  case reshape(NpuReshape)
  case transpose(NpuTranspose)

  var payload: any OperatorDefinition {
    switch self {
    case .conv2d(let payload): payload
    case .matmul(let payload): payload
    case .add(let payload): payload
    case .mul(let payload): payload
    case .maxPool2d(let payload): payload
    case .avgPool2d(let payload): payload
    case .requantize(let payload): payload
    case .concat(let payload): payload
    case .pad(let payload): payload
    case .reshape(let payload): payload
    case .transpose(let payload): payload
    }
  }

  static let kinds: [OperatorKind] = [
    OperatorKind { .npu(.conv2d($0)) },
    OperatorKind { .npu(.matmul($0)) },
    OperatorKind { .npu(.add($0)) },
    OperatorKind { .npu(.mul($0)) },
    OperatorKind { .npu(.maxPool2d($0)) },
    OperatorKind { .npu(.avgPool2d($0)) },
    OperatorKind { .npu(.requantize($0)) },
    OperatorKind { .npu(.concat($0)) },
    OperatorKind { .npu(.pad($0)) },
    OperatorKind { .npu(.reshape($0)) },
    OperatorKind { .npu(.transpose($0)) },
  ]
}
