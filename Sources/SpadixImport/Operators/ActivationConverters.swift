import SpadixIR

/// Functions of each element, as far as the language has them, and the softmax.
enum ActivationConverters {
  static let table: [String: Converter] = [
    "Relu": elementwise { importer, _, x in try importer.elementwise(.relu(Relu()), x) },
    "Clip": clip,
    "Softmax": softmax, "LogSoftmax": logSoftmax,
  ]

  private static func elementwise(
    _ body: @escaping @Sendable (inout ModelImporter, NodeReader, PlacedValue) throws -> PlacedValue
  ) -> Converter {
    { importer, node in
      if let folder = FoldingTable.folders[node.node.operator], let folded = try importer.fold(node, folder) {
        return folded
      }
      guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
      return [.computed(try body(&importer, node, x))]
    }
  }

  private static let clip: Converter = { importer, node in
    // Bounds are attributes below operator set 11, and inputs since; either may be left out.
    var low = -Float.infinity
    var high = Float.infinity
    if node.opset < 11 {
      low = try node.realIfGiven("min") ?? low
      high = try node.realIfGiven("max") ?? high
    } else if let computed = try computedBounds(&importer, node) {
      return [.computed(computed)]
    } else {
      low = try node.constant(1, "lower bound")?.scalar("lower bound") ?? low
      high = try node.constant(2, "upper bound")?.scalar("upper bound") ?? high
    }
    if let folder = FoldingTable.clip(low: low, high: high), let folded = try importer.fold(node, inputs: 1, folder) {
      return folded
    }
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    guard !low.isNaN, !high.isNaN else { throw Refusal.form("a bound is no number") }
    // Bounds of the types' ends are no bounds; those that cross give the upper one everywhere.
    low = low <= -Float.greatestFiniteMagnitude ? -.infinity : min(low, high)
    high = high >= Float.greatestFiniteMagnitude ? .infinity : high
    if low == -.infinity, high == .infinity { return [.computed(x)] }
    let op: Operator = low == 0 && high == .infinity ? .relu(Relu()) : .clamp(Clamp(low: low, high: high))
    return [.computed(try importer.elementwise(op, x))]
  }

  /// Between bounds of which one is computed; nil where both are known.
  private static func computedBounds(_ importer: inout ModelImporter, _ node: NodeReader) throws -> PlacedValue? {
    let bounds = [1, 2].map { $0 < node.inputs.count ? node.inputs[$0] : nil }
    guard bounds.contains(where: { if case .computed? = $0 { true } else { false } }),
      case .computed(var x) = try importer.computed(node.input(0))
    else { return nil }
    for (bound, function) in zip(bounds, [BinaryFunction.max, .min]) {
      guard let bound else { continue }
      // Infinities and the ends of the type are no bounds.
      if case .constant(let constant) = bound, let value = constant.asReals.first, constant.count == 1,
        function == .max ? value <= -Float.greatestFiniteMagnitude : value >= Float.greatestFiniteMagnitude
      {
        continue
      }
      x = try importer.binary(function, .computed(x), bound)
    }
    return x
  }

  private static let softmax: Converter = { importer, node in
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let rank = x.shape.count
    guard rank > 0 else { throw Refusal("onnx.shape", "the input is a single number; expected an axis to sum over") }
    let given = try node.integer("axis", default: node.opset < 13 ? 1 : -1)
    // Below operator set 13 an axis of the rank is the end: rows of one element.
    let axis = try NodeReader.axis(given, rank: rank, inclusive: node.opset < 13)
    if node.opset >= 13 {
      guard let order = x.placement.axisOrder, let place = order.firstIndex(of: axis) else {
        let value = try importer.emitter.arrange(x)
        return [
          .computed(
            PlacedValue(
              value: try importer.emitter.emit(.softmax(Softmax(axis: axis)), [value]), placement: Placement(x.shape)))
        ]
      }
      let value = try importer.emitter.arrange(x, axes: order)
      let result = try importer.emitter.emit(.softmax(Softmax(axis: place)), [value])
      return [.computed(PlacedValue(value: result, placement: x.placement))]
    }
    // Everything from the axis on is one row. The order within a row does not matter, as long as rows lie together.
    let row = x.placement.axes[axis...].flatMap { $0 }
    let rows = x.placement.axes[..<axis].flatMap { $0 }
    let inner = x.placement.order.filter(row.contains)
    let value = try importer.emitter.arrange(x, [rows, inner])
    let result = try importer.emitter.emit(.softmax(Softmax(axis: 1)), [value])
    return [.computed(PlacedValue(value: result, placement: x.placement.ordered(rows + inner)))]
  }
}

extension ActivationConverters {
  /// Logarithms of a softmax, from the exponents: those of small results are not lost.
  fileprivate static let logSoftmax: Converter = { importer, node in
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let rank = x.shape.count
    guard rank > 0 else { throw Refusal("onnx.shape", "the input is a single number; expected an axis to sum over") }
    let given = try node.integer("axis", default: node.opset < 13 ? 1 : -1)
    let axis = try NodeReader.axis(given, rank: rank, inclusive: node.opset < 13)
    let axes = node.opset < 13 ? Array(axis..<rank) : [axis]
    let centered = try importer.binary(.sub, x, importer.reduced(x, axes, .maximum))
    let sum = try importer.reduced(importer.unary(.exp, centered), axes, .sum)
    return [.computed(try importer.binary(.sub, centered, importer.unary(.log, sum)))]
  }
}
