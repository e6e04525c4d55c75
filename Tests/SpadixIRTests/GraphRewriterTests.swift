import SpadixSupport
import SpadixTensor
import Testing

@testable import SpadixIR

private let source = """
  data @w : f32[2] = [1.0, 2.0]
  data @unused : f32[2] = [1.0, 2.0]

  graph @g(%x: f32[2] {range = [0.0, 1.0]}, %y: f32[2]) -> f32[2] {
    %w = constant @w : f32[2]
    %dead = nn.add %x, %w : f32[2]
    %a = nn.add %x, %y : f32[2]
    %b = nn.relu %a {range = [0.0, 4.0]} : f32[2]
    %c = nn.relu %b : f32[2]
    return %c
  }

  """

@Suite("Rewriting")
struct GraphRewriterTests {
  @Test("keeping everything gives the same graph")
  func identity() throws {
    let graph = try parse(source)
    let same = graph.rewriting { $0.keep($1) }
    #expect(same.firstDifference(from: graph) == nil)
    try same.verify()
  }

  @Test("an operation is replaced, readers follow, and the output keeps its name")
  func replace() throws {
    let graph = try parse(source)
    let fused = graph.rewriting { rewriter, operation in
      guard case .relu = operation.op, let producer = rewriter.mapped(operation.operands[0]),
        case .add(var add)? = rewriter.graph.producer(of: producer)?.op
      else {
        rewriter.keep(operation)
        return
      }
      add.activation = .relu
      rewriter.updateProducer(of: producer) { $0.op = .add(add) }
      rewriter.replace(operation.result, with: producer)
    }
    try fused.verify()
    let text = fused.eliminatingDead().text()
    #expect(
      text == """
        graph @g(%x: f32[2] {range = [0.0, 1.0]}, %y: f32[2]) -> (f32[2] {name = "c"}) {
          %a = nn.add %x, %y {activation = relu, range = [0.0, 4.0]} : f32[2]
          return %a
        }

        """)
  }

  @Test("emitted operations take the line of the operation they replace")
  func lines() throws {
    let graph = try parse(source)
    let changed = graph.rewriting { rewriter, operation in
      guard case .relu = operation.op else {
        rewriter.keep(operation)
        return
      }
      let constant = rewriter.emitConstant(Tensor(shape: [2], [3, 4]), name: "w")
      let sum = rewriter.emit(
        .add(Add()), [rewriter[operation.operands[0]], constant], type: .f32([2]))
      rewriter.replace(operation.result, with: sum)
    }
    try changed.verify()
    #expect(changed.data.map(\.name) == ["w", "unused", "w_1", "w_2"])
    let names = changed.operations.map { "\($0.op.mnemonic) \($0.sourceLine ?? 0)" }
    #expect(
      names == [
        "constant 5", "nn.add 6", "nn.add 7", "constant 8", "nn.add 8", "constant 9", "nn.add 9",
      ])
    #expect(changed.values[changed.outputs[0]].name == "c")
  }

  @Test("dead operations and unused data go, inputs stay")
  func dead() throws {
    let graph = try parse(source).eliminatingDead()
    try graph.verify()
    #expect(graph.data.isEmpty)
    #expect(graph.inputs.count == 2)
    #expect(graph.operations.map(\.op.mnemonic) == ["nn.add", "nn.relu", "nn.relu"])
  }

  @Test("uses and constants")
  func questions() throws {
    let graph = try parse(source)
    let x = graph.inputs[0]
    #expect(graph.uses(of: x).map(\.operation.index) == [1, 2])
    #expect(graph.useLists()[x] == graph.uses(of: x))
    let w = graph.operations[0].result
    #expect(graph.isConstant(w) && !graph.isConstant(x))
    #expect(try graph.constantTensor(w, from: DataStore())?.floats == [1, 2])
    #expect(try graph.constantTensor(x, from: DataStore()) == nil)
  }
}

@Suite("Verifier of graphs that passes build")
struct GraphVerifierTests {
  private func errorIDs(_ change: (inout Graph) -> Void) throws -> [String] {
    var graph = try parse(source)
    change(&graph)
    do {
      try graph.verify()
      return []
    } catch { return (error as? Diagnostics)?.all.map(\.id) ?? [] }
  }

  @Test("broken structure")
  func structure() throws {
    #expect(try errorIDs { _ in } == [])
    #expect(try errorIDs { $0.operations.swapAt(2, 3) }.first == "ir.structure")
    #expect(try errorIDs { $0.operations[1].operands[0] = ValueID(99) } == ["ir.structure"])
    #expect(try errorIDs { $0.operations[1].operands[0] = ValueID(-1) } == ["ir.structure"])
    #expect(try errorIDs { $0.outputs = [ValueID(99)] } == ["ir.structure"])
    #expect(try errorIDs { ($0.outputs, $0.outputNames) = ([], []) } == ["ir.no-output"])
    #expect(try errorIDs { $0.outputNames.append("more") } == ["ir.structure"])
    #expect(try errorIDs { $0.operations.removeLast() }.first == "ir.structure")
    #expect(try errorIDs { $0.inputs.removeLast() }.first == "ir.structure")
    #expect(try errorIDs { $0.data.removeAll() } == ["ir.structure"])
    #expect(try errorIDs { $0.values.append($0.values[0]) } == ["ir.structure"])
    #expect(try errorIDs { $0.operations[1].results = [] }.first == "ir.structure")
  }

  @Test("broken types and data")
  func types() throws {
    #expect(try errorIDs { $0.values[$0.inputs[0].index].type.shape = [0] } == ["ir.type-dimension"])
    #expect(try errorIDs { $0.values[$0.outputs[0].index].type.shape = [3] } == ["ir.relu-result-shape"])
    #expect(try errorIDs { $0.data[0].source = .literal(.f32([1])) } == ["data.count"])
    #expect(try errorIDs { $0.data[0].source = .literal(.i8([1, 2])) } == ["data.type"])
    #expect(try errorIDs { $0.data[1].name = "w" } == ["ir.duplicate-data"])
    #expect(try errorIDs { $0.data[0].type = .f32([3]) } == ["data.count"])
  }
}
