import SpadixIR
import SpadixTensor

enum ConvolutionConverters {
  static let table: [String: Converter] = [
    "Conv": { importer, node in
      [.computed(try importer.convolution(node, node.input(0), node.input(1), node.has(2) ? node.input(2) : nil))]
    },
    "ConvInteger": { importer, node in
      let x = try QuantizationConverters.centered(&importer, node, 0, zero: 2, axis: 1)
      let weights = try QuantizationConverters.centered(&importer, node, 1, zero: 3, axis: 0)
      let result = try importer.convolution(node, x, weights, nil)
      importer.emitter.setKind(.int32, of: result.value)
      return [.computed(result)]
    },
  ]

  static func kernelShape(_ node: NodeReader, _ weights: [Int]) throws -> [Int] {
    guard let given = try node.integers("kernel_shape"), given != weights else { return weights }
    throw Refusal("onnx.attribute", "kernel_shape = \(given): expected \(weights), as the weights have")
  }
}

extension Conv2D {
  init(_ window: ImportedWindow, groups: Int) {
    self.init(strides: window.strides, padding: window.padding, dilations: window.dilations, groups: groups)
  }

  init(strides: [Int], padding: [Int], dilations: [Int], groups: Int) {
    self.init()
    self.strides = strides
    self.padding = padding
    self.dilations = dilations
    self.groups = groups
  }
}

extension ModelImporter {
  /// A convolution with the attributes of a node, and its bias at an input.
  mutating func convolution(
    _ node: NodeReader, _ x: ImportedValue, _ weights: ImportedValue, _ bias: ImportedValue?
  ) throws -> PlacedValue {
    guard case .computed(let input) = try computed(x), let weightShape = weights.shape else {
      throw Refusal("onnx.inputs", "an operand was refused")
    }
    let spatial = input.shape.count - 2
    guard weightShape.count == input.shape.count, (1...3).contains(spatial) else {
      throw Refusal.form(
        "the input has shape \(input.shape) and the weights \(weightShape); expected [N, C, H, W], [N, C, L] or "
          + "[N, C, D, H, W]")
    }
    let kernel = try ConvolutionConverters.kernelShape(node, Array(weightShape[2...]))
    let groups = try node.integer("group", default: 1)
    if spatial == 3 { return try volume(node, input, weights, weightShape, kernel, groups, bias) }
    let window = try WindowReader.read(node, kernel: kernel, size: Array(input.shape[2...]))
    var operands = [try image(input), try self.weights(weights, weightShape)]
    if let bias, let vector = try self.bias(bias, count: weightShape[0]) { operands.append(vector) }
    let result = try emitter.emit(.conv2d(Conv2D(window, groups: groups)), operands)
    return placedImage(result, rank: input.shape.count)
  }

  /// A convolution of volumes: for each depth of the kernel one of images, of the planes that it meets; their sum.
  private mutating func volume(
    _ node: NodeReader, _ input: PlacedValue, _ weights: ImportedValue, _ shape: [Int], _ kernel: [Int], _ groups: Int,
    _ bias: ImportedValue?
  ) throws -> PlacedValue {
    guard case .constant(let constant) = weights else { throw Refusal.form("the weights of a volume are computed") }
    let lines = try WindowReader.lines(node, kernel: kernel, size: Array(input.shape[2...]), isPooling: false)
    let depth = lines[0]
    guard depth.count > 0 else { throw Refusal("onnx.shape", "the kernel is deeper than the padded input") }
    let window = ImportedWindow(
      size: Array(kernel[1...]), strides: lines[1...].map(\.stride),
      padding: lines[1...].map(\.begin) + lines[1...].map(\.end), dilations: lines[1...].map(\.dilation),
      overhang: [0, 0])
    let name = emitter.name
    var sum: PlacedValue?
    for tap in 0..<kernel[0] {
      emitter.name = "\(name).depth\(tap)"
      let places = (0..<depth.count).map { $0 * depth.stride + tap * depth.dilation - depth.begin }
      var planes = try selected(input, 2, places.map { min(max($0, 0), input.shape[2] - 1) })
      let isInside = places.map { (0..<input.shape[2]).contains($0) }
      if isInside.contains(false) {
        let mask = ConstantTensor(.float, shape: [depth.count, 1, 1], .real(isInside.map { $0 ? 1 : 0 }))
        planes = try multiply(planes, mask)
      }
      planes = try images(planes)
      var operands = [
        try image(planes), try self.weights(.constant(slice(constant, tap)), [shape[0], shape[1]] + kernel[1...]),
      ]
      if tap == 0, let bias, let vector = try self.bias(bias, count: shape[0]) { operands.append(vector) }
      let value = try emitter.emit(.conv2d(Conv2D(window, groups: groups)), operands)
      let result = placedImage(value, rank: 4)
      sum = try sum.map { try add($0, result) } ?? result
    }
    emitter.name = name
    guard let sum else { throw Refusal("onnx.shape", "the kernel has no depth") }
    return try volumes(sum, depth: depth.count)
  }

  /// [N, C, D, H, W] as [N * D, C, H, W].
  mutating func images(_ x: PlacedValue) throws -> PlacedValue {
    var x = x
    let shape = x.shape
    x.placement = x.placement.transposed([0, 2, 1, 3, 4])
    return try reshaped(x, [shape[0] * shape[2], shape[1], shape[3], shape[4]])
  }

  /// [N * D, C, H, W] as [N, C, D, H, W].
  mutating func volumes(_ x: PlacedValue, depth: Int) throws -> PlacedValue {
    var result = try reshaped(x, [x.shape[0] / depth, depth] + x.shape[1...])
    result.placement = result.placement.transposed([0, 2, 1, 3, 4])
    return result
  }

  /// Weights [O, C, kD, kH, kW] at a depth, as [O, C, kH, kW].
  func slice(_ weights: ConstantTensor, _ depth: Int) throws -> ConstantTensor {
    var budget = FoldingBudget([weights])
    var result = try Folding.gather(
      &budget, weights, ConstantTensor(.int64, shape: [], .integers([Int64(depth)])), axis: 2)
    result.name = weights.name
    return result
  }

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
  mutating func bias(_ input: ImportedValue, count: Int) throws -> ValueID? {
    guard let shape = input.shape, shape == [count] else {
      throw Refusal(
        "onnx.shape", "the bias has shape \(input.shape ?? []); expected [\(count)], one for each output channel")
    }
    guard case .computed(let placed) = try computed(input) else { return nil }
    return try emitter.arrange(placed)
  }
}
