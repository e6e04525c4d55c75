import SpadixIR
import SpadixTensor

enum ConvolutionConverters {
  static let table: [String: Converter] = ["Conv": convolution]

  private static let convolution: Converter = { importer, node in
    guard case .computed(let input) = try importer.computed(node.input(0)) else { return [.refused] }
    let weightShape = try node.shape(1)
    let spatial = input.shape.count - 2
    guard weightShape.count == input.shape.count, (1...2).contains(spatial) else {
      throw Refusal.form(
        "the input has shape \(input.shape) and the weights \(weightShape); expected [N, C, H, W] or [N, C, L]")
    }
    let kernel = try kernelShape(node, Array(weightShape[2...]))
    let window = try WindowReader.read(node, kernel: kernel, size: Array(input.shape[2...]))
    let groups = try node.integer("group", default: 1)
    let image = try importer.image(input)
    let weights = try importer.weights(node.input(1), weightShape)
    var operands = [image, weights]
    if let bias = try importer.bias(node, 2, count: weightShape[0]) { operands.append(bias) }
    let result = try importer.emitter.emit(
      .conv2d(
        Conv2D(strides: window.strides, padding: window.padding, dilations: window.dilations, groups: groups)), operands
    )
    return [.computed(importer.placedImage(result, rank: input.shape.count))]
  }

  static func kernelShape(_ node: NodeReader, _ weights: [Int]) throws -> [Int] {
    guard let given = try node.integers("kernel_shape"), given != weights else { return weights }
    throw Refusal("onnx.attribute", "kernel_shape = \(given): expected \(weights), as the weights have")
  }
}

extension Conv2D {
  init(strides: [Int], padding: [Int], dilations: [Int], groups: Int) {
    self.init()
    self.strides = strides
    self.padding = padding
    self.dilations = dilations
    self.groups = groups
  }
}

extension ModelImporter {
  /// A computed operand; a constant becomes one.
  mutating func computed(_ value: ImportedValue) throws -> ImportedValue {
    guard case .constant(let constant) = value else { return value }
    return .computed(
      PlacedValue(value: try emitter.constant(constant), placement: Placement(constant.shape)))
  }

  /// [N, C, H, W] or [N, C, L] as a value [N, H, W, C]; a line is an image of height 1.
  mutating func image(_ input: PlacedValue) throws -> ValueID {
    let axes = input.placement.axes
    switch axes.count {
    case 3: return try emitter.arrange(input, [axes[0], [], axes[2], axes[1]])
    case 4: return try emitter.arrange(input, [axes[0], axes[2], axes[3], axes[1]])
    default: throw Refusal.form("the input has shape \(input.shape); expected [N, C, H, W] or [N, C, L]")
    }
  }

  /// A value [N, H, W, C] as the model's [N, C, H, W] or [N, C, L].
  func placedImage(_ value: ValueID, rank: Int) -> PlacedValue {
    let shape = emitter.shape(value)
    if rank == 3 {
      return PlacedValue(value: value, placement: Placement([shape[0], shape[3], shape[2]], order: [0, 2, 1]))
    }
    return PlacedValue(
      value: value, placement: Placement([shape[0], shape[3], shape[1], shape[2]], order: [0, 2, 3, 1]))
  }

  /// Weights [O, C, kH, kW] or [O, C, k] as a value [kH, kW, C, O].
  mutating func weights(_ value: ImportedValue, _ shape: [Int]) throws -> ValueID {
    let shape = shape.count == 3 ? [shape[0], shape[1], 1, shape[2]] : shape
    switch value {
    case .constant(let constant): return try emitter.constant(constant, shape: shape, order: [2, 3, 1, 0])
    case .computed(let placed):
      guard let image = placed.placement.reshaped(shape) else { throw Refusal.form("the weights have no layout") }
      return try emitter.arrange(PlacedValue(value: placed.value, placement: image), axes: [2, 3, 1, 0])
    case .refused: throw Refusal("onnx.inputs", "the weights were refused")
    }
  }

  /// A bias of so many elements; nil where the node has none.
  mutating func bias(_ node: NodeReader, _ index: Int, count: Int) throws -> ValueID? {
    guard index < node.inputs.count, let input = node.inputs[index] else { return nil }
    let shape = try node.shape(index)
    guard shape == [count] else {
      throw Refusal("onnx.shape", "the bias has shape \(shape); expected [\(count)], one for each output channel")
    }
    guard case .computed(let placed) = try computed(input) else { return nil }
    return try emitter.arrange(placed)
  }
}
