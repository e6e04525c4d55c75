import SpadixIR
import SpadixSupport
import SpadixTensor

/// Integers for real numbers, as the standard's formulas say it, and products of integers. All is computed in f32,
/// which has integers up to 2^24 exactly.
enum QuantizationConverters {
  static let table: [String: Converter] = [
    "QuantizeLinear": quantize, "DequantizeLinear": dequantize, "DynamicQuantizeLinear": dynamic,
    "MatMulInteger": integerProduct,
  ]

  /// A scale or zero point so that it broadcasts to the tensor: one number, one for each index of an axis, or one for
  /// each block along it.
  static func spread(
    _ parameter: ConstantTensor, _ shape: [Int], axis: Int, block: Int
  ) throws -> ConstantTensor {
    if parameter.count == 1 { return ConstantTensor(.float, shape: [], .real(parameter.asReals)) }
    let axis = try NodeReader.axis(axis, rank: shape.count)
    var result = ConstantTensor(.float, shape: parameter.shape, .real(parameter.asReals))
    if block > 0 {
      var budget = FoldingBudget([parameter])
      guard result.shape.count == shape.count, result.shape[axis] == ceilDivide(shape[axis], block) else {
        throw Refusal("onnx.shape", "scales of shape \(parameter.shape) for blocks of \(block) in \(shape)")
      }
      let places = ConstantTensor(integers: (0..<shape[axis]).map { $0 / block })
      return try Folding.gather(&budget, result, places, axis: axis)
    }
    guard parameter.shape == [shape[axis]] else {
      throw Refusal("onnx.shape", "scales of shape \(parameter.shape) for axis \(axis) of \(shape)")
    }
    result.shape += [Int](repeating: 1, count: shape.count - 1 - axis)
    return result
  }

  private static func parameters(
    _ node: NodeReader, _ shape: [Int]
  ) throws -> (scale: ConstantTensor, zero: ConstantTensor?, kind: TensorKind?) {
    let axis = try node.integer("axis", default: 1)
    let block = try node.integer("block_size", default: 0)
    guard let scale = try node.constant(1, "scale") else { throw Refusal("onnx.inputs", "the scale is missing") }
    let zero = try node.constant(2, "zero point")
    return (
      try spread(scale, shape, axis: axis, block: block),
      try zero.map { try spread($0, shape, axis: axis, block: block) }, zero?.kind
    )
  }

  /// `saturate(round_half_even(x / scale) + zero)`, from the quotient on.
  fileprivate static func rounded(
    _ importer: inout ModelImporter, _ quotient: PlacedValue, _ zero: ImportedValue?, _ kind: TensorKind
  ) throws -> PlacedValue {
    guard let bounds = kind.bounds, bounds.upperBound <= 1 << 24 else {
      throw Refusal.form("integers of type \(TensorKind.name(kind.rawValue)) as a result; expected 8 or 16 bits")
    }
    var result = try importer.unary(.round, quotient)
    if let zero { result = try importer.binary(.add, .computed(result), zero) }
    result = try importer.elementwise(
      .clamp(Clamp(low: Float(bounds.lowerBound), high: Float(bounds.upperBound))), result)
    importer.emitter.setKind(kind, of: result.value)
    return result
  }

  private static let quantize: Converter = { importer, node in
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    _ = try node.integerIfGiven("saturate")
    let (scale, zero, kind) = try parameters(node, x.shape)
    let asked = try node.integerIfGiven("output_dtype").flatMap { TensorKind(rawValue: Int32(clamping: $0)) }
    return [
      .computed(try importer.quantized(x, scale, zero, kind ?? asked ?? .uint8))
    ]
  }

  private static let dequantize: Converter = { importer, node in
    let shape = try node.shape(0)
    let (scale, zero, _) = try parameters(node, shape)
    if case .constant(let constant) = try node.input(0) {
      return [.constant(try importer.identified(real(constant, scale, zero)))]
    }
    guard case .computed(let x) = try node.input(0) else { return [.refused] }
    return [.computed(try importer.real(x, scale, zero))]
  }

  /// `(x - zero) * scale`.
  static func real(
    _ constant: ConstantTensor, _ scale: ConstantTensor, _ zero: ConstantTensor?
  ) throws -> ConstantTensor {
    if let integers = ScaledIntegers(constant, scale, zero) {
      return ConstantTensor(integers, shape: constant.shape, name: constant.name)
    }
    var budget = FoldingBudget([constant])
    var real = ConstantTensor(.float, shape: constant.shape, .real(constant.asReals))
    if let zero { real = try Folding.binary(&budget, real, zero, { $0 - $1 }) { _, _ in (0, true) } }
    real = try Folding.binary(&budget, real, scale, { $0 * $1 }) { _, _ in (0, true) }
    real.name = constant.name
    return real
  }

  private static let dynamic: Converter = { importer, node in
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let (y, scale, zero) = try dynamic(&importer, x)
    return [.computed(y), .computed(scale), .computed(zero)]
  }

