/// Evaluates a node whose inputs are all known. Inputs by position, nil where left out.
typealias Folder = @Sendable (inout FoldingBudget, NodeReader, [ConstantTensor?]) throws -> [ConstantTensor]

/// How many elements folding may still make: a few bytes of a file can ask for any number.
struct FoldingBudget {
  private var remaining: Int

  /// As many elements as the masks of large networks have, or several times those of the operands: what is larger than
  /// that is a damaged shape, and would take gigabytes.
  init(_ operands: [ConstantTensor] = [], limit: Int = .max) {
    total = limit
    remaining = min(limit, max(1 << 25, 8 * operands.reduce(0) { $0 + $1.count }))
  }

  /// What all nodes of a model may still take together.
  private let total: Int

  /// Lets a tensor be as large as the weights of large networks are, which may all be one number.
  mutating func allowWeights() { remaining = min(total, max(remaining, 1 << 27)) }

  private(set) var taken = 0

  /// Throws `onnx.limit` where a tensor of this shape is too much.
  mutating func take(_ shape: [Int]) throws {
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard size >= 0, !overflow, product <= remaining else {
        throw Refusal("onnx.limit", "a constant of shape \(shape) is too large to be computed at import")
      }
      count = product
    }
    remaining -= count
    taken += count
  }
}

extension ModelImporter {
  /// The node's results where its inputs, or the first so many of them, are constants; nil where one is computed.
  mutating func fold(_ node: NodeReader, inputs limit: Int = Int.max, _ folder: Folder) throws -> [ImportedValue]? {
    var constants: [ConstantTensor?] = []
    for input in node.inputs.prefix(limit) {
      switch input {
      case nil: constants.append(nil)
      case .constant(let constant)?: constants.append(constant)
      case .computed?, .refused?: return nil
      }
    }
    var budget = FoldingBudget(constants.compactMap { $0 }, limit: Self.foldedElementLimit - foldedElements)
    let results = try folder(&budget, node, constants)
    foldedElements += budget.taken
    return results.map { .constant($0) }
  }
}

/// What is evaluated at import: arithmetic on shapes, and on weights.
enum FoldingTable {
  static let folders: [String: Folder] = {
    var table = elementwise
    table.merge(selection) { $1 }
    return table
  }()

  // MARK: Element by element

  private static let elementwise: [String: Folder] = [
    "Add": binary({ $0 + $1 }, { $0.addingReportingOverflow($1) }),
    "Sub": binary({ $0 - $1 }, { $0.subtractingReportingOverflow($1) }),
    "Mul": binary({ $0 * $1 }, { $0.multipliedReportingOverflow(by: $1) }),
    // Integers are truncated, as those of shapes are expected to be.
    "Div": binary({ $0 / $1 }, { $0.dividedReportingOverflow(by: $1) }),
    "Mod": binary(
      { left, right in
        let rest = left.truncatingRemainder(dividingBy: right)
        return rest
      },
      { left, right in
        let (rest, overflow) = left.remainderReportingOverflow(dividingBy: right)
        // The sign of the divisor, as in Python.
        return (rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest, overflow)
      }),
    "Pow": binary({ Folding.power($0, $1) }, { Folding.power($0, $1) }),
    "Max": { try variadic(&$0, $2, { max($0, $1) }, { max($0, $1) }) },
    "Min": { try variadic(&$0, $2, { min($0, $1) }, { min($0, $1) }) },
    "Neg": unary({ -$0 }, { 0 &- $0 }), "Abs": unary({ abs($0) }, { $0 == Int64.min ? $0 : abs($0) }),
    "Floor": unary({ $0.rounded(.down) }, { $0 }), "Ceil": unary({ $0.rounded(.up) }, { $0 }),
    "Round": unary({ $0.rounded(.toNearestOrEven) }, { $0 }), "Sqrt": unary({ $0.squareRoot() }, nil),
    "Reciprocal": unary({ 1 / $0 }, nil), "Relu": unary({ max($0, 0) }, { max($0, 0) }),
    "Equal": comparison({ $0 == $1 }, { $0 == $1 }), "Less": comparison({ $0 < $1 }, { $0 < $1 }),
    "Greater": comparison({ $0 > $1 }, { $0 > $1 }), "LessOrEqual": comparison({ $0 <= $1 }, { $0 <= $1 }),
    "GreaterOrEqual": comparison({ $0 >= $1 }, { $0 >= $1 }),
    "And": comparison({ $0 != 0 && $1 != 0 }, { $0 & $1 != 0 }),
    "Or": comparison({ $0 != 0 || $1 != 0 }, { $0 | $1 != 0 }),
    "Not": { budget, _, inputs in
      let input = try required(inputs, 0)
      try budget.take(input.shape)
      return [ConstantTensor(.bool, shape: input.shape, .integers(input.asReals.map { $0 == 0 ? 1 : 0 }))]
    },
  ]

