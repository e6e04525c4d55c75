import SpadixIR
import SpadixSupport
import SpadixTensor

/// Evaluates graphs with plain loops: the oracle that everything else is compared with.
public protocol GraphEvaluator {
  /// What is evaluated.
  var graph: Graph { get }
  /// Where constants come from.
  var data: DataStore { get }

  /// The results of one operation for given operands, whatever else is in the graph. The operation is one of the
  /// graph's, whose values say the result types.
  func evaluate(_ operation: Operation, operands: [Tensor]) throws -> [Tensor]
}

extension GraphEvaluator {
  /// The outputs for given inputs, in the graph's order. Values are freed after their last use.
  public func run(inputs: [Tensor]) throws -> [Tensor] { try run(inputs: inputs) { _, _ in } }

  /// The outputs; `observe` sees every value that is computed, in execution order, and every input.
  public func run(inputs: [Tensor], observing observe: (ValueID, Tensor) throws -> Void) throws -> [Tensor] {
    var lastUse = [Int](repeating: -1, count: graph.values.count)
    for (index, operation) in graph.operations.enumerated() {
      for operand in operation.operands { lastUse[operand.index] = index }
    }
    for output in graph.outputs { lastUse[output.index] = Int.max }
    var tensors = try start(inputs)
    for input in graph.inputs { try observe(input, tensors[input]!) }
    for (index, operation) in graph.operations.enumerated() {
      try requireMemory(operation)
      let results = try evaluate(operation, operands: operation.operands.map { tensors[$0]! })
      for (value, tensor) in zip(operation.results, results) {
        if !graph.isConstant(value) { try observe(value, tensor) }
        tensors[value] = tensor
      }
      for operand in operation.operands where lastUse[operand.index] == index { tensors[operand] = nil }
    }
    return graph.outputs.map { tensors[$0]! }
  }

  /// Every value of the graph, by value id.
  public func evaluateAll(inputs: [Tensor]) throws -> [Tensor] {
    var tensors = try start(inputs)
    for operation in graph.operations {
      try requireMemory(operation)
      let results = try evaluate(operation, operands: operation.operands.map { tensors[$0]! })
      for (value, tensor) in zip(operation.results, results) { tensors[value] = tensor }
    }
    return tensors.map { $0! }
  }

  /// The results, and as much again twice for what is made on the way to them.
  private func requireMemory(_ operation: Operation) throws {
    let bytes = operation.results.reduce(0) { $0 + graph.values[$1].type.byteCount }
    try Memory.require(
      3 * bytes, for: "evaluating \(operation.op.mnemonic) with a result of type \(resultType(operation))")
  }

  /// A place for every value, with the inputs in theirs.
  private func start(_ inputs: [Tensor]) throws -> [Tensor?] {
    guard inputs.count == graph.inputs.count else {
      throw Diagnostic(
        "reference.input-count", "graph @\(graph.name) has \(graph.inputs.count) inputs, found \(inputs.count)")
    }
    var tensors = [Tensor?](repeating: nil, count: graph.values.count)
    for (id, tensor) in zip(graph.inputs, inputs) {
      let value = graph.values[id]
      guard tensor.type.shape == value.type.shape, tensor.storage.matches(value.type.element) else {
        throw Diagnostic(
          "reference.input-type",
          "input \(value.name.map { "%\($0)" } ?? "") is given as \(tensor.type); expected \(value.type)",
          at: value.range)
      }
      tensors[id] = Tensor(value.type, tensor.storage)
    }
    return tensors
  }

  /// The elements of a constant.
  func constant(_ constant: Constant) throws -> Tensor { try data.tensor(graph.data[constant.data]) }

  /// The type of an operation's result.
  func resultType(_ operation: Operation) -> TensorType { graph.values[operation.result].type }

  /// For an operator that this evaluator gives no meaning on these types.
  func unsupported(_ operation: Operation, _ reason: String) -> Diagnostic {
    Diagnostic("reference.unsupported", "\(operation.op.mnemonic): \(reason)", at: operation.range)
  }
}
