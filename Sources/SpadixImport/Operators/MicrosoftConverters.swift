import SpadixIR
import SpadixSupport
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
    "DynamicQuantizeMatMul": dynamicProduct, "MatMulNBits": packedProduct, "NhwcMaxPool": channelsLastPool,
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

  /// A product with weights of a few bits, packed along the depth: inputs A, B [N, blocks, bytes], a scale for each block, zero
  /// points or none.
  private static let packedProduct: Converter = { importer, node in
    let (depth, columns) = (try node.integer("K", default: 0), try node.integer("N", default: 0))
    let (bits, block) = (try node.integer("bits", default: 4), try node.integer("block_size", default: 0))
    _ = try node.integerIfGiven("accuracy_level")
    for index in 4..<max(4, node.inputs.count) where node.has(index) { throw Refusal.form("input \(index) is given") }
    guard [2, 4, 8].contains(bits), block > 0, block % 8 == 0, depth > 0, columns > 0,
      let packed = try node.constant(1, "weights"), let scales = try node.constant(2, "scales")
    else { throw Refusal("onnx.attribute", "K = \(depth), N = \(columns), bits = \(bits), block_size = \(block)") }
    try GraphEmitter.checkSize([depth, columns])
    let blocks = ceilDivide(depth, block)
    let zero = try node.constant(3, "zero points")
    let zeroBytes = ceilDivide(blocks * bits, 8)
    guard packed.kind == .uint8, packed.count == columns * blocks * block * bits / 8, scales.count == columns * blocks,
      zero.map({ $0.count == ($0.kind == .uint8 ? columns * zeroBytes : columns * blocks) }) ?? true
    else { throw Refusal("onnx.shape", "weights of shape \(packed.shape) for \(columns) columns of \(blocks) blocks") }
    func integer(_ bytes: [Int64], _ place: Int, from start: Int) -> Float {
      Float(bytes[start + place * bits / 8] >> (place * bits % 8) & (1 << bits - 1))
    }
    let (bytes, factors) = (packed.integers ?? [], scales.asReals)
    var elements = [Float](repeating: 0, count: depth * columns)
    for column in 0..<columns {
      for place in 0..<depth {
        let part = column * blocks + place / block
        var center = Float(1 << (bits - 1))
        if let zero {
          center =
            zero.kind == .uint8
            ? integer(zero.integers ?? [], place / block, from: column * zeroBytes) : zero.asReals[part]
        }
        let value = integer(bytes, place, from: column * blocks * block * bits / 8)
        elements[place * columns + column] = (value - center) * factors[part]
      }
    }
    let matrix = ConstantTensor(.float, shape: [depth, columns], .real(elements), name: packed.name)
    return [.computed(try importer.product(node.input(0), .constant(importer.identified(matrix))))]
  }

  /// A maximum of windows of a tensor [N, H, W, C].
  private static let channelsLastPool: Converter = { importer, node in
    guard let converter = OperatorTable.converters["MaxPool"],
      case .computed(let x) = try importer.computed(node.input(0)),
      x.shape.count > 2
    else { return [.refused] }
    let last = x.shape.count - 1
    let channelsFirst = PlacedValue(value: x.value, placement: x.placement.transposed([0, last] + Array(1..<last)))
    let inner = try node.with([.computed(channelsFirst)])
    guard case .computed(var result)? = try converter(&importer, inner).first else { return [.refused] }
    try inner.checkAttributes()
    node.takeAllAttributes()
    result.placement = result.placement.transposed([0] + Array(2...last) + [1])
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
    let parameters = try [2, 3].filter(node.has).map { try node.input($0) }
    let normalized = try importer.layerNorm(sum, [last], epsilon, parameters)
    return [.computed(normalized), .refused, .refused, .computed(sum)]
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
}
