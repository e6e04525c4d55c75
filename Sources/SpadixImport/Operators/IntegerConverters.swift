import SpadixIR
import SpadixTensor

/// Operators on integers that stand for real numbers, as operators of the language on int8: what ONNX Runtime computes,
/// bit for bit.
///
/// Integers of u8 are those of s8 less 128. Only where the zero point stands inside the rounding does it matter which of
/// both is computed with.
enum IntegerConverters {
  static let standard: [String: Converter] = [
    "QLinearConv": orElse("QLinearConv", convolution), "QLinearMatMul": orElse("QLinearMatMul", product),
  ]

  /// Of the domain com.microsoft.
  static let microsoft: [String: Converter] = [
    "QGemm": orElse("QGemm", gemm), "QLinearAdd": orElse("QLinearAdd") { try pair(&$0, $1, .add) },
    "QLinearMul": orElse("QLinearMul") { try pair(&$0, $1, .mul) },
    "QLinearSigmoid": orElse("QLinearSigmoid", function { _ in Unary(.sigmoid) }),
    "QLinearLeakyRelu": orElse(
      "QLinearLeakyRelu", function { Unary(.leakyRelu, alpha: try $0.real("alpha", default: 0.01)) }),
    "QLinearConcat": orElse("QLinearConcat", concat), "QLinearSoftmax": orElse("QLinearSoftmax", softmax),
    "QLinearGlobalAveragePool": orElse("QLinearGlobalAveragePool", globalAverage),
    "QLinearAveragePool": orElse("QLinearAveragePool", average),
  ]

  /// Names of the operators, whatever domain they are of: a model with one of them was quantized to integers, and what its
  /// QuantizeLinear makes are integers as well.
  static let names = Set(standard.keys).union(microsoft.keys)

  /// Nil from a converter means a form that int8 has no operator for; the operator on real numbers then stands in.
  private typealias Partial = @Sendable (inout ModelImporter, NodeReader) throws -> PlacedValue?

  private static func orElse(_ name: String, _ body: @escaping Partial) -> Converter {
    { importer, node in
      if let result = try body(&importer, node) { return [.computed(result)] }
      guard let converter = QuantizedConverters.standard[name] ?? QuantizedConverters.table[name] else {
        return [.refused]
      }
      return try converter(&importer, node)
    }
  }

  // MARK: Types

  /// The scale and zero point at two inputs, as a type of int8; nil where they are several, or not of 8 bits.
  fileprivate static func type(_ node: NodeReader, scale: Int) throws -> IntegerType? {
    guard let factor = try node.constant(scale, "scale"), factor.count == 1 else { return nil }
    let zero = try node.constant(scale + 1, "zero point")
    return IntegerType(scale: factor.asReals[0], zero: zero)
  }

  // MARK: Products

  /// Weights less their zero points, along an axis of channels, as one or two tensors of int8 whose sum they are.
  private static func halves(
    _ node: NodeReader, _ index: Int, channels axis: Int, scales: inout [Float]
  ) throws -> [[Int8]]? {
    guard case .constant(let weights) = try node.input(index), let integers = weights.integers,
      weights.kind == .uint8 || weights.kind == .int8, let factors = try node.constant(index + 1, "scale")?.reals
    else { return nil }
    let channels = weights.shape[axis]
    let points = try node.constant(index + 2, "zero point")?.integers ?? [0]
    guard factors.count == 1 || factors.count == channels, points.count == 1 || points.count == channels else {
      return nil
    }
    scales = factors
    let inner = weights.shape[(axis + 1)...].reduce(1, *)
    let centered = integers.enumerated().map { position, integer in
      integer - points[points.count == 1 ? 0 : position / inner % channels]
    }
    let first = centered.map { Int8(clamping: $0) }
    let rest = zip(centered, first).map { Int8(clamping: $0 - Int64($1)) }
    return rest.allSatisfy { $0 == 0 } ? [first] : [first, rest]
  }

