import SpadixIR
import SpadixTensor

/// Operators that only move, join or copy elements.
enum MovementConverters {
  static let table: [String: Converter] = [
    "Transpose": transpose, "Concat": concat, "Pad": pad, "DepthToSpace": depthToSpace, "SpaceToDepth": spaceToDepth,
    "Resize": { try resize(&$0, $1) }, "Upsample": { try upsample(&$0, $1) },
  ]

  private static let transpose: Converter = { importer, node in
    let rank = try node.shape(0).count
    let permutation = try node.integers("perm") ?? Array((0..<rank).reversed())
    guard permutation.sorted() == Array(0..<rank) else {
      throw Refusal("onnx.attribute", "perm = \(permutation): expected each of \(rank) axes once")
    }
    switch try node.input(0) {
    case .constant(let constant):
      return [.constant(Folding.transpose(constant, permutation))]
    case .computed(let x):
      return [.computed(PlacedValue(value: x.value, placement: x.placement.transposed(permutation)))]
    case .refused: return [.refused]
    }
  }

  private static let concat: Converter = { importer, node in
    if let folder = FoldingTable.folders["Concat"], let folded = try importer.fold(node, folder) { return folded }
    guard let given = try node.integerIfGiven("axis") ?? (node.opset < 4 ? 1 : nil) else {
      throw Refusal("onnx.attribute", "axis is missing")
    }
    var operands: [PlacedValue] = []
    for index in node.inputs.indices {
      let input = try node.input(index)
      if case .constant(let constant) = input, constant.isEmpty { continue }
      guard case .computed(let placed) = try importer.computed(input) else { return [.refused] }
      operands.append(placed)
    }
    let shape = operands[0].shape
    let axis = try NodeReader.axis(given, rank: shape.count)
    for operand in operands {
      guard operand.shape.count == shape.count,
        shape.indices.allSatisfy({ $0 == axis || operand.shape[$0] == shape[$0] })
      else {
        throw Refusal(
          "onnx.shape", "operands have shapes \(shape) and \(operand.shape); expected equal ones but for axis \(axis)",
          help: "the model contradicts itself, or a bound dimension is wrong")
      }
    }
    if operands.count == 1 { return [.computed(operands[0])] }
    // The order that costs no move for the first operand that has one of its own.
    let chosen = operands.first { !$0.placement.isStandard } ?? operands[0]
    let order = chosen.placement.axisOrder ?? Array(shape.indices)
    let values = try operands.map { try importer.emitter.arrange($0, axes: order) }
    let place = order.firstIndex(of: axis) ?? axis
    let value = try importer.emitter.emit(.concat(Concat(axis: place)), values)
    var result = shape
    result[axis] = operands.reduce(0) { $0 + $1.shape[axis] }
    return [.computed(PlacedValue(value: value, placement: Placement(result, order: order)))]
  }

