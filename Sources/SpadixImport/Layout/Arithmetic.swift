import SpadixIR
import SpadixTensor

/// Arithmetic on tensors of the model, in whatever order they lie.
extension ModelImporter {
  /// An operator that treats every element alike.
  mutating func elementwise(_ op: Operator, _ x: PlacedValue, name: String? = nil) throws -> PlacedValue {
    PlacedValue(value: try emitter.emit(op, [x.value], name: name), placement: x.placement)
  }

  func map(_ constant: ConstantTensor, _ function: (Float) -> Float) throws -> ConstantTensor {
    ConstantTensor(.float, shape: constant.shape, .real(try constant.requireReals().map(function)), name: constant.name)
  }

  mutating func scale(_ x: PlacedValue, by factor: Float) throws -> PlacedValue {
    if factor == 1 { return x }
    let factor = min(max(factor, -GraphEmitter.largestMagnitude), GraphEmitter.largestMagnitude)
    let constant = emitter.graph.addConstant(Tensor(.f32([]), .f32([factor])), name: emitter.name + ".factor")
    return PlacedValue(value: try emitter.emit(.mul(Mul()), [x.value, constant]), placement: x.placement)
  }

  /// The value whose last axis is made of these axes of the model, and how the tensor lies in it.
  mutating func channelsLast(_ x: PlacedValue, _ axes: [Int]) throws -> (value: ValueID, placement: Placement) {
    let placement = x.placement
    let last = Set(axes.flatMap { placement.axes[$0] })
    let inner = placement.order.filter(last.contains)
    let size = placement.size(inner)
    let outer = placement.order.filter { !last.contains($0) }
    if outer + inner == placement.order, emitter.shape(x.value).last ?? 1 == size { return (x.value, placement) }
    let ordered = placement.ordered(outer + inner)
    if axes.count == 1, placement.rank == 4 {
      // As an image, which is what other operators want.
      let others = ordered.axisOrder ?? []
      if others.last == axes[0] { return (try emitter.arrange(x, axes: others), ordered) }
    }
    return (try emitter.arrange(x, [outer, inner]), ordered)
  }

  /// A tensor of the shape that it is broadcast to, as numpy does: copies joined along axes of size 1.
  mutating func broadcast(_ x: PlacedValue, to shape: [Int]) throws -> PlacedValue {
    let result = try Folding.broadcast(x.shape, shape)
    try GraphEmitter.checkSize(result)
    var x = try reshaped(x, [Int](repeating: 1, count: result.count - x.shape.count) + x.shape)
    let name = emitter.name
    for axis in result.indices where x.shape[axis] != result[axis] {
      guard result[axis] <= Self.copyLimit else {
        x = try selected(x, axis, [Int](repeating: 0, count: result[axis]))
        continue
      }
      emitter.name = "\(name).axis\(axis)"
      x = try repeated(x, axis, result[axis])
    }
    emitter.name = name
    return x
  }

  /// Copies of a tensor that are joined, as the accelerator does it, to broadcast it; more are gathered.
  private static let copyLimit = 64

  /// The axes along which a constant varies that is broadcast to a tensor of this shape, counted as the tensor's are.
  ///
  /// Throws a refusal where the tensor itself would be broadcast, or where the two have nothing in common.
  func variation(_ constant: ConstantTensor, in shape: [Int]) throws -> [Int] {
    guard try Folding.broadcast(shape, constant.shape) == shape else {
      throw Refusal("onnx.shape", "a constant of shape \(constant.shape) cannot be broadcast to \(shape)")
    }
    return constant.shape.indices.filter { constant.shape[$0] != 1 }.map { $0 + shape.count - constant.shape.count }
  }

  /// The constant's elements in the order in which these axes lie.
  func vector(_ constant: ConstantTensor, _ placement: Placement, _ axes: [Int]) throws -> [Float] {
    let factors = axes.flatMap { placement.axes[$0] }
    let inOrder = placement.order.filter(factors.contains)
    let shape = factors.map { placement.sizes[$0] }
    let order = inOrder.map { factors.firstIndex(of: $0) ?? 0 }
    return Permutation.permute(try reals(constant), shape: shape, order: order)
  }

  private func reals(_ constant: ConstantTensor) throws -> [Float] {
    _ = try constant.requireReals()
    return try emitter.finiteReals(constant)
  }

  mutating func multiply(_ x: PlacedValue, _ constant: ConstantTensor) throws -> PlacedValue {
    if constant.count == 1 { return try scale(x, by: reals(constant)[0]) }
    let axes = try variation(constant, in: x.shape)
    let (value, placement) = try channelsLast(x, axes)
    let factor = emitter.vector(
      try vector(constant, placement, axes), name: constant.name.isEmpty ? emitter.name + ".factor" : constant.name)
    return PlacedValue(value: try emitter.emit(.mul(Mul()), [value, factor]), placement: placement)
  }

