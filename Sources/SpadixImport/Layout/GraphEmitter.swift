import SpadixIR
import SpadixTensor

/// Adds operations and constants to the graph, and moves elements where an operator needs them in an order.
struct GraphEmitter {
  private struct MoveKey: Hashable {
    var value: ValueID
    var placement: Placement
    var groups: [[Int]]
  }

  private struct ConstantKey: Hashable {
    var id: Int
    var shape: [Int]
    var order: [Int]
    var result: [Int]
  }

  var graph: Graph
  /// The model's element types of values that are no real numbers; all are f32 in the graph.
  private(set) var kinds: [ValueID: TensorKind] = [:]
  /// What is moved once serves everybody who needs it so.
  private var moved: [MoveKey: ValueID] = [:]
  private var constants: [ConstantKey: ValueID] = [:]
  /// The numbers of values of int8.
  private var numbers: [ValueID: ValueID] = [:]
  /// What results are called from here on.
  var name = ""

  init(graph: Graph) { self.graph = graph }

  func shape(_ value: ValueID) -> [Int] { graph.values[value].type.shape }

  /// Adds an operation, with the shape that the operator's rule gives. Throws a `Refusal` where the rule is broken.
  ///
  /// Results are f32 where no other element is given. Operators that only move elements move int8 as it is; all others get
  /// the model's integers as numbers, unless an element of the result is given.
  mutating func emit(
    _ op: Operator, _ operands: [ValueID], element: ElementType? = nil, name: String? = nil
  ) throws -> ValueID {
    let element = element ?? int8Element(op, operands)
    let operands = try element == nil ? operands.map { try numbers(of: $0) } : operands
    var check = OperatorCheck(operands: operands.map(checkOperand), resultType: nil)
    let shape = op.payload.resultShape(&check)
    guard check.problems.isEmpty, let shape else {
      let problem = check.problems.first
      throw Refusal(
        "onnx.rule", "\(op.mnemonic): \(problem?.message ?? "the operands do not fit")", help: problem?.help)
    }
    try Self.checkSize(shape)
    let result = graph.append(
      op, operands, type: TensorType(shape, element ?? .f32), name: name ?? self.name)
    setKind(resultKind(op, operands), of: result)
    return result
  }

  /// The result's element where an operator takes its int8 operands as they are; nil for others.
  private func int8Element(_ op: Operator, _ operands: [ValueID]) -> ElementType? {
    guard let first = operands.first, graph.type(of: first).element.isQuantized else { return nil }
    let element = graph.type(of: first).element
    switch op {
    case .dequantize: return .f32
    case .reshape, .transpose, .maxPool2d: return element
    case .concat: return operands.allSatisfy { graph.type(of: $0).element == element } ? element : nil
    case .function(let function):
      if case .movement = function.definition.int8Form(operands.map { graph.type(of: $0) }) { return element }
      return nil
    default: return nil
    }
  }

  /// The integers that the model has in a value of int8, as numbers; the value itself where it holds numbers already.
  mutating func numbers(of value: ValueID) throws -> ValueID {
    guard let quantization = graph.type(of: value).element.quantization, quantization.isPerTensor else { return value }
    if let known = numbers[value] { return known }
    let kind = kind(value)
    let zero = quantization.zeroPoint + (kind == .uint8 ? 128 : 0)
    func constant(_ real: Float, _ suffix: String) -> ValueID {
      graph.addConstant(Tensor(.f32([]), .f32([real])), name: (graph.values[value].name ?? name) + suffix)
    }
    let real = try emit(.dequantize(Dequantize()), [value], name: inner(value))
    let steps = try emit(
      .computing(Binary(.div)), [real, constant(quantization.scale, ".scale")], name: inner(value))
    let rounded = try emit(.computing(Unary(.round)), [steps], name: inner(value))
    let result = try emit(
      .computing(Binary(.add)), [rounded, constant(Float(zero), ".zero")], name: inner(value))
    setKind(kind, of: result)
    numbers[value] = result
    return result
  }

  func kind(_ value: ValueID) -> TensorKind { kinds[value] ?? .float }

  mutating func setKind(_ kind: TensorKind, of value: ValueID) { kinds[value] = kind.isReal ? nil : kind }

  private func resultKind(_ op: Operator, _ operands: [ValueID]) -> TensorKind {
    if case .function(let function) = op {
      if let binary = function.definition as? Binary, binary.function.isCondition { return .bool }
      if let unary = function.definition as? Unary, unary.function == .not { return .bool }
      if function.definition is Select { return kind(operands[1]) }
    }
    return operands.first.map(kind) ?? .float
  }

  /// Throws where a tensor of a graph may not have this shape.
  static func checkSize(_ shape: [Int]) throws {
    guard TensorType.checkedElementCount(shape) != nil, shape.count <= 8 else {
      throw Refusal(
        "onnx.shape",
        "a tensor has shape \(shape); expected at most 8 dimensions of at least 1, and at most "
          + "\(TensorType.maximumElementCount) elements")
    }
  }

