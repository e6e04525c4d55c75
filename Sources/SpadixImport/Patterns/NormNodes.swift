import SpadixIR
import SpadixTensor

/// Normalizations as Keras writes them, found in the model's nodes where the last of them is imported: as a scale and an
/// offset of each row, `x * m + (bias - mean * m)` with `m = scale / sqrt(variance + epsilon)`, or as a batch normalization
/// by statistics of its own input.
///
/// As one operator they keep their meaning in int8, where means and variances on their own lose it.
extension ModelImporter {
  /// The normalization that an addition ends; nil where it is none.
  mutating func rowNorm(endingWith node: NodeReader) throws -> PlacedValue? {
    let names = node.node.inputs
    guard names.count == 2 else { return nil }
    for (first, second) in [(names[0], names[1]), (names[1], names[0])] {
      guard let scaled = operands(of: first, "Mul"), let rest = operands(of: second, "Sub"),
        let moved = operands(of: rest[1], "Mul")
      else { continue }
      for (x, factor) in [(scaled[0], scaled[1]), (scaled[1], scaled[0])] {
        guard let position = moved.firstIndex(of: factor) else { continue }
        let mean = moved[1 - position]
        guard let axes = try axes(ofMean: mean, of: x) else { continue }
        for (inverse, scale) in factors(of: factor) {
          guard let sum = radicand(inverse) else { continue }
          for (variance, epsilon) in [(sum[0], sum[1]), (sum[1], sum[0])] {
            guard try isVariance(variance, of: x, mean: mean, axes),
              case .constant(let constant)? = lookup(epsilon), constant.count == 1,
              case .computed(let input)? = lookup(x)
            else { continue }
            var result = try rowNorm(input, axes, epsilon: constant.asReals[0])
            if let scale, let value = lookup(scale) { result = try binary(.mul, .computed(result), value) }
            guard let bias = lookup(rest[0]) else { return nil }
            return try binary(.add, .computed(result), bias)
          }
        }
      }
    }
    return nil
  }

  /// A batch normalization by the statistics of its own input, but for the scale and the bias; nil where it is none.
  mutating func channelNorm(_ node: NodeReader, epsilon: Float) throws -> PlacedValue? {
    let names = node.node.inputs
    guard names.count == 5, case .computed(let x)? = lookup(names[0]) else { return nil }
    let mean = unmoved(names[3])
    let axes = x.shape.indices.filter { $0 != 1 }
    guard try self.axes(ofMean: mean, of: names[0]) == axes,
      try isVariance(unmoved(names[4]), of: names[0], mean: mean, axes)
    else { return nil }
    return try rowNorm(x, axes, epsilon: epsilon)
  }

  private mutating func rowNorm(_ x: PlacedValue, _ axes: [Int], epsilon: Float) throws -> PlacedValue {
    let (value, placement) = try rows(x, axes)
    return PlacedValue(
      value: try emitter.emit(.computing(LayerNorm(epsilon: epsilon)), [value]), placement: placement)
  }

  // MARK: Nodes

  func operands(of name: String, _ kind: String, count: Int = 2) -> [String]? {
    guard let node = producers[name], node.operator == kind, node.inputs.count >= count else { return nil }
    return node.inputs
  }

  /// A value without what only gives it another shape.
  func unmoved(_ name: String) -> String {
    var name = name
    while let node = producers[name], ["Squeeze", "Unsqueeze", "Reshape", "Expand", "Identity"].contains(node.operator)
    {
      name = node.inputs[0]
    }
    return name
  }

  /// A factor as an inverse deviation and a scale, in either order; the scale may be missing.
  func factors(of name: String) -> [(inverse: String, scale: String?)] {
    guard let parts = operands(of: name, "Mul") else { return [(name, nil)] }
    return [(parts[0], parts[1]), (parts[1], parts[0])]
  }

  /// The two addends below an inverse root.
  func radicand(_ name: String) -> [String]? {
    guard let root = operands(of: name, "Reciprocal", count: 1).flatMap({ operands(of: $0[0], "Sqrt", count: 1) })
    else { return nil }
    return operands(of: root[0], "Add")
  }

  /// The axes of a mean that is one of this value; nil where it is not.
  private mutating func axes(ofMean name: String, of x: String) throws -> [Int]? {
    guard let node = producers[name], node.operator == "ReduceMean", node.inputs.first == x else { return nil }
    return try reducedAxes(node, of: x)
  }

  mutating func reducedAxes(_ node: Spadix_Onnx_Node, of x: String) throws -> [Int]? {
    guard let rank = lookup(x)?.shape?.count else { return nil }
    var axes = node.attributes.first { $0.name == "axes" }?.integers.map(Int.init)
    if node.inputs.count > 1, case .constant(let constant)? = lookup(node.inputs[1]) { axes = try constant.indices() }
    return try axes.map { try NodeReader.axes($0, rank: rank) }
  }

  /// Whether a value is the mean of the squared distances from the mean along these axes.
  private mutating func isVariance(_ name: String, of x: String, mean: String, _ axes: [Int]) throws -> Bool {
    if let node = producers[name], node.operator == "ReduceMean", let squares = producers[node.inputs[0]],
      squares.operator == "Mul", squares.inputs.count == 2, squares.inputs[0] == squares.inputs[1]
    {
      return try isDistance(squares.inputs[0], of: x, mean: mean) && reducedAxes(node, of: x) == axes
    }
    // A sum of squares, divided by how many they are.
    guard let quotient = operands(of: name, "Div"), let node = producers[unmoved(quotient[0])],
      node.operator == "ReduceSumSquare", case .constant(let count)? = lookup(quotient[1]), count.count == 1,
      let shape = lookup(x)?.shape, count.asReals[0] == Float(axes.reduce(1) { $0 * shape[$1] })
    else { return false }
    return try isDistance(node.inputs[0], of: x, mean: mean) && reducedAxes(node, of: x) == axes
  }

  private func isDistance(_ name: String, of x: String, mean: String) -> Bool {
    guard let operands = operands(of: name, "Sub") else { return false }
    return operands[0] == x && unmoved(operands[1]) == mean
  }
}
