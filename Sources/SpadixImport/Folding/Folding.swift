import Foundation
import SpadixSupport

/// Evaluates operators on constants.
enum Folding {
  // MARK: Broadcasting

  /// The shape that two shapes are broadcast to, as numpy does.
  static func broadcast(_ left: [Int], _ right: [Int]) throws -> [Int] {
    let rank = max(left.count, right.count)
    let a = [Int](repeating: 1, count: rank - left.count) + left
    let b = [Int](repeating: 1, count: rank - right.count) + right
    return try zip(a, b).map { x, y in
      guard x == y || x == 1 || y == 1, x >= 0, y >= 0 else {
        throw Refusal("onnx.shape", "shapes \(left) and \(right) cannot be broadcast")
      }
      return x == 1 ? y : x
    }
  }

  /// For each element of a shape, in order, the index of the element that is broadcast to it.
  private static func sources(_ shape: [Int], in result: [Int]) -> [Int] {
    let count = result.reduce(1, *)
    let padded = [Int](repeating: 1, count: result.count - shape.count) + shape
    if padded == result { return Array(0..<count) }
    var strides = [Int](repeating: 0, count: result.count)
    var stride = 1
    for axis in result.indices.reversed() {
      strides[axis] = padded[axis] == 1 ? 0 : stride
      stride *= padded[axis]
    }
    var index = [Int](repeating: 0, count: result.count)
    var position = 0
    return (0..<count).map { _ in
      defer {
        var axis = result.count - 1
        while axis >= 0 {
          index[axis] += 1
          position += strides[axis]
          if index[axis] < result[axis] { break }
          position -= strides[axis] * result[axis]
          index[axis] = 0
          axis -= 1
        }
      }
      return position
    }
  }

  static func select(_ elements: ConstantTensor.Elements, _ indices: [Int]) -> ConstantTensor.Elements {
    switch elements {
    case .real(let values): .real(indices.map { values[$0] })
    case .integers(let values): .integers(indices.map { values[$0] })
    }
  }

  static func expand(_ budget: inout FoldingBudget, _ input: ConstantTensor, _ shape: [Int]) throws -> ConstantTensor {
    try budget.take(shape)
    if shape.reduce(1, *) == input.count { return ConstantTensor(input.kind, shape: shape, input.elements) }
    return ConstantTensor(input.kind, shape: shape, select(input.elements, sources(input.shape, in: shape)))
  }

  /// A function of the elements of two tensors that are broadcast to a shape.
  private static func pairs<Left, Right, Result>(
    _ x: [Left], _ left: [Int], _ y: [Right], _ right: [Int], _ shape: [Int],
    _ function: (Left, Right) throws -> Result
  ) rethrows -> [Result] {
    let count = shape.reduce(1, *)
    if x.count == count, y.count == count { return try zip(x, y).map { try function($0, $1) } }
    if x.count == count, y.count == 1 { return try x.map { try function($0, y[0]) } }
    if x.count == 1, y.count == count { return try y.map { try function(x[0], $0) } }
    return try zip(sources(left, in: shape), sources(right, in: shape)).map { try function(x[$0], y[$1]) }
  }

  static func binary(
    _ budget: inout FoldingBudget, _ left: ConstantTensor, _ right: ConstantTensor, _ real: (Float, Float) -> Float,
    _ integer: (Int64, Int64) -> (Int64, overflow: Bool)
  ) throws -> ConstantTensor {
    let shape = try broadcast(left.shape, right.shape)
    try budget.take(shape)
    switch (left.elements, right.elements) {
    case (.real(let x), .real(let y)):
      return ConstantTensor(left.kind, shape: shape, .real(pairs(x, left.shape, y, right.shape, shape, real)))
    case (.integers(let x), .integers(let y)):
      let values = try pairs(x, left.shape, y, right.shape, shape) { x, y in
        let (value, overflow) = integer(x, y)
        if overflow { throw Refusal("onnx.arithmetic", "the arithmetic on integers overflows, or divides by 0") }
        return value
      }
      return ConstantTensor(left.kind, shape: shape, .integers(values))
    case (.real, .integers), (.integers, .real):
      throw Refusal("onnx.type", "one operand has integers and the other real numbers; expected one type")
    }
  }

  static func power(_ base: Float, _ exponent: Float) -> Float { Float(Foundation.pow(Double(base), Double(exponent))) }

  static func power(_ base: Int64, _ exponent: Int64) -> (Int64, overflow: Bool) {
    guard (0...63).contains(exponent) else { return (0, true) }
    var result: Int64 = 1
    for _ in 0..<exponent {
      let (next, overflow) = result.multipliedReportingOverflow(by: base)
      if overflow { return (0, true) }
      result = next
    }
    return (result, false)
  }

