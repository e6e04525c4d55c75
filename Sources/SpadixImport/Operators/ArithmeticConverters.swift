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
      case "Add": return [.computed(try importer.rowNorm(endingWith: node) ?? importer.add(x, y))]
      case "Sub":
        return [
          .computed(
            x.shape == y.shape ? try importer.add(x, importer.scale(y, by: -1)) : try importer.binary(.sub, x, y))
        ]
      case "Mul": return [.computed(try importer.binary(.mul, x, y))]
      default: return [.computed(try importer.softmax(endingWith: node) ?? importer.quotient(left, right))]
      }
    case (.computed(let x), .constant(var constant)):
      if name == "Add", let norm = try importer.squareNorm(endingWith: node) { return [.computed(norm)] }
      if broadcasts == 1, let axis {
        constant = try aligned(constant, axis, rank: x.shape.count)
      }
      let hasNoInverse = name == "Div" && constant.asReals.contains { !(1 / $0).isFinite }
      if try Folding.broadcast(x.shape, constant.shape) != x.shape || !importer.emitter.kind(x.value).isReal
        || hasNoInverse
      {
        return [.computed(try importer.arithmetic(name, left, .constant(constant)))]
      }
      switch name {
      case "Add": return [.computed(try importer.add(x, constant))]
      case "Sub": return [.computed(try importer.add(x, importer.map(constant) { -$0 }))]
      case "Mul": return [.computed(try importer.multiply(x, constant))]
      default: return [.computed(try importer.multiply(x, importer.map(constant) { 1 / $0 }))]
      }
    case (.constant(let constant), .computed(let y)):
      if name == "Add", let norm = try importer.squareNorm(endingWith: node) { return [.computed(norm)] }
      if try Folding.broadcast(y.shape, constant.shape) != y.shape || !importer.emitter.kind(y.value).isReal {
        return [.computed(try importer.arithmetic(name, left, right))]
      }
      switch name {
      case "Add": return [.computed(try importer.add(y, constant))]
      case "Sub": return [.computed(try importer.add(importer.scale(y, by: -1), constant))]
      case "Mul": return [.computed(try importer.multiply(y, constant))]
      default:
        if constant.count == 1, constant.asReals[0] == 1 { return [.computed(try importer.unary(.reciprocal, y))] }
        return [.computed(try importer.quotient(left, right))]
      }
    case (.constant, .constant), (.refused, _), (_, .refused): return [.refused]
    }
  }

  /// Of the domain ai.onnx.ml: less an offset, times a scale; one for each column, or one for all.
  static let scaler: Converter = { importer, node in
    let (offset, scale) = (try node.reals("offset") ?? [], try node.reals("scale") ?? [])
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let width = x.shape.last ?? 1
    guard [offset.count, scale.count].allSatisfy({ $0 <= 1 || $0 == width }) else {
      throw Refusal("onnx.attribute", "\(offset.count) offsets and \(scale.count) scales; expected 1 or \(width)")
    }
    func row(_ values: [Float]) -> ConstantTensor { ConstantTensor(.float, shape: [values.count], .real(values)) }
    var result = x
    if !offset.isEmpty { result = try importer.add(result, row(offset.map { -$0 })) }
    if !scale.isEmpty { result = try importer.multiply(result, row(scale)) }
    importer.emitter.setKind(.float, of: result.value)
    return [.computed(result)]
  }

  static func aligned(_ constant: ConstantTensor, _ axis: Int, rank: Int) throws -> ConstantTensor {
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
    if sum == nil, let first = constants.first, case .computed(let placed) = try importer.computed(.constant(first)) {
      sum = placed
      constants.removeFirst()
    }
    guard var sum else { return [.refused] }
    for constant in constants {
      let fits = try Folding.broadcast(sum.shape, constant.shape) == sum.shape
      sum = fits ? try importer.add(sum, constant) : try importer.binary(.add, .computed(sum), .constant(constant))
    }
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
    var others: [ConstantTensor] = []
    for index in node.inputs.indices {
      switch try node.input(index) {
      case .computed(let placed): operands.append(placed)
      case .constant(let constant):
        guard constant.count == 1,
          constant.shape.count <= (try node.inputs.indices.map { try node.shape($0).count }.min() ?? 0)
        else {
          others.append(constant)
          continue
        }
        let value = try constant.exactReals()[0]
        bound = bound.map { isMaximum ? max($0, value) : min($0, value) } ?? value
      case .refused: return [.refused]
      }
    }
    let function: BinaryFunction = isMaximum ? .max : .min
    if !others.isEmpty || operands.contains(where: { $0.shape != operands[0].shape }) {
      var all = operands.map { ImportedValue.computed($0) } + others.map { .constant($0) }
      if let bound { all.append(.constant(ConstantTensor(.float, shape: [], .real([bound])))) }
      var result = all[0]
      for operand in all.dropFirst() { result = .computed(try importer.binary(function, result, operand)) }
      return [result]
    }
    // The least of numbers is the greatest of their negatives, negated.
    if !isMaximum, operands.count > 1 { operands = try operands.map { try importer.scale($0, by: -1) } }
    guard var result = operands.first else { return [.refused] }
    if isMaximum, operands.count == 2, bound == nil, let leaky = try importer.leakyRelu(operands) {
      return [.computed(leaky)]
    }
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
    let isTraining = try node.flag("training_mode")
    let momentum = try node.real("momentum", default: 0.9)
    if try node.integer("spatial", default: 1) != 1 {
      throw Refusal.form("spatial = 0: expected one set of statistics for each channel")
    }
    guard case .computed(let input) = try importer.computed(node.input(0)) else { return [.refused] }
    guard input.shape.count >= 2 else {
      throw Refusal("onnx.shape", "the input has shape \(input.shape); expected [N, C, ...]")
    }
    let channels = input.shape[1]
    if isTraining { return try importer.batchStatistics(input, node, epsilon, momentum).map { .computed($0) } }
    let parameters = try (1...4).map { try node.input($0) }
    if parameters.contains(where: { if case .computed = $0 { true } else { false } }) {
      return [
        .computed(
          try importer.normalized(input, parameters, importer.channelNorm(node, epsilon: epsilon), epsilon))
      ]
    }
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

extension ModelImporter {
  mutating func quotient(_ left: ImportedValue, _ right: ImportedValue) throws -> PlacedValue {
    func isInteger(_ operand: ImportedValue) -> Bool {
      switch operand {
      case .constant(let constant): constant.reals == nil
      case .computed(let placed): !emitter.kind(placed.value).isReal
      case .refused: false
      }
    }
    return try binary(isInteger(left) && isInteger(right) ? .integerDiv : .div, left, right)
  }

  /// A sum, difference, product or quotient, by the name of its operator.
  mutating func arithmetic(_ name: String, _ left: ImportedValue, _ right: ImportedValue) throws -> PlacedValue {
    switch name {
    case "Add": try binary(.add, left, right)
    case "Sub": try binary(.sub, left, right)
    case "Mul": try binary(.mul, left, right)
    default: try quotient(left, right)
    }
  }
}

extension ModelImporter {
  /// The greater of a tensor and a smaller multiple of it.
  fileprivate mutating func leakyRelu(_ operands: [PlacedValue]) throws -> PlacedValue? {
    for (x, scaled) in [(operands[0], operands[1]), (operands[1], operands[0])] {
      guard x.placement == scaled.placement, let producer = emitter.graph.producer(of: scaled.value),
        case .mul = producer.op, producer.operands[0] == x.value,
        let factor = try emitter.graph.constantTensor(producer.operands[1], from: DataStore())?.floats,
        factor.count == 1, factor[0] > 0, factor[0] < 1
      else { continue }
      return try unary(.leakyRelu, alpha: factor[0], x)
    }
    return nil
  }
}

extension ModelImporter {
  /// A normalization by the statistics of the batch itself, and the running statistics after it.
  fileprivate mutating func batchStatistics(
    _ x: PlacedValue, _ node: NodeReader, _ epsilon: Float, _ momentum: Float
  ) throws -> [PlacedValue] {
    let axes = x.shape.indices.filter { $0 != 1 }
    let ones = [Int](repeating: 1, count: x.shape.count - 2)
    func parameter(_ index: Int) throws -> PlacedValue {
      guard case .computed(let placed) = try computed(node.input(index)), placed.shape == [x.shape[1]] else {
        throw Refusal("onnx.shape", "input \(index) has shape \(try node.shape(index)); expected [\(x.shape[1])]")
      }
      return placed
    }
    let mean = try reduced(x, axes, .mean)
    let centered = try binary(.sub, x, mean)
    let variance = try reduced(unary(.square, centered), axes, .mean)
    let inverse = try unary(.pow, alpha: -0.5, binary(.add, variance, epsilon))
    let normalized = try binary(.mul, centered, inverse)
    let scaled = try binary(.mul, normalized, reshaped(parameter(1), [x.shape[1]] + ones))
    let y = try binary(.add, scaled, reshaped(parameter(2), [x.shape[1]] + ones))
    if node.outputCount == 1 { return [y] }
    func running(_ index: Int, _ current: PlacedValue) throws -> PlacedValue {
      let old = try scale(parameter(index), by: momentum)
      return try add(old, scale(reshaped(current, [x.shape[1]]), by: 1 - momentum))
    }
    return [y, try running(3, mean), try running(4, variance)]
  }
}

extension ModelImporter {
  /// A normalization with a scale, a bias, a mean and a variance of which some are computed, in single steps but for what
  /// is known already.
  fileprivate mutating func normalized(
    _ x: PlacedValue, _ parameters: [ImportedValue], _ known: PlacedValue?, _ epsilon: Float
  ) throws -> PlacedValue {
    let ones = [Int](repeating: 1, count: x.shape.count - 2)
    let columns = try parameters.map { parameter -> ImportedValue in
      guard case .computed(let placed) = try computed(parameter), placed.shape == [x.shape[1]] else {
        throw Refusal(
          "onnx.shape", "a parameter has shape \(parameter.shape ?? []); expected [\(x.shape[1])], one for each channel"
        )
      }
      return .computed(try reshaped(placed, placed.shape + ones))
    }
    if let known {
      // Constant scales and biases as such, so that they are folded; those that change nothing are none.
      let shape = [x.shape[1]] + ones
      var result = known
      for (parameter, column, neutral) in [(parameters[0], columns[0], Float(1)), (parameters[1], columns[1], 0)] {
        if case .constant(var constant) = parameter {
          if constant.asReals.allSatisfy({ $0 == neutral }) { continue }
          constant.shape = shape
          result = neutral == 1 ? try multiply(result, constant) : try add(result, constant)
        } else {
          result = try binary(neutral == 1 ? .mul : .add, .computed(result), column)
        }
      }
      return result
    }
    let centered = try binary(.sub, .computed(x), columns[2])
    let variance = try binary(
      .add, columns[3], .constant(ConstantTensor(.float, shape: [], .real([epsilon]))))
    let inverse = try unary(.pow, alpha: -0.5, variance)
    let scaled = try binary(.mul, .computed(binary(.mul, centered, inverse)), columns[0])
    return try binary(.add, .computed(scaled), columns[1])
  }
}