  /// Integers of 8 bits for real numbers, and the scale and zero point that fit their range.
  static func dynamic(
    _ importer: inout ModelImporter, _ x: PlacedValue
  ) throws -> (integers: PlacedValue, scale: PlacedValue, zero: PlacedValue) {
    let axes = Array(x.shape.indices)
    func end(_ kind: Reduction, _ function: BinaryFunction) throws -> PlacedValue {
      try importer.reshaped(importer.binary(function, importer.reduced(x, axes, kind), 0), [])
    }
    let (low, high) = (try end(.minimum, .min), try end(.maximum, .max))
    let scale = try importer.binary(.div, importer.binary(.sub, high, low), 255)
    let zeroReal = try importer.binary(.sub, importer.binary(.mul, low, 0), importer.binary(.div, low, scale))
    var zero = try importer.unary(.round, zeroReal)
    zero = try importer.elementwise(.clamp(Clamp(low: 0, high: 255)), zero)
    importer.emitter.setKind(.uint8, of: zero.value)
    return (try rounded(&importer, importer.binary(.div, x, scale), .computed(zero), .uint8), scale, zero)
  }

  // MARK: Products

  /// An operand of a product of integers, less its zero point.
  static func centered(
    _ importer: inout ModelImporter, _ node: NodeReader, _ index: Int, zero: Int, axis: Int
  ) throws -> ImportedValue {
    let shape = try node.shape(index)
    let operand = try node.input(index)
    guard node.has(zero) else { return operand }
    switch (operand, try node.input(zero)) {
    case (.constant(let constant), .constant(let point)):
      var budget = FoldingBudget([constant])
      let zero = try spread(point, shape, axis: axis, block: 0)
      var real = ConstantTensor(.float, shape: shape, .real(constant.asReals))
      real = try Folding.binary(&budget, real, zero, { $0 - $1 }) { _, _ in (0, true) }
      real.name = constant.name
      return .constant(importer.identified(real))
    case (_, .constant(let point)):
      return .computed(
        try importer.binary(.sub, operand, .constant(spread(point, shape, axis: axis, block: 0))))
    case (_, let point): return .computed(try importer.binary(.sub, operand, point))
    }
  }

  private static let integerProduct: Converter = { importer, node in
    let a = try centered(&importer, node, 0, zero: 2, axis: -2)
    let b = try centered(&importer, node, 1, zero: 3, axis: -1)
    let result = try importer.product(a, b)
    importer.emitter.setKind(.int32, of: result.value)
    return [.computed(result)]
  }
}

extension ModelImporter {
  /// Integers for real numbers; what they stand for is remembered.
  mutating func quantized(
    _ x: PlacedValue, _ scale: ConstantTensor, _ zero: ConstantTensor?, _ kind: TensorKind
  ) throws -> PlacedValue {
    if scale.count == 1, zero?.count ?? 1 == 1 {
      let point = ConstantTensor(kind, shape: [], .integers([Int64(zero?.asReals[0] ?? 0)]))
      if let integers = try int8(of: x, scale: scale.asReals[0], zero: point, kind: kind) { return integers }
    }
    let quotient = try binary(.div, .computed(x), .constant(scale))
    let result = try QuantizationConverters.rounded(&self, quotient, zero.map { .constant($0) }, kind)
    if scale.count == 1, zero?.count ?? 1 == 1, let bounds = kind.bounds, result.placement == x.placement {
      quantized[result.value] = (
        source: x,
        rounding: FakeQuantize(
          scale: scale.asReals[0], zeroPoint: Int32(zero?.asReals[0] ?? 0),
          bounds: [Int32(bounds.lowerBound), Int32(bounds.upperBound)])
      )
    }
    return result
  }

  /// Real numbers of integers; there and back only rounds.
  mutating func real(_ x: PlacedValue, _ scale: ConstantTensor, _ zero: ConstantTensor?) throws -> PlacedValue {
    if scale.count == 1, zero?.count ?? 1 == 1 {
      let point = ConstantTensor(emitter.kind(x.value), shape: [], .integers([Int64(zero?.asReals[0] ?? 0)]))
      if let real = try real(ofInt8: x, scale: scale.asReals[0], zero: point) { return real }
    }
    if scale.count == 1, zero?.count ?? 1 == 1,
      let real = try realOfMoved(x, scale: scale.asReals[0], zero: zero?.asReals[0] ?? 0)
    {
      return real
    }
    return try dequantized(x, scale, zero)
  }

  /// `(x - zero) * scale`.
  mutating func dequantized(_ x: PlacedValue, _ scale: ConstantTensor, _ zero: ConstantTensor?) throws -> PlacedValue {
    var result = x
    if let zero, zero.asReals.contains(where: { $0 != 0 }) {
      result = try binary(.sub, .computed(result), .constant(zero))
    }
    result = try binary(.mul, .computed(result), .constant(scale))
    emitter.setKind(.float, of: result.value)
    return result
  }

  /// A matrix product of two operands, as MatMul has it.
  mutating func product(_ left: ImportedValue, _ right: ImportedValue) throws -> PlacedValue {
    guard let leftShape = left.shape, let rightShape = right.shape else {
      throw Refusal("onnx.inputs", "an operand was refused")
    }
    return try matrices(left, leftShape, right, rightShape)
  }
}
