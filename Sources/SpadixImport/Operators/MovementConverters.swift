import SpadixIR
import SpadixTensor

/// Operators that only move, join or copy elements.
enum MovementConverters {
  static let table: [String: Converter] = [
    "Transpose": transpose, "Concat": concat, "Pad": pad, "DepthToSpace": depthToSpace, "SpaceToDepth": spaceToDepth,
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
    guard let first = operands.first else { throw Refusal.empty }
    return [.computed(try importer.joined(operands, NodeReader.axis(given, rank: first.shape.count)))]
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
    guard ["constant", "reflect", "edge", "wrap"].contains(mode) else {
      throw Refusal("onnx.attribute", "mode = \(mode): expected constant, reflect, edge or wrap")
    }
    guard pads.allSatisfy({ (-65_535...65_535).contains($0) }) else {
      throw Refusal("onnx.attribute", "pads = \(pads): expected integers in -65535...65535")
    }
    guard case .computed(var x) = try importer.computed(node.input(0)) else { return [.refused] }
    // Negative padding cuts elements off.
    for axis in 0..<rank {
      let (cut, end) = (max(0, -pads[axis]), x.shape[axis] - max(0, -pads[axis + rank]))
      x = try importer.selected(x, axis, cut < end ? Array(cut..<end) : [])
    }
    pads = pads.map { max(0, $0) }
    if mode != "constant" {
      for axis in 0..<rank where pads[axis] + pads[axis + rank] > 0 {
        let size = x.shape[axis]
        let places = try (-pads[axis]..<size + pads[axis + rank]).map { try border($0, size, mode) }
        x = try importer.selected(x, axis, places)
      }
      return [.computed(x)]
    }
    if pads.allSatisfy({ $0 == 0 }) { return [.computed(x)] }
    let order = x.placement.axisOrder ?? Array(0..<rank)
    let operand = try importer.emitter.arrange(x, axes: order)
    let result = try importer.emitter.emit(
      .pad(Pad(low: order.map { pads[$0] }, high: order.map { pads[$0 + rank] }, value: value)), [operand])
    let shape = x.shape.indices.map { x.shape[$0] + pads[$0] + pads[$0 + rank] }
    return [.computed(PlacedValue(value: result, placement: Placement(shape, order: order)))]
  }

  /// The element that stands at a place in or around an axis.
  private static func border(_ place: Int, _ size: Int, _ mode: String) throws -> Int {
    if mode == "edge" { return min(max(place, 0), size - 1) }
    if mode == "wrap" { return ((place % size) + size) % size }
    let period = 2 * (size - 1)
    if period == 0 {
      guard place == 0 else { throw Refusal("onnx.shape", "an axis of one element has nothing to reflect") }
      return 0
    }
    let rest = ((place % period) + period) % period
    return rest < size ? rest : period - rest
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
}

extension ModelImporter {
  /// Tensors side by side along an axis.
  mutating func joined(_ operands: [PlacedValue], _ axis: Int) throws -> PlacedValue {
    let shape = operands[0].shape
    for operand in operands {
      guard operand.shape.count == shape.count,
        shape.indices.allSatisfy({ $0 == axis || operand.shape[$0] == shape[$0] })
      else {
        throw Refusal(
          "onnx.shape", "operands have shapes \(shape) and \(operand.shape); expected equal ones but for axis \(axis)",
          help: "the model contradicts itself, or a bound dimension is wrong")
      }
    }
    if operands.count == 1 { return operands[0] }
    // The order that costs no move for the first operand that has one of its own.
    let chosen = operands.first { !$0.placement.isStandard } ?? operands[0]
    let order = chosen.placement.axisOrder ?? Array(shape.indices)
    let values = try operands.map { try emitter.arrange($0, axes: order) }
    let place = order.firstIndex(of: axis) ?? axis
    let value = try emitter.emit(.concat(Concat(axis: place)), values)
    var result = shape
    result[axis] = operands.reduce(0) { $0 + $1.shape[axis] }
    return PlacedValue(value: value, placement: Placement(result, order: order))
  }

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
