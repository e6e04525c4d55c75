import SpadixIR
import SpadixSupport
import SpadixTensor

/// `ConvTranspose` as convolutions.
enum TransposedConvolution {
  static let table: [String: Converter] = ["ConvTranspose": converter]

  /// The geometry along one axis.
  private struct Axis {
    var input: Int
    var kernel: Int
    var stride: Int
    var dilation: Int
    var begin: Int
    var end: Int
    var outputPadding: Int

    var reach: Int { (kernel - 1) * dilation }
    var output: Int { (input - 1) * stride + outputPadding + reach + 1 - begin - end }
  }

  private static let converter: Converter = { importer, node in
    guard case .computed(let input) = try importer.computed(node.input(0)) else { return [.refused] }
    guard let weights = try node.constant(1, "kernel") else { throw Refusal("onnx.inputs", "input 1 is missing") }
    let rank = input.shape.count
    let shape =
      rank == 3 && weights.shape.count == 3 ? [weights.shape[0], weights.shape[1], 1, weights.shape[2]] : weights.shape
    guard (3...5).contains(rank), shape.count == max(4, rank) else {
      throw Refusal.form(
        "the input has shape \(input.shape) and the weights \(weights.shape); expected [N, C, H, W], [N, C, L] or [N, C, D, H, W]"
      )
    }
    let groups = try node.integer("group", default: 1)
    guard groups >= 1, shape[0] == input.shape[1], shape[0] % groups == 0 else {
      throw Refusal(
        "onnx.shape", "group = \(groups) and weights \(weights.shape) do not fit \(input.shape[1]) channels")
    }
    let axes = try geometry(node, Array(input.shape[2...]), Array(weights.shape[2...]))
    guard axes.allSatisfy({ $0.output > 0 }) else {
      throw Refusal("onnx.shape", "the padding leaves nothing of the result")
    }
    let bias = try node.constant(2, "bias")
    if rank == 5 { return [.computed(try volume(&importer, input, weights, bias, axes, groups))] }
    let image = try importer.image(input)
    let isDisjoint = axes.allSatisfy {
      $0.kernel == $0.stride && $0.begin == 0 && $0.end == 0 && $0.dilation == 1 && $0.outputPadding == 0
    }
    if isDisjoint, groups == 1 { return [.computed(try blocks(&importer, input, image, weights, shape, bias))] }
    return [.computed(try general(&importer, image, weights, shape, bias, axes, groups, rank))]
  }

