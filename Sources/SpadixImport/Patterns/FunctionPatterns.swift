import SpadixIR
import SpadixTensor

/// Finds functions of single elements that exporters write in several operators, whatever operators these are: whatever
/// is a function of one value alone is tried on numbers, and compared with the functions of `nn.unary`.
///
/// So `x * Clip(x + 3, 0, 6) / 6` is a HardSwish in whatever order it stands, `x * Sigmoid(x)` a SiLU, and
/// `0.5 * x * (1 + Erf(x / sqrt(2)))` a Gelu.
struct FunctionPatterns {
  private let graph: Graph
  /// By value: values of which it is a function, element by element; itself first.
  private var roots: [[ValueID]]
  /// Numbers that are no round ones, around 0 and far from it.
  private static let samples: [Double] = (-48...48).map { Double($0) / 6.1 } + [-31.9, -23.3, -13.7, 13.7, 23.3, 31.9]
  private static let longestChain = 16

  init(_ graph: Graph) {
    self.graph = graph
    roots = graph.values.indices.map { [ValueID($0)] }
    for operation in graph.operations {
      guard let operands = elementwiseOperands(operation) else { continue }
      var common = roots[operands[0].index]
      for operand in operands.dropFirst() { common = common.filter(roots[operand.index].contains) }
      roots[operation.result.index] += common.suffix(Self.longestChain)
    }
  }

  /// The function that an operation computes of an earlier value; nil where it is none of the known ones.
  func match(_ operation: Operation) -> (function: Unary, root: ValueID)? {
    if case .reshape = operation.op { return nil }
    guard let operands = elementwiseOperands(operation), isEnd(operation, operands) else { return nil }
    // The earliest root first: the longest way.
    for root in roots[operation.result.index].dropFirst().reversed() {
      guard root != operands[0] || operands.count > 1 else { continue }
      var known: [ValueID: [Double]] = [root: Self.samples]
      guard let values = evaluate(operation.result, &known, depth: 0) else { continue }
      if let function = Self.recognize(values) { return (function, root) }
    }
    return nil
  }

  /// Whether a function may end here: several operands meet, or did so before and are scaled.
  private func isEnd(_ operation: Operation, _ operands: [ValueID]) -> Bool {
    var (current, rest) = (operation, operands)
    for _ in 0..<Self.longestChain {
      if rest.count > 1 { return true }
      guard let producer = graph.producer(of: rest[0]), let next = elementwiseOperands(producer) else { return false }
      (current, rest) = (producer, next)
    }
    return current.operands.count > 1
  }

  // MARK: Element by element

  /// The computed operands of an operation that treats all elements alike; nil for others.
  private func elementwiseOperands(_ operation: Operation) -> [ValueID]? {
    let shape = graph.values[operation.result].type.shape
    let computed = operation.operands.filter { !graph.isConstant($0) }
    // The same elements in the same order.
    if case .reshape = operation.op { return computed.isEmpty ? nil : computed }
    guard !computed.isEmpty, computed.allSatisfy({ graph.values[$0].type == .f32(shape) }),
      graph.type(of: operation.result).element == .f32
    else { return nil }
    switch operation.op {
    case .relu, .clamp, .mul, .add, .batchNorm: break
    case .function(let function) where function.definition is Unary || function.definition is Binary: break
    default: return nil
    }
    let constants = operation.operands.filter { graph.isConstant($0) }
    return constants.allSatisfy { uniform($0) != nil } ? computed : nil
  }

  /// The number that all elements of a constant are.
  private func uniform(_ value: ValueID) -> Double? {
    guard let elements = try? graph.constantTensor(value, from: DataStore())?.realValues, let first = elements.first,
      elements.count <= 1 << 16, elements.allSatisfy({ $0 == first })
    else { return nil }
    return Double(first)
  }

  private func evaluate(_ value: ValueID, _ known: inout [ValueID: [Double]], depth: Int) -> [Double]? {
    if let values = known[value] { return values }
    guard depth < 2 * Self.longestChain else { return nil }
    if graph.isConstant(value) {
      return uniform(value).map { [Double](repeating: $0, count: Self.samples.count) }
    }
    guard let operation = graph.producer(of: value), elementwiseOperands(operation) != nil else { return nil }
    var operands: [[Double]] = []
    for operand in operation.operands {
      guard let values = evaluate(operand, &known, depth: depth + 1) else { return nil }
      operands.append(values)
    }
    let result: [Double]
    switch operation.op {
    case .reshape: result = operands[0]
    case .relu: result = operands[0].map { max($0, 0) }
    case .clamp(let clamp): result = operands[0].map { min(max($0, Double(clamp.low)), Double(clamp.high)) }
    case .mul: result = zip(operands[0], operands[1]).map { $0 * $1 }
    case .add: result = zip(operands[0], operands[1]).map { $0 + $1 }
    case .batchNorm(let norm):
      result = operands[0].indices.map { i in
        (operands[0][i] - operands[3][i]) / (operands[4][i] + Double(norm.epsilon)).squareRoot() * operands[1][i]
          + operands[2][i]
      }
    case .function(let function):
      if let unary = function.definition as? Unary {
        result = operands[0].map(unary.callAsFunction)
      } else if let binary = function.definition as? Binary {
        result = zip(operands[0], operands[1]).map(binary.function.value)
      } else {
        return nil
      }
    default: return nil
    }
    known[value] = result
    return result
  }

  // MARK: Known functions

  private static func recognize(_ values: [Double]) -> Unary? {
    guard values.allSatisfy(\.isFinite) else { return nil }
    var candidates = [
      Unary(.hardSwish), Unary(.silu), Unary(.silu, alpha: 1.702), Unary(.gelu), Unary(.geluTanh), Unary(.mish),
      Unary(.softplus), Unary(.sigmoid), Unary(.tanh), Unary(.hardSigmoid, alpha: 1 / 6, beta: 0.5),
      Unary(.hardSigmoid, alpha: 0.2, beta: 0.5), Unary(.elu), Unary(.selu, alpha: 1.673_263_2, beta: 1.050_701),
      Unary(.softsign), Unary(.square), Unary(.abs),
    ]
    let slope = values[0] / samples[0]
    if slope > 0, slope < 1 { candidates.append(Unary(.leakyRelu, alpha: Float(slope))) }
    return candidates.first { candidate in
      zip(samples, values).allSatisfy { abs($1 - candidate($0)) <= tolerance(of: candidate, at: $0) }
    }
  }

  /// How far a function may be off where its constants are rounded, and what cancels with them. Nothing beside a result of
  /// 0, and little beside a small one: what an exporter adds so that a logarithm or a quotient stays finite is no rounding.
  private static func tolerance(of function: Unary, at x: Double) -> Double {
    let rounding = 1e-5
    let value = function(x)
    let shifted = [1 - rounding, 1 + rounding].map { abs(function(x * $0) - value) }
    return rounding * abs(value) + shifted.reduce(0, +) + 1e-14 * abs(x)
  }
}
