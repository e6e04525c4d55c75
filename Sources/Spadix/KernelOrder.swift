import SpadixCodegen
import SpadixIR
import SpadixOrder
import SpadixSupport

extension ScheduleProblem {
  /// The kernels of a graph as atomic operators, which have all their operands in the scratchpad: COSMA's problem.
  ///
  /// Sizes are scratchpad rows. Int8 constants are parameters; biases and scales are not in the scratchpad.
  public init(_ prepared: PreparedKernels) {
    let problem = prepared.problem
    let graph = prepared.graph
    self.init(name: problem.name, tensors: [], operators: [])
    for (index, tensor) in problem.tensors.enumerated() {
      let kind: TensorKind =
        switch tensor.kind {
        case .input: .input
        case .activation: .activation
        case .output: .output
        }
      tensors.append(Tensor(id: index, name: tensor.name, size: tensor.rows, bytes: tensor.bytes, kind: kind))
    }
    let names = ValueNames(graph)
    var parameters = [TensorID?](repeating: nil, count: graph.values.count)
    for (index, value) in prepared.tensors.enumerated() { parameters[value.index] = TensorID(index) }
    for (index, op) in problem.operators.enumerated() {
      var inputs = op.inputs.map { TensorID($0.index) }
      for operand in graph.operations[prepared.operations[index]].operands {
        let type = graph.values[operand].type
        guard graph.isConstant(operand), type.element.isInt8 else { continue }
        if parameters[operand.index] == nil {
          let rows = ceilDivide(type.byteCount, prepared.target.dim)
          parameters[operand.index] = TensorID(tensors.count)
          tensors.append(
            Tensor(
              id: tensors.count, name: names.plain(operand), size: rows, bytes: type.byteCount,
              kind: .parameter))
        }
        if let parameter = parameters[operand.index], !inputs.contains(parameter) { inputs.append(parameter) }
      }
      var kernel = Operator(
        id: index, name: op.name, inputs: inputs, outputs: op.outputs.map { TensorID($0.index) },
        cycles: min(Self.mostCycles, op.alternatives.map(\.cost.arrayCycles).min() ?? 0))
      // Row by row; rows of a concatenation need not follow each other, so that those stay copies.
      kernel.mayOverwrite =
        switch graph.operations[prepared.operations[index]].op {
        case .npu(.add), .npu(.binary), .npu(.mul), .npu(.requantize): true
        default: false
        }
      operators.append(kernel)
    }
    addDependences(prepared, names)
  }

  /// What host steps hand to each other is never in the scratchpad: values that keep the order, without a size.
  private mutating func addDependences(_ prepared: PreparedKernels, _ names: ValueNames) {
    let graph = prepared.graph
    var kernel = [Int?](repeating: nil, count: graph.operations.count)
    for (index, operation) in prepared.operations.enumerated() { kernel[operation.index] = index }
    // Per operation, the kernels that it is or comes after.
    var sources = [Set<Int>](repeating: [], count: graph.operations.count)
    var handed = [TensorID?](repeating: nil, count: operators.count)
    for (index, operation) in graph.operations.enumerated() {
      let before = operation.operands.compactMap { graph.values[$0].producer }.reduce(into: Set<Int>()) {
        $0.formUnion(sources[$1.index])
      }
      guard let reader = kernel[index] else {
        sources[index] = before
        continue
      }
      sources[index] = [reader]
      for writer in before.sorted() where Set(operators[writer].outputs).isDisjoint(with: operators[reader].inputs) {
        let tensor = handed[writer] ?? TensorID(tensors.count)
        if handed[writer] == nil {
          handed[writer] = tensor
          let value = graph.operations[prepared.operations[writer]].result
          tensors.append(Tensor(id: tensor.index, name: names.plain(value), size: 0, bytes: 0, kind: .activation))
          operators[writer].outputs.append(tensor)
        }
        operators[reader].inputs.append(tensor)
      }
    }
  }
}

/// Chooses the order of a graph's kernels by the scheduler for atomic operators.
///
/// Kernels may stream operands through tiles, which that scheduler knows nothing of: its order is good where whole
/// tensors fit, and residency and tilings are decided afterwards for the order.
struct KernelOrder {
  private let formulation: ScheduleOptions.Formulation

  /// Nil where the graph keeps its order.
  init?(_ formulation: Compiler.Formulation) {
    switch formulation {
    case .residency: return nil
    case .joint: self.formulation = .joint
    case .exact: self.formulation = .exact
    }
  }

  /// The npu graph with its operations in the order found, and what found it.
  func reorder(_ prepared: PreparedKernels) throws -> (graph: Graph, closedBy: String) {
    let problem = ScheduleProblem(prepared)
    var options = ScheduleOptions()
    options.formulation = formulation
    // Where an operator alone is larger than the scratchpad, it will stream; its neighbours are ordered as if it
    // fitted.
    let budget = max(prepared.problem.capacity, ScheduleBudgets.minimum(problem, scope: .activations))
    let solution = try Scheduler(options: options).solve(problem, scope: .activations, budget: budget)
    let closedBy = solution.certificate.closedBy.map(\.component).joined(separator: ", ")
    let graph = prepared.graph.reordered(solution.order.map { prepared.operations[$0.index] })
    try graph.verify()
    return (graph, closedBy)
  }
}

extension Graph {
  /// The same graph with the given operations in this order. Operations that are not given, such as constants and
  /// reshapes, stand directly after the last of the given ones that they depend on.
  ///
  /// - Precondition: the order is a legal one.
  func reordered(_ order: [OperationID]) -> Graph {
    var position = [Int?](repeating: nil, count: operations.count)
    for (index, id) in order.enumerated() { position[id.index] = index }
    // Per operation, the position of the given operation that it is or comes after; -1 at the start.
    var place = [Int](repeating: -1, count: operations.count)
    for (index, operation) in operations.enumerated() {
      place[index] =
        position[index]
        ?? operation.operands.compactMap { values[$0].producer }.map { place[$0.index] }.max() ?? -1
    }
    let sorted = operations.indices.sorted {
      (place[$0], position[$0] == nil ? 1 : 0, $0) < (place[$1], position[$1] == nil ? 1 : 0, $1)
    }
    var newID = [OperationID](repeating: OperationID(0), count: operations.count)
    for (index, old) in sorted.enumerated() { newID[old] = OperationID(index) }
    var result = self
    result.operations = sorted.map { operations[$0] }
    for (index, value) in values.enumerated() {
      guard case .operation(let old, let position) = value.definition else { continue }
      result.values[index].definition = .operation(newID[old.index], result: position)
    }
    return result
  }
}