  private func checkOperand(_ value: ValueID) -> OperatorCheck.Operand {
    OperatorCheck.Operand(type: graph.values[value].type, isConstant: graph.isConstant(value))
  }

  /// The same elements under another shape; nothing where it has that shape.
  mutating func reshape(_ value: ValueID, _ shape: [Int], name: String? = nil) throws -> ValueID {
    let before = self.shape(value)
    if before == shape { return value }
    try Self.checkSize(shape)
    guard before.reduce(1, *) == shape.reduce(1, *) else {
      throw Refusal("onnx.shape", "an operand has shape \(before); expected as many elements as \(shape) has")
    }
    let type = TensorType(shape, graph.type(of: value).element)
    let result = graph.append(.reshape(Reshape()), [value], type: type, name: name ?? inner(value))
    setKind(kind(value), of: result)
    return result
  }

  /// A name for a value that only moves elements of another.
  private func inner(_ value: ValueID) -> String? { graph.values[value].name.map { $0 + ".moved" } }

  // MARK: Moves

  /// The value whose axes are these groups of factors. Each factor stands in one group.
  mutating func arrange(_ placed: PlacedValue, _ groups: [[Int]]) throws -> ValueID {
    let placement = placed.placement
    let target = groups.map(placement.size)
    let key = MoveKey(value: placed.value, placement: placement, groups: groups)
    if let known = moved[key] { return known }
    var value = placed.value
    if groups.flatMap({ $0 }) != placement.order {
      if let permutation = directPermutation(placed, groups) {
        value = try transpose(value, permutation)
      } else {
        let runs = Self.runs(of: groups.flatMap { $0 }, in: placement.order)
        let source = runs.indices.sorted { runs[$0].start < runs[$1].start }
        value = try reshape(value, source.map { placement.size(runs[$0].factors) })
        value = try transpose(value, runs.indices.map { run in source.firstIndex(of: run) ?? run })
      }
    }
    value = try reshape(value, target)
    moved[key] = value
    return value
  }

  private mutating func transpose(_ value: ValueID, _ permutation: [Int]) throws -> ValueID {
    try emit(.transpose(Transpose(permutation: permutation)), [value], name: inner(value) ?? name)
  }

  /// The transpose that does it alone, where both sides have a dimension for each factor and as many of size 1.
  private func directPermutation(_ placed: PlacedValue, _ groups: [[Int]]) -> [Int]? {
    let placement = placed.placement
    let shape = shape(placed.value)
    guard shape.count == groups.count, groups.allSatisfy({ $0.count <= 1 }),
      shape.filter({ $0 != 1 }) == placement.order.map({ placement.sizes[$0] })
    else { return nil }
    let long = shape.indices.filter { shape[$0] != 1 }
    var ones = shape.indices.filter { shape[$0] == 1 }
    return groups.map { group in
      guard let factor = group.first, let position = placement.order.firstIndex(of: factor) else {
        return ones.removeFirst()
      }
      return long[position]
    }
  }

  /// The wanted order as stretches that lie together in the present one.
  private static func runs(of wanted: [Int], in order: [Int]) -> [(factors: [Int], start: Int)] {
    var position = [Int](repeating: 0, count: order.count)
    for (index, factor) in order.enumerated() { position[factor] = index }
    var runs: [(factors: [Int], start: Int)] = []
    for factor in wanted {
      if let last = runs.last, position[factor] == last.start + last.factors.count {
        runs[runs.count - 1].factors.append(factor)
      } else {
        runs.append(([factor], position[factor]))
      }
    }
    return runs
  }

  /// A value whose axes are the model's, in an order of the model's axes; the model's own if none is given.
  mutating func arrange(_ placed: PlacedValue, axes: [Int]? = nil) throws -> ValueID {
    try arrange(placed, (axes ?? Array(0..<placed.placement.rank)).map { placed.placement.axes[$0] })
  }

  // MARK: Constants

  /// The elements of a constant as a value of the graph.
  ///
  /// - Parameters:
  ///   - shape: the factors that the elements are taken as, in the model's order.
  ///   - order: the order of these factors in the value; nil for the model's own.
  ///   - result: the value's shape; nil for that of the ordered factors.
  mutating func constant(
    _ constant: ConstantTensor, shape: [Int]? = nil, order: [Int]? = nil, result: [Int]? = nil, name: String? = nil
  ) throws -> ValueID {
    let shape = shape ?? constant.shape
    let order = order ?? Array(shape.indices)
    let resultShape = result ?? order.map { shape[$0] }
    try Self.checkSize(resultShape)
    let key = ConstantKey(id: constant.id, shape: shape, order: order, result: resultShape)
    if constant.id >= 0, let known = constants[key] { return known }
    let name = name ?? (constant.name.isEmpty ? self.name + ".constant" : constant.name)
    let value =
      try integers(constant, shape: shape, order: order, result: resultShape, name: name)
      ?? splat(constant, result: resultShape, name: name)
      ?? graph.addConstant(
        Tensor(.f32(resultShape), .f32(Permutation.permute(finiteReals(constant), shape: shape, order: order))),
        name: name)
    setKind(constant.kind, of: value)
    if constant.id >= 0 { constants[key] = value }
    return value
  }

