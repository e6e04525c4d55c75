import SpadixIR
import SpadixTensor

/// Operators on integers that stand for real numbers, of the standard and of ONNX Runtime's quantizer: the operator on the
/// real numbers, rounded as its result says: the forms that have no operator on int8, which `IntegerConverters` has.
enum QuantizedConverters {
  static let standard: [String: Converter] = [
    "QLinearConv": { importer, node in
      let bias = try importer.integerBias(node, 8, x: 1, weights: 4)
      let x = try importer.realInput(node, 0, axis: 1)
      let weights = try importer.realInput(node, 3, axis: 0)
      return [try importer.quantizedResult(importer.convolution(node, x, weights, bias), node, scale: 6)]
    },
    "QLinearMatMul": { importer, node in
      let a = try importer.realInput(node, 0, axis: -2)
      let b = try importer.realInput(node, 3, axis: -1)
      return [try importer.quantizedResult(importer.product(a, b), node, scale: 6)]
    },
  ]

  /// Of the domain com.microsoft.
  static let table: [String: Converter] = [
    "QLinearAdd": { try pair(&$0, $1, "Add") }, "QLinearMul": { try pair(&$0, $1, "Mul") },
    "QLinearSigmoid": single { try $0.unary(.sigmoid, $2) },
    "QLinearLeakyRelu": single { try $0.unary(.leakyRelu, alpha: $1.real("alpha", default: 0.01), $2) },
    "QLinearSoftmax": single { importer, node, x in
      let opset = try node.integer("opset", default: node.opset)
      let axis = try NodeReader.axis(node.integer("axis", default: opset < 13 ? 1 : -1), rank: x.shape.count)
      let axes = opset < 13 ? Array(axis..<x.shape.count) : [axis]
      let (value, placement) = try importer.rows(x, axes)
      return PlacedValue(value: try importer.emitter.emit(.softmax(Softmax(axis: -1)), [value]), placement: placement)
    },
    "QLinearGlobalAveragePool": single { importer, node, x in
      let isChannelsLast = try node.flag("channels_last")
      let axes = isChannelsLast ? Array(1..<x.shape.count - 1) : Array(2..<x.shape.count)
      return try importer.reduced(x, axes, .mean)
    },
    "QLinearAveragePool": single { importer, node, x in
      if try node.flag("channels_last") { throw Refusal.form("channels_last = 1") }
      let windows = try VolumeConverters.Windows(node, Array(x.shape.dropFirst(2)))
      return try VolumeConverters.average(
        &importer, x, windows, countsPadding: node.flag("count_include_pad"))
    },
    "QLinearConcat": concat, "QGemm": gemm,
    "QuantizeLinear": { try convert(&$0, $1, "QuantizeLinear") },
    "DequantizeLinear": { try convert(&$0, $1, "DequantizeLinear") },
  ]

  private static func convert(
    _ importer: inout ModelImporter, _ node: NodeReader, _ name: String
  ) throws -> [ImportedValue] {
    guard let converter = QuantizationConverters.table[name] else { return [.refused] }
    return try converter(&importer, node)
  }

  /// Inputs X, its scale and zero point, then the result's.
  private static func single(
    _ body: @escaping @Sendable (inout ModelImporter, NodeReader, PlacedValue) throws -> PlacedValue
  ) -> Converter {
    { importer, node in
      guard case .computed(let x) = try importer.computed(importer.realInput(node, 0, axis: 1)) else {
        return [.refused]
      }
      return [try importer.quantizedResult(body(&importer, node, x), node, scale: 3)]
    }
  }

  private static func pair(
    _ importer: inout ModelImporter, _ node: NodeReader, _ name: String
  ) throws -> [ImportedValue] {
    let a = try importer.realInput(node, 0, axis: 1)
    let b = try importer.realInput(node, 3, axis: 1)
    let result: PlacedValue
    if name == "Add", case .computed(let x) = a, case .computed(let y) = b {
      result = try importer.add(x, y)
    } else {
      result = try importer.arithmetic(name, a, b)
    }
    return [try importer.quantizedResult(result, node, scale: 6)]
  }

