import SpadixSupport
import SpadixTensor

extension Graph {
  /// Checks the whole graph: ids, order, types, data, and every operator's rule. Throws `Diagnostics`.
  ///
  /// What a pass hands on must satisfy the following.
  /// - Every id is an index of its array; a value's definition names the operation that lists it as a result.
  /// - An operation stands after the producers of its operands.
  /// - Types are legal; an operator's types and attributes satisfy its `resultShape`.
  /// - There is an output; data names differ; samples have the shape of their input, any number of times.
  public func verify() throws {
    var diagnostics = Diagnostics(GraphRules.structure(self))
    // Everything else indexes freely.
    try diagnostics.throwIfErrors()
    var names: [String: DataID] = [:]
    for (index, definition) in data.enumerated() {
      if let problem = DataRules.problem(definition) {
        diagnostics.report(
          Diagnostic(problem.id, "data @\(definition.name): \(problem.message)", at: definition.range))
      }
      if names.updateValue(DataID(index), forKey: definition.name) != nil {
        diagnostics.report(
          Diagnostic("ir.duplicate-data", "data @\(definition.name) is defined twice", at: definition.range))
      }
    }
    for (index, value) in values.enumerated() {
      if let problem = TypeRules.problem(value.type) {
        diagnostics.report(
          Diagnostic(
            problem.id, "\(value.name.map { "%\($0)" } ?? "value \(index)"): \(problem.message)", at: value.range))
      }
    }
    try diagnostics.throwIfErrors()
    for input in inputs { GraphRules.problems(input: input, self).forEach { diagnostics.report($0) } }
    for index in operations.indices {
      OperatorRules.problems(OperationID(index), self).forEach { diagnostics.report($0) }
    }
    if outputs.isEmpty {
      diagnostics.report(Diagnostic("ir.no-output", "graph @\(name) has no outputs", at: range))
    }
    try diagnostics.throwIfErrors()
  }
}

enum GraphRules {
  /// Whether ids are in range and refer to each other consistently, and definitions come before uses.
  static func structure(_ graph: Graph) -> [Diagnostic] {
    var problems: [Diagnostic] = []
    func report(_ message: String, _ range: SourceRange? = nil) {
      problems.append(Diagnostic("ir.structure", "graph @\(graph.name): \(message)", at: range))
    }
    var isDefined = [Bool](repeating: false, count: graph.values.count)
    for (position, input) in graph.inputs.enumerated() {
      guard isDefined.indices.contains(input.index), graph.values[input].definition == .input(position) else {
        report("input \(position) is not defined as that input")
        continue
      }
      isDefined[input.index] = true
      if let samples = graph.values[input].samples, !graph.data.indices.contains(samples.index) {
        report("the samples of input \(position) are no data of the graph")
      }
    }
    for (index, operation) in graph.operations.enumerated() {
      let place = "operation \(index), \(operation.op.mnemonic)"
      for operand in operation.operands where !(isDefined.indices.contains(operand.index) && isDefined[operand.index]) {
        report("\(place), reads value \(operand.index) before it is defined", operation.range)
      }
      if operation.results.count != 1 { report("\(place), has \(operation.results.count) results; expected 1") }
      for (position, result) in operation.results.enumerated() {
        guard isDefined.indices.contains(result.index), !isDefined[result.index],
          graph.values[result].definition == .operation(OperationID(index), result: position)
        else {
          report("\(place), does not define its result \(position)", operation.range)
          continue
        }
        isDefined[result.index] = true
      }
      if case .constant(let constant) = operation.op, !graph.data.indices.contains(constant.data.index) {
        report("\(place), refers to no data of the graph", operation.range)
      }
    }
    for output in graph.outputs where !(isDefined.indices.contains(output.index) && isDefined[output.index]) {
      report("an output is never defined")
    }
    if !graph.outputNames.isEmpty, graph.outputNames.count != graph.outputs.count {
      report("there are \(graph.outputNames.count) names for \(graph.outputs.count) outputs")
    }
    if let orphan = isDefined.firstIndex(of: false), problems.isEmpty {
      report("value \(orphan) is defined by nothing")
    }
    return problems
  }

  /// Calibration samples are whole batches of the input.
  static func problems(input: ValueID, _ graph: Graph) -> [Diagnostic] {
    let value = graph.values[input]
    guard let samples = value.samples.map({ graph.data[$0] }) else { return [] }
    let shape = value.type.shape
    guard let batch = shape.first, samples.type.rank == shape.count,
      samples.type.shape.dropFirst() == shape.dropFirst(), samples.type.shape[0] % batch == 0,
      samples.type.element == value.type.element
    else {
      let rest = shape.dropFirst().map { ", \($0)" }.joined()
      let expected = shape.isEmpty ? "an input of rank 1 or more" : "\(value.type.element)[n * \(shape[0])\(rest)]"
      return [
        Diagnostic(
          "ir.samples-shape",
          "the samples have type \(samples.type.shortDescription); expected \(expected)", at: value.range,
          notes: [Diagnostic.Note("the samples are defined here", at: samples.range)])
      ]
    }
    return []
  }
}
