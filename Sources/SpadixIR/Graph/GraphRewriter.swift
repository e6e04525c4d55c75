import SpadixSupport
import SpadixTensor

/// Builds a graph from another one, operation by operation, in order.
///
/// A pass walks the source and, for each operation, keeps it, emits others, or drops it; what a source value has become
/// is recorded in a mapping, through which the operands of later operations and the outputs pass. Dropping an operation
/// whose result is still read is an error of the pass and traps when the value is asked for.
public struct GraphRewriter {
  /// The graph that the pass reads; its ids are the ones that `subscript` takes.
  public let source: Graph
  /// The graph so far. Its data are those of the source, followed by what the pass adds.
  public private(set) var graph: Graph
  private var mapping: [ValueID?]
  /// The operation that emitted operations take their line from.
  private var current: Operation?

  fileprivate init(_ source: Graph) {
    self.source = source
    self.graph = Graph(name: source.name)
    self.graph.range = source.range
    self.graph.data = source.data
    self.mapping = [ValueID?](repeating: nil, count: source.values.count)
    for input in source.inputs {
      let value = source.values[input]
      let copy = graph.addInput(name: value.name, type: value.type)
      graph.values[copy].range = value.range
      graph.values[copy].calibration = value.calibration
      graph.values[copy].samples = value.samples
      mapping[input] = copy
    }
  }

  /// What a value of the source has become.
  public subscript(_ value: ValueID) -> ValueID {
    guard let mapped = mapping[value] else {
      preconditionFailure("value \(value.index) of '\(source.name)' was dropped but is still read")
    }
    return mapped
  }

  /// What a value of the source has become; nil before its operation was visited, or when it was dropped.
  func mapped(_ value: ValueID) -> ValueID? { mapping[value] }

  /// Copies an operation of the source with mapped operands, and lets its results stand for the old ones.
  @discardableResult
  public mutating func keep(_ operation: Operation) -> ValueID {
    var copy = operation
    let id = OperationID(graph.operations.count)
    copy.operands = operation.operands.map { self[$0] }
    copy.results = operation.results.enumerated().map { index, old in
      var value = source.values[old]
      value.definition = .operation(id, result: index)
      graph.values.append(value)
      return ValueID(graph.values.count - 1)
    }
    graph.operations.append(copy)
    for (old, new) in zip(operation.results, copy.results) { mapping[old] = new }
    return copy.result
  }

  /// Adds an operation; operands are values of the new graph. It takes its source line from the operation being visited.
  @discardableResult
  public mutating func emit(
    _ op: Operator, _ operands: [ValueID], type: TensorType, name: String? = nil, calibration: ValueRange? = nil,
    hostReason: String? = nil
  ) -> ValueID {
    let value = graph.append(
      op, operands, type: type, name: name, range: current?.range, sourceLine: current?.sourceLine,
      hostReason: hostReason)
    graph.values[value].calibration = calibration
    return value
  }

  /// Adds data and a constant that holds them.
  @discardableResult
  public mutating func emitConstant(_ tensor: Tensor, name: String) -> ValueID {
    let value = graph.addConstant(tensor, name: name)
    if let producer = graph.values[value].producer {
      graph.operations[producer].range = current?.range
      graph.operations[producer].sourceLine = current?.sourceLine
    }
    return value
  }

  /// Lets a value of the new graph stand for a value of the source. The new value takes over name and calibration where
  /// it has none.
  public mutating func replace(_ old: ValueID, with new: ValueID) {
    mapping[old] = new
    if graph.values[new].name == nil { graph.values[new].name = source.values[old].name }
    if graph.values[new].calibration == nil { graph.values[new].calibration = source.values[old].calibration }
  }

  /// Lets a value of the new graph stand for a value of the source alone, with its name, type and range, whatever it has
  /// stood for before.
  public mutating func takeOver(_ old: ValueID, by new: ValueID) {
    mapping[old] = new
    graph.values[new].name = source.values[old].name
    graph.values[new].type = source.values[old].type
    graph.values[new].calibration = source.values[old].calibration
    graph.values[new].range = source.values[old].range
  }

  /// Gives a value of the new graph a range, unless it has one.
  public mutating func adoptRange(_ range: ValueRange?, of value: ValueID) {
    if graph.values[value].calibration == nil { graph.values[value].calibration = range }
  }

  /// Says which value of the source a value of the new graph stands for in another type.
  public mutating func setCounterpart(_ source: ValueID, of value: ValueID) {
    graph.values[value].counterpart = source
  }

  /// Changes the type of a value of the new graph.
  public mutating func setType(_ type: TensorType, of value: ValueID) { graph.values[value].type = type }

  /// Changes the operation that produced a value of the new graph.
  public mutating func updateProducer(of value: ValueID, _ change: (inout Operation) -> Void) {
    guard let producer = graph.values[value].producer else { return }
    change(&graph.operations[producer])
  }

  fileprivate mutating func visit(
    _ operation: Operation, _ body: (inout GraphRewriter, Operation) throws -> Void
  ) rethrows {
    current = operation
    try body(&self, operation)
    current = nil
  }

  fileprivate mutating func finish() -> Graph {
    graph.outputs = source.outputs.map { self[$0] }
    graph.outputNames = source.outputNames
    return graph
  }
}

extension Graph {
  /// A new graph, made by visiting every operation in order; `body` keeps, replaces or drops it.
  public func rewriting(_ body: (inout GraphRewriter, Operation) throws -> Void) rethrows -> Graph {
    var rewriter = GraphRewriter(self)
    for operation in operations { try rewriter.visit(operation, body) }
    return rewriter.finish()
  }

  /// Without operations whose results nobody reads, and without data nobody refers to. Inputs stay.
  public func eliminatingDead() -> Graph {
    var live = [Bool](repeating: false, count: values.count)
    for output in outputs { live[output.index] = true }
    for operation in operations.reversed() where operation.results.contains(where: { live[$0.index] }) {
      for operand in operation.operands { live[operand.index] = true }
    }
    let trimmed = rewriting { rewriter, operation in
      if operation.results.contains(where: { live[$0.index] }) { rewriter.keep(operation) }
    }
    return trimmed.removingUnusedData()
  }

  /// Without data that neither a constant nor an input's samples refer to.
  public func removingUnusedData() -> Graph {
    var result = self
    var used = [Bool](repeating: false, count: data.count)
    for operation in operations {
      if case .constant(let constant) = operation.op { used[constant.data.index] = true }
    }
    for input in inputs {
      if let samples = values[input].samples { used[samples.index] = true }
    }
    var newIDs = [DataID](repeating: DataID(0), count: data.count)
    result.data = []
    for (index, definition) in data.enumerated() where used[index] {
      newIDs[index] = DataID(result.data.count)
      result.data.append(definition)
    }
    for index in result.operations.indices {
      if case .constant(let constant) = result.operations[index].op {
        result.operations[index].op = .constant(Constant(data: newIDs[constant.data.index]))
      }
    }
    for input in inputs {
      if let samples = values[input].samples { result.values[input].samples = newIDs[samples.index] }
    }
    return result
  }
}
