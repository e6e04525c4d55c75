import SpadixIR
import SpadixTensor

/// Normalizations of rows, of channels, and across channels.
enum NormalizationConverters {
  static let table: [String: Converter] = [
    "LayerNormalization": layer, "InstanceNormalization": instance, "GroupNormalization": group,
    "LRN": localResponse, "MeanVarianceNormalization": meanVariance,
    "LpNormalization": length,
  ]

  private static let layer: Converter = { importer, node in
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let epsilon = try node.real("epsilon", default: 1e-5)
    _ = try node.integerIfGiven("stash_type")
    let rank = x.shape.count
    let first = try NodeReader.axis(node.integer("axis", default: -1), rank: rank)
    let axes = Array(first..<rank)
    let parameters = try (1..<max(2, node.inputs.count)).compactMap { index -> ImportedValue? in
      node.has(index) ? try node.input(index) : nil
    }
    if node.outputCount > 1 { return try importer.composedNorm(x, axes, epsilon, parameters).map { .computed($0) } }
    return [.computed(try importer.layerNorm(x, axes, epsilon, parameters))]
  }

  private static let instance: Converter = { importer, node in
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let epsilon = try node.real("epsilon", default: 1e-5)
    guard x.shape.count >= 3 else {
      throw Refusal("onnx.shape", "the input has shape \(x.shape); expected [N, C, ...]")
    }
    let (value, placement) = try importer.rows(x, Array(2..<x.shape.count))
    let result = PlacedValue(
      value: try importer.emitter.emit(.computing(LayerNorm(epsilon: epsilon)), [value]), placement: placement)
    return [.computed(try importer.perChannel(result, node, groups: nil))]
  }

  private static let group: Converter = { importer, node in
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let epsilon = try node.real("epsilon", default: 1e-5)
    _ = try node.integerIfGiven("stash_type")
    guard let groups = try node.integerIfGiven("num_groups"), x.shape.count >= 2, groups > 0, x.shape[1] % groups == 0
    else {
      throw Refusal("onnx.attribute", "expected num_groups that divides the channels of \(x.shape)")
    }
    let split = try importer.reshaped(x, [x.shape[0], groups, x.shape[1] / groups] + x.shape[2...])
    let (value, placement) = try importer.rows(split, Array(2..<split.shape.count))
    let normalized = PlacedValue(
      value: try importer.emitter.emit(.computing(LayerNorm(epsilon: epsilon)), [value]), placement: placement)
    return [.computed(try importer.perChannel(importer.reshaped(normalized, x.shape), node, groups: groups))]
  }

  private static let localResponse: Converter = { importer, node in
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    guard let size = try node.integerIfGiven("size"), x.shape.count >= 2 else {
      throw Refusal("onnx.attribute", "expected an input [N, C, ...] and a size")
    }
    let norm = LocalResponseNorm(
      size: size, alpha: try node.real("alpha", default: 1e-4), beta: try node.real("beta", default: 0.75),
      bias: try node.real("bias", default: 1))
    let (value, placement) = try importer.channelsLast(x, [1])
    return [.computed(PlacedValue(value: try importer.emitter.emit(.computing(norm), [value]), placement: placement))]
  }

  /// Divided by its length along an axis; what has no length stays zero.
  private static let length: Converter = { importer, node in
    let power = try node.integer("p", default: 2)
    guard (1...2).contains(power) else { throw Refusal("onnx.attribute", "p = \(power): expected 1 or 2") }
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let axis = try NodeReader.axis(node.integer("axis", default: -1), rank: x.shape.count)
    let parts = try importer.unary(power == 1 ? .abs : .square, x)
    var length = try importer.reduced(parts, [axis], .sum)
    if power == 2 { length = try importer.unary(.sqrt, length) }
    length = try importer.elementwise(.clamp(Clamp(low: .leastNormalMagnitude, high: .infinity)), length)
    return [.computed(try importer.binary(.div, x, length))]
  }