  private static let pad: Converter = { importer, node in
    let mode = try node.text("mode") ?? "constant"
    var pads: [Int]
    var value: Float = 0
    let rank = try node.shape(0).count
    if node.opset < 11 {
      pads = try node.integers("pads") ?? node.integers("paddings") ?? []
      value = try node.real("value", default: 0)
    } else {
      guard let given = try node.constant(1, "padding") else { throw Refusal("onnx.inputs", "input 1 is missing") }
      pads = try given.indices()
      value = try node.constant(2, "border")?.scalar("border") ?? 0
      if node.opset >= 18, let axes = try node.constant(3, "axes")?.indices() {
        let places = try axes.map { try NodeReader.axis($0, rank: rank) }
        guard pads.count == 2 * places.count else {
          throw Refusal("onnx.shape", "pads = \(pads): expected two for each of \(places.count) axes")
        }
        var all = [Int](repeating: 0, count: 2 * rank)
        for (index, axis) in places.enumerated() {
          all[axis] = pads[index]
          all[axis + rank] = pads[index + places.count]
        }
        pads = all
      }
    }
    guard pads.count == 2 * rank else {
      throw Refusal("onnx.shape", "pads = \(pads): expected \(2 * rank), two for each axis")
    }
    if pads.allSatisfy({ $0 == 0 }) { return [try node.input(0)] }
    guard mode == "constant" else {
      throw Refusal.form("mode = \(mode): the language pads with one value", help: "pad before the model")
    }
    guard pads.allSatisfy({ (0...65_535).contains($0) }) else {
      throw Refusal.form("pads = \(pads): the language has no operator that cuts elements off")
    }
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let order = x.placement.axisOrder ?? Array(0..<rank)
    let operand = try importer.emitter.arrange(x, axes: order)
    let result = try importer.emitter.emit(
      .pad(Pad(low: order.map { pads[$0] }, high: order.map { pads[$0 + rank] }, value: value)), [operand])
    let shape = x.shape.indices.map { x.shape[$0] + pads[$0] + pads[$0 + rank] }
    return [.computed(PlacedValue(value: result, placement: Placement(shape, order: order)))]
  }

  // MARK: Between channels and pixels: only axes split and merge

  private static func blocks(_ node: NodeReader) throws -> (Int, [Int]) {
    let shape = try node.shape(0)
    guard let block = try node.integerIfGiven("blocksize"), (1...4096).contains(block), shape.count == 4 else {
      throw Refusal("onnx.attribute", "expected an input [N, C, H, W] and a blocksize; the input has shape \(shape)")
    }
    return (block, shape)
  }