  /// One for height and one for width.
  private static func geometry(_ node: NodeReader, _ size: [Int], _ kernel: [Int]) throws -> [Axis] {
    let rank = size.count
    func list(_ name: String, _ count: Int, _ standard: Int, _ minimum: Int) throws -> [Int] {
      let values = try node.integers(name) ?? [Int](repeating: standard, count: count)
      guard values.count == count, values.allSatisfy({ (minimum...65_535).contains($0) }) else {
        throw Refusal("onnx.attribute", "\(name) = \(values): expected \(count) integers in \(minimum)...65535")
      }
      return values
    }
    _ = try ConvolutionConverters.kernelShape(node, kernel)
    let strides = try list("strides", rank, 1, 1)
    let dilations = try list("dilations", rank, 1, 1)
    let extra = try list("output_padding", rank, 0, 0)
    let pads = try list("pads", 2 * rank, 0, 0)
    let automatic = try node.text("auto_pad") ?? "NOTSET"
    guard ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"].contains(automatic) else {
      throw Refusal("onnx.attribute", "auto_pad = \(automatic): expected NOTSET, VALID, SAME_UPPER or SAME_LOWER")
    }
    var wanted = try node.integers("output_shape")
    if let shape = wanted {
      guard shape.count >= rank, shape.allSatisfy({ (1...1 << 20).contains($0) }) else {
        throw Refusal("onnx.attribute", "output_shape = \(shape): expected \(rank) sizes")
      }
      wanted = Array(shape.suffix(rank))
    } else if automatic.hasPrefix("SAME") {
      wanted = (0..<rank).map { size[$0] * strides[$0] }
    }
    let isExplicit = try node.integers("output_shape") != nil
    let axes = (0..<rank).map { axis in
      var result = Axis(
        input: size[axis], kernel: kernel[axis], stride: strides[axis], dilation: dilations[axis], begin: 0, end: 0,
        outputPadding: extra[axis])
      if let wanted {
        let total = result.output - wanted[axis]
        // What windows do not reach is added at the end where a shape is asked for; where SAME says it, the result ends
        // with the windows, as in ONNX Runtime.
        if isExplicit, total < 0 { result.outputPadding -= total }
        result.begin = max(0, automatic == "SAME_UPPER" ? total / 2 : total - total / 2)
        result.end = max(0, total) - result.begin
      } else if automatic != "VALID" {
        result.begin = pads[axis]
        result.end = pads[axis + rank]
      }
      return result
    }
    let line = Axis(input: 1, kernel: 1, stride: 1, dilation: 1, begin: 0, end: 0, outputPadding: 0)
    return rank == 1 ? [line] + axes : axes
  }

  /// Volumes: for each depth of the kernel the images of all planes, each moved to where it goes; their sum.
  private static func volume(
    _ importer: inout ModelImporter, _ input: PlacedValue, _ weights: ConstantTensor, _ bias: ConstantTensor?,
    _ axes: [Axis], _ groups: Int
  ) throws -> PlacedValue {
    let depth = axes[0]
    let name = importer.emitter.name
    let image = try importer.image(importer.images(input))
    var sum: PlacedValue?
    var budget = FoldingBudget()
    for tap in 0..<depth.kernel {
      try budget.take([depth.output, depth.input])
      importer.emitter.name = "\(name).depth\(tap)"
      let slice = try importer.slice(weights, tap)
      let planes = try general(&importer, image, slice, slice.shape, nil, Array(axes[1...]), groups, 4)
      let moves = (0..<depth.output).map { target in
        (0..<depth.input).map { Float($0 * depth.stride + tap * depth.dilation - depth.begin == target ? 1 : 0) }
      }
      let moved = try importer.product(importer.volumes(planes, depth: depth.input), 2, moves)
      sum = try sum.map { try importer.add($0, moved) } ?? moved
    }
    importer.emitter.name = name
    guard var sum else { throw Refusal("onnx.shape", "the kernel has no depth") }
    if let bias {
      let values = try check(bias, count: sum.shape[1])
      sum = try importer.add(
        sum, ConstantTensor(.float, shape: [values.count, 1, 1, 1], .real(values), name: bias.name))
    }
    return sum
  }

  /// Windows that do not overlap: a product for each pixel, whose channels become pixels.
  private static func blocks(
    _ importer: inout ModelImporter, _ input: PlacedValue, _ image: ValueID, _ weights: ConstantTensor, _ shape: [Int],
    _ bias: ConstantTensor?
  ) throws -> PlacedValue {
    let (height, width) = (shape[2], shape[3])
    // [C, O, kH, kW] as a pointwise convolution [1, 1, C, kH * kW * O].
    var operands = [
      image,
      try importer.emitter.constant(
        weights, shape: shape, order: [0, 2, 3, 1], result: [1, 1, shape[0], height * width * shape[1]]),
    ]
    if let bias {
      let values = try check(bias, count: shape[1])
      operands.append(
        importer.emitter.vector((0..<height * width).flatMap { _ in values }, name: importer.emitter.name + ".bias"))
    }
    let pixels = try importer.emitter.emit(.conv2d(Conv2D()), operands)
    let size = importer.emitter.shape(image)
    // [N, H, W, kH, kW, O] is read as [N, O, H * kH, W * kW].
    let split = Placement([size[0], shape[1], size[1], height, size[2], width], order: [0, 2, 4, 3, 5, 1])
    let result = [size[0], shape[1], size[1] * height, size[2] * width]
    guard let placement = split.reshaped(input.shape.count == 3 ? [result[0], result[1], result[3]] : result) else {
      throw Refusal.form("the result has no layout")
    }
    return PlacedValue(value: pixels, placement: placement)
  }

  /// A convolution of the input with zeros between its pixels, with the kernel turned by half a turn.
  private static func general(
    _ importer: inout ModelImporter, _ image: ValueID, _ weights: ConstantTensor, _ shape: [Int],
    _ bias: ConstantTensor?,
    _ axes: [Axis], _ groups: Int, _ rank: Int
  ) throws -> PlacedValue {
    var spread = image
    for (axis, geometry) in axes.enumerated() where geometry.stride > 1 {
      let size = importer.emitter.shape(spread)
      let outer = size[...(axis + 1)].reduce(1, *)
      let inner = size[(axis + 2)...].reduce(1, *)
      let rows = try importer.emitter.reshape(spread, [outer, 1, inner])
      let padded = try importer.emitter.emit(
        .pad(Pad(low: [0, 0, 0], high: [0, geometry.stride - 1, 0])), [rows], name: importer.emitter.name + ".spread")
      var result = size
      result[axis + 1] *= geometry.stride
      spread = try importer.emitter.reshape(padded, result)
    }
    // Where the padding asks for fewer pixels than there are, the kernel grows by taps of zero at that side.
    var lead = [0, 0]
    var trail = [0, 0]
    var padding = [0, 0, 0, 0]
    for (axis, geometry) in axes.enumerated() {
      let before = geometry.reach - geometry.begin
      let after = geometry.reach + 1 - geometry.stride - geometry.end + geometry.outputPadding
      func taps(_ missing: Int) -> Int { missing < 0 ? ceilDivide(-missing, geometry.dilation) : 0 }
      lead[axis] = taps(before)
      trail[axis] = taps(after)
      padding[axis] = before + lead[axis] * geometry.dilation
      padding[axis + 2] = after + trail[axis] * geometry.dilation
    }
    let kernel = try turned(weights, shape, groups, lead, trail)
    var operands = [spread, importer.emitter.graph.addConstant(kernel, name: weights.name)]
    if let bias {
      operands.append(
        importer.emitter.vector(try check(bias, count: shape[1] * groups), name: importer.emitter.name + ".bias"))
    }
    let result = try importer.emitter.emit(
      .conv2d(Conv2D(strides: [1, 1], padding: padding, dilations: axes.map(\.dilation), groups: groups)), operands)
    return importer.placedImage(result, rank: rank)
  }

  /// [C, O / groups, kH, kW] as [kH, kW, C / groups, O], from the last tap to the first, with further taps of zero.
  private static func turned(
    _ weights: ConstantTensor, _ shape: [Int], _ groups: Int, _ lead: [Int], _ trail: [Int]
  ) throws -> Tensor {
    let values = try weights.requireReals()
    let height = lead[0] + shape[2] + trail[0]
    let width = lead[1] + shape[3] + trail[1]
    let (inputs, outputs) = (shape[0] / groups, shape[1] * groups)
    let type = TensorType.f32([height, width, inputs, outputs])
    try GraphEmitter.checkSize(type.shape)
    var result = [Float](repeating: 0, count: type.elementCount)
    for channel in 0..<shape[0] {
      let group = channel / inputs
      for output in 0..<shape[1] {
        for row in 0..<shape[2] {
          for column in 0..<shape[3] {
            let y = lead[0] + shape[2] - 1 - row
            let x = lead[1] + shape[3] - 1 - column
            let target = ((y * width + x) * inputs + channel % inputs) * outputs + group * shape[1] + output
            result[target] = values[((channel * shape[1] + output) * shape[2] + row) * shape[3] + column]
          }
        }
      }
    }
    return Tensor(type, .f32(result))
  }

  private static func check(_ bias: ConstantTensor, count: Int) throws -> [Float] {
    let values = try bias.requireReals()
    guard values.count == count else {
      throw Refusal("onnx.shape", "the bias has shape \(bias.shape); expected [\(count)], one for each output channel")
    }
    return values
  }
}