  static func choose(
    _ budget: inout FoldingBudget, _ condition: ConstantTensor, _ first: ConstantTensor, _ second: ConstantTensor
  ) throws -> ConstantTensor {
    let shape = try broadcast(broadcast(condition.shape, first.shape), second.shape)
    let mask = try expand(&budget, condition, shape).asReals
    let a = try expand(&budget, first, shape)
    let b = try expand(&budget, second, shape)
    switch (a.elements, b.elements) {
    case (.real(let x), .real(let y)):
      return ConstantTensor(a.kind, shape: shape, .real(mask.indices.map { mask[$0] != 0 ? x[$0] : y[$0] }))
    case (.integers(let x), .integers(let y)):
      return ConstantTensor(a.kind, shape: shape, .integers(mask.indices.map { mask[$0] != 0 ? x[$0] : y[$0] }))
    case (.real, .integers), (.integers, .real):
      throw Refusal("onnx.type", "one operand has integers and the other real numbers; expected one type")
    }
  }

  // MARK: Types and axes

  static func cast(_ input: ConstantTensor, to kind: TensorKind) throws -> ConstantTensor {
    let elements: ConstantTensor.Elements
    switch (input.elements, kind) {
    case (.real(let values), .bool): elements = .integers(values.map { $0 == 0 ? 0 : 1 })
    case (.integers(let values), .bool): elements = .integers(values.map { $0 == 0 ? 0 : 1 })
    case (.real, _) where kind.isReal: elements = input.elements
    case (.integers(let values), _) where kind.isReal: elements = .real(values.map(Float.init))
    case (.real(let values), _):
      elements = .integers(values.map { integer($0, kind) })
    case (.integers, _): elements = input.elements
    }
    return ConstantTensor(kind, shape: input.shape, elements)
  }

  /// What processors make of a number that the type does not hold is its least one. Logarithms of distances, of which some
  /// are 0, become places so: they are replaced afterwards.
  private static func integer(_ value: Float, _ kind: TensorKind) -> Int64 {
    let least = kind == .int64 || kind == .uint64 ? Int64.min : Int64(Int32.min)
    guard let integer = Int64(exactly: value.rounded(.towardZero)) else { return least }
    return kind == .int32 && Int32(exactly: integer) == nil ? least : integer
  }

  static func transpose(_ input: ConstantTensor, _ permutation: [Int]) -> ConstantTensor {
    if let scaled = input.scaled {
      let result = scaled.transposed(permutation)
      return ConstantTensor(result, shape: result.shape)
    }
    let elements: ConstantTensor.Elements
    switch input.elements {
    case .real(let values): elements = .real(Permutation.permute(values, shape: input.shape, order: permutation))
    case .integers(let values):
      elements = .integers(Permutation.permute(values, shape: input.shape, order: permutation))
    }
    return ConstantTensor(input.kind, shape: permutation.map { input.shape[$0] }, elements)
  }

  static func reduce(_ input: ConstantTensor, _ axes: [Int], _ kind: Reduction, keepsAxes: Bool) throws
    -> ConstantTensor
  {
    let kept = input.shape.indices.filter { !axes.contains($0) }
    let rows = transpose(input, kept + axes)
    let width = axes.reduce(1) { $0 * input.shape[$1] }
    guard width > 0 else { throw Refusal("onnx.shape", "an empty tensor is reduced") }
    let shape =
      keepsAxes ? input.shape.indices.map { axes.contains($0) ? 1 : input.shape[$0] } : kept.map { input.shape[$0] }
    let starts = stride(from: 0, to: rows.count, by: width)
    switch rows.elements {
    case .real(let values):
      let results = starts.map { start -> Float in
        let row = values[start..<start + width]
        switch kind {
        case .sum: return row.reduce(0, +)
        case .product: return row.reduce(1, *)
        case .mean: return row.reduce(0, +) / Float(width)
        case .maximum: return row.reduce(row[start]) { max($0, $1) }
        case .minimum: return row.reduce(row[start]) { min($0, $1) }
        }
      }
      return ConstantTensor(input.kind, shape: shape, .real(results))
    case .integers(let values):
      let results = try starts.map { start -> Int64 in
        let row = values[start..<start + width]
        switch kind {
        case .sum, .mean:
          let sum = try row.reduce(Int64(0)) { sum, value in
            let (next, overflow) = sum.addingReportingOverflow(value)
            if overflow { throw Refusal("onnx.arithmetic", "the arithmetic on integers overflows") }
            return next
          }
          return kind == .sum ? sum : sum / Int64(width)
        case .product:
          return try row.reduce(Int64(1)) { product, value in
            let (next, overflow) = product.multipliedReportingOverflow(by: value)
            if overflow { throw Refusal("onnx.arithmetic", "the arithmetic on integers overflows") }
            return next
          }
        case .maximum: return row.max() ?? 0
        case .minimum: return row.min() ?? 0
        }
      }
      return ConstantTensor(input.kind, shape: shape, .integers(results))
    }
  }

