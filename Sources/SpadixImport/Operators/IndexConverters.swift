import SpadixIR
import SpadixTensor

/// Operators whose results or parameters are places of elements.
enum IndexConverters {
  static let table: [String: Converter] = [
    "ArgMax": { [try argument(&$0, $1, isMaximum: true)] }, "ArgMin": { [try argument(&$0, $1, isMaximum: false)] },
    "Hardmax": hardmax, "GatherElements": gatherElements, "GatherND": gatherND,
    "ScatterElements": scatterElements, "Scatter": scatterElements, "ScatterND": scatterND, "CumSum": cumulativeSum,
    "Trilu": triangle, "EyeLike": identityMatrix,
  ]

  // MARK: Places of the greatest

  private static func argument(
    _ importer: inout ModelImporter, _ node: NodeReader, isMaximum: Bool
  ) throws -> ImportedValue {
    let keepsAxis = try node.flag("keepdims", default: true)
    let takesLast = try node.flag("select_last_index")
    let given = try node.integer("axis", default: 0)
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return .refused }
    let axis = try NodeReader.axis(given, rank: x.shape.count)
    var result = try importer.place(x, axis, isMaximum ? .maximum : .minimum, takesLast: takesLast)
    if !keepsAxis {
      var shape = result.shape
      shape.remove(at: axis)
      result = try importer.reshaped(result, shape)
    }
    importer.emitter.setKind(.int64, of: result.value)
    return .computed(result)
  }

  private static let hardmax: Converter = { importer, node in
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let rank = x.shape.count
    let axis = try NodeReader.axis(node.integer("axis", default: node.opset < 13 ? 1 : -1), rank: rank)
    // Below operator set 13 everything from the axis on is one row.
    let shape = node.opset < 13 ? Array(x.shape[..<axis]) + [x.shape[axis...].reduce(1, *)] : x.shape
    let rows = try importer.reshaped(x, shape)
    let place = try importer.place(rows, axis, .maximum, takesLast: false)
    let all = ConstantTensor(
      .float, shape: [shape[axis]] + [Int](repeating: 1, count: shape.count - 1 - axis),
      .real((0..<shape[axis]).map(Float.init)))
    let hot = try importer.binary(.equal, .computed(place), .constant(all))
    importer.emitter.setKind(.float, of: hot.value)
    return [.computed(try importer.reshaped(hot, x.shape))]
  }

  /// Places of elements other than 0, of a tensor whose elements are known: what old exporters write for a range.
  static let nonZero: Converter = { _, node in
    guard case .constant(let constant) = try node.input(0) else {
      throw Refusal(
        "onnx.operator", "what it selects depends on the data; a graph has fixed shapes and no sorting",
        help: "cut the model before it and run the rest on the host: onnx.utils.extract_model names the outputs to keep"
      )
    }
    let places = constant.asReals.indices.filter { constant.asReals[$0] != 0 }
    var strides = [Int](repeating: 1, count: constant.shape.count)
    for axis in constant.shape.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * constant.shape[axis + 1]
    }
    let indices = constant.shape.indices.flatMap { axis in
      places.map { Int64($0 / strides[axis] % constant.shape[axis]) }
    }
    return [.constant(ConstantTensor(.int64, shape: [constant.shape.count, places.count], .integers(indices)))]
  }

  // MARK: By known indices

  private static func indices(_ node: NodeReader, _ input: Int) throws -> ConstantTensor {
    guard let indices = try node.constant(input, "indices") else {
      throw Refusal("onnx.inputs", "the indices are missing")
    }
    return indices
  }

  private static func place(_ index: Int, _ size: Int) throws -> Int {
    guard (-size..<size).contains(index) else {
      throw Refusal("onnx.shape", "index \(index) is outside of an axis of \(size)")
    }
    return index < 0 ? index + size : index
  }

  /// For each index, in order, the element of a tensor that it names: its own place, but for the axis.
  private static func elements(_ indices: ConstantTensor, in shape: [Int], axis: Int) throws -> [Int] {
    guard indices.shape.count == shape.count else {
      throw Refusal("onnx.shape", "the indices have shape \(indices.shape); expected the rank of \(shape)")
    }
    for other in shape.indices where other != axis && indices.shape[other] > shape[other] {
      throw Refusal("onnx.shape", "the indices have shape \(indices.shape), which does not fit \(shape)")
    }
    var position = [Int](repeating: 0, count: shape.count)
    return try indices.indices().map { index in
      defer {
        var last = shape.count - 1
        while last >= 0 {
          position[last] += 1
          if position[last] < indices.shape[last] { break }
          position[last] = 0
          last -= 1
        }
      }
      let chosen = try place(index, shape[axis])
      return shape.indices.reduce(0) { $0 * shape[$1] + ($1 == axis ? chosen : position[$1]) }
    }
  }

  /// For each row of indices, in order, which part of a tensor it names, counted over the axes that a row has.
  private static func parts(_ indices: ConstantTensor, of shape: [Int]) throws -> (parts: [Int], depth: Int) {
    guard let depth = indices.shape.last, (1...max(1, shape.count)).contains(depth), depth <= shape.count else {
      throw Refusal("onnx.shape", "the indices have shape \(indices.shape), which does not fit \(shape)")
    }
    let values = try indices.indices()
    let parts = try stride(from: 0, to: values.count, by: depth).map { start in
      try (0..<depth).reduce(0) { $0 * shape[$1] + (try place(values[start + $1], shape[$1])) }
    }
    return (parts, depth)
  }

  private static let gatherElements: Converter = { importer, node in
    let given = try node.integer("axis", default: 0)
    let indices = try indices(node, 1)
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let axis = try NodeReader.axis(given, rank: x.shape.count)
    let places = try elements(indices, in: x.shape, axis: axis)
    let flat = try importer.reshaped(x, [x.shape.reduce(1, *)])
    return [.computed(try importer.reshaped(importer.selected(flat, 0, places), indices.shape))]
  }

  private static let gatherND: Converter = { importer, node in
    let batch = try node.integer("batch_dims", default: 0)
    guard batch == 0 else { throw Refusal.form("batch_dims = \(batch); expected 0") }
    let indices = try indices(node, 1)
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let (parts, depth) = try parts(indices, of: x.shape)
    let rest = Array(x.shape[depth...])
    let rows = try importer.reshaped(x, [x.shape[..<depth].reduce(1, *)] + rest)
    return [
      .computed(try importer.reshaped(importer.selected(rows, 0, parts), indices.shape.dropLast() + rest))
    ]
  }

  /// Some rows of a matrix replaced: rows of both, one below the other, by index.
  private static func scattered(
    _ importer: inout ModelImporter, _ x: PlacedValue, _ updates: PlacedValue, _ rows: [Int], width: Int
  ) throws -> PlacedValue {
    let count = x.shape.reduce(1, *) / width
    guard updates.shape.reduce(1, *) == rows.count * width else {
      throw Refusal("onnx.shape", "the updates have shape \(updates.shape), which does not fit the indices")
    }
    var sources = Array(0..<count)
    for (update, row) in rows.enumerated() { sources[row] = count + update }
    let name = importer.emitter.name
    importer.emitter.name = name + ".joined"
    let joined = try importer.joined(
      [importer.reshaped(x, [count, width]), importer.reshaped(updates, [rows.count, width])], 0)
    importer.emitter.name = name
    return try importer.reshaped(importer.selected(joined, 0, sources), x.shape)
  }

  private static func checkReduction(_ node: NodeReader) throws {
    let reduction = try node.text("reduction") ?? "none"
    guard reduction == "none" else { throw Refusal.form("reduction = \(reduction); expected none") }
  }

  private static let scatterElements: Converter = { importer, node in
    try checkReduction(node)
    let given = try node.integer("axis", default: 0)
    let indices = try indices(node, 1)
    guard case .computed(let x) = try importer.computed(node.input(0)),
      case .computed(let updates) = try importer.computed(node.input(2))
    else { return [.refused] }
    let places = try elements(indices, in: x.shape, axis: NodeReader.axis(given, rank: x.shape.count))
    if places.isEmpty { return [.computed(x)] }
    return [.computed(try scattered(&importer, x, updates, places, width: 1))]
  }

  private static let scatterND: Converter = { importer, node in
    try checkReduction(node)
    let indices = try indices(node, 1)
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let (parts, depth) = try parts(indices, of: x.shape)
    if parts.isEmpty { return [.computed(x)] }
    guard case .computed(let updates) = try importer.computed(node.input(2)) else { return [.refused] }
    return [.computed(try scattered(&importer, x, updates, parts, width: x.shape[depth...].reduce(1, *)))]
  }

  // MARK: Triangles

  /// A product with a triangle of ones.
  private static let cumulativeSum: Converter = { importer, node in
    let (excludesOwn, isReversed) = (try node.flag("exclusive"), try node.flag("reverse"))
    guard let given = try node.constant(1, "axis")?.indices().first else {
      throw Refusal("onnx.inputs", "the axis is missing")
    }
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let axis = try NodeReader.axis(given, rank: x.shape.count)
    let size = x.shape[axis]
    guard size <= 1 << 13 else { throw Refusal.form("a sum along an axis of \(size) elements; expected at most 8192") }
    let matrix = (0..<size).map { row in
      (0..<size).map { column -> Float in
        let distance = isReversed ? column - row : row - column
        return distance > 0 || distance == 0 && !excludesOwn ? 1 : 0
      }
    }
    let kind = importer.emitter.kind(x.value)
    let result = try importer.product(x, axis, matrix)
    importer.emitter.setKind(kind, of: result.value)
    return [.computed(result)]
  }

  /// The upper or lower triangle of matrices; zeros elsewhere.
  private static let triangle: Converter = { importer, node in
    let isUpper = try node.flag("upper", default: true)
    let offset = try node.constant(1, "diagonal")?.indices().first ?? 0
    let shape = try node.shape(0)
    guard shape.count >= 2 else { throw Refusal("onnx.shape", "the input has shape \(shape); expected matrices") }
    let size = Array(shape.suffix(2))
    var budget = FoldingBudget()
    try budget.take(size)
    let mask = (0..<size[0]).flatMap { row in
      (0..<size[1]).map { column -> Int64 in
        (isUpper ? column - row >= offset : column - row <= offset) ? 1 : 0
      }
    }
    let inside = ConstantTensor(.bool, shape: size, .integers(mask))
    switch try node.input(0) {
    case .constant(let constant):
      var budget = FoldingBudget([constant])
      let zero = ConstantTensor(
        constant.kind, shape: [], constant.reals == nil ? .integers([0]) : .real([0]))
      return [.constant(try Folding.choose(&budget, inside, constant, zero))]
    case .computed(let x):
      let zero = ConstantTensor(.float, shape: [], .real([0]))
      return [
        .computed(
          try importer.broadcastFunction(.computing(Select()), [.constant(inside), .computed(x), .constant(zero)]))
      ]
    case .refused: return [.refused]
    }
  }

  private static let identityMatrix: Converter = { _, node in
    let offset = try node.integer("k", default: 0)
    let shape = try node.shape(0)
    guard shape.count == 2 else { throw Refusal("onnx.shape", "the input has shape \(shape); expected a matrix") }
    var kind = TensorKind.float
    if case .constant(let constant) = try node.input(0) { kind = constant.kind }
    if let asked = try node.integerIfGiven("dtype") {
      guard let known = TensorKind(rawValue: Int32(clamping: asked)) else {
        throw Refusal.form("elements of type \(TensorKind.name(Int32(clamping: asked)))")
      }
      kind = known
    }
    var budget = FoldingBudget()
    try budget.take(shape)
    let ones = (0..<shape[0]).flatMap { row in (0..<shape[1]).map { Int64($0 - row == offset ? 1 : 0) } }
    return [
      .constant(ConstantTensor(kind, shape: shape, kind.isReal ? .real(ones.map(Float.init)) : .integers(ones)))
    ]
  }
}

extension ModelImporter {
  /// Where the greatest or least element along an axis stands; the axis stays with size 1.
  fileprivate mutating func place(
    _ x: PlacedValue, _ axis: Int, _ kind: Reduction, takesLast: Bool
  ) throws -> PlacedValue {
    let size = x.shape[axis]
    let name = emitter.name
    defer { emitter.name = name }
    emitter.name = name + ".extreme"
    let extreme = try reduced(x, [axis], kind)
    emitter.name = name + ".hits"
    let hits = try binary(.equal, x, extreme)
    // The greatest weight is that of the first one, or of the last.
    let weights = (0..<size).map { Float(takesLast ? $0 + 1 : size - $0) }
    let shape = [size] + [Int](repeating: 1, count: x.shape.count - 1 - axis)
    emitter.name = name + ".weights"
    let weighted = try binary(
      .mul, .computed(hits), .constant(ConstantTensor(.float, shape: shape, .real(weights))))
    let greatest = try reduced(weighted, [axis], .maximum)
    emitter.name = name
    if takesLast { return try binary(.sub, greatest, 1) }
    return try binary(
      .sub, .constant(ConstantTensor(.float, shape: [], .real([Float(size)]))), .computed(greatest))
  }
}
