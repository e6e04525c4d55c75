import SpadixTensor

/// What makes a data definition legal, apart from what its file holds.
enum DataRules {
  /// What is wrong with a random source for this element type; nil when nothing is.
  static func problem(_ source: RandomSource, _ element: ElementType) -> String? {
    switch source.distribution {
    case nil: return nil
    case .laplace(let scale):
      guard element == .f32 else { return "laplace needs f32 elements, found \(element)" }
      return scale > 0 && scale.isFinite ? nil : "laplace = \(scale): expected a positive number"
    case .uniform(let low, let high):
      guard low <= high, (high - low).isFinite else { return "low = \(low), high = \(high): expected low <= high" }
      let bounds: ClosedRange<Float>
      switch element {
      case .f32: return nil
      case .i8, .q8: bounds = -128...127
      case .i32: bounds = -0x1p30...0x1p30
      }
      let isIntegral = low == low.rounded() && high == high.rounded()
      return isIntegral && bounds.contains(low) && bounds.contains(high)
        ? nil : "low = \(low), high = \(high): expected integers that fit \(element)"
    }
  }

  /// What is wrong with a definition; nil when nothing is.
  static func problem(_ definition: DataDefinition) -> (id: String, message: String)? {
    if let problem = TypeRules.problem(definition.type) { return problem }
    switch definition.source {
    case .file: return nil
    case .random(let source): return problem(source, definition.type.element).map { ("data.random", $0) }
    case .splat(let storage): return problem(storage, count: 1, definition.type)
    case .literal(let storage): return problem(storage, count: definition.type.elementCount, definition.type)
    }
  }

  private static func problem(
    _ storage: Tensor.Storage, count: Int, _ type: TensorType
  ) -> (id: String, message: String)? {
    guard storage.matches(type.element) else {
      return ("data.type", "the elements are stored otherwise than \(type.element) is")
    }
    guard storage.count == count else {
      return (
        "data.count", "found \(counted(storage.count, "element")); expected \(count) for \(type.shortDescription)"
      )
    }
    return nil
  }
}
