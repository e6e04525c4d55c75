import SpadixIR
import SpadixTensor

/// Operators of ONNX Runtime's own, the domain com.microsoft, that its optimizer writes for several of the standard.
enum MicrosoftConverters {
  static let table: [String: Converter] = [
    "FusedConv": convolution, "FusedMatMul": product, "TransposeMatMul": product, "FusedGemm": gemm,
    "Gelu": unary { _, _ in Unary(.gelu) },
    "QuickGelu": unary { node, _ in Unary(.silu, alpha: try node.real("alpha", default: 1.702)) },
    "FastGelu": biased(.geluTanh), "BiasGelu": biased(.gelu),
    "SkipLayerNormalization": skipNorm, "SkipSimplifiedLayerNormalization": skipRootNorm,
    "SimplifiedLayerNormalization": rootNorm, "MatMulIntegerToFloat": integerProduct,
    "DynamicQuantizeMatMul": dynamicProduct, "Attention": attention,
  ]

  /// Of the standard's domain, though they are none of the standard: ONNX Runtime's, or of operator sets below 7.
  static let inStandardDomain: [String: Converter] = [
    "SimplifiedLayerNormalization": rootNorm,
    "Affine": legacy { importer, node, x in
      let (alpha, beta) = (try node.real("alpha", default: 1), try node.real("beta", default: 0))
      return try importer.add(importer.scale(x, by: alpha), ConstantTensor(.float, shape: [], .real([beta])))
    },
    "ScaledTanh": legacy { importer, node, x in
      let (alpha, beta) = (try node.real("alpha", default: 1), try node.real("beta", default: 1))
      return try importer.scale(importer.unary(.tanh, importer.scale(x, by: beta)), by: alpha)
    },
    "ParametricSoftplus": legacy { importer, node, x in
      let (alpha, beta) = (try node.real("alpha", default: 1), try node.real("beta", default: 1))
      return try importer.scale(importer.unary(.softplus, importer.scale(x, by: beta)), by: alpha)
    },
    "ImageScaler": legacy { importer, node, x in
      let (bias, scale) = (try node.reals("bias") ?? [], try node.real("scale", default: 1))
      guard x.shape.count == 4, bias.isEmpty || bias.count == x.shape[1] else {
        throw Refusal(
          "onnx.attribute", "the bias has \(bias.count) elements; expected one for each channel of \(x.shape)")
      }
      let scaled = try importer.scale(x, by: scale)
      return bias.isEmpty
        ? scaled : try importer.add(scaled, ConstantTensor(.float, shape: [bias.count, 1, 1], .real(bias)))
    },
  ]

  private static func legacy(
    _ body: @escaping @Sendable (inout ModelImporter, NodeReader, PlacedValue) throws -> PlacedValue
  ) -> Converter {
    { importer, node in
      guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
      return [.computed(try body(&importer, node, x))]
    }
  }

  // MARK: Products

  /// The activation that a product has fused, by its name and its parameters.
  private static func activated(
    _ importer: inout ModelImporter, _ x: PlacedValue, _ name: String?, _ parameters: [Float]
  ) throws -> PlacedValue {
    func parameter(_ index: Int, _ standard: Float) -> Float { index < parameters.count ? parameters[index] : standard }
    switch name {
    case nil, "": return x
    case "Relu": return try importer.elementwise(.relu(Relu()), x)
    case "Clip":
      return try importer.elementwise(
        .clamp(Clamp(low: parameter(0, -.infinity), high: parameter(1, .infinity))), x)
    case "Sigmoid": return try importer.unary(.sigmoid, x)
    case "Tanh": return try importer.unary(.tanh, x)
    case "LeakyRelu": return try importer.unary(.leakyRelu, alpha: parameter(0, 0.01), x)
    case "HardSigmoid": return try importer.unary(.hardSigmoid, alpha: parameter(0, 0.2), beta: parameter(1, 0.5), x)
    case "HardSwish": return try importer.unary(.hardSwish, x)
    case "Elu": return try importer.unary(.elu, alpha: parameter(0, 1), x)
    case "Softplus": return try importer.unary(.softplus, x)
    case let other?: throw Refusal.form("the activation \(other) is fused")
    }
  }

  /// Inputs X, W, B, and an addend before the activation.
  private static let convolution: Converter = { importer, node in
    let (activation, parameters) = (try node.text("activation"), try node.reals("activation_params") ?? [])
    var result = try importer.convolution(
      node, node.input(0), node.input(1), node.has(2) ? node.input(2) : nil)
    if node.has(3) {
      guard case .computed(let addend) = try importer.computed(node.input(3)) else { return [.refused] }
      result = try importer.add(result, addend)
    }
    return [.computed(try activated(&importer, result, activation, parameters))]
  }

