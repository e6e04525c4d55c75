import SpadixIR

/// The intervals that a graph in floating point says its values lie in.
enum ExpectedRanges {
  /// By value id: what is written there, or follows from the ranges of what is moved, pooled or averaged; nil for values
  /// that nothing is said about, which then may not saturate at all.
  static func ranges(of graph: Graph) -> [ValueRange?] {
    var ranges = graph.values.map(\.calibration)
    for operation in graph.operations where ranges[operation.result.index] == nil {
      ranges[operation.result.index] = follows(operation, operation.operands.map { ranges[$0.index] })
    }
    for operation in graph.operations.reversed() {
      switch operation.op {
      // The same elements, so that what is said of one holds for the other.
      case .reshape, .transpose:
        let operand = operation.operands[0].index
        ranges[operand] = ranges[operand] ?? ranges[operation.result.index]
      default: break
      }
    }
    return ranges
  }

  private static func follows(_ operation: Operation, _ operands: [ValueRange?]) -> ValueRange? {
    switch operation.op {
    case .reshape, .transpose, .maxPool2d: return operands[0]
    case .relu: return operands[0].map { confined($0, 0, .infinity) }
    case .clamp(let clamp): return operands[0].map { confined($0, clamp.low, clamp.high) }
    case .concat:
      let known = operands.compactMap { $0 }
      guard known.count == operands.count, let low = known.map(\.low).min(), let high = known.map(\.high).max() else {
        return nil
      }
      return ValueRange(low: low, high: high)
    default: return nil
    }
  }

  private static func confined(_ range: ValueRange, _ low: Float, _ high: Float) -> ValueRange {
    ValueRange(low: min(max(range.low, low), high), high: min(max(range.high, low), high))
  }
}
