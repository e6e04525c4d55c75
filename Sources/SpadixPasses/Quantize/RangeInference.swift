import SpadixIR
import SpadixTensor

/// Ranges of values that nobody measured, from those of others.
enum RangeInference {
  /// Fills in what follows from the ranges that are known. `ranges` is indexed by value id.
  static func complete(_ ranges: inout [ValueRange?], of graph: Graph) {
    forward(&ranges, graph)
    for operation in graph.operations.reversed() where ranges[operation.operands.first?.index ?? 0] == nil {
      switch operation.op {
      case .reshape, .transpose: ranges[operation.operands[0].index] = ranges[operation.result.index]
      case .constant, .conv2d, .matmul, .add, .mul, .relu, .clamp, .maxPool2d, .avgPool2d, .globalAvgPool2d, .concat,
        .pad, .batchNorm, .softmax, .quantize, .dequantize, .requantize, .function, .npu:
        break
      }
    }
    forward(&ranges, graph)
  }

  private static func forward(_ ranges: inout [ValueRange?], _ graph: Graph) {
    for operation in graph.operations {
      let known =
        ranges[operation.result.index] ?? result(of: operation.op, operation.operands.map { ranges[$0.index] })
      let (low, high) = operation.op.bounds
      if let known {
        ranges[operation.result.index] = known.clamped(low: low, high: high)
      } else if low.isFinite, high.isFinite {
        ranges[operation.result.index] = ValueRange(low: low, high: high)
      }
    }
  }

  /// What an operator's result can be at most, before its activation; nil where the operands do not say.
  fileprivate static func result(of op: Operator, _ operands: [ValueRange?]) -> ValueRange? {
    switch op {
    case .maxPool2d, .reshape, .transpose, .relu, .clamp:
      operands[0]
    case .avgPool2d(let pool):
      pool.padding.contains { $0 != 0 } ? operands[0]?.hull(ValueRange(low: 0, high: 0)) : operands[0]
    case .globalAvgPool2d:
      operands[0]
    case .pad(let pad):
      pad.value.isFinite ? operands[0]?.hull(ValueRange(low: pad.value, high: pad.value)) : operands[0]
    case .concat:
      operands.allSatisfy { $0 != nil } ? operands.compactMap { $0 }.reduce(nil) { $0?.hull($1) ?? $1 } : nil
    case .softmax:
      ValueRange(low: 0, high: 1)
    case .function(let function):
      function.definition.range(operands)
    case .constant, .conv2d, .matmul, .add, .mul, .batchNorm, .quantize, .dequantize, .requantize, .npu:
      nil
    }
  }
}

extension Graph {
  /// The range that is written at a value, or that follows from the range written at what it is moved, pooled, averaged or
  /// clamped from; nil where neither is known.
  func knownRange(of value: ValueID) -> ValueRange? {
    var path: [Operator] = []
    var current = value
    while values[current].calibration == nil {
      guard let producer = producer(of: current), producer.operands.count == 1 else { return nil }
      path.append(producer.op)
      current = producer.operands[0]
    }
    return path.reversed().reduce(values[current].calibration) { range, op in
      range.flatMap { RangeInference.result(of: op, [$0]) }?.clamped(low: op.bounds.low, high: op.bounds.high)
    }
  }
}

extension Operator {
  /// The interval that the operator confines its results to, by what it is or by its fused activation.
  fileprivate var bounds: (low: Float, high: Float) { (elementwiseActivation ?? fusedActivation ?? .none).bounds }
}

extension Quantization {
  /// The real values that a per-tensor type reaches.
  var representable: ValueRange {
    ValueRange(low: Float(-128 - zeroPoint) * scale, high: Float(127 - zeroPoint) * scale)
  }
}

extension ValueRange {
  /// The smallest interval that holds both.
  func hull(_ other: ValueRange) -> ValueRange {
    ValueRange(low: min(low, other.low), high: max(high, other.high))
  }

  /// What a clamp leaves of the interval.
  func clamped(low: Float, high: Float) -> ValueRange {
    ValueRange(low: min(max(self.low, low), high), high: max(min(self.high, high), low))
  }
}