  private static let gemm: Converter = { importer, node in
    let name = try node.text("activation")
    let parameters = try ["activation_alpha", "activation_beta"].compactMap { try node.realIfGiven($0) }
    guard let converter = OperatorTable.converters["Gemm"],
      case .computed(let result)? = try converter(&importer, node).first
    else { return [.refused] }
    return [.computed(try activated(&importer, result, name, parameters))]
  }

  /// An operand with its last two axes exchanged.
  private static func transposed(_ importer: inout ModelImporter, _ operand: ImportedValue) -> ImportedValue {
    guard let rank = operand.shape?.count, rank >= 2 else { return operand }
    let order = Array(0..<rank - 2) + [rank - 1, rank - 2]
    switch operand {
    case .constant(let constant):
      var result = Folding.transpose(constant, order)
      result.name = constant.name
      return .constant(importer.identified(result))
    case .computed(let x): return .computed(PlacedValue(value: x.value, placement: x.placement.transposed(order)))
    case .refused: return .refused
    }
  }

  private static let product: Converter = { importer, node in
    let alpha = try node.real("alpha", default: 1)
    if try node.flag("transBatchA") || node.flag("transBatchB") { throw Refusal.form("batches are transposed") }
    var (a, b) = (try node.input(0), try node.input(1))
    if try node.flag("transA") { a = transposed(&importer, a) }
    if try node.flag("transB") { b = transposed(&importer, b) }
    return [.computed(try importer.scale(importer.product(a, b), by: alpha))]
  }

  /// A product of integers, as the real numbers that they stand for. Inputs: A, B, scales, zero points, bias.
  private static let integerProduct: Converter = { importer, node in
    let a = try QuantizationConverters.centered(&importer, node, 0, zero: 4, axis: -2)
    let b = try QuantizationConverters.centered(&importer, node, 1, zero: 5, axis: -1)
    var result = try importer.product(a, b)
    importer.emitter.setKind(.float, of: result.value)
    for scale in [2, 3] { result = try importer.binary(.mul, .computed(result), node.input(scale)) }
    if node.has(6) { result = try importer.binary(.add, .computed(result), node.input(6)) }
    return [.computed(result)]
  }

  /// A product with integers of real numbers that are rounded to 256 levels on the way. Inputs: A, B, scale, zero point,
  /// bias.
  private static let dynamicProduct: Converter = { importer, node in
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let (integers, scale, zero) = try QuantizationConverters.dynamic(&importer, x)
    let centered = try importer.binary(.sub, integers, zero)
    let b = try QuantizationConverters.centered(&importer, node, 1, zero: 3, axis: -1)
    var result = try importer.product(.computed(centered), b)
    importer.emitter.setKind(.float, of: result.value)
    result = try importer.binary(.mul, .computed(result), .computed(scale))
    result = try importer.binary(.mul, .computed(result), node.input(2))
    if node.has(4) { result = try importer.binary(.add, .computed(result), node.input(4)) }
    return [.computed(result)]
  }

  // MARK: Activations and norms

  private static func unary(_ function: @escaping @Sendable (NodeReader, PlacedValue) throws -> Unary) -> Converter {
    legacy { importer, node, x in try importer.elementwise(.computing(function(node, x)), x) }
  }

  private static func biased(_ function: UnaryFunction) -> Converter {
    legacy { importer, node, x in
      let sum = node.has(1) ? try importer.binary(.add, .computed(x), node.input(1)) : x
      return try importer.unary(function, sum)
    }
  }

  /// Inputs X, skip, gamma, beta, bias; the sum before the normalization is output 3.
  private static let skipNorm: Converter = { importer, node in
    let epsilon = try node.real("epsilon", default: 1e-12)
    let (sum, last) = try skipped(&importer, node, bias: 4)
    let (value, placement) = try importer.rows(sum, [last])
    let normalized = PlacedValue(
      value: try importer.emitter.emit(.computing(LayerNorm(epsilon: epsilon)), [value]), placement: placement)
    return try [.computed(scaled(&importer, normalized, node, [2, 3])), .refused, .refused, .computed(sum)]
  }

  private static let skipRootNorm: Converter = { importer, node in
    let epsilon = try node.real("epsilon", default: 1e-12)
    let (sum, last) = try skipped(&importer, node, bias: 3)
    let normalized = try rootNormalized(&importer, sum, [last], epsilon)
    return try [.computed(scaled(&importer, normalized, node, [2])), .refused, .refused, .computed(sum)]
  }