  // MARK: Selection

  static func gather(
    _ budget: inout FoldingBudget, _ input: ConstantTensor, _ places: ConstantTensor, axis given: Int
  ) throws -> ConstantTensor {
    let axis = try NodeReader.axis(given, rank: input.shape.count)
    let size = input.shape[axis]
    let chosen = try places.indices().map { index in
      guard index >= -size, index < size else {
        throw Refusal("onnx.shape", "index \(index) is outside of axis \(axis) of \(input.shape)")
      }
      return index < 0 ? index + size : index
    }
    let shape = Array(input.shape[..<axis]) + places.shape + Array(input.shape[(axis + 1)...])
    try budget.take(shape)
    return ConstantTensor(input.kind, shape: shape, select(input.elements, rows(input.shape, axis, chosen)))
  }

  /// The elements' indices when these positions of an axis are taken, in this order.
  private static func rows(_ shape: [Int], _ axis: Int, _ positions: [Int]) -> [Int] {
    let outer = shape[..<axis].reduce(1, *)
    let inner = shape[(axis + 1)...].reduce(1, *)
    var indices: [Int] = []
    indices.reserveCapacity(outer * positions.count * inner)
    for block in 0..<outer {
      for position in positions {
        let start = (block * shape[axis] + position) * inner
        indices.append(contentsOf: start..<start + inner)
      }
    }
    return indices
  }

  /// Positions start, start + step, ... before the end, of an axis; as numpy understands negative and distant ends.
  static func positions(start: Int, end: Int, step: Int, size: Int) throws -> [Int] {
    guard step != 0 else { throw Refusal("onnx.attribute", "steps of 0") }
    guard size > 0 else { return [] }
    // Ends as far away as the type allows are common; what lies beyond one size is the same as the size.
    func place(_ index: Int, _ low: Int, _ high: Int) -> Int {
      min(max(index < 0 ? (index < -size ? -1 : index + size) : index, low), high)
    }
    let step = min(max(step, -size), size)
    if step > 0 {
      let first = place(start, 0, size)
      let last = end < -size ? 0 : place(end, 0, size)
      return Array(stride(from: start < -size ? 0 : first, to: last, by: step))
    }
    let first = place(start, -1, size - 1)
    return Array(stride(from: first, to: place(end, -1, size - 1), by: step))
  }

  static func slice(
    _ budget: inout FoldingBudget, _ node: NodeReader, _ inputs: [ConstantTensor?]
  ) throws -> [ConstantTensor] {
    let input = try FoldingTable.required(inputs, 0)
    let starts: [Int]
    let ends: [Int]
    var axes: [Int]?
    var steps: [Int]?
    if node.opset < 10 {
      starts = try node.integers("starts") ?? []
      ends = try node.integers("ends") ?? []
      axes = try node.integers("axes")
    } else {
      starts = try FoldingTable.required(inputs, 1).indices()
      ends = try FoldingTable.required(inputs, 2).indices()
      axes = try inputs.count > 3 ? inputs[3]?.indices() : nil
      steps = try inputs.count > 4 ? inputs[4]?.indices() : nil
    }
    let chosen = try (axes ?? Array(starts.indices)).map { try NodeReader.axis($0, rank: input.shape.count) }
    guard starts.count == ends.count, chosen.count == starts.count, steps?.count ?? starts.count == starts.count else {
      throw Refusal("onnx.shape", "starts, ends, axes and steps differ in length")
    }
    var result = input
    for (index, axis) in chosen.enumerated() {
      let positions = try positions(
        start: starts[index], end: ends[index], step: steps?[index] ?? 1, size: result.shape[axis])
      var shape = result.shape
      shape[axis] = positions.count
      try budget.take(shape)
      result = ConstantTensor(
        input.kind, shape: shape, select(result.elements, rows(result.shape, axis, positions)))
    }
    return [result]
  }

