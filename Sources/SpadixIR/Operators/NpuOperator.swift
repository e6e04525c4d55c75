/// What lowering makes of nn operators: everything that the machine needs, in explicit integers.
public enum NpuOperator: Hashable, Sendable {
  case conv2d(NpuConv2D)
  case matmul(NpuMatMul)
  case add(NpuAdd)
  case mul(NpuMul)
  case binary(NpuBinary)
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
    case .binary(let payload): payload
    case .maxPool2d(let payload): payload
    case .avgPool2d(let payload): payload
    case .requantize(let payload): payload
    case .concat(let payload): payload
    case .pad(let payload): payload
    case .reshape(let payload): payload
    case .transpose(let payload): payload
    }
  }

  /// How results leave the accumulator, where sums become int8.
  public var output: OutputStage? {
    get { (payload as? any OutputStageOperator)?.output }
    set {
      guard let newValue else { return }
      switch self {
      case .conv2d(var payload):
        payload.output = newValue
        self = .conv2d(payload)
      case .matmul(var payload):
        payload.output = newValue
        self = .matmul(payload)
      case .add(var payload):
        payload.output = newValue
        self = .add(payload)
      case .mul(var payload):
        payload.output = newValue
        self = .mul(payload)
      case .binary(var payload):
        payload.output = newValue
        self = .binary(payload)
      case .avgPool2d(var payload):
        payload.output = newValue
        self = .avgPool2d(payload)
      case .requantize(var payload):
        payload.output = newValue
        self = .requantize(payload)
      case .maxPool2d, .concat, .pad, .reshape, .transpose: break
      }
    }
  }

  static let kinds: [OperatorKind] = [
    OperatorKind { .npu(.conv2d($0)) },
    OperatorKind { .npu(.matmul($0)) },
    OperatorKind { .npu(.add($0)) },
    OperatorKind { .npu(.mul($0)) },
    OperatorKind { .npu(.binary($0)) },
    OperatorKind { .npu(.maxPool2d($0)) },
    OperatorKind { .npu(.avgPool2d($0)) },
    OperatorKind { .npu(.requantize($0)) },
    OperatorKind { .npu(.concat($0)) },
    OperatorKind { .npu(.pad($0)) },
    OperatorKind { .npu(.reshape($0)) },
    OperatorKind { .npu(.transpose($0)) },
  ]
}
