import SpadixIR
import SpadixSupport
import SpadixTensor

/// Operators that take elements by their place.
enum SelectionConverters {
  static let table: [String: Converter] = [
    "Slice": slice, "Split": split, "Gather": gather, "Tile": tile, "OneHot": oneHot,
  ]

  private static let slice: Converter = { importer, node in
    if let folder = FoldingTable.folders["Slice"], let folded = try importer.fold(node, folder) { return folded }
    guard case .computed(let x) = try node.input(0) else { return [.refused] }
    let rank = x.shape.count
    func list(_ name: String, _ input: Int) throws -> [Int]? {
      if node.opset < 10 { return try node.integers(name) }
      return try node.constant(input, name)?.indices()
    }
    guard let starts = try list("starts", 1), let ends = try list("ends", 2) else {
      throw Refusal("onnx.inputs", "starts or ends are missing")
    }
    let axes = try (list("axes", 3) ?? Array(starts.indices)).map { try NodeReader.axis($0, rank: rank) }
    let steps = try node.opset < 10 ? nil : node.constant(4, "steps")?.indices()
    guard starts.count == ends.count, axes.count == starts.count, steps?.count ?? starts.count == starts.count else {
      throw Refusal("onnx.shape", "starts, ends, axes and steps differ in length")
    }
    var result = x
    for (index, axis) in axes.enumerated() {
      let positions = try Folding.positions(
        start: starts[index], end: ends[index], step: steps?[index] ?? 1, size: result.shape[axis])
      result = try importer.selected(result, axis, positions)
    }
    return [.computed(result)]
  }

  private static let split: Converter = { importer, node in
    if let folder = FoldingTable.folders["Split"], let folded = try importer.fold(node, folder) { return folded }
    guard case .computed(let x) = try node.input(0) else { return [.refused] }
    let axis = try NodeReader.axis(node.integer("axis", default: 0), rank: x.shape.count)
    let size = x.shape[axis]
    var sizes = try node.integers("split")
    if let given = try node.constant(1, "split")?.indices() { sizes = given }
    let count = try node.integerIfGiven("num_outputs") ?? node.node.outputs.count
    guard count > 0, count <= size else {
      throw Refusal("onnx.attribute", "\(count) parts of axis \(axis) of \(x.shape)")
    }
    let part = ceilDivide(size, count)
    let parts = sizes ?? (0..<count).map { max(0, min(part, size - $0 * part)) }
    guard parts.allSatisfy({ (0...size).contains($0) }), parts.reduce(0, +) == size else {
      throw Refusal("onnx.shape", "parts \(parts) of an axis of \(size)")
    }
    let name = importer.emitter.name
    defer { importer.emitter.name = name }
    var start = 0
    return try parts.enumerated().map { index, width in
      defer { start += width }
      let output = index < node.node.outputs.count ? node.node.outputs[index] : ""
      if output.isEmpty { return .refused }
      importer.emitter.name = output
      return .computed(try importer.selected(x, axis, Array(start..<start + width)))
    }
  }

  private static let gather: Converter = { importer, node in
    if let folder = FoldingTable.folders["Gather"], let folded = try importer.fold(node, folder) { return folded }
    let axis = try node.integer("axis", default: 0)
    if case .refused = try node.input(1) { return [.refused] }
    return [.computed(try importer.gathered(node.input(0), axis: axis, node.input(1)))]
  }

  private static let tile: Converter = { importer, node in
    if let folder = FoldingTable.folders["Tile"], let folded = try importer.fold(node, folder) { return folded }
    guard case .computed(let x) = try node.input(0), let repeats = try node.constant(1, "repeats")?.indices() else {
      return [.refused]
    }
    guard repeats.count == x.shape.count, repeats.allSatisfy({ $0 > 0 }) else {
      throw Refusal(
        "onnx.shape", "\(x.shape) is repeated \(repeats) times; expected a number of at least 1 for each axis")
    }
    var result = x
    for axis in repeats.indices where repeats[axis] > 1 {
      var shape = result.shape
      shape[axis] =
        shape[axis].multipliedReportingOverflow(by: repeats[axis]).overflow ? .max : shape[axis] * repeats[axis]
      try GraphEmitter.checkSize(shape)
      let indices = (0..<repeats[axis]).flatMap { _ in 0..<result.shape[axis] }
      result = try importer.selected(result, axis, indices)
    }
    return [.computed(result)]
  }

  /// A comparison of each index with all of them.
  private static let oneHot: Converter = { importer, node in
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    guard let depth = try node.constant(1, "depth")?.scalar("depth").map(Int.init), depth > 0, depth <= 1 << 20,
      let values = try node.constant(2, "values"), values.count == 2
    else { throw Refusal("onnx.inputs", "expected a depth of at least 1 and two values") }
    let rank = x.shape.count + 1
    let axis = try NodeReader.axis(node.integer("axis", default: -1), rank: rank)
    var shape = x.shape
    shape.insert(1, at: axis)
    let places = [depth] + [Int](repeating: 1, count: rank - 1 - axis)
    let indices = ImportedValue.computed(try importer.reshaped(x, shape))
    func compared(_ first: Int) throws -> PlacedValue {
      let range = ConstantTensor(.float, shape: places, .real((0..<depth).map { Float($0 + first) }))
      return try importer.binary(.equal, indices, .constant(range))
    }
    // Negative indices count from the end.
    let hot = try importer.binary(.or, compared(0), compared(-depth))
    func scalar(_ index: Int) -> ImportedValue {
      .constant(ConstantTensor(values.kind, shape: [], .real([values.asReals[index]])))
    }
    return [
      .computed(try importer.broadcastFunction(.computing(Select()), [.computed(hot), scalar(1), scalar(0)]))
    ]
  }
}

extension ModelImporter {
  /// Parts of a table along an axis, by known or computed index; a table that was refused, or indices that were, throws.
  mutating func gathered(_ table: ImportedValue, axis given: Int, _ indices: ImportedValue) throws -> PlacedValue {
    guard case .computed(let x) = try computed(table), let indexShape = indices.shape else {
      throw Refusal("onnx.inputs", "an operand was refused")
    }
    let axis = try NodeReader.axis(given, rank: x.shape.count)
    let size = x.shape[axis]
    let shape = Array(x.shape[..<axis]) + indexShape + Array(x.shape[(axis + 1)...])
    switch indices {
    case .constant(let constant):
      let places = try constant.indices().map { index in
        guard (-size..<size).contains(index) else {
          throw Refusal("onnx.shape", "index \(index) is outside of axis \(axis) of \(x.shape)")
        }
        return index < 0 ? index + size : index
      }
      return try reshaped(selected(x, axis, places), shape)
    case .computed(let places):
      let order = x.placement.axisOrder ?? Array(x.shape.indices)
      let value = try emitter.arrange(x, axes: order)
      let place = order.firstIndex(of: axis) ?? axis
      let flat = try emitter.reshape(emitter.arrange(places), [indexShape.reduce(1, *)])
      let result = try emitter.emit(.computing(Gather(axis: place)), [value, flat])
      var long = x.shape
      long[axis] = indexShape.reduce(1, *)
      return try reshaped(PlacedValue(value: result, placement: Placement(long, order: order)), shape)
    case .refused: throw Refusal("onnx.inputs", "an operand was refused")
    }
  }
}
