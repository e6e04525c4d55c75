import SpadixIR

/// What readers make of a value, so that noise counts as they see it: a sigmoid of 20 is that of 10.
struct ReaderFunctions {
  /// By value id: the function of single elements that alone reads it; nil where others do.
  private let functions: [((Double) -> Double)?]

  init(_ graph: Graph) {
    var functions = [((Double) -> Double)?](repeating: nil, count: graph.values.count)
    let uses = graph.useLists()
    let outputs = Set(graph.outputs)
    for operation in graph.operations.reversed() {
      guard let operand = operation.operands.first, uses[operand].count == 1, !outputs.contains(operand) else {
        continue
      }
      let function: (Double) -> Double
      if case .function(let reader) = operation.op, let unary = reader.definition as? Unary {
        function = { unary($0) }
      } else if let (low, high) = operation.op.elementwiseActivation?.bounds {
        function = { min(max($0, Double(low)), Double(high)) }
      } else {
        continue
      }
      let next = functions[operation.result.index]
      functions[operand.index] = next.map { next in { next(function($0)) } } ?? function
    }
    self.functions = functions
  }

  /// What is read of an element of a value.
  func read(_ element: Float, of value: ValueID) -> Double {
    functions[value.index].map { $0(Double(element)) } ?? Double(element)
  }
}
