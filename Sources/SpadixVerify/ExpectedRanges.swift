import SpadixIR
import SpadixTensor

/// The intervals that a graph in floating point says its values lie in.
enum ExpectedRanges {
  /// By value id: what is written there, or follows from the ranges of what is moved, pooled or averaged; nil for
  /// values that nothing is said about, which then may not saturate at all.
  ///
  /// - Parameters:
  ///   - types: by value id, the types of int8 forms; nil where there is none.
  ///   - computed: the values that are computed in int8.
  static func ranges(of graph: Graph, types: [Quantization?], computed: Set<ValueID>) -> [ValueRange?] {
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
    confineFunctions(of: graph, computed, &ranges)
    confineToGivenTypes(of: graph, types, &ranges)
    return ranges
  }

  /// What a model quantizes saturates where the model says, and so does what its integers are moved from.
  private static func confineToGivenTypes(of graph: Graph, _ types: [Quantization?], _ ranges: inout [ValueRange?]) {
    var given = [ValueRange?](repeating: nil, count: graph.values.count)
    for operation in graph.operations.reversed() {
      guard let operand = operation.operands.first?.index, let type = types[operand] else { continue }
      if let fake = operation.op.fakeQuantize {
        if fake.quantization == type { given[operand] = fake.range }
        continue
      }
      switch operation.op {
      case .reshape, .transpose, .maxPool2d, .concat, .pad:
        guard let range = given[operation.result.index] else { continue }
        for operand in operation.operands where types[operand.index] == types[operation.result.index] {
          given[operand.index] = range
        }
      default: break
      }
    }
    for (value, range) in given.enumerated() where range != nil { ranges[value] = range }
  }

  /// What only a function or a clamp reads may saturate where that is flat, that is, within a third of a step of its
  /// result, as far as that may not saturate itself. A function on the host reads all of it.
  private static func confineFunctions(
    of graph: Graph, _ computed: Set<ValueID>, _ ranges: inout [ValueRange?]
  ) {
    var readers = [Int](repeating: 0, count: graph.values.count)
    for value in graph.operations.flatMap(\.operands) + graph.outputs { readers[value.index] += 1 }
    for operation in graph.operations.reversed() {
      guard let operand = operation.operands.first, readers[operand.index] == 1, let range = ranges[operand.index]
      else {
        continue
      }
      if let (low, high) = operation.op.elementwiseActivation?.bounds {
        guard graph.values[operand].producer != nil, let result = ranges[operation.result.index] else { continue }
        ranges[operand.index] = confined(confined(range, result.low, result.high), low, high)
        continue
      }
      guard computed.contains(operation.result), case .function(let function) = operation.op,
        let unary = function.definition as? Unary,
        let result = ranges[operation.result.index] ?? unary.range([range])
      else { continue }
      let flat = Double(max(result.high, 0) - min(result.low, 0)) / 255 / 3
      let cell = (range.high - range.low) / 1000
      let points = stride(from: 0, through: 1000, by: 1).map { range.low + Float($0) * cell }
      let values = points.map { point in
        let value = unary(Double(point))
        return value.isNaN ? value : min(max(value, Double(result.low)), Double(result.high))
      }
      let low = values.indices.last { end in isFlat(values[...end], flat) } ?? 0
      let high = values.indices.first { start in isFlat(values[start...], flat) } ?? 1000
      // A step between two points, as of a sign, leaves no point between the two flat ends.
      if low + 1 < high {
        ranges[operand.index] = ValueRange(low: points[low + 1], high: points[high - 1])
      } else if low < high {
        ranges[operand.index] = ValueRange(low: points[low], high: points[high])
      }
    }
  }

  private static func isFlat(_ values: ArraySlice<Double>, _ tolerance: Double) -> Bool {
    guard values.allSatisfy(\.isFinite), let least = values.min(), let most = values.max() else { return false }
    return most - least <= tolerance
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
