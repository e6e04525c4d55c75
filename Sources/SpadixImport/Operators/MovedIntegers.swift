import SpadixIR

/// Integers that are moved, or confined, after they were made of real numbers and before they become such again: these are
/// moved in their place, so that there and back only rounds.
extension ModelImporter {
  /// Operations between the two that are followed back.
  private static let longestPath = 64

  /// The real numbers that a value's integers stand for; nil where something else was done to them.
  mutating func realOfMoved(_ x: PlacedValue, scale: Float, zero: Float) throws -> PlacedValue? {
    let steps = Steps(scale: scale, zero: zero)
    guard let value = try real(x.value, steps, Self.longestPath) else { return nil }
    return PlacedValue(value: value, placement: x.placement)
  }

  private struct Steps {
    let scale: Float
    let zero: Float

    func real(_ integer: Float) -> Float { (integer - zero) * scale }
  }

  private mutating func real(_ value: ValueID, _ steps: Steps, _ path: Int) throws -> ValueID? {
    if let (source, rounding) = quantized[value] { return try rounded(value, source, rounding, steps) }
    guard path > 0, let operation = emitter.graph.producer(of: value), let first = operation.operands.first else {
      return nil
    }
    switch operation.op {
    case .reshape, .transpose, .maxPool2d: break
    case .concat: if operation.operands.contains(where: emitter.graph.isConstant) { return nil }
    case .relu:
      return try confined(first, Clamp(low: 0, high: .infinity), steps, path)
    case .clamp(let clamp): return try confined(first, clamp, steps, path)
    case .function(let function):
      guard case .movement = function.definition.int8Form(operation.operands.map { emitter.graph.type(of: $0) }) else {
        return nil
      }
    default: return nil
    }
    var operands: [ValueID] = []
    for operand in operation.operands {
      guard !emitter.graph.isConstant(operand) else {
        if operand == first { return nil }
        operands.append(operand)
        continue
      }
      guard let real = try real(operand, steps, path - 1) else { return nil }
      operands.append(real)
    }
    return try emitter.emit(operation.op, operands)
  }

  private mutating func confined(_ value: ValueID, _ clamp: Clamp, _ steps: Steps, _ path: Int) throws -> ValueID? {
    if let (source, rounding) = quantized[value], let narrow = rounding.confined(clamp) {
      return try rounded(nil, source, narrow, steps)
    }
    guard let real = try real(value, steps, path - 1) else { return nil }
    let bounds = Clamp(low: steps.real(clamp.low), high: steps.real(clamp.high))
    return try emitter.emit(.clamp(bounds), [real])
  }

  private mutating func rounded(
    _ value: ValueID?, _ source: PlacedValue, _ rounding: FakeQuantize, _ steps: Steps
  ) throws -> ValueID? {
    guard rounding.scale == steps.scale, Float(rounding.zeroPoint) == steps.zero else { return nil }
    if let known = value.flatMap({ rounded[$0] }) { return known.value }
    let result = try elementwise(.computing(rounding), source)
    if let value { rounded[value] = result }
    return result.value
  }
}

extension FakeQuantize {
  /// With the integers of which a clamp leaves some; nil where it leaves none.
  fileprivate func confined(_ clamp: Clamp) -> FakeQuantize? {
    let low = max(Float(bounds[0]), clamp.low.rounded(.up))
    let high = min(Float(bounds[1]), clamp.high.rounded(.down))
    guard low <= high else { return nil }
    return FakeQuantize(scale: scale, zeroPoint: zeroPoint, bounds: [Int32(low), Int32(high)])
  }
}
