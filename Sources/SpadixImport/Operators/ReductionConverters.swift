import SpadixIR

enum ReductionConverters {
  static let table: [String: Converter] = [
    "ReduceMean": reduction(.mean, axesInputSince: 18), "ReduceMax": reduction(.maximum, axesInputSince: 18),
    "ReduceMin": reduction(.minimum, axesInputSince: 18), "ReduceSum": reduction(.sum, axesInputSince: 13),
    "ReduceProd": reduction(.product, axesInputSince: 18),
    "ReduceSumSquare": composed(of: { $0 * $0 }) { try $0.reduced($0.unary(.square, $1), $2, .sum) },
    "ReduceL1": composed(of: { abs($0) }) { try $0.reduced($0.unary(.abs, $1), $2, .sum) },
    "ReduceL2": composed(of: { $0 * $0 }, then: { $0.squareRoot() }) {
      try $0.unary(.sqrt, $0.reduced($0.unary(.square, $1), $2, .sum))
    },
    "ReduceLogSum": composed { try $0.unary(.log, $0.reduced($1, $2, .sum)) },
    "ReduceLogSumExp": composed { importer, x, axes in
      // Less the maximum, so that no exponential overflows.
      let greatest = try importer.reduced(x, axes, .maximum)
      let powers = try importer.unary(.exp, importer.binary(.sub, x, greatest))
      return try importer.binary(.add, importer.unary(.log, importer.reduced(powers, axes, .sum)), greatest)
    },
  ]

  private static func reduction(_ kind: Reduction, axesInputSince version: Int) -> Converter {
    { importer, node in
      let keepsAxes = try node.flag("keepdims", default: true)
      let doesNothing = try node.flag("noop_with_empty_axes")
      let given = try node.axes(inputSince: version)
      let rank = try node.shape(0).count
      let axes = try given.flatMap { $0.isEmpty ? nil : try NodeReader.axes($0, rank: rank) }
      if axes == nil, doesNothing { return [try node.input(0)] }
      let reduced = axes ?? Array(0..<rank)
      if case .constant(let constant) = try node.input(0) {
        return [.constant(try Folding.reduce(constant, reduced, kind, keepsAxes: keepsAxes))]
      }
      guard case .computed(let x) = try node.input(0) else { return [.refused] }
      return [.computed(try importer.dropping(keepsAxes ? [] : reduced, of: importer.reduced(x, reduced, kind)))]
    }
  }

  /// A reduction with functions of elements around it.
  ///
  /// - Parameters:
  ///   - before: what is summed of each element; nil where known elements are no case of their own.
  ///   - after: what becomes of each sum.
  private static func composed(
    of before: (@Sendable (Float) -> Float)? = nil, then after: @escaping @Sendable (Float) -> Float = { $0 },
    _ body: @escaping @Sendable (inout ModelImporter, PlacedValue, [Int]) throws -> PlacedValue
  ) -> Converter {
    { importer, node in
      let keepsAxes = try node.flag("keepdims", default: true)
      let doesNothing = try node.flag("noop_with_empty_axes")
      let given = try node.axes(inputSince: 18)
      if let before, case .constant(let constant) = try node.input(0), constant.reals != nil {
        let axes = try given.flatMap { $0.isEmpty ? nil : try NodeReader.axes($0, rank: constant.shape.count) }
        let all = axes ?? (doesNothing ? [] : Array(constant.shape.indices))
        let sums = try Folding.reduce(importer.map(constant, before), all, .sum, keepsAxes: keepsAxes)
        return [.constant(try importer.map(sums, after))]
      }
      guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
      let axes = try given.flatMap { $0.isEmpty ? nil : try NodeReader.axes($0, rank: x.shape.count) }
      let reduced = axes ?? (doesNothing ? [] : Array(x.shape.indices))
      return [.computed(try importer.dropping(keepsAxes ? [] : reduced, of: body(&importer, x, reduced)))]
    }
  }
}

/// How elements along axes become one.
enum Reduction {
  case mean, sum, maximum, minimum, product
}

