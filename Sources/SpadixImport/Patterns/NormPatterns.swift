import SpadixIR
import SpadixTensor

/// Finds normalizations of rows that exporters write in single steps: `(x - mean) / sqrt(mean((x - mean)^2) + epsilon)`,
/// and the scale and bias that follow.
struct NormPatterns {
  struct Match {
    var input: ValueID
    var epsilon: Float
    /// Constants [C], of the scale and the bias.
    var parameters: [ValueID] = []
  }

  private let graph: Graph
  private let uses: [Int]

  init(_ graph: Graph) {
    self.graph = graph
    var uses = [Int](repeating: 0, count: graph.values.count)
    for operation in graph.operations { for operand in operation.operands { uses[operand.index] += 1 } }
    for output in graph.outputs { uses[output.index] += 1 }
    self.uses = uses
  }

  /// The normalization that ends with an operation.
  func match(_ operation: Operation) -> Match? {
    switch operation.op {
    case .batchNorm:
      // A bias: a normalization that changes nothing but the mean.
      guard let (bias, before) = shift(operation), let scaled = graph.producer(of: before), uses[before.index] == 1,
        let (scale, inner) = factor(scaled), uses[inner.index] == 1, let producer = graph.producer(of: inner),
        var match = core(producer)
      else { return nil }
      match.parameters = [scale, bias]
      return match
    default: return core(operation)
    }
  }

  private func core(_ operation: Operation) -> Match? {
    guard let (function, left, right) = binary(operation) else { return nil }
    switch function {
    case .div: return match(left, deviation: right, isInverse: false)
    case .mul: return match(left, deviation: right, isInverse: true) ?? match(right, deviation: left, isInverse: true)
    default: return nil
    }
  }

  private func match(_ centered: ValueID, deviation: ValueID, isInverse: Bool) -> Match? {
    guard let (function, input, mean) = producer(of: centered).flatMap(binary), function == .sub,
      isMean(mean, of: input), let (squares, epsilon) = radicand(deviation, isInverse: isInverse)
    else { return nil }
    guard let variance = producer(of: squares), case .globalAvgPool2d = variance.op,
      let square = producer(of: variance.operands[0]), rows(variance, graph.values[centered].type.shape)
    else { return nil }
    if let (function, a, b) = binary(square) {
      return function == .mul && a == centered && b == centered ? Match(input: input, epsilon: epsilon) : nil
    }
    guard unary(square)?.function == .square, strip(square.operands[0]) == strip(centered) else { return nil }
    return Match(input: input, epsilon: epsilon)
  }

  /// Whether a value is the mean of each row of another.
  private func isMean(_ mean: ValueID, of input: ValueID) -> Bool {
    guard let average = producer(of: mean), case .globalAvgPool2d = average.op else { return false }
    return strip(average.operands[0]) == strip(input) && rows(average, graph.values[input].type.shape)
  }

  /// Whether an average is over rows of the last axis.
  private func rows(_ average: Operation, _ shape: [Int]) -> Bool {
    let image = graph.values[average.operands[0]].type.shape
    return image[3] == 1 && image[1] * image[2] == shape.last
  }

  /// What a value is the root, or the inverse root, of, without the epsilon.
  private func radicand(_ value: ValueID, isInverse: Bool) -> (ValueID, Float)? {
    guard let operation = producer(of: value), let function = unary(operation) else { return nil }
    if isInverse, function.function == .reciprocal { return radicand(operation.operands[0], isInverse: false) }
    guard isInverse ? function.function == .pow && function.alpha == -0.5 : function.function == .sqrt else {
      return nil
    }
    guard let sum = producer(of: operation.operands[0]) else { return nil }
    if case .batchNorm = sum.op, let (bias, before) = shift(sum), let epsilon = uniform(bias) {
      return (before, epsilon)
    }
    guard let (function, a, b) = binary(sum), function == .add else { return nil }
    if let epsilon = uniform(b) { return (a, epsilon) }
    return uniform(a).map { (b, $0) }
  }

  // MARK: Single operations

  /// What produces a value, or what it only is another shape of.
  private func producer(of value: ValueID) -> Operation? { graph.producer(of: strip(value)) }

  private func strip(_ value: ValueID) -> ValueID {
    var value = value
    while let operation = graph.producer(of: value), case .reshape = operation.op { value = operation.operands[0] }
    return value
  }

  private func binary(_ operation: Operation) -> (BinaryFunction, ValueID, ValueID)? {
    guard case .function(let function) = operation.op, let binary = function.definition as? Binary else { return nil }
    return (binary.function, operation.operands[0], operation.operands[1])
  }

  private func unary(_ operation: Operation) -> Unary? {
    guard case .function(let function) = operation.op else { return nil }
    return function.definition as? Unary
  }

  private func shift(_ operation: Operation) -> (bias: ValueID, input: ValueID)? {
    guard case .batchNorm(let norm) = operation.op, uniform(operation.operands[1]) == 1,
      uniform(operation.operands[3]) == 0,
      uniform(operation.operands[4]).map({ $0 + norm.epsilon }) == 1
    else { return nil }
    return (operation.operands[2], operation.operands[0])
  }

  private func factor(_ operation: Operation) -> (scale: ValueID, input: ValueID)? {
    guard case .mul = operation.op, graph.isConstant(operation.operands[1]),
      graph.values[operation.operands[1]].type.shape == [graph.values[operation.result].type.shape.last ?? 0]
    else { return nil }
    return (operation.operands[1], operation.operands[0])
  }

  private func uniform(_ value: ValueID) -> Float? {
    guard graph.isConstant(value), let elements = try? graph.constantTensor(value, from: DataStore())?.realValues,
      let first = elements.first, elements.allSatisfy({ $0 == first })
    else { return nil }
    return first
  }
}