  /// A bias of integers in units of the accumulator; nil where the node has none.
  private static func bias(
    _ importer: inout ModelImporter, _ node: NodeReader, _ index: Int, count: Int
  ) throws -> ValueID? {
    guard let bias = try node.constant(index, "bias") else { return nil }
    guard let integers = bias.integers, bias.count == count else {
      throw Refusal("onnx.shape", "the bias has shape \(bias.shape); expected [\(count)] integers")
    }
    return importer.emitter.graph.addConstant(
      Tensor(.i32([count]), .i32(integers.map { Int32(clamping: $0) })), name: bias.name)
  }

  private static let convolution: Partial = { importer, node in
    guard let x = try importer.int8(node, 0), let y = try type(node, scale: 6), (3...4).contains(x.shape.count) else {
      return nil
    }
    let shape = try node.shape(3)
    guard shape.count == x.shape.count else { return nil }
    var scales: [Float] = []
    guard let halves = try halves(node, 3, channels: 0, scales: &scales) else { return nil }
    let (outputs, depth) = (shape[0], shape[1])
    let kernel = shape.count == 3 ? [1, shape[2]] : Array(shape[2...])
    let groups = try node.integer("group", default: 1)
    _ = try ConvolutionConverters.kernelShape(node, Array(shape[2...]))
    let window = try WindowReader.read(node, kernel: Array(shape[2...]), size: Array(x.shape[2...]))
    var input = try importer.image(x)
    if halves.count == 2 { input = try importer.doubled(input, groups: groups) }
    // One half after the other along the input channels.
    let row = depth * kernel.reduce(1, *)
    let joined = (0..<outputs).flatMap { output in halves.flatMap { $0[output * row..<(output + 1) * row] } }
    let all = [outputs, halves.count * depth] + kernel
    let elements = Permutation.permute(joined, shape: all, order: [2, 3, 1, 0])
    let quantization = scales.count == 1 ? Quantization(scale: scales[0]) : Quantization(axis: 3, scales: scales)
    let weights = importer.emitter.graph.addConstant(
      Tensor(TensorType([kernel[0], kernel[1], all[1], outputs], .q8(quantization)), .i8(elements)),
      name: importer.emitter.name + ".weights")
    var operands = [input, weights]
    if let bias = try bias(&importer, node, 8, count: outputs) { operands.append(bias) }
    let value = try importer.emitter.emit(.conv2d(Conv2D(window, groups: groups)), operands, element: y.element)
    importer.emitter.setKind(y.kind, of: value)
    return importer.placedImage(value, rank: x.shape.count)
  }

  private static let product: Partial = { importer, node in
    guard let a = try importer.int8(node, 0), let y = try type(node, scale: 6) else { return nil }
    return try matrixProduct(&importer, node, a, b: 3, isTransposed: false, bias: nil, y)
  }

  private static let gemm: Partial = { importer, node in
    let alpha = try node.real("alpha", default: 1)
    let isTransposed = try node.flag("transB")
    if try node.flag("transA") || alpha != 1 || !node.has(7) { return nil }
    guard let a = try importer.int8(node, 0), let y = try type(node, scale: 7) else { return nil }
    return try matrixProduct(&importer, node, a, b: 3, isTransposed: isTransposed, bias: 6, y)
  }

