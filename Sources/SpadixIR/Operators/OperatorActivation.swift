extension Activation {
  /// The bounds as the simplest activation that has them.
  public init(low: Float, high: Float) {
    switch (low, high) {
    case (-.infinity, .infinity): self = .none
    case (0, .infinity): self = .relu
    default: self = .clamp(low: low, high: high)
    }
  }

  /// This activation, then another one.
  public func followed(by next: Activation) -> Activation {
    let (low, high) = next.bounds
    return Activation(low: min(max(bounds.low, low), high), high: max(min(bounds.high, high), low))
  }
}

extension Operator {
  /// The activation that a relu or clamp applies; nil for every other operator.
  public var elementwiseActivation: Activation? {
    switch self {
    case .relu: .relu
    case .clamp(let clamp): Activation(low: clamp.low, high: clamp.high)
    case .constant, .conv2d, .matmul, .add, .mul, .maxPool2d, .avgPool2d, .globalAvgPool2d, .concat, .reshape,
      .transpose, .pad, .batchNorm, .softmax, .quantize, .dequantize, .requantize, .function, .npu:
      nil
    }
  }

  /// The activation fused into an nn operator; nil for operators that cannot have one.
  public var fusedActivation: Activation? {
    get {
      switch self {
      case .conv2d(let payload): payload.activation
      case .matmul(let payload): payload.activation
      case .add(let payload): payload.activation
      case .mul(let payload): payload.activation
      case .avgPool2d(let payload): payload.activation
      case .globalAvgPool2d(let payload): payload.activation
      case .requantize(let payload): payload.activation
      case .constant, .relu, .clamp, .maxPool2d, .concat, .reshape, .transpose, .pad, .batchNorm, .softmax, .quantize,
        .dequantize, .function, .npu:
        nil
      }
    }
    set {
      guard let newValue else { return }
      switch self {
      case .conv2d(var payload):
        payload.activation = newValue
        self = .conv2d(payload)
      case .matmul(var payload):
        payload.activation = newValue
        self = .matmul(payload)
      case .add(var payload):
        payload.activation = newValue
        self = .add(payload)
      case .mul(var payload):
        payload.activation = newValue
        self = .mul(payload)
      case .avgPool2d(var payload):
        payload.activation = newValue
        self = .avgPool2d(payload)
      case .globalAvgPool2d(var payload):
        payload.activation = newValue
        self = .globalAvgPool2d(payload)
      case .requantize(var payload):
        payload.activation = newValue
        self = .requantize(payload)
      case .constant, .relu, .clamp, .maxPool2d, .concat, .reshape, .transpose, .pad, .batchNorm, .softmax, .quantize,
        .dequantize, .function, .npu:
        break
      }
    }
  }
}