  static func required(_ inputs: [ConstantTensor?], _ index: Int) throws -> ConstantTensor {
    guard index < inputs.count, let input = inputs[index] else {
      throw Refusal("onnx.inputs", "input \(index) is missing")
    }
    return input
  }

  private static func unary(
    _ real: @escaping @Sendable (Float) -> Float, _ integer: (@Sendable (Int64) -> Int64)?
  ) -> Folder {
    { budget, _, inputs in
      let input = try required(inputs, 0)
      try budget.take(input.shape)
      switch input.elements {
      case .real(let values): return [ConstantTensor(input.kind, shape: input.shape, .real(values.map(real)))]
      case .integers(let values):
        guard let integer else { throw Refusal("onnx.type", "the operand has integers; expected real numbers") }
        return [ConstantTensor(input.kind, shape: input.shape, .integers(values.map(integer)))]
      }
    }
  }

  static func clip(low: Float, high: Float) -> Folder? {
    unary({ min(max($0, low), high) }, { Int64(exactly: min(max(Float($0), low), high)) ?? $0 })
  }

  private static func binary(
    _ real: @escaping @Sendable (Float, Float) -> Float,
    _ integer: @escaping @Sendable (Int64, Int64) -> (Int64, overflow: Bool)
  ) -> Folder {
    { budget, node, inputs in
      _ = try node.integerIfGiven("fmod")
      return [try Folding.binary(&budget, required(inputs, 0), required(inputs, 1), real, integer)]
    }
  }

  private static func comparison(
    _ real: @escaping @Sendable (Float, Float) -> Bool, _ integer: @escaping @Sendable (Int64, Int64) -> Bool
  ) -> Folder {
    { budget, _, inputs in
      var result = try Folding.binary(
        &budget, required(inputs, 0), required(inputs, 1), { real($0, $1) ? 1 : 0 },
        { (integer($0, $1) ? 1 : 0, false) })
      result.elements = .integers(result.asReals.map { Int64($0) })
      result.kind = .bool
      return [result]
    }
  }

  private static func variadic(
    _ budget: inout FoldingBudget, _ inputs: [ConstantTensor?], _ real: (Float, Float) -> Float,
    _ integer: (Int64, Int64) -> Int64
  ) throws -> [ConstantTensor] {
    var result = try required(inputs, 0)
    for input in inputs.dropFirst() {
      guard let input else { continue }
      result = try Folding.binary(&budget, result, input, real) { (integer($0, $1), false) }
    }
    return [result]
  }

  // MARK: Selection

  private static let selection: [String: Folder] = [
    "Gather": { budget, node, inputs in
      let axis = try node.integer("axis", default: 0)
      return [try Folding.gather(&budget, required(inputs, 0), required(inputs, 1), axis: axis)]
    },
    "Slice": { try Folding.slice(&$0, $1, $2) },
    "Concat": { budget, node, inputs in
      guard let axis = try node.integerIfGiven("axis") ?? (node.opset < 4 ? 1 : nil) else {
        throw Refusal("onnx.attribute", "axis is missing")
      }
      return [try Folding.concatenate(&budget, inputs.compactMap { $0 }, axis: axis)]
    },
    "Split": { try Folding.split(&$0, $1, $2) },
    "Range": { budget, _, inputs in
      let ends = try (0..<3).map { try required(inputs, $0) }
      return [try Folding.range(&budget, ends)]
    },
    "ConstantOfShape": { budget, node, inputs in
      let shape = try required(inputs, 0).indices()
      let value = try node.tensor("value") ?? ConstantTensor(.float, shape: [1], .real([0]))
      guard value.count == 1 else {
        throw Refusal("onnx.attribute", "the value has \(value.count) elements; expected 1")
      }
      if value.kind.isReal { budget.allowWeights() }
      try budget.take(shape)
      let count = shape.reduce(1, *)
      switch value.elements {
      case .real(let values):
        return [ConstantTensor(value.kind, shape: shape, .real([Float](repeating: values[0], count: count)))]
      case .integers(let values):
        return [ConstantTensor(value.kind, shape: shape, .integers([Int64](repeating: values[0], count: count)))]
      }
    },
    "Expand": { budget, _, inputs in
      let input = try required(inputs, 0)
      let shape = try Folding.broadcast(input.shape, required(inputs, 1).indices())
      return [try Folding.expand(&budget, input, shape)]
    },
    "Tile": { budget, node, inputs in
      if node.opset < 6 { throw Refusal.form("Tile of operator set \(node.opset); expected that of 6 or later") }
      return try [Folding.tile(&budget, required(inputs, 0), required(inputs, 1).indices())]
    },
    "Where": { budget, _, inputs in
      try [Folding.choose(&budget, required(inputs, 0), required(inputs, 1), required(inputs, 2))]
    },
  ]
}
