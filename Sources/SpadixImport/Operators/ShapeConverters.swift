import SpadixIR
import SpadixTensor

/// Operators that give the same elements another shape, and those that ask for shapes.
enum ShapeConverters {
  static let table: [String: Converter] = [
    "Shape": shape, "Size": size, "Reshape": reshape, "Flatten": flatten, "Squeeze": squeeze, "Unsqueeze": unsqueeze,
    "Identity": identity, "Dropout": dropout, "Cast": cast, "CastLike": castLike,
    "Expand": expand,
  ]

  private static let shape: Converter = { importer, node in
    let shape = try node.shape(0)
    let rank = shape.count
    func place(_ index: Int) -> Int { min(max(index < 0 ? index + rank : index, 0), rank) }
    let start = place(try node.integer("start", default: 0))
    let end = place(try node.integer("end", default: rank))
    return [.constant(ConstantTensor(integers: start < end ? Array(shape[start..<end]) : []))]
  }

  private static let size: Converter = { importer, node in
    let count = try node.shape(0).reduce(1, *)
    return [.constant(ConstantTensor(.int64, shape: [], .integers([Int64(count)])))]
  }

  /// The operand under another shape.
  private static func reshaped(
    _ importer: inout ModelImporter, _ input: ImportedValue, _ shape: [Int]
  ) throws -> [ImportedValue] {
    switch input {
    case .constant(var constant):
      constant.shape = shape
      constant.id = -1
      return [.constant(constant)]
    case .computed(let x): return [.computed(try importer.reshaped(x, shape))]
    case .refused: return [.refused]
    }
  }

  private static let reshape: Converter = { importer, node in
    let input = try node.input(0)
    let old = try node.shape(0)
    let allowsZero = try node.flag("allowzero")
    var given: [Int]
    if let attribute = try node.integers("shape") {
      given = attribute
    } else if let constant = try node.constant(1, "shape") {
      given = try constant.indices()
    } else {
      throw Refusal("onnx.inputs", "the shape is missing")
    }
    if !allowsZero {
      for index in given.indices where given[index] == 0 {
        guard index < old.count else {
          throw Refusal("onnx.shape", "the shape \(given) keeps dimension \(index) of \(old), which has none")
        }
        given[index] = old[index]
      }
    }
    let count = old.reduce(1, *)
    let problem = Refusal(
      "onnx.shape", "the shape \(given) does not have the \(count) elements of \(old)",
      help: "the model contradicts itself, or a bound dimension is wrong")
    guard given.allSatisfy({ $0 >= -1 && $0 <= TensorType.maximumElementCount }), given.filter({ $0 == -1 }).count <= 1
    else { throw problem }
    var product = 1
    for size in given where size != -1 {
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      guard !overflow else { throw problem }
      product = next
    }
    if let open = given.firstIndex(of: -1) {
      guard product > 0, count % product == 0 else { throw problem }
      given[open] = count / product
    } else if product != count {
      throw problem
    }
    return try reshaped(&importer, input, given)
  }

  private static let flatten: Converter = { importer, node in
    let shape = try node.shape(0)
    let axis = try NodeReader.axis(node.integer("axis", default: 1), rank: shape.count, inclusive: true)
    let result = [shape[..<axis].reduce(1, *), shape[axis...].reduce(1, *)]
    return try reshaped(&importer, node.input(0), result)
  }

  private static let squeeze: Converter = { importer, node in
    let shape = try node.shape(0)
    let given = try node.axes(inputSince: 13)
    let axes = try given.map { try NodeReader.axes($0, rank: shape.count) } ?? shape.indices.filter { shape[$0] == 1 }
    if let bad = axes.first(where: { shape[$0] != 1 }) {
      throw Refusal("onnx.shape", "axis \(bad) of \(shape) has size \(shape[bad]); expected 1")
    }
    return try reshaped(
      &importer, node.input(0), shape.indices.filter { !axes.contains($0) }.map { shape[$0] })
  }

  private static let unsqueeze: Converter = { importer, node in
    let shape = try node.shape(0)
    guard let given = try node.axes(inputSince: 13) else { throw Refusal("onnx.inputs", "the axes are missing") }
    guard given.count <= 8 else { throw Refusal("onnx.shape", "\(given.count) axes are added; expected at most 8") }
    let rank = shape.count + given.count
    let axes = try NodeReader.axes(given, rank: rank)
    var result = shape
    for axis in axes { result.insert(1, at: axis) }
    return try reshaped(&importer, node.input(0), result)
  }

  private static let identity: Converter = { importer, node in [try node.input(0)] }

  private static let dropout: Converter = { importer, node in
    _ = try node.integerIfGiven("is_test")
    if node.has(2) {
      guard case .constant(let mode) = try node.input(2) else {
        throw Refusal.form("training_mode is computed; expected a constant", help: "export the model for inference")
      }
      if mode.asReals.contains(where: { $0 != 0 }) {
        throw Refusal.form("training_mode is true", help: "export the model for inference")
      }
    }
    return [try node.input(0)]
  }

  private static let cast: Converter = { importer, node in
    guard let target = try node.integerIfGiven("to") else { throw Refusal("onnx.attribute", "'to' is missing") }
    _ = try node.integerIfGiven("saturate")
    guard let kind = Int32(exactly: target).flatMap(TensorKind.init) else {
      throw Refusal.form(
        "a cast to \(TensorKind.name(Int32(clamping: target))); expected real numbers, integers or bool")
    }
    return [try cast(&importer, node.input(0), to: kind)]
  }

  private static func cast(
    _ importer: inout ModelImporter, _ input: ImportedValue, to kind: TensorKind
  ) throws -> ImportedValue {
    switch input {
    case .constant(let constant): .constant(try Folding.cast(constant, to: kind))
    case .computed(let x): .computed(try importer.cast(x, to: kind))
    case .refused: .refused
    }
  }

  /// To the type of another tensor.
  private static let castLike: Converter = { importer, node in
    _ = try node.integerIfGiven("saturate")
    switch try node.input(1) {
    case .constant(let constant): return [try cast(&importer, node.input(0), to: constant.kind)]
    case .computed(let x): return [try cast(&importer, node.input(0), to: importer.emitter.kind(x.value))]
    case .refused: return [.refused]
    }
  }

  private static let expand: Converter = { importer, node in
    if let folder = FoldingTable.folders["Expand"], let folded = try importer.fold(node, folder) { return folded }
    guard case .computed(let x) = try node.input(0), let shape = try node.constant(1, "shape")?.indices() else {
      return [.refused]
    }
    return [.computed(try importer.broadcast(x, to: shape))]
  }
}

extension ModelImporter {
  /// Elements as those of another type; all are f32 in the graph.
  fileprivate mutating func cast(_ x: PlacedValue, to kind: TensorKind) throws -> PlacedValue {
    let from = emitter.kind(x.value)
    if from == kind || from.isReal && kind.isReal { return x }
    var result: PlacedValue
    if kind == .bool {
      result = try unary(.not, unary(.not, x))
    } else if from.isReal {
      result = try unary(.truncate, x)
    } else {
      // The same numbers under a type of their own.
      let shape = emitter.shape(x.value)
      result = PlacedValue(
        value: emitter.graph.append(
          .reshape(Reshape()), [try emitter.numbers(of: x.value)], type: .f32(shape), name: emitter.name),
        placement: x.placement)
    }
    emitter.setKind(kind, of: result.value)
    return result
  }
}
