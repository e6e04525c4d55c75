import SpadixIR
import SpadixTensor

enum ProductConverters {
  static let table: [String: Converter] = ["Gemm": gemm, "MatMul": product]

  // MARK: MatMul

  private static let product: Converter = { importer, node in
    [.computed(try importer.matrices(node.input(0), node.shape(0), node.input(1), node.shape(1)))]
  }

  // MARK: Gemm

  private static let gemm: Converter = { importer, node in
    let alpha = try node.real("alpha", default: 1)
    let beta = try node.real("beta", default: 1)
    let transposesA = try node.flag("transA")
    let transposesB = try node.flag("transB")
    // Below operator set 7 C is broadcast where this says so; it is in any case.
    _ = try node.integerIfGiven("broadcast")
    guard case .computed(var a) = try importer.computed(node.input(0)) else { return [.refused] }
    guard a.shape.count == 2, try node.shape(1).count == 2 else {
      throw Refusal("onnx.shape", "operands have shapes \(a.shape) and \(try node.shape(1)); expected matrices")
    }
    if transposesA { a.placement = a.placement.transposed([1, 0]) }
    var b = try node.input(1)
    switch b {
    case .constant(let matrix):
      if transposesB || alpha != 1 {
        b = .constant(try importer.factor(matrix, isTransposed: transposesB, alpha: alpha))
      } else {
        if matrix.splat == nil { _ = try matrix.requireReals() }
      }
    case .computed(var matrix):
      if transposesB { matrix.placement = matrix.placement.transposed([1, 0]) }
      b = .computed(matrix)
    case .refused: return [.refused]
    }
    guard let shape = b.shape, a.shape[1] == shape[0] else {
      throw Refusal(
        "onnx.shape",
        "operands have shapes \(try node.shape(0)) and \(try node.shape(1)); expected equal depths",
        help: "the model contradicts itself, or a bound dimension is wrong")
    }
    // A factor of two activations is applied to what they give, before anything is added.
    var isScaledAfterwards = false
    if case .computed = b { isScaledAfterwards = alpha != 1 }
    var bias: [Float]?
    if !isScaledAfterwards, node.has(2), case .constant(let c) = try node.input(2), beta != 0 {
      let trailing = c.shape.last ?? 1
      if c.count == trailing, trailing == 1 || trailing == shape[1] {
        let values = try c.requireReals().map { $0 * beta }
        bias = trailing == shape[1] ? values : [Float](repeating: values[0], count: shape[1])
      }
    }
    var result = try importer.matrixProduct(a, b, shape, bias: bias)
    if isScaledAfterwards { result = try importer.scale(result, by: alpha) }
    if node.has(2), bias == nil, beta != 0 {
      switch try node.input(2) {
      case .constant(let c):
        let scaled = ConstantTensor(
          .float, shape: c.shape, .real(try c.requireReals().map { $0 * beta }), name: c.name)
        result = try importer.add(result, importer.identified(scaled))
      case .computed(let c):
        guard try Folding.broadcast(result.shape, c.shape) == result.shape else {
          throw Refusal(
            "onnx.shape", "the addend has shape \(c.shape); expected one that can be broadcast to \(result.shape)")
        }
        let addend = beta == 1 ? c : try importer.scale(c, by: beta)
        result = try importer.add(result, addend)
      case .refused: return [.refused]
      }
    }
    return [.computed(result)]
  }
}

extension ImportedValue {
  var shape: [Int]? {
    switch self {
    case .constant(let constant): constant.shape
    case .computed(let placed): placed.shape
    case .refused: nil
    }
  }
}

/// What a Gemm makes of a constant before it multiplies with it.
struct GemmFactor: Hashable {
  var constant: Int
  var isTransposed: Bool
  var alpha: Float
}

extension ModelImporter {
  /// A constant matrix as Gemm reads it; made once, however many nodes read it so.
  fileprivate mutating func factor(
    _ matrix: ConstantTensor, isTransposed: Bool, alpha: Float
  ) throws -> ConstantTensor {
    let key = GemmFactor(constant: matrix.id, isTransposed: isTransposed, alpha: alpha)
    if let known = gemmFactors[key] { return known }
    if matrix.scaled == nil, matrix.splat == nil { _ = try matrix.requireReals() }
    var factor = isTransposed ? Folding.transpose(matrix, [1, 0]) : matrix
    if alpha != 1 { factor = try map(factor) { $0 * alpha } }
    factor.name = matrix.name
    let result = identified(factor)
    if matrix.id >= 0, uses[matrix.name] ?? 0 != 1 { gemmFactors[key] = result }
    return result
  }