  private static let meanVariance: Converter = { importer, node in
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let axes = try NodeReader.axes(node.integers("axes") ?? [0, 2, 3], rank: x.shape.count)
    let (value, placement) = try importer.rows(x, axes)
    let result = try importer.emitter.emit(.computing(LayerNorm(epsilon: 1e-9)), [value])
    return [.computed(PlacedValue(value: result, placement: placement))]
  }
}

extension ModelImporter {
  /// Rows over the last axes, from the first of these on, brought to mean 0 and variance 1, and then scaled and shifted.
  ///
  /// - Parameter parameters: the scale and the offset, or fewer, of the shape of these axes.
  mutating func layerNorm(
    _ x: PlacedValue, _ axes: [Int], _ epsilon: Float, _ parameters: [ImportedValue]
  ) throws -> PlacedValue {
    let shape = axes.map { x.shape[$0] }
    let constants = parameters.compactMap { parameter -> ConstantTensor? in
      if case .constant(let constant) = parameter, constant.shape == shape { constant } else { nil }
    }
    let (value, placement) = try rows(x, axes)
    var operands = [value]
    let areFused = constants.count == parameters.count
    if areFused {
      for constant in constants { operands.append(try emitter.constant(constant, shape: [shape.reduce(1, *)])) }
    }
    var result = PlacedValue(
      value: try emitter.emit(.computing(LayerNorm(epsilon: epsilon)), operands), placement: placement)
    if !areFused {
      for (parameter, function) in zip(parameters, [BinaryFunction.mul, .add]) {
        result = try binary(function, .computed(result), parameter)
      }
    }
    return result
  }

  /// Times a scale and plus a bias for each channel, inputs 1 and 2; those for each group serve all of its channels.
  fileprivate mutating func perChannel(_ x: PlacedValue, _ node: NodeReader, groups: Int?) throws -> PlacedValue {
    let channels = x.shape[1]
    var result = x
    for (index, what) in [(1, "scale"), (2, "bias")] {
      switch try node.input(index) {
      case .constant(let constant):
        var values = try constant.requireReals()
        if let groups, values.count == groups, groups != channels {
          values = values.flatMap { [Float](repeating: $0, count: channels / groups) }
        }
        guard values.count == channels else {
          throw Refusal("onnx.shape", "the \(what) has shape \(constant.shape); expected [\(channels)]")
        }
        let shape = [channels] + [Int](repeating: 1, count: x.shape.count - 2)
        let factor = ConstantTensor(.float, shape: shape, .real(values), name: constant.name)
        result = index == 1 ? try multiply(result, factor) : try add(result, factor)
      case .computed(let parameter):
        let shape = [channels] + [Int](repeating: 1, count: x.shape.count - 2)
        result = try binary(index == 1 ? .mul : .add, result, reshaped(parameter, shape))
      case .refused: throw Refusal("onnx.inputs", "the \(what) was refused")
      }
    }
    return result
  }

  /// The normalization in single steps, with the mean and the inverse of the deviation.
  fileprivate mutating func composedNorm(
    _ x: PlacedValue, _ axes: [Int], _ epsilon: Float, _ parameters: [ImportedValue]
  ) throws -> [PlacedValue] {
    let name = emitter.name
    defer { emitter.name = name }
    emitter.name = name + ".mean"
    let mean = try reduced(x, axes, .mean)
    emitter.name = name + ".centered"
    let centered = try binary(.sub, x, mean)
    emitter.name = name + ".variance"
    let variance = try reduced(unary(.square, centered), axes, .mean)
    let inverse = try unary(.pow, alpha: -0.5, binary(.add, variance, epsilon))
    emitter.name = name
    var result = try binary(.mul, centered, inverse)
    for (parameter, function) in zip(parameters, [BinaryFunction.mul, .add]) {
      result = try binary(function, .computed(result), parameter)
    }
    return [result, mean, inverse]
  }
}
