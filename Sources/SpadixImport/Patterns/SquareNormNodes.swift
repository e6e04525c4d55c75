import SpadixIR
import SpadixTensor

/// Normalizations and softmaxes in single steps as JAX writes them, found in the model's nodes where the last of them is
/// imported: the variance as the mean of squares less the square of the mean, sums divided by counts, everything brought to
/// its shape by Reshape and Expand.
///
/// In int8 the difference of two large squares would be nothing but noise.
extension ModelImporter {
  /// `(x - mean) * (scale / sqrt(max(mean(x^2) - mean^2, 0) + epsilon)) + bias`; nil where an addition ends no such.
  mutating func squareNorm(endingWith node: NodeReader) throws -> PlacedValue? {
    let names = node.node.inputs
    guard names.count == 2 else { return nil }
    for (product, bias) in [(names[0], names[1]), (names[1], names[0])] {
      guard case .constant(let offset)? = lookup(bias), let parts = operands(of: product, "Mul") else { continue }
      for (distance, factor) in [(parts[0], parts[1]), (parts[1], parts[0])] {
        guard let difference = operands(of: distance, "Sub"), case .computed(let x)? = lookup(difference[0]),
          let mean = try mean(unmoved(difference[1])), mean.source == difference[0],
          try lies(difference[1], along: x.shape, mean.axes)
        else { continue }
        for (inverse, scale) in factors(of: factor) {
          guard try lies(inverse, along: x.shape, mean.axes),
            let epsilon = try epsilon(of: inverse, source: mean.source, mean: mean.name, mean.axes)
          else { continue }
          var factors: ConstantTensor?
          if let scale {
            guard case .constant(let constant)? = lookup(scale) else { continue }
            factors = constant
          }
          return try norm(x, mean.axes, epsilon: epsilon, scale: factors, bias: offset)
        }
      }
    }
    return nil
  }

  /// `exp(x - max(x)) / sum(exp(x - max(x)))` along an axis; nil where a quotient is none.
  mutating func softmax(endingWith node: NodeReader) throws -> PlacedValue? {
    let names = node.node.inputs
    guard names.count == 2, let exponent = operands(of: names[0], "Exp", count: 1)?[0],
      let difference = operands(of: exponent, "Sub"), case .computed(let x)? = lookup(difference[0]),
      let sum = try reduction(unmoved(names[1]), "ReduceSum"), sum.source == names[0], sum.axes.count == 1,
      let most = try reduction(bounded(difference[1], "Max"), "ReduceMax"), most.source == difference[0],
      most.axes == sum.axes, try lies(names[1], along: x.shape, sum.axes),
      try lies(difference[1], along: x.shape, sum.axes)
    else { return nil }
    let (value, placement) = try rows(x, sum.axes)
    return PlacedValue(value: try emitter.emit(.softmax(Softmax(axis: -1)), [value]), placement: placement)
  }

  private mutating func norm(
    _ x: PlacedValue, _ axes: [Int], epsilon: Float, scale: ConstantTensor?, bias: ConstantTensor
  ) throws -> PlacedValue {
    let (value, placement) = try rows(x, axes)
    let parameters = [scale ?? ConstantTensor(.float, shape: bias.shape, .real(bias.asReals.map { _ in 1 })), bias]
    let isWhole = parameters.allSatisfy { (try? variation($0, in: x.shape)) == axes.sorted() }
    guard isWhole else {
      var result = PlacedValue(
        value: try emitter.emit(.computing(LayerNorm(epsilon: epsilon)), [value]), placement: placement)
      if let scale { result = try binary(.mul, .computed(result), .constant(scale)) }
      return try binary(.add, .computed(result), .constant(bias))
    }
    let name = emitter.name
    let vectors = try zip(parameters, [".scale", ".bias"]).map { constant, suffix in
      emitter.vector(try vector(constant, placement, axes.sorted()), name: name + suffix)
    }
    return PlacedValue(
      value: try emitter.emit(.computing(LayerNorm(epsilon: epsilon)), [value] + vectors), placement: placement)
  }

  // MARK: Nodes

  /// What an inverse deviation adds to the variance below its root; nil where the variance is not one of these.
  private mutating func epsilon(of inverse: String, source: String, mean: String, _ axes: [Int]) throws -> Float? {
    guard let sum = radicand(unmoved(inverse)) else { return nil }
    for (variance, epsilon) in [(sum[0], sum[1]), (sum[1], sum[0])] {
      guard case .constant(let constant)? = lookup(epsilon), constant.count == 1,
        let parts = operands(of: bounded(variance, "Max"), "Sub"),
        let squares = try self.mean(unmoved(parts[0])), squares.axes == axes, isSquare(squares.source, of: source),
        isSquare(unmoved(parts[1]), of: mean)
      else { continue }
      return constant.asReals[0]
    }
    return nil
  }

  private func isSquare(_ name: String, of x: String) -> Bool {
    operands(of: name, "Mul").map { $0.allSatisfy { unmoved($0) == unmoved(x) } } ?? false
  }

  /// A mean, or a sum that is divided by how many it is of: what it is of, and along which axes.
  private mutating func mean(_ name: String) throws -> (name: String, source: String, axes: [Int])? {
    if let found = try reduction(name, "ReduceMean") { return (name, found.source, found.axes) }
    for kind in ["Mul", "Div"] {
      guard let parts = operands(of: name, kind) else { continue }
      for (sum, count) in [(parts[0], parts[1]), (parts[1], parts[0])] {
        guard let found = try reduction(sum, "ReduceSum"), case .constant(let constant)? = lookup(count),
          constant.count == 1, let shape = lookup(found.source)?.shape
        else { continue }
        let elements = found.axes.reduce(1) { $0 * Float(shape[$1]) }
        let factor = kind == "Mul" ? constant.asReals[0] : 1 / constant.asReals[0]
        if (factor * elements - 1).magnitude < 1e-5 { return (name, found.source, found.axes) }
      }
    }
    return nil
  }

  private mutating func reduction(_ name: String, _ kind: String) throws -> (source: String, axes: [Int])? {
    guard let node = producers[name], node.operator == kind, let source = node.inputs.first,
      let axes = try reducedAxes(node, of: source)
    else { return nil }
    return (source, axes)
  }

  /// A value without its shape and without a bound that is a number.
  private mutating func bounded(_ name: String, _ kind: String) -> String {
    let name = unmoved(name)
    guard let parts = operands(of: name, kind) else { return name }
    for (value, bound) in [(parts[0], parts[1]), (parts[1], parts[0])] {
      if case .constant(let constant)? = lookup(bound), constant.count == 1 { return unmoved(value) }
    }
    return name
  }

  /// Whether a value has one element for each row along these axes of a shape, at the places of the rows.
  private mutating func lies(_ name: String, along shape: [Int], _ axes: [Int]) throws -> Bool {
    var name = name
    while let node = producers[name], node.operator == "Expand" { name = node.inputs[0] }
    guard let found = lookup(name)?.shape, found.count <= shape.count else { return false }
    let kept = shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
    return [Int](repeating: 1, count: shape.count - found.count) + found == kept
  }
}