  /// A product with a matrix of known integers, or of two computed tensors.
  private static func matrixProduct(
    _ importer: inout ModelImporter, _ node: NodeReader, _ a: PlacedValue, b: Int, isTransposed: Bool, bias: Int?,
    _ y: IntegerType
  ) throws -> PlacedValue? {
    let shape = try node.shape(b)
    let rank = a.shape.count
    guard rank >= 2, shape.count >= 2 else { return nil }
    if case .computed = try node.input(b) {
      guard let right = try importer.int8(node, b), !isTransposed, bias == nil, right.shape.count == rank,
        right.shape.dropLast(2) == a.shape.dropLast(2)
      else { return nil }
      let operands = [try importer.emitter.arrange(a), try importer.emitter.arrange(right)]
      let value = try importer.emitter.emit(.matmul(MatMul()), operands, element: y.element)
      importer.emitter.setKind(y.kind, of: value)
      return PlacedValue(value: value, placement: Placement(a.shape.dropLast() + [shape[shape.count - 1]]))
    }
    guard shape.count == 2 else { return nil }
    var scales: [Float] = []
    guard var halves = try halves(node, b, channels: isTransposed ? 0 : 1, scales: &scales) else { return nil }
    if isTransposed { halves = halves.map { Permutation.permute($0, shape: shape, order: [1, 0]) } }
    let (depth, columns) = isTransposed ? (shape[1], shape[0]) : (shape[0], shape[1])
    guard a.shape[rank - 1] == depth else {
      throw Refusal("onnx.shape", "operands have shapes \(a.shape) and \(shape); expected equal depths")
    }
    // The rows follow the order in which the depth lies.
    let factors = a.placement.axes[rank - 1]
    let inOrder = a.placement.order.filter(factors.contains)
    let sizes = factors.map { a.placement.sizes[$0] }
    let order = inOrder.map { factors.firstIndex(of: $0) ?? 0 } + [factors.count]
    halves = halves.map { Permutation.permute($0, shape: sizes + [columns], order: order) }
    var left = try importer.emitter.arrange(a, Array(a.placement.axes.dropLast()) + [inOrder])
    if halves.count == 2 { left = try importer.emitter.emit(.concat(Concat(axis: rank - 1)), [left, left]) }
    let quantization = scales.count == 1 ? Quantization(scale: scales[0]) : Quantization(axis: 1, scales: scales)
    let right = importer.emitter.graph.addConstant(
      Tensor(TensorType([halves.count * depth, columns], .q8(quantization)), .i8(halves.flatMap { $0 })),
      name: importer.emitter.name + ".weights")
    var operands = [left, right]
    if let bias, let vector = try Self.bias(&importer, node, bias, count: columns) { operands.append(vector) }
    let value = try importer.emitter.emit(.matmul(MatMul()), operands, element: y.element)
    importer.emitter.setKind(y.kind, of: value)
    return PlacedValue(value: value, placement: Placement(a.shape.dropLast() + [columns]))
  }

  // MARK: Elements

  private static func pair(
    _ importer: inout ModelImporter, _ node: NodeReader, _ function: BinaryFunction
  ) throws -> PlacedValue? {
    guard let a = try importer.int8(node, 0), let b = try importer.int8(node, 3), let y = try type(node, scale: 6)
    else {
      return nil
    }
    // The zero point stands inside the rounding.
    var operation = Binary(function)
    operation.isUnsigned = y.kind == .uint8
    let result = try importer.broadcastFunction(
      .computing(operation), [.computed(a), .computed(b)], element: y.element)
    importer.emitter.setKind(y.kind, of: result.value)
    return result
  }

  private static func function(_ make: @escaping @Sendable (NodeReader) throws -> Unary) -> Partial {
    { importer, node in
      let function = try make(node)
      guard let x = try importer.int8(node, 0), let y = try type(node, scale: 3) else { return nil }
      return try importer.table(function, x, y)
    }
  }

  /// Inputs: scale and zero point of the result, then three for each operand.
  private static let concat: Partial = { importer, node in
    guard let given = try node.integerIfGiven("axis"), let y = try type(node, scale: 0) else { return nil }
    var operands: [PlacedValue] = []
    for index in stride(from: 2, to: node.inputs.count, by: 3) {
      guard let x = try importer.int8(node, index) else { return nil }
      let isSame = importer.emitter.graph.type(of: x.value).element == y.element
      operands.append(isSame ? x : try importer.table(Unary(.leakyRelu, alpha: 1), x, y))
    }
    guard let first = operands.first else { return nil }
    let result = try importer.joined(operands, NodeReader.axis(given, rank: first.shape.count))
    importer.emitter.setKind(y.kind, of: result.value)
    return result
  }