  /// Inputs: scale and zero point of the result, then three for each operand.
  private static let concat: Converter = { importer, node in
    guard let given = try node.integerIfGiven("axis") else { throw Refusal("onnx.attribute", "axis is missing") }
    var operands: [PlacedValue] = []
    for index in stride(from: 2, to: node.inputs.count, by: 3) {
      guard case .computed(let placed) = try importer.computed(importer.realInput(node, index, axis: 1)) else {
        return [.refused]
      }
      operands.append(placed)
    }
    guard let first = operands.first else { throw Refusal("onnx.inputs", "nothing is joined") }
    let axis = try NodeReader.axis(given, rank: first.shape.count)
    return [try importer.quantizedResult(importer.joined(operands, axis), node, scale: 0)]
  }

  /// Inputs A, B with scale and zero point each, C in units of their product, and the result's.
  private static let gemm: Converter = { importer, node in
    let alpha = try node.real("alpha", default: 1)
    let (transposesA, transposesB) = (try node.flag("transA"), try node.flag("transB"))
    guard case .computed(var a) = try importer.computed(importer.realInput(node, 0, axis: -2)) else {
      return [.refused]
    }
    if transposesA { a.placement = a.placement.transposed([1, 0]) }
    var b = try importer.realInput(node, 3, axis: transposesB ? 0 : 1)
    if transposesB {
      switch b {
      case .constant(let matrix): b = .constant(importer.identified(Folding.transpose(matrix, [1, 0])))
      case .computed(var matrix):
        matrix.placement = matrix.placement.transposed([1, 0])
        b = .computed(matrix)
      case .refused: return [.refused]
      }
    }
    var result = try importer.product(.computed(a), b)
    if let bias = try importer.integerBias(node, 6, x: 1, weights: 4), case .constant(let c) = bias {
      result = try importer.add(result, c)
    }
    if alpha != 1 { result = try importer.scale(result, by: alpha) }
    if !node.has(7) { return [.computed(result)] }
    return [try importer.quantizedResult(result, node, scale: 7)]
  }
}

extension ModelImporter {
  /// The real numbers of an input whose scale and zero point are the two inputs after it.
  fileprivate mutating func realInput(_ node: NodeReader, _ index: Int, axis: Int) throws -> ImportedValue {
    let shape = try node.shape(index)
    guard let scale = try node.constant(index + 1, "scale") else { throw Refusal("onnx.inputs", "a scale is missing") }
    let factors = try QuantizationConverters.spread(scale, shape, axis: axis, block: 0)
    let zero = try node.constant(index + 2, "zero point").map {
      try QuantizationConverters.spread($0, shape, axis: axis, block: 0)
    }
    switch try node.input(index) {
    case .constant(let constant):
      return .constant(try identified(QuantizationConverters.real(constant, factors, zero)))
    case .computed(let x): return .computed(try real(x, factors, zero))
    case .refused: throw Refusal("onnx.inputs", "input \(index) was refused")
    }
  }

  fileprivate mutating func quantizedResult(
    _ result: PlacedValue, _ node: NodeReader, scale: Int
  ) throws -> ImportedValue {
    guard let factor = try node.constant(scale, "scale"), factor.count == 1 else {
      throw Refusal.form("the scale of the result is no single number")
    }
    let zero = try node.constant(scale + 1, "zero point")
    func scalar(_ constant: ConstantTensor) -> ConstantTensor {
      ConstantTensor(.float, shape: [], .real([constant.asReals[0]]))
    }
    return .computed(try quantized(result, scalar(factor), zero.map(scalar), zero?.kind ?? .uint8))
  }

  /// A bias of integers in units of the product of two scales; nil where there is none.
  fileprivate func integerBias(_ node: NodeReader, _ index: Int, x: Int, weights: Int) throws -> ImportedValue? {
    guard let bias = try node.constant(index, "bias"), let a = try node.constant(x, "scale")?.requireReals()[0],
      let b = try node.constant(weights, "scale")?.requireReals()
    else { return nil }
    let values = bias.asReals.enumerated().map { $1 * (a * (b.count == 1 ? b[0] : b[$0 % b.count])) }
    return .constant(ConstantTensor(.float, shape: bias.shape, .real(values), name: bias.name))
  }
}