  private static let longestOffset = 1 << 20

  mutating func add(_ x: PlacedValue, _ constant: ConstantTensor) throws -> PlacedValue {
    let axes = try variation(constant, in: x.shape)
    let values = try reals(constant)
    // As a bias a mask would take all levels of int8.
    if Self.isMask(values) { return try binary(.add, .computed(x), .constant(constant)) }
    let name = constant.name.isEmpty ? emitter.name + ".offset" : constant.name
    if constant.count == 1 {
      let width = emitter.shape(x.value).last ?? 1
      // A vector of as many elements as there are channels, but not of as many as there are pixels.
      if width > Self.longestOffset { return try binary(.add, .computed(x), .constant(constant)) }
      return try offset(x.value, x.placement, [Float](repeating: values[0], count: width), name)
    }
    if constant.count == x.placement.count, axes.count > 1 {
      // An addend of its own for each element.
      let elements = try vector(constant, x.placement, axes)
      let addend = emitter.graph.addConstant(Tensor(.f32(emitter.shape(x.value)), .f32(elements)), name: name)
      return PlacedValue(value: try emitter.emit(.add(Add()), [x.value, addend]), placement: x.placement)
    }
    let (value, placement) = try channelsLast(x, axes)
    return try offset(value, placement, vector(constant, placement, axes), name)
  }

  /// Whether numbers are added to hide some elements and to leave others as they are.
  private static func isMask(_ values: [Float]) -> Bool {
    values.contains { $0 <= -1000 } && values.allSatisfy { $0 <= -1000 || $0 == 0 }
  }

  /// Adds a vector along the last axis: as the bias of the product that made the value, where nothing else reads that,
  /// else as a normalization that changes nothing but the mean.
  private mutating func offset(
    _ value: ValueID, _ placement: Placement, _ offsets: [Float], _ name: String
  ) throws -> PlacedValue {
    if let producer = emitter.graph.producer(of: value), producer.operands.count == 2, valueUses[value] ?? 0 <= 1 {
      switch producer.op {
      case .conv2d, .matmul:
        let bias = emitter.vector(offsets, name: name)
        return PlacedValue(value: try emitter.emit(producer.op, producer.operands + [bias]), placement: placement)
      default: break
      }
    }
    let one = [Float](repeating: 1, count: offsets.count)
    let zero = [Float](repeating: 0, count: offsets.count)
    if emitter.shape(value).isEmpty {
      let column = try emitter.reshape(value, [1])
      return try offset(column, placement, offsets, name)
    }
    let operands = [
      value, emitter.vector(one, name: name + ".one"), emitter.vector(offsets, name: name),
      emitter.vector(zero, name: name + ".zero"), emitter.vector(one, name: name + ".one"),
    ]
    return PlacedValue(
      value: try emitter.emit(.batchNorm(BatchNorm(epsilon: 0)), operands), placement: placement)
  }

  /// Tensors of one shape so that they lie alike, in the order of the one that is not in the model's.
  mutating func aligned(_ operands: [PlacedValue]) throws -> ([ValueID], Placement) {
    let shape = operands[0].shape
    let chosen = operands.first { !$0.placement.isStandard }?.placement ?? operands[0].placement
    if operands.allSatisfy({ $0.placement.hasFactors(of: chosen) }) {
      let whole = chosen.axisOrder
      let result = try operands.map { operand in
        if let whole { return try emitter.arrange(operand, axes: whole) }
        return try emitter.arrange(operand, chosen.order.map { [$0] })
      }
      return (result, chosen)
    }
    return (try operands.map { try emitter.arrange($0) }, Placement(shape))
  }

  /// The sum of two tensors.
  mutating func add(_ x: PlacedValue, _ y: PlacedValue) throws -> PlacedValue {
    if x.shape != y.shape { return try binary(.add, x, y) }
    let (values, placement) = try aligned([x, y])
    return PlacedValue(value: try emitter.emit(.add(Add()), values), placement: placement)
  }

  /// The greatest of several tensors, element by element: the maximum over a window along which they are joined.
  mutating func greatest(_ operands: [PlacedValue]) throws -> PlacedValue {
    let shape = try operands.reduce([]) { try Folding.broadcast($0, $1.shape) }
    let (values, placement) = try aligned(operands.map { try broadcast($0, to: shape) })
    let channels = emitter.shape(values[0]).last ?? 1
    let rest = placement.count / channels
    let rows = try values.map { try emitter.reshape($0, [1, 1, rest, channels]) }
    let joined = try emitter.emit(.concat(Concat(axis: 1)), rows, name: emitter.name + ".joined")
    let pooled = try emitter.emit(.maxPool2d(MaxPool2D(window: [values.count, 1])), [joined])
    return PlacedValue(value: pooled, placement: placement)
  }
}