  static func concatenate(
    _ budget: inout FoldingBudget, _ inputs: [ConstantTensor], axis given: Int
  ) throws -> ConstantTensor {
    guard let first = inputs.first else { throw Refusal("onnx.inputs", "nothing is joined") }
    let axis = try NodeReader.axis(given, rank: first.shape.count)
    var shape = first.shape
    shape[axis] = 0
    for input in inputs {
      var rest = input.shape
      guard rest.count == shape.count else { throw Refusal("onnx.shape", "constants of different ranks are joined") }
      shape[axis] += rest[axis]
      rest[axis] = shape[axis]
      guard rest == shape else {
        throw Refusal("onnx.shape", "shapes \(first.shape) and \(input.shape) are joined along axis \(axis)")
      }
    }
    try budget.take(shape)
    let outer = shape[..<axis].reduce(1, *)
    var reals: [Float] = []
    var integers: [Int64] = []
    for block in 0..<outer {
      for input in inputs {
        let width = input.count / max(1, outer)
        switch (input.elements, first.elements) {
        case (.real(let values), .real): reals += values[block * width..<(block + 1) * width]
        case (.integers(let values), .integers): integers += values[block * width..<(block + 1) * width]
        case (.real, .integers), (.integers, .real):
          throw Refusal("onnx.type", "integers and real numbers are joined")
        }
      }
    }
    return ConstantTensor(first.kind, shape: shape, first.reals == nil ? .integers(integers) : .real(reals))
  }

  static func split(
    _ budget: inout FoldingBudget, _ node: NodeReader, _ inputs: [ConstantTensor?]
  ) throws -> [ConstantTensor] {
    let input = try FoldingTable.required(inputs, 0)
    let axis = try NodeReader.axis(node.integer("axis", default: 0), rank: input.shape.count)
    let size = input.shape[axis]
    var sizes = try node.integers("split")
    if inputs.count > 1, let given = inputs[1] { sizes = try given.indices() }
    let count = try node.integerIfGiven("num_outputs") ?? node.outputCount
    guard count > 0, count <= max(1, size) else { throw Refusal("onnx.attribute", "\(count) parts of axis \(axis)") }
    let part = ceilDivide(size, count)
    let parts = sizes ?? (0..<count).map { max(0, min(part, size - $0 * part)) }
    guard parts.allSatisfy({ (0...size).contains($0) }), parts.reduce(0, +) == size else {
      throw Refusal("onnx.shape", "parts \(parts) of an axis of \(size)")
    }
    try budget.take(input.shape)
    var start = 0
    return parts.map { width in
      defer { start += width }
      var shape = input.shape
      shape[axis] = width
      return ConstantTensor(
        input.kind, shape: shape, select(input.elements, rows(input.shape, axis, Array(start..<start + width))))
    }
  }

  static func tile(_ budget: inout FoldingBudget, _ input: ConstantTensor, _ repeats: [Int]) throws -> ConstantTensor {
    guard repeats.count == input.shape.count, repeats.allSatisfy({ $0 >= 0 && $0 <= FoldingBudget.maximumRepeats })
    else { throw Refusal("onnx.shape", "\(input.shape) is repeated \(repeats) times") }
    var result = input
    for axis in repeats.indices {
      var shape = result.shape
      shape[axis] *= repeats[axis]
      try budget.take(shape)
      let positions = (0..<repeats[axis]).flatMap { _ in 0..<result.shape[axis] }
      result = ConstantTensor(input.kind, shape: shape, select(result.elements, rows(result.shape, axis, positions)))
    }
    return result
  }

  static func range(_ budget: inout FoldingBudget, _ ends: [ConstantTensor]) throws -> ConstantTensor {
    guard ends.allSatisfy({ $0.count == 1 }) else { throw Refusal("onnx.shape", "a bound is no single number") }
    let problem = Refusal("onnx.arithmetic", "the range has no end, or too many elements")
    if let start = ends[0].integers?[0], let end = ends[1].integers?[0], let step = ends[2].integers?[0] {
      let (distance, overflow) = end.subtractingReportingOverflow(start)
      guard step != 0, !overflow, step != Int64.min, distance != Int64.min else { throw problem }
      let isReached = distance != 0 && (distance > 0) == (step > 0)
      let length = isReached ? Int((abs(distance) - 1) / abs(step)) + 1 : 0
      try budget.take([length])
      return ConstantTensor(ends[0].kind, shape: [length], .integers((0..<length).map { start + Int64($0) * step }))
    }
    let (start, end, step) = (ends[0].asReals[0], ends[1].asReals[0], ends[2].asReals[0])
    let length = ((Double(end) - Double(start)) / Double(step)).rounded(.up)
    guard length.isFinite, length < 1e9 else { throw problem }
    let count = max(0, Int(length))
    try budget.take([count])
    return ConstantTensor(ends[0].kind, shape: [count], .real((0..<count).map { start + Float($0) * step }))
  }
}

extension FoldingBudget {
  static let maximumRepeats = 1 << 28
}