  private static func skipped(
    _ importer: inout ModelImporter, _ node: NodeReader, bias: Int
  ) throws -> (PlacedValue, last: Int) {
    var sum = try importer.binary(.add, node.input(0), node.input(1))
    if node.has(bias) { sum = try importer.binary(.add, .computed(sum), node.input(bias)) }
    guard !sum.shape.isEmpty else { throw Refusal("onnx.shape", "the input is a single number") }
    return (sum, sum.shape.count - 1)
  }

  private static func scaled(
    _ importer: inout ModelImporter, _ x: PlacedValue, _ node: NodeReader, _ parameters: [Int]
  ) throws -> PlacedValue {
    var result = x
    for (index, function) in zip(parameters, [BinaryFunction.mul, .add]) where node.has(index) {
      result = try importer.binary(function, .computed(result), node.input(index))
    }
    return result
  }

  /// `x / sqrt(mean(x^2) + epsilon)`.
  private static func rootNormalized(
    _ importer: inout ModelImporter, _ x: PlacedValue, _ axes: [Int], _ epsilon: Float
  ) throws -> PlacedValue {
    let squares = try importer.reduced(importer.unary(.square, x), axes, .mean)
    let inverse = try importer.unary(.pow, alpha: -0.5, importer.binary(.add, squares, epsilon))
    return try importer.binary(.mul, x, inverse)
  }

  private static let rootNorm: Converter = { importer, node in
    let epsilon = try node.real("epsilon", default: 1e-5)
    _ = try node.integerIfGiven("stash_type")
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let first = try NodeReader.axis(node.integer("axis", default: -1), rank: x.shape.count)
    let normalized = try rootNormalized(&importer, x, Array(first..<x.shape.count), epsilon)
    return [.computed(try scaled(&importer, normalized, node, [1]))]
  }

  // MARK: Attention

  /// Inputs X [B, S, D], weights [D, 3 H], bias [3 H], and a mask [B, S] of ones and zeros.
  private static let attention: Converter = { importer, node in
    guard let heads = try node.integerIfGiven("num_heads"), heads > 0 else {
      throw Refusal("onnx.attribute", "num_heads is missing")
    }
    let filter = try node.real("mask_filter_value", default: -10_000)
    if try node.flag("unidirectional") { throw Refusal.form("unidirectional = 1: expected attention to all places") }
    if let sizes = try node.integers("qkv_hidden_sizes"), Set(sizes).count > 1 {
      throw Refusal.form("qkv_hidden_sizes = \(sizes); expected equal ones")
    }
    for index in [4, 5, 6] where node.has(index) {
      throw Refusal.form("input \(index) is given; expected a mask at most")
    }
    guard case .computed(let x) = try importer.computed(node.input(0)), x.shape.count == 3 else { return [.refused] }
    let (batch, length) = (x.shape[0], x.shape[1])
    var all = try importer.product(.computed(x), node.input(1))
    if node.has(2) {
      guard let bias = try node.constant(2, "bias") else { return [.refused] }
      all = try importer.add(all, bias)
    }
    let width = all.shape[2] / 3
    guard width * 3 == all.shape[2], width % heads == 0 else {
      throw Refusal(
        "onnx.shape", "the weights have \(all.shape[2]) columns; expected three times a multiple of \(heads)")
    }
    let depth = width / heads
    func part(_ index: Int, _ order: [Int]) throws -> PlacedValue {
      let columns = try importer.selected(all, 2, Array(index * width..<(index + 1) * width))
      var result = try importer.reshaped(columns, [batch, length, heads, depth])
      result.placement = result.placement.transposed(order)
      return result
    }
    let name = importer.emitter.name
    importer.emitter.name = name + ".scores"
    let scale = try node.realIfGiven("scale") ?? 1 / Float(depth).squareRoot()
    let query = try importer.scale(part(0, [0, 2, 1, 3]), by: scale)
    var scores = try importer.product(.computed(query), .computed(part(1, [0, 2, 3, 1])))
    if node.has(3) {
      guard case .computed(let mask) = try importer.computed(node.input(3)), mask.shape == [batch, length] else {
        throw Refusal.form("the mask has shape \(try node.shape(3)); expected [\(batch), \(length)]")
      }
      let hidden = try importer.binary(.mul, importer.binary(.sub, mask, 1), -filter)
      scores = try importer.binary(.add, scores, importer.reshaped(hidden, [batch, 1, 1, length]))
    }
    let weights = PlacedValue(
      value: try importer.emitter.emit(.softmax(Softmax(axis: -1)), [importer.emitter.arrange(scores)]),
      placement: Placement(scores.shape))
    importer.emitter.name = name
    var result = try importer.product(.computed(weights), .computed(part(2, [0, 2, 1, 3])))
    result.placement = result.placement.transposed([0, 2, 1, 3])
    return [.computed(try importer.reshaped(result, [batch, length, width]))]
  }
}