  /// A product of matrices, of the last two axes; a vector is a row on the left and a column on the right.
  mutating func matrices(
    _ left: ImportedValue, _ leftShape: [Int], _ right: ImportedValue, _ rightShape: [Int]
  ) throws -> PlacedValue {
    guard !leftShape.isEmpty, !rightShape.isEmpty else {
      throw Refusal("onnx.shape", "operands have shapes \(leftShape) and \(rightShape); expected at least rank 1")
    }
    // A vector is a row on the left and a column on the right, and its axis is taken from the result.
    var a = leftShape.count == 1 ? [1] + leftShape : leftShape
    var b = rightShape.count == 1 ? rightShape + [1] : rightShape
    guard a[a.count - 1] == b[b.count - 2] else {
      throw Refusal(
        "onnx.shape", "operands have shapes \(leftShape) and \(rightShape); expected equal depths",
        help: "the model contradicts itself, or a bound dimension is wrong")
    }
    a = [Int](repeating: 1, count: max(0, b.count - a.count)) + a
    guard case .computed(var first) = try computed(left) else {
      throw Refusal("onnx.inputs", "an operand was refused")
    }
    first.placement = try reshaped(first, a).placement
    var second = right
    let batch = try Folding.broadcast(Array(a.dropLast(2)), Array(b.dropLast(2)))
    if batch != Array(a.dropLast(2)) { first = try broadcast(first, to: batch + a.suffix(2)) }
    if b.count > 2, batch != Array(b.dropLast(2)), !b.dropLast(2).allSatisfy({ $0 == 1 }) {
      let shape = batch + b.suffix(2)
      switch right {
      case .constant(let constant):
        var budget = FoldingBudget([constant])
        second = .constant(identified(try Folding.expand(&budget, constant, shape)))
      case .computed(let placed): second = .computed(try broadcast(placed, to: shape))
      case .refused: break
      }
      b = shape
    }
    let result = try matrixProduct(first, second, b)
    var shape = result.shape
    if leftShape.count == 1 { shape.remove(at: shape.count - 2) }
    if rightShape.count == 1 { shape.removeLast() }
    return try reshaped(result, shape)
  }

  /// Another shape for the same elements in the model's row-major order.
  mutating func reshaped(_ placed: PlacedValue, _ shape: [Int]) throws -> PlacedValue {
    try GraphEmitter.checkSize(shape)
    if let placement = placed.placement.reshaped(shape) {
      return PlacedValue(value: placed.value, placement: placement)
    }
    // Parts of axes: the elements have to lie in the model's order.
    return PlacedValue(value: try emitter.arrange(placed), placement: Placement(shape))
  }

  /// `a` times `b`, where the last two axes are those of matrices.
  ///
  /// The depth may lie in any order in `a`: the rows of constant `b` follow it. So a flattened image needs no
  /// transpose.
  mutating func matrixProduct(
    _ a: PlacedValue, _ b: ImportedValue, _ bShape: [Int], bias: [Float]? = nil
  ) throws -> PlacedValue {
    let rank = a.shape.count
    let depth = a.placement.axes[rank - 1]
    let inOrder = a.placement.order.filter(depth.contains)
    var leading = Array(a.placement.axes.dropLast())
    var batch = Array(bShape.dropLast(2))
    if batch.allSatisfy({ $0 == 1 }) { batch = [] }
    if !batch.isEmpty, batch != Array(a.shape.dropLast(2)) {
      throw Refusal.form(
        "operands have shapes \(a.shape) and \(bShape); expected equal leading dimensions, or none in the second")
    }
    if batch.isEmpty, leading.count > 1, leading.dropLast().allSatisfy(\.isEmpty) {
      leading = [leading[leading.count - 1]]
    }
    let left: ValueID
    let right: ValueID
    let columns = bShape[bShape.count - 1]
    switch b {
    case .constant(let matrix):
      left = try emitter.arrange(a, leading + [inOrder])
      let factors = batch + depth.map { a.placement.sizes[$0] } + [columns]
      let places = inOrder.map { factor in batch.count + (depth.firstIndex(of: factor) ?? 0) }
      let order = Array(batch.indices) + places + [factors.count - 1]
      right = try emitter.constant(
        matrix, shape: factors, order: order, result: batch + [bShape[bShape.count - 2], columns])
    case .computed(var placed):
      left = try emitter.arrange(a, leading + [depth])
      placed = try reshaped(placed, batch + Array(bShape.suffix(2)))
      right = try emitter.arrange(placed)
    case .refused: throw Refusal("onnx.inputs", "an operand was refused")
    }
    var operands = [left, right]
    if let bias { operands.append(emitter.vector(bias, name: emitter.name + ".bias")) }
    let value = try emitter.emit(.matmul(MatMul()), operands)
    return PlacedValue(value: value, placement: Placement(Array(a.shape.dropLast()) + [columns]))
  }
}
