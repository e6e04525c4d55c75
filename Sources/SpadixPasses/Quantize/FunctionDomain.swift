import SpadixIR

/// The part of a function's operands that matters: where hard-swish is 0, or a sigmoid 1, operands need no steps of int8.
enum FunctionDomain {
  /// Points at which a function is looked at.
  private static let points = 4096
  /// Steps of the result's type that do not count.
  private static let tolerance = 0.25

  /// Confines what functions and clamps alone read to where their results change. What lies beyond saturates in int8, and
  /// the function of the bound is that of the operand within a quarter of a step.
  ///
  /// From the last operation on: what a clamp cuts off the result of a function, the function's operand does without.
  static func confine(_ ranges: inout [ValueRange?], of graph: Graph, _ forms: [Int8Form?]) {
    let uses = UseIndex(graph)
    for (operation, form) in zip(graph.operations, forms).reversed() where form != nil {
      guard let operand = operation.operands.first, uses.hasOneUse(operand), let range = ranges[operand.index],
        let result = ranges[operation.result.index]
      else { continue }
      switch operation.op {
      case .function(let function):
        guard let unary = function.definition as? Unary else { continue }
        ranges[operand.index] = confined(range, to: unary, result)
      // In the type of the result, the clamp of what is computed rounds nothing.
      case .relu, .clamp:
        if graph.values[operand].producer != nil {
          ranges[operand.index] = range.clamped(low: result.low, high: result.high)
        }
      default: break
      }
    }
  }

  static func confined(_ range: ValueRange, to function: Unary, _ result: ValueRange) -> ValueRange {
    let width = Double(max(result.high, 0)) - Double(min(result.low, 0))
    let step = (Double(range.high) - Double(range.low)) / Double(points)
    guard width > 0, step > 0 else { return range }
    let values = (0...points).map { point in
      let value = function(Double(range.low) + Double(point) * step)
      return value.isNaN ? value : min(max(value, Double(result.low)), Double(result.high))
    }
    let flat = width / 255 * tolerance
    let low = constantPrefix(values, flat)
    let high = points - constantPrefix(values.reversed(), flat)
    guard low < high else { return range }
    return ValueRange(
      low: Float(Double(range.low) + Double(low) * step), high: Float(Double(range.low) + Double(high) * step))
  }

  /// The last of the first points that are all equal but for the tolerance.
  private static func constantPrefix(_ values: [Double], _ tolerance: Double) -> Int {
    var (least, most) = (Double.infinity, -Double.infinity)
    var last = 0
    for (index, value) in values.enumerated() {
      guard value.isFinite else { break }
      (least, most) = (min(least, value), max(most, value))
      if most - least > tolerance { break }
      last = index
    }
    return last
  }
}
