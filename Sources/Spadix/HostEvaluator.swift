import SpadixIR
import SpadixISA
import SpadixMachine
import SpadixReference
import SpadixSupport
import SpadixTensor

/// One host step of a program, ready to be evaluated any number of times.
struct HostEvaluator {
  /// The command before which it runs.
  let before: Int
  private let inputs: [Program.Binding]
  private let outputs: [Program.Binding]
  private let evaluator: IntegerEvaluator

  /// Parses the step's graph; throws diagnostics when it is damaged or does not fit the bindings.
  init(_ step: Program.HostStep, index: Int, of program: Program) throws {
    before = step.before
    inputs = step.inputs
    outputs = step.outputs
    let graph = try Graph(parsing: SourceText(name: "<host step \(index)>", text: step.graph))
    for definition in graph.data {
      guard case .file(let path, _) = definition.source else { continue }
      // A program is complete in itself; one that reads files of this machine is up to no good.
      throw Diagnostic(
        "program.host-step", "host step \(index) wants to read the file '\(path)'; expected data in the program",
        at: definition.range)
    }
    func check(_ bindings: [Program.Binding], _ values: [ValueID], _ what: String) throws {
      let fits = zip(bindings, values).allSatisfy {
        $0.type.element.byteCount == graph.values[$1].type.element.byteCount
          && $0.type.checkedElementCount == graph.values[$1].type.elementCount
      }
      guard bindings.count == values.count, fits else {
        throw Diagnostic(
          "program.host-step",
          "the \(what) of host step \(index) do not fit its graph: expected \(values.map { graph.values[$0].type }), "
            + "found \(bindings.map(\.type))", help: "the program is damaged: compile it again")
      }
    }
    try check(step.inputs, graph.inputs, "inputs")
    try check(step.outputs, graph.outputs, "outputs")
    evaluator = IntegerEvaluator(graph: graph, data: DataStore())
  }

  func run(on machine: Machine) throws {
    let graph = evaluator.graph
    let operands = try zip(inputs, graph.inputs).map { binding, input in
      let type = graph.values[input].type
      var binding = binding
      binding.type.element = type.element
      return Tensor(type, try machine.storage(of: binding))
    }
    for (binding, result) in zip(outputs, try evaluator.run(inputs: operands)) {
      try machine.write(result.storage.bytes, to: binding)
    }
  }
}