extension ModelImporter {
  /// Without axes of size 1.
  fileprivate mutating func dropping(_ axes: [Int], of x: PlacedValue) throws -> PlacedValue {
    if axes.isEmpty { return x }
    return try reshaped(x, x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] })
  }

  /// The product along axes: halves of them are multiplied until one element is left.
  private mutating func productReduced(_ x: PlacedValue, _ axes: [Int]) throws -> PlacedValue {
    var result = x
    for axis in axes {
      while result.shape[axis] > 1 {
        let size = result.shape[axis]
        let first = try selected(result, axis, Array(0..<(size / 2)))
        let second = try selected(result, axis, Array((size / 2)..<(size / 2 * 2)))
        let product = try binary(.mul, first, second)
        if size % 2 == 0 {
          result = product
        } else {
          let rest = try selected(result, axis, [size - 1])
          let head = try selected(product, axis, [0])
          let scaled = try binary(.mul, head, rest)
          if size == 3 {
            result = scaled
          } else {
            let tail = try selected(product, axis, Array(1..<(size / 2)))
            let order = tail.placement.axisOrder ?? Array(tail.shape.indices)
            let values = [try emitter.arrange(scaled, axes: order), try emitter.arrange(tail, axes: order)]
            let joined = try emitter.emit(.concat(Concat(axis: order.firstIndex(of: axis) ?? axis)), values)
            result = PlacedValue(value: joined, placement: Placement(product.shape, order: order))
          }
        }
      }
    }
    return result
  }

  /// A window of so many elements; a long line is folded, because a window has at most 65535 rows.
  private static func window(of count: Int) -> [Int] {
    let limit = 65_535
    if count <= limit { return [count, 1] }
    let height = stride(from: limit, to: 0, by: -1).first { count % $0 == 0 } ?? 1
    return [height, count / height]
  }

  /// The reduction of axes, which stay with size 1.
  mutating func reduced(_ x: PlacedValue, _ axes: [Int], _ kind: Reduction) throws -> PlacedValue {
    let placement = x.placement
    let factors = axes.flatMap { placement.axes[$0] }
    let kept = placement.axes.indices.map { axes.contains($0) ? 1 : placement.shape[$0] }
    if factors.isEmpty { return try reshaped(x, kept) }
    if kind == .product { return try productReduced(x, axes) }
    // As an image whose height is what is reduced, where that lies together: what is outside of it are images, what is
    // inside are channels.
    let start = placement.order.firstIndex(where: factors.contains) ?? 0
    let end = (placement.order.lastIndex(where: factors.contains) ?? 0) + 1
    var outer = Array(placement.order[..<start])
    var inner = Array(placement.order[end...])
    var middle = Array(placement.order[start..<end])
    if middle.count != factors.count {
      outer = placement.order.filter { !factors.contains($0) }
      inner = []
      middle = placement.order.filter(factors.contains)
    }
    if outer.isEmpty == false, inner.isEmpty, middle.count == factors.count, kind != .mean || outer.count > 1 {
      // Channels are what an accelerator works on side by side: the last kept axis becomes them.
      inner = [outer.removeLast()]
    }
    let name = emitter.name
    var input = x
    if kind == .minimum {
      emitter.name = name + ".negated"
      input = try scale(x, by: -1)
      emitter.name = name
    }
    var image = try emitter.arrange(input, [outer, middle, [], inner])
    var value: ValueID
    switch kind {
    case .mean, .sum: value = try emitter.emit(.globalAvgPool2d(GlobalAvgPool2D()), [image])
    case .maximum, .minimum, .product:
      let window = Self.window(of: placement.size(middle))
      image = try emitter.reshape(image, [placement.size(outer)] + window + [placement.size(inner)])
      value = try emitter.emit(.maxPool2d(MaxPool2D(window: window)), [image])
    }
    // Kept axes have the factors that they had, in the order in which they lie now.
    var result = PlacedValue(value: value, placement: placement.keeping(axes: axes, order: outer + inner))
    if kind == .sum { result = try scale(result, by: Float(placement.size(middle))) }
    if kind == .minimum { result = try scale(result, by: -1) }
    result.placement = try reshaped(result, kept).placement
    return result
  }
}