  private static let depthToSpace: Converter = { importer, node in
    let (block, shape) = try blocks(node)
    let isColumnRow = try node.text("mode") == "CRD"
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let channels = shape[1] / (block * block)
    guard channels * block * block == shape[1] else {
      throw Refusal("onnx.shape", "\(shape[1]) channels: expected a multiple of \(block * block)")
    }
    let (height, width) = (shape[2], shape[3])
    var result = try importer.reshaped(
      x,
      isColumnRow
        ? [shape[0], channels, block, block, height, width] : [shape[0], block, block, channels, height, width])
    result.placement = result.placement.transposed(isColumnRow ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2])
    return [.computed(try importer.reshaped(result, [shape[0], channels, height * block, width * block]))]
  }

  private static let spaceToDepth: Converter = { importer, node in
    let (block, shape) = try blocks(node)
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let (height, width) = (shape[2] / block, shape[3] / block)
    guard height * block == shape[2], width * block == shape[3] else {
      throw Refusal("onnx.shape", "the input has shape \(shape); expected multiples of \(block)")
    }
    var result = try importer.reshaped(x, [shape[0], shape[1], height, block, width, block])
    result.placement = result.placement.transposed([0, 3, 5, 1, 2, 4])
    return [.computed(try importer.reshaped(result, [shape[0], shape[1] * block * block, height, width]))]
  }

  // MARK: Enlarging by whole factors

  private static func upsample(_ importer: inout ModelImporter, _ node: NodeReader) throws -> [ImportedValue] {
    let mode = try node.text("mode") ?? "nearest"
    let shape = try node.shape(0)
    let scales = try node.opset >= 9 ? node.constant(1, "scales")?.requireReals() : node.reals("scales")
    guard let scales, scales.count == shape.count else {
      throw Refusal("onnx.inputs", "expected a scale for each of \(shape.count) axes")
    }
    guard mode == "nearest" else { throw Refusal.form("mode = \(mode): the language has no interpolation") }
    return try enlarge(&importer, node, scales.map(Double.init), isExact: true)
  }

  private static func resize(_ importer: inout ModelImporter, _ node: NodeReader) throws -> [ImportedValue] {
    let shape = try node.shape(0)
    let mode = try node.text("mode") ?? "nearest"
    let coordinates = try node.text("coordinate_transformation_mode") ?? "half_pixel"
    let rounding = try node.text("nearest_mode") ?? "round_prefer_floor"
    _ = try node.realIfGiven("cubic_coeff_a")
    _ = try node.integerIfGiven("exclude_outside")
    _ = try node.realIfGiven("extrapolation_value")
    let policy = try node.text("keep_aspect_ratio_policy") ?? "stretch"
    let smooths = try node.flag("antialias")
    var axes = Array(shape.indices)
    if let given = try node.integers("axes") { axes = try given.map { try NodeReader.axis($0, rank: shape.count) } }
    var scales = [Double](repeating: 1, count: shape.count)
    let first = node.opset < 11 ? 1 : 2
    if let given = try node.constant(first, "scales"), !given.isEmpty {
      let values = try given.requireReals()
      guard values.count == axes.count else { throw Refusal("onnx.shape", "expected \(axes.count) scales") }
      for (axis, value) in zip(axes, values) { scales[axis] = Double(value) }
    } else if let sizes = try node.constant(3, "sizes")?.indices() {
      guard sizes.count == axes.count else { throw Refusal("onnx.shape", "expected \(axes.count) sizes") }
      for (axis, size) in zip(axes, sizes) { scales[axis] = Double(size) / Double(shape[axis]) }
    } else {
      throw Refusal("onnx.inputs", "neither scales nor sizes are given")
    }
    if scales.allSatisfy({ $0 == 1 }) { return [try node.input(0)] }
    guard mode == "nearest", !smooths, policy == "stretch" else {
      throw Refusal.form(
        "mode = \(mode): the language has no interpolation", help: "mode = nearest, or resize before the model")
    }
    // For a whole factor k, the source of pixel i is i / k in all of these.
    let isExact =
      node.opset < 11 || coordinates == "asymmetric" && rounding == "floor"
      || coordinates.hasSuffix("half_pixel") && rounding.hasPrefix("round_prefer")
    return try enlarge(&importer, node, scales, isExact: isExact)
  }

  private static func enlarge(
    _ importer: inout ModelImporter, _ node: NodeReader, _ scales: [Double], isExact: Bool
  ) throws -> [ImportedValue] {
    let factors = scales.map { $0.rounded() }
    guard isExact, zip(scales, factors).allSatisfy({ $0 == $1 && (1...64).contains($1) }) else {
      throw Refusal.form(
        "scales = \(scales): expected whole numbers, with the source of pixel i at floor(i / scale)",
        help: "coordinate_transformation_mode = asymmetric with nearest_mode = floor")
    }
    guard case .computed(var x) = try importer.computed(node.input(0)) else { return [.refused] }
    let name = importer.emitter.name
    for axis in x.shape.indices where factors[axis] != 1 {
      importer.emitter.name = "\(name).axis\(axis)"
      x = try importer.repeated(x, axis, Int(factors[axis]))
    }
    importer.emitter.name = name
    return [.computed(x)]
  }
}

extension ModelImporter {
  /// Every element so many times along an axis: copies side by side on an axis of their own.
  mutating func repeated(_ x: PlacedValue, _ axis: Int, _ count: Int) throws -> PlacedValue {
    let order = x.placement.axisOrder ?? Array(x.shape.indices)
    let value = try emitter.arrange(x, axes: order)
    var shape = emitter.shape(value)
    let place = (order.firstIndex(of: axis) ?? axis) + 1
    shape.insert(1, at: place)
    // Where the axes around it are merged, tensors of rank 4 have room for one more.
    let outer = shape[..<place].reduce(1, *)
    let inner = shape[(place + 1)...].reduce(1, *)
    let row = try emitter.reshape(value, [outer, 1, inner])
    let copies = try emitter.emit(.concat(Concat(axis: 1)), [ValueID](repeating: row, count: count))
    var result = x.shape
    result[axis] *= count
    return PlacedValue(value: copies, placement: Placement(result, order: order))
  }
}