  /// Constants from which on it is worth a look whether all elements are the same.
  private static let splatCount = 1 << 16

  /// A large constant whose elements are all the same, as the one that it is; nil for others.
  private mutating func splat(_ constant: ConstantTensor, result: [Int], name: String) throws -> ValueID? {
    guard constant.count >= Self.splatCount, case .real(let values) = constant.elements,
      values.allSatisfy({ $0 == values[0] })
    else { return nil }
    let one = ConstantTensor(.float, shape: [1], .real([values[0]]), name: constant.name)
    let type = TensorType.f32(result)
    let data = graph.addData(DataDefinition(name: name, type: type, source: .splat(.f32(try finiteReals(one)))))
    return graph.append(.constant(Constant(data: data)), [], type: type, name: name)
  }

  /// The largest magnitude of a constant. Masks are infinite or as large as numbers become; of this one the sums of several
  /// are numbers still.
  static let largestMagnitude: Float = 0x1p125

  /// A graph holds finite numbers: those of masks become as large as is of use.
  func finiteReals(_ constant: ConstantTensor) throws -> [Float] {
    let largest = Self.largestMagnitude
    let reals = try constant.exactReals()
    guard let position = reals.firstIndex(where: { !($0.magnitude <= largest) }) else { return reals }
    try constant.requireNumbers(from: position)
    return reals.map { min(max($0, -largest), largest) }
  }

  /// Real numbers that are kept as integers, as what dequantizes these; nil where the scales lie along no axis of the result.
  private mutating func integers(
    _ constant: ConstantTensor, shape: [Int], order: [Int], result: [Int], name: String
  ) throws -> ValueID? {
    guard let integers = constant.scaled else { return nil }
    var place: Int?
    if let axis = integers.axis {
      let count = integers.scales.count
      let isFirst = axis == 0 && shape.first == count && order.last == 0
      let isLast = axis == constant.shape.count - 1 && shape.last == count && order.last == shape.count - 1
      guard isFirst || isLast, result.last == count else { return nil }
      place = result.count - 1
    }
    let type = TensorType(result, .q8(integers.type(axis: place)))
    let stored = graph.addConstant(
      Tensor(type, .i8(Permutation.permute(integers.values, shape: shape, order: order))), name: name)
    return try emit(.dequantize(Dequantize()), [stored], name: name)
  }

  /// Indices as a constant, of a rank of 1.
  mutating func indices(_ values: [Int], name: String) -> ValueID {
    graph.addConstant(Tensor(.i32([values.count]), .i32(values.map(Int32.init))), name: name)
  }

  /// New elements, of a rank of 1.
  mutating func vector(_ values: [Float], name: String) -> ValueID {
    graph.addConstant(Tensor(shape: [values.count], values), name: name)
  }
}

extension ConstantTensor {
  /// The elements as f32; integers as far as f32 holds them exactly.
  func exactReals() throws -> [Float] {
    if let integers, let bad = integers.first(where: { $0.magnitude > 1 << 24 && Int64(exactly: Float($0)) != $0 }) {
      throw Refusal(
        "onnx.integer", "the constant '\(name)' holds \(bad); expected integers up to 2^24, which f32 has exactly")
    }
    return asReals
  }

  func requireReals() throws -> [Float] {
    if let reals { return reals }
    throw Refusal(
      "onnx.type",
      "the constant '\(name)' has elements of type \(TensorKind.name(kind.rawValue)); expected real numbers",
      help: "insert a Cast to float")
  }
}

/// Axes of constants in another order.
enum Permutation {
  /// Row-major elements of a shape, with its axes in this order.
  static func permute<Element>(_ values: [Element], shape: [Int], order: [Int]) -> [Element] {
    let long = order.filter { shape[$0] != 1 }
    if long == long.sorted() { return values }
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * shape[axis + 1] }
    let sizes = long.map { shape[$0] }
    let steps = long.map { strides[$0] }
    let last = sizes.count - 1
    return [Element](unsafeUninitializedCapacity: values.count) { buffer, count in
      values.withUnsafeBufferPointer { source in
        var index = [Int](repeating: 0, count: sizes.count)
        var start = 0
        var position = 0
        while position < values.count {
          for i in 0..<sizes[last] {
            (buffer.baseAddress! + position + i).initialize(to: source[start + i * steps[last]])
          }
          position += sizes[last]
          var axis = last - 1
          while axis >= 0 {
            index[axis] += 1
            start += steps[axis]
            if index[axis] < sizes[axis] { break }
            start -= steps[axis] * sizes[axis]
            index[axis] = 0
            axis -= 1
          }
        }
        count = values.count
      }
    }
  }
}