  private static let softmax: Partial = { importer, node in
    let opset = try node.integer("opset", default: node.opset)
    guard let x = try importer.int8(node, 0), let y = try type(node, scale: 3) else { return nil }
    let axis = try NodeReader.axis(node.integer("axis", default: opset < 13 ? 1 : -1), rank: x.shape.count)
    let (value, placement) = try importer.rows(x, opset < 13 ? Array(axis..<x.shape.count) : [axis])
    // ONNX Runtime counts in whole parts of 1, as many as there are in 1 / scale, and takes them for multiples of the scale.
    let (scale, parts) = (y.quantization.scale, (1 / y.quantization.scale).rounded(.down))
    let isWhole = parts < 1 || parts == 1 / scale
    let counted: ElementType =
      isWhole ? y.element : .q8(Quantization(scale: 1 / parts, zeroPoint: y.quantization.zeroPoint))
    var result = try importer.emitter.emit(.softmax(Softmax(axis: -1)), [value], element: counted)
    if !isWhole {
      let real = try importer.emitter.emit(.dequantize(Dequantize()), [result])
      let scaled = try importer.scale(PlacedValue(value: real, placement: placement), by: scale * parts)
      result = try importer.emitter.emit(.quantize(Quantize()), [scaled.value], element: y.element)
    }
    importer.emitter.setKind(y.kind, of: result)
    return PlacedValue(value: result, placement: placement)
  }

  // MARK: Means

  private static let globalAverage: Partial = { importer, node in
    if try node.flag("channels_last") { return nil }
    guard let x = try importer.int8(node, 0), let y = try type(node, scale: 3), (3...4).contains(x.shape.count) else {
      return nil
    }
    let value = try importer.emitter.emit(
      .globalAvgPool2d(GlobalAvgPool2D()), [importer.image(x)], element: y.element)
    importer.emitter.setKind(y.kind, of: value)
    return importer.placedImage(value, rank: x.shape.count)
  }

  /// Means of real numbers, then integers, with the zero point inside the rounding.
  private static let average: Partial = { importer, node in
    if try node.flag("channels_last") { return nil }
    guard let x = try importer.int8(node, 0), let y = try type(node, scale: 3), x.shape.count == 4,
      let kernel = try node.integers("kernel_shape"), kernel.count == 2
    else { return nil }
    let window = try WindowReader.read(node, kernel: kernel, size: Array(x.shape[2...]), isPooling: true)
    guard window.overhang == [0, 0], window.dilations == [1, 1] else { return nil }
    var pool = AvgPool2D()
    pool.window = window.size
    pool.strides = window.strides
    pool.padding = window.padding
    pool.countIncludePad = try node.flag("count_include_pad")
    let real = try importer.emitter.emit(.dequantize(Dequantize()), [importer.image(x)])
    let pooled = try importer.emitter.emit(.avgPool2d(pool), [real])
    let mean = importer.placedImage(pooled, rank: 4)
    let shifted = try importer.binary(.add, importer.binary(.div, mean, y.quantization.scale), Float(y.zero))
    let rounded = try importer.elementwise(
      .clamp(Clamp(low: y.low, high: y.low + 255)), importer.unary(.round, shifted))
    return try importer.int8(rounded, y)
  }
}

/// An int8 type of the model.
struct IntegerType {
  var quantization: Quantization
  /// u8 or s8, in the model.
  var kind: TensorKind

  /// Nil for integers of other widths, and for several zero points.
  init?(scale: Float, zero: ConstantTensor?) {
    guard zero?.count ?? 1 == 1, scale > 0, scale.isFinite else { return nil }
    kind = zero?.kind ?? .uint8
    guard kind == .uint8 || kind == .int8 else { return nil }
    let point = Int32(clamping: zero?.integers?[0] ?? 0)
    quantization = Quantization(scale: scale, zeroPoint: kind == .uint8 ? point - 128 : point)
  }

