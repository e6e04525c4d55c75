import SpadixIR
import SpadixTensor

/// Functions of the language on tensors of the model, in whatever order they lie.
extension ModelImporter {
  mutating func unary(
    _ function: UnaryFunction, alpha: Float = 1, beta: Float = 0, _ x: PlacedValue, name: String? = nil
  ) throws -> PlacedValue {
    try elementwise(.computing(Unary(function, alpha: alpha, beta: beta)), x, name: name)
  }

  mutating func binary(
    _ function: BinaryFunction, _ left: ImportedValue, _ right: ImportedValue, name: String? = nil
  ) throws -> PlacedValue {
    try broadcastFunction(.computing(Binary(function)), [left, right], name: name)
  }

  mutating func binary(_ function: BinaryFunction, _ left: PlacedValue, _ right: PlacedValue) throws -> PlacedValue {
    try binary(function, .computed(left), .computed(right))
  }

  mutating func binary(_ function: BinaryFunction, _ left: PlacedValue, _ right: Float) throws -> PlacedValue {
    try binary(function, .computed(left), .constant(ConstantTensor(.float, shape: [], .real([right]))))
  }

  /// The elements of a function of known ones; the function's own value where they are not known.
  mutating func folded(_ result: PlacedValue, of input: ImportedValue) throws -> ImportedValue {
    guard case .constant = input, result.placement.isStandard, let operation = emitter.graph.producer(of: result.value),
      case .function(let function) = operation.op
    else { return .computed(result) }
    var operands: [Tensor] = []
    for operand in operation.operands {
      guard let tensor = try emitter.graph.constantTensor(operand, from: DataStore()) else { return .computed(result) }
      operands.append(tensor)
    }
    let elements = try function.evaluate(operands, .f32(result.shape)).floats
    let kind = emitter.kind(result.value)
    return .constant(
      ConstantTensor(
        kind, shape: result.shape,
        kind.isReal ? .real(elements) : .integers(elements.map { Int64(exactly: $0.rounded()) ?? 0 })))
  }

  /// A function that broadcasts its operands: they get one rank, and lie as one that has the result's shape does.
  mutating func broadcastFunction(
    _ op: Operator, _ operands: [ImportedValue], element: ElementType? = nil, name: String? = nil
  ) throws -> PlacedValue {
    let shapes = operands.compactMap(\.shape)
    guard shapes.count == operands.count else { throw Refusal("onnx.inputs", "an operand was refused") }
    let shape = try shapes.reduce([]) { try Folding.broadcast($0, $1) }
    try GraphEmitter.checkSize(shape)
    let whole = operands.compactMap { operand -> PlacedValue? in
      guard case .computed(let placed) = operand, placed.shape == shape, placed.placement.axisOrder != nil else {
        return nil
      }
      return placed
    }
    let leader = whole.first { !$0.placement.isStandard } ?? whole.first
    let order = leader?.placement.axisOrder ?? Array(shape.indices)
    let values = try operands.map { operand -> ValueID in
      switch operand {
      case .constant(let constant):
        let padded = [Int](repeating: 1, count: shape.count - constant.shape.count) + constant.shape
        if constant.count == 1 { return try emitter.constant(constant, shape: [], order: [], result: []) }
        return try emitter.constant(constant, shape: padded, order: order)
      case .computed(let placed):
        let padded = try reshaped(placed, [Int](repeating: 1, count: shape.count - placed.shape.count) + placed.shape)
        return try emitter.arrange(padded, axes: order)
      case .refused: throw Refusal("onnx.inputs", "an operand was refused")
      }
    }
    let value = try emitter.emit(op, values, element: element, name: name)
    return PlacedValue(value: value, placement: Placement(shape, order: order))
  }

  /// The elements of an axis at these indices, in this order.
  mutating func selected(_ x: PlacedValue, _ axis: Int, _ indices: [Int]) throws -> PlacedValue {
    if indices == Array(0..<x.shape[axis]) { return x }
    guard let first = indices.first else { throw Refusal.empty }
    let order = x.placement.axisOrder ?? Array(x.shape.indices)
    let value = try emitter.arrange(x, axes: order)
    let place = order.firstIndex(of: axis) ?? axis
    var shape = x.shape
    shape[axis] = indices.count
    try GraphEmitter.checkSize(shape)
    let step = indices.count > 1 ? indices[1] - first : 1
    let isRegular = step != 0 && indices.enumerated().allSatisfy { $1 == first + $0 * step }
    let result: ValueID
    if isRegular {
      let size = emitter.shape(value)
      var (starts, sizes, steps) = (
        [Int](repeating: 0, count: size.count), size, [Int](repeating: 1, count: size.count)
      )
      (starts[place], sizes[place], steps[place]) = (first, indices.count, step)
      result = try emitter.emit(.computing(Slice(starts: starts, sizes: sizes, steps: steps)), [value])
    } else {
      let places = emitter.indices(indices, name: emitter.name + ".indices")
      result = try emitter.emit(.computing(Gather(axis: place)), [value, places])
    }
    return PlacedValue(value: result, placement: Placement(shape, order: order))
  }

  /// `y[..., i, ...] = sum over j of matrix[i][j] * x[..., j, ...]` along an axis.
  mutating func product(_ x: PlacedValue, _ axis: Int, _ matrix: [[Float]]) throws -> PlacedValue {
    var shape = x.shape
    let depth = shape[axis]
    shape[axis] = matrix.count
    let all = x.placement.axisOrder ?? Array(x.shape.indices)
    let order = all.filter { $0 != axis } + [axis]
    var value = try emitter.arrange(x, axes: order)
    let rows = order.dropLast().reduce(1) { $0 * x.shape[$1] }
    value = try emitter.reshape(value, [rows, depth])
    let weights = (0..<depth).flatMap { j in matrix.map { $0[j] } }
    try GraphEmitter.checkSize([depth, matrix.count])
    let constant = emitter.graph.addConstant(
      Tensor(shape: [depth, matrix.count], weights), name: emitter.name + ".matrix")
    value = try emitter.emit(.matmul(MatMul()), [value, constant])
    return PlacedValue(value: value, placement: Placement(shape, order: order))
  }

  /// The value whose rows are these axes together, and how the tensor lies then.
  mutating func rows(_ x: PlacedValue, _ axes: [Int]) throws -> (value: ValueID, placement: Placement) {
    let inner = axes.flatMap { x.placement.axes[$0] }
    let outer = x.placement.order.filter { !inner.contains($0) }
    return (try emitter.arrange(x, [outer, inner]), x.placement.ordered(outer + inner))
  }
}

extension Refusal {
  static let empty = Refusal(
    "onnx.shape", "the result has no elements; expected at least 1", help: "a bound dimension is wrong")
}
