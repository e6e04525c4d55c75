import SpadixIR
import SpadixTensor

/// Functions of each element, and of two.
enum FunctionConverters {
  static let table: [String: Converter] = {
    var table: [String: Converter] = [
      "Elu": parametric(.elu, 1), "Celu": parametric(.celu, 1), "LeakyRelu": parametric(.leakyRelu, 0.01),
      "ThresholdedRelu": parametric(.thresholdedRelu, 1),
      "HardSigmoid": parametric(.hardSigmoid, 0.2, "beta", 0.5),
      "Selu": parametric(.selu, 1.673_263_2, "gamma", 1.050_701),
      "Shrink": { importer, node in
        let (bound, bias) = (try node.real("lambd", default: 0.5), try node.real("bias", default: 0))
        return try apply(&importer, node) { try $0.unary(.shrink, alpha: bound, beta: bias, $1) }
      },
      "Gelu": { importer, node in
        let form = try node.text("approximate") ?? "none"
        guard ["none", "tanh"].contains(form) else {
          throw Refusal("onnx.attribute", "approximate = \(form): expected none or tanh")
        }
        return try apply(&importer, node) { try $0.unary(form == "tanh" ? .geluTanh : .gelu, $1) }
      },
      "Pow": power, "PRelu": parametricRelu, "Where": choice, "Mod": modulo,
      "IsNaN": { importer, node in
        try apply(&importer, node) { try $0.unary(.not, $0.binary(.equal, $1, $1)) }
      },
      "IsInf": { importer, node in
        let ends = (try node.flag("detect_positive", default: true), try node.flag("detect_negative", default: true))
        return try apply(&importer, node) { importer, x in
          let greatest = Float.greatestFiniteMagnitude
          switch ends {
          case (true, true): return try importer.binary(.greater, importer.unary(.abs, x), greatest)
          case (false, true): return try importer.binary(.less, x, -greatest)
          case (true, false): return try importer.binary(.greater, x, greatest)
          case (false, false): return try importer.binary(.less, x, x)
          }
        }
      },
    ]
    let plain: [String: UnaryFunction] = [
      "Abs": .abs, "Acos": .acos, "Acosh": .acosh, "Asin": .asin, "Asinh": .asinh, "Atan": .atan, "Atanh": .atanh,
      "Ceil": .ceil, "Cos": .cos, "Cosh": .cosh, "Erf": .erf, "Exp": .exp, "Floor": .floor, "HardSwish": .hardSwish,
      "Log": .log, "Mish": .mish, "Not": .not, "Reciprocal": .reciprocal, "Round": .round, "Sigmoid": .sigmoid,
      "Sign": .sign, "Sin": .sin, "Sinh": .sinh, "Softplus": .softplus, "Softsign": .softsign, "Sqrt": .sqrt,
      "Tan": .tan, "Tanh": .tanh,
    ]
    for (name, function) in plain {
      table[name] = { importer, node in try apply(&importer, node) { try $0.unary(function, $1) } }
    }
    let conditions: [String: BinaryFunction] = [
      "Equal": .equal, "Less": .less, "LessOrEqual": .lessOrEqual, "Greater": .greater,
      "GreaterOrEqual": .greaterOrEqual, "And": .and, "Or": .or, "Xor": .xor,
    ]
    for (name, function) in conditions {
      table[name] = { importer, node in try pair(&importer, node) { try $0.binary(function, $1, $2) } }
    }
    return table
  }()

  /// Applies a function to a computed operand; what is known is folded.
  private static func apply(
    _ importer: inout ModelImporter, _ node: NodeReader,
    _ body: (inout ModelImporter, PlacedValue) throws -> PlacedValue
  ) throws -> [ImportedValue] {
    if let folder = FoldingTable.folders[node.node.operator], let folded = try importer.fold(node, folder) {
      return folded
    }
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    return [try importer.folded(body(&importer, x), of: node.input(0))]
  }

  private static func pair(
    _ importer: inout ModelImporter, _ node: NodeReader,
    _ body: (inout ModelImporter, ImportedValue, ImportedValue) throws -> PlacedValue
  ) throws -> [ImportedValue] {
    // Below operator set 7: an axis that the second operand's first one is aligned with.
    let broadcasts = try node.integerIfGiven("broadcast")
    let axis = try node.integerIfGiven("axis")
    if let folder = FoldingTable.folders[node.node.operator], let folded = try importer.fold(node, folder) {
      return folded
    }
    let left = try node.input(0)
    var right = try node.input(1)
    if broadcasts == 1, let axis, case .constant(var constant) = right {
      constant = try ArithmeticConverters.aligned(constant, axis, rank: node.shape(0).count)
      right = .constant(constant)
    }
    if case .refused = left { return [.refused] }
    if case .refused = right { return [.refused] }
    return [.computed(try body(&importer, left, right))]
  }

  private static func parametric(
    _ function: UnaryFunction, _ alpha: Float, _ second: String? = nil, _ beta: Float = 0
  ) -> Converter {
    { importer, node in
      let alpha = try node.real("alpha", default: alpha)
      let beta = try second.map { try node.real($0, default: beta) } ?? beta
      return try apply(&importer, node) { try $0.unary(function, alpha: alpha, beta: beta, $1) }
    }
  }

  private static let power: Converter = { importer, node in
    try pair(&importer, node) { importer, base, exponent in
      if case .constant(let constant) = exponent, constant.count == 1, case .computed(let x) = base,
        try Folding.broadcast(x.shape, constant.shape) == x.shape
      {
        let exponent = constant.asReals[0]
        let isInteger = !importer.emitter.kind(x.value).isReal
        switch exponent {
        case 1: return x
        case 2: return try importer.unary(.square, x)
        case 0.5 where !isInteger: return try importer.unary(.sqrt, x)
        case -1 where !isInteger: return try importer.unary(.reciprocal, x)
        default:
          let power = try importer.unary(.pow, alpha: exponent, x)
          return isInteger ? try importer.unary(.truncate, power) : power
        }
      }
      let power = try importer.binary(.pow, base, exponent)
      return importer.emitter.kind(power.value).isReal ? power : try importer.unary(.truncate, power)
    }
  }

  private static let modulo: Converter = { importer, node in
    let isC = try node.flag("fmod")
    return try pair(&importer, node) { try $0.binary(isC ? .fmod : .mod, $1, $2) }
  }

  private static let parametricRelu: Converter = { importer, node in
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    switch try node.input(1) {
    case .constant(var slope):
      // Before numpy's broadcasting: one slope for each channel.
      if node.opset < 7, slope.shape.count == 1, x.shape.count > 1 {
        slope.shape += [Int](repeating: 1, count: x.shape.count - 2)
      }
      if slope.count == 1 {
        return [.computed(try importer.unary(.leakyRelu, alpha: slope.exactReals()[0], x))]
      }
      guard try Folding.broadcast(x.shape, slope.shape) == x.shape else {
        throw Refusal("onnx.shape", "the slope has shape \(slope.shape); expected one that broadcasts to \(x.shape)")
      }
      return [.computed(try importer.parametricRelu(x, slope))]
    case .computed(let slope): return [.computed(try importer.binary(.prelu, x, slope))]
    case .refused: return [.refused]
    }
  }

  private static let choice: Converter = { importer, node in
    if let folder = FoldingTable.folders["Where"], let folded = try importer.fold(node, folder) { return folded }
    let operands = try (0..<3).map { try node.input($0) }
    return [.computed(try importer.broadcastFunction(.computing(Select()), operands))]
  }
}
