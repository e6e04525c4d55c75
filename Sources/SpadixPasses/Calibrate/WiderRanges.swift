import SpadixIR

extension Graph {
  private static let headroom: Float = 1 / 16

  /// Ranges a sixteenth wider where a value can go beyond what samples had: what products, sums and norms give, up to the
  /// bounds of their activations.
  func widened(_ ranges: [ValueRange?]) -> [ValueRange?] {
    ranges.indices.map { value -> ValueRange? in
      guard let range = ranges[value], let producer = producer(of: ValueID(value)), producer.op.isUnbounded else {
        return ranges[value]
      }
      let bounds = (producer.op.fusedActivation ?? Activation.none).bounds
      let (low, high) = (range.low * (1 + Self.headroom), range.high * (1 + Self.headroom))
      return ValueRange(
        low: min(range.low, max(low, bounds.low)), high: max(range.high, min(high, bounds.high)))
    }
  }
}

extension Operator {
  fileprivate var isUnbounded: Bool {
    switch self {
    case .conv2d, .matmul, .add, .mul, .batchNorm: true
    case .function(let function): function.definition is LayerNorm || function.definition is Binary
    case .constant, .relu, .clamp, .maxPool2d, .avgPool2d, .globalAvgPool2d, .concat, .reshape, .transpose, .pad,
      .softmax, .quantize, .dequantize, .requantize, .npu:
      false
    }
  }
}
