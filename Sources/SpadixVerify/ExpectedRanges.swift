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
    for operation in graph.operations {
      let result = operation.result.index
      if ranges[result] == nil { ranges[result] = follows(operation, operation.operands.map { ranges[$0.index] }) }
      guard let bounds = (operation.op.elementwiseActivation ?? operation.op.fusedActivation)?.bounds else { continue }
      ranges[result] = ranges[result].map { confined($0, bounds.low, bounds.high) }
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
  /// result, as far as that may not saturate itself. A function on the host reads all of it. Where all of the function is
  /// flat, the low end lies above the high one: both may be anywhere.
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
      let value = { (point: Double) in
        let value = unary(point)
        return value.isNaN ? value : min(max(value, Double(result.low)), Double(result.high))
      }
      let (low, high) = (Double(range.low), Double(range.high))
      ranges[operand.index] = ValueRange(
        low: Float(flatEnd(value, from: low, to: high, flat)), high: Float(flatEnd(value, from: high, to: low, flat)))
    }
  }

  /// How far a function is flat from one end of an interval on; the end itself where it is not finite there.
  private static func flatEnd(
    _ value: (Double) -> Double, from start: Double, to end: Double, _ tolerance: Double
  ) -> Double {
    var (least, most) = (Double.infinity, -Double.infinity)
    func isFlat(with point: Double) -> Bool {
      let value = value(point)
      return value.isFinite && max(most, value) - min(least, value) <= tolerance
    }
    let points = 1000
    var last = start
    for index in 0...points {
      let point = start + (end - start) * Double(index) / Double(points)
      if isFlat(with: point) {
        (least, most, last) = (min(least, value(point)), max(most, value(point)), point)
        continue
      }
      if index == 0 { return start }
      var beyond = point
      for _ in 0..<30 {
        let middle = (last + beyond) / 2
        if isFlat(with: middle) { last = middle } else { beyond = middle }
      }
      return beyond
    }
    return end
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