  var element: ElementType { .q8(quantization) }
  /// The zero point and the lowest integer, as the model counts.
  var zero: Int32 { quantization.zeroPoint + (kind == .uint8 ? 128 : 0) }
  var low: Float { kind == .uint8 ? 0 : -128 }
}

extension ModelImporter {
  /// The input of a node whose scale and zero point are the two inputs after it, as a value of int8; nil for other types.
  fileprivate mutating func int8(_ node: NodeReader, _ index: Int) throws -> PlacedValue? {
    guard let type = try IntegerConverters.type(node, scale: index + 1) else { return nil }
    switch try node.input(index) {
    case .constant(let constant):
      guard let integers = constant.integers, constant.kind == type.kind else { return nil }
      let shift: Int64 = type.kind == .uint8 ? 128 : 0
      try GraphEmitter.checkSize(constant.shape)
      let value = emitter.graph.addConstant(
        Tensor(TensorType(constant.shape, type.element), .i8(integers.map { Int8(clamping: $0 - shift) })),
        name: constant.name.isEmpty ? emitter.name + ".constant" : constant.name)
      emitter.setKind(type.kind, of: value)
      return PlacedValue(value: value, placement: Placement(constant.shape))
    case .computed(let x):
      if emitter.graph.type(of: x.value).element == type.element { return x }
      return try int8(x, type)
    case .refused: return nil
    }
  }

  /// Numbers of integers as int8 of a type.
  fileprivate mutating func int8(_ integers: PlacedValue, _ type: IntegerType) throws -> PlacedValue {
    let real = try binary(.mul, binary(.sub, integers, Float(type.zero)), type.quantization.scale)
    let value = try emitter.emit(.quantize(Quantize()), [real.value], element: type.element)
    emitter.setKind(type.kind, of: value)
    return PlacedValue(value: value, placement: real.placement)
  }

  /// Integers for real numbers, as a value of int8; nil where the type is none.
  mutating func int8(of x: PlacedValue, scale: Float, zero: ConstantTensor?, kind: TensorKind) throws -> PlacedValue? {
    guard isQuantized, let type = IntegerType(scale: scale, zero: zero), type.kind == kind else { return nil }
    let value = try emitter.emit(.quantize(Quantize()), [x.value], element: type.element)
    emitter.setKind(kind, of: value)
    return PlacedValue(value: value, placement: x.placement)
  }

  /// The real numbers of a value of int8; nil where it has another type.
  mutating func real(ofInt8 x: PlacedValue, scale: Float, zero: ConstantTensor?) throws -> PlacedValue? {
    guard let type = IntegerType(scale: scale, zero: zero), emitter.graph.type(of: x.value).element == type.element
    else {
      return nil
    }
    let value = try emitter.emit(.dequantize(Dequantize()), [x.value])
    emitter.setKind(.float, of: value)
    return PlacedValue(value: value, placement: x.placement)
  }

  /// A function of each element, from int8 to int8.
  fileprivate mutating func table(_ function: Unary, _ x: PlacedValue, _ y: IntegerType) throws -> PlacedValue {
    let value = try emitter.emit(.computing(function), [x.value], element: y.element)
    emitter.setKind(y.kind, of: value)
    return PlacedValue(value: value, placement: x.placement)
  }

  /// An image [N, H, W, C] with the channels of each group twice, one after the other.
  fileprivate mutating func doubled(_ image: ValueID, groups: Int) throws -> ValueID {
    let shape = emitter.shape(image)
    let rows = try emitter.reshape(image, [shape[0] * shape[1] * shape[2] * groups, shape[3] / groups])
    let twice = try emitter.emit(.concat(Concat(axis: 1)), [rows, rows], name: emitter.name + ".doubled")
    return try emitter.reshape(twice, [shape[0], shape[1], shape[2], 2 * shape[3]])
  }
}
