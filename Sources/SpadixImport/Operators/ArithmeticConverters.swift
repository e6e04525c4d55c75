import SpadixIR
import SpadixTensor

/// Sums, differences, products and quotients, with a constant or of two activations.
enum ArithmeticConverters {
  static let table: [String: Converter] = [
    "Add": { try binary(&$0, $1, "Add") { $0 + $1 } },
    "Sub": { try binary(&$0, $1, "Sub") { $0 - $1 } },
    "Mul": { try binary(&$0, $1, "Mul") { $0 * $1 } },
    "Div": { try binary(&$0, $1, "Div") { $0 / $1 } },
    "Sum": { try variadic(&$0, $1, isMean: false) },
    "Mean": { try variadic(&$0, $1, isMean: true) },
    "Max": { try extremum(&$0, $1, isMaximum: true) },
    "Min": { try extremum(&$0, $1, isMaximum: false) },
    "Neg": unary("Neg") { try $0.scale($1, by: -1) },
    "BatchNormalization": normalization,
  ]

  private static func unary(
    _ name: String, _ body: @escaping @Sendable (inout ModelImporter, PlacedValue) throws -> PlacedValue
  ) -> Converter {
    { importer, node in
      if let folder = FoldingTable.folders[name], let folded = try importer.fold(node, folder) { return folded }
      guard case .computed(let input) = try node.input(0) else { return [.refused] }
      return [.computed(try body(&importer, input))]
    }
  }

  private static func binary(
    _ importer: inout ModelImporter, _ node: NodeReader, _ name: String, _ function: (Float, Float) -> Float
  ) throws -> [ImportedValue] {
    // Below operator set 7: an axis that the second operand's first one is aligned with.
    let broadcasts = try node.integerIfGiven("broadcast")
    let axis = try node.integerIfGiven("axis")
    if let folder = FoldingTable.folders[name], let folded = try importer.fold(node, folder) { return folded }
    let (left, right) = (try node.input(0), try node.input(1))
    switch (left, right) {
    case (.computed(let x), .computed(let y)):
      switch name {
      case "Add": return [.computed(try importer.add(x, y))]
      case "Sub": return [.computed(try importer.add(x, importer.scale(y, by: -1)))]
      default:
        throw Refusal.form(
          "both operands are computed; the language has products with constants only",
          help: "replace the layer, such as squeeze-and-excitation, or cut the model around it")
      }
    case (.computed(let x), .constant(var constant)):
      if broadcasts == 1, let axis {
        constant = try aligned(constant, axis, rank: x.shape.count)
      }
      switch name {
      case "Add": return [.computed(try importer.add(x, constant))]
      case "Sub": return [.computed(try importer.add(x, importer.map(constant) { -$0 }))]
      case "Mul": return [.computed(try importer.multiply(x, constant))]
      default: return [.computed(try importer.multiply(x, importer.map(constant) { 1 / $0 }))]
      }
    case (.constant(let constant), .computed(let y)):
      switch name {
      case "Add": return [.computed(try importer.add(y, constant))]
      case "Sub": return [.computed(try importer.add(importer.scale(y, by: -1), constant))]
      case "Mul": return [.computed(try importer.multiply(y, constant))]
      default:
        throw Refusal.form("the divisor is computed; the language has no quotients of activations")
      }
    case (.constant, .constant), (.refused, _), (_, .refused): return [.refused]
    }
  }

  private static func aligned(_ constant: ConstantTensor, _ axis: Int, rank: Int) throws -> ConstantTensor {
    let axis = try NodeReader.axis(axis, rank: rank)
    guard axis + constant.shape.count <= rank else {
      throw Refusal("onnx.shape", "axis = \(axis) and the constant's shape \(constant.shape) do not fit rank \(rank)")
    }
    var result = constant
    result.shape += [Int](repeating: 1, count: rank - axis - constant.shape.count)
    return result
  }

  private static func variadic(
    _ importer: inout ModelImporter, _ node: NodeReader, isMean: Bool
  ) throws -> [ImportedValue] {
    var constants: [ConstantTensor] = []
    var sum: PlacedValue?
    var operands: [PlacedValue] = []
    for index in node.inputs.indices {
      switch try node.input(index) {
      case .constant(let constant): constants.append(constant)
      case .computed(let placed): operands.append(placed)
      case .refused: return [.refused]
      }
    }
    for operand in operands { sum = try sum.map { try importer.add($0, operand) } ?? operand }
    guard var sum else { throw Refusal.form("all operands are constants") }
    for constant in constants { sum = try importer.add(sum, constant) }
    if isMean { sum = try importer.scale(sum, by: 1 / Float(node.inputs.count)) }
    return [.computed(sum)]
  }

  private static func extremum(
    _ importer: inout ModelImporter, _ node: NodeReader, isMaximum: Bool
  ) throws -> [ImportedValue] {
    if let folder = FoldingTable.folders[isMaximum ? "Max" : "Min"], let folded = try importer.fold(node, folder) {
      return folded
    }
    var operands: [PlacedValue] = []
    var bound: Float?
    for index in node.inputs.indices {
      switch try node.input(index) {
      case .computed(let placed): operands.append(placed)
      case .constant(let constant):
        guard constant.count == 1 else {
          throw Refusal.form(
            "a constant operand has shape \(constant.shape); expected one number, as the language bounds all elements "
              + "alike")
        }
        let value = try constant.requireReals()[0]
        bound = bound.map { isMaximum ? max($0, value) : min($0, value) } ?? value
      case .refused: return [.refused]
      }
    }
    // The least of numbers is the greatest of their negatives, negated.
    if !isMaximum, operands.count > 1 { operands = try operands.map { try importer.scale($0, by: -1) } }
    guard var result = operands.first else { return [.refused] }
    if operands.count > 1 {
      result = try importer.greatest(operands)
      if !isMaximum { result = try importer.scale(result, by: -1) }
    }
    if let bound {
      let clamp = isMaximum ? Clamp(low: bound, high: .infinity) : Clamp(low: -.infinity, high: bound)
      result = try importer.elementwise(isMaximum && bound == 0 ? .relu(Relu()) : .clamp(clamp), result)
    }
    return [.computed(result)]
  }

  private static let normalization: Converter = { importer, node in
    let epsilon = try node.real("epsilon", default: 1e-5)
    _ = try node.integerIfGiven("is_test")
    if try node.flag("training_mode") {
      throw Refusal.form("training_mode = 1: expected statistics from training", help: "export the model for inference")
    }
    if try node.integer("spatial", default: 1) != 1 {
      throw Refusal.form("spatial = 0: expected one set of statistics for each channel")
    }
    guard case .computed(let input) = try importer.computed(node.input(0)) else { return [.refused] }
    guard input.shape.count >= 2 else {
      throw Refusal("onnx.shape", "the input has shape \(input.shape); expected [N, C, ...]")
    }
    let channels = input.shape[1]
    let (value, placement) = try importer.channelsLast(input, [1])
    var operands = [value]
    for (index, what) in ["scale", "bias", "mean", "variance"].enumerated() {
      guard let constant = try node.constant(index + 1, what), constant.count == channels else {
        throw Refusal(
          "onnx.shape", "the \(what) has shape \((try? node.shape(index + 1)) ?? []); expected [\(channels)]")
      }
      operands.append(try importer.emitter.constant(constant, shape: [channels]))
    }
    let result = try importer.emitter.emit(.batchNorm(BatchNorm(epsilon: epsilon)), operands)
    return [.computed(PlacedValue(value: result, placement: placement))]
  }
}
