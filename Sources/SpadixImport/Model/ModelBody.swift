import SpadixSupport

/// The nodes of a graph of the model in an order in which they can be computed, whatever order the file has.
struct ModelBody {
  let nodes: [Spadix_Onnx_Node]
  /// The nodes that outputs depend on, each after those whose results it reads; the file's order where that is one.
  let order: [Int]
  /// Nodes that nothing depends on.
  let unused: Int
  /// Every name as often as it is read.
  let uses: [String]

  /// - Parameter outer: names that the graphs around this one define.
  /// Throws `onnx.duplicate-name`, `onnx.undefined` and `onnx.cycle`.
  init(_ graph: Spadix_Onnx_Graph, outer: Set<String>, file: String, scope: String) throws {
    let nodes = graph.nodes
    self.nodes = nodes
    var producers: [String: Int] = [:]
    var given = Set(graph.inputs.map(\.name))
    func fail(_ id: String, _ message: String, help: String? = nil) -> Diagnostic {
      Diagnostic(id, "\(file): \(scope)\(message)", help: help)
    }
    if given.count != graph.inputs.count {
      throw fail("onnx.duplicate-name", "two inputs have one name")
    }
    var initializers: Set<String> = []
    for tensor in graph.initializers where !initializers.insert(tensor.name).inserted {
      throw fail("onnx.duplicate-name", "two initializers are called '\(tensor.name)'")
    }
    given.formUnion(initializers)
    for (index, node) in nodes.enumerated() {
      for output in node.outputs where !output.isEmpty {
        if let other = producers.updateValue(index, forKey: output) {
          throw fail(
            "onnx.duplicate-name",
            "'\(output)' is the result of \(ModelImporter.label(nodes[other], other)), and of "
              + ModelImporter.label(node, index))
        }
        if given.contains(output) {
          throw fail(
            "onnx.duplicate-name",
            "'\(output)' is the result of \(ModelImporter.label(node, index)), and an input or initializer")
        }
      }
    }

    // From the outputs backwards, so that what nobody reads is left out; iterative, because chains are long.
    var state = [UInt8](repeating: 0, count: nodes.count)
    var postorder: [Int] = []
    var uses: [String] = []
    func node(of name: String, readBy reader: String) throws -> Int? {
      if let index = producers[name] { return index }
      if given.contains(name) || outer.contains(name) { return nil }
      throw fail("onnx.undefined", "\(reader) reads '\(name)', which nothing defines")
    }
    for output in graph.outputs {
      uses.append(output.name)
      guard let root = try node(of: output.name, readBy: "the list of outputs"), state[root] == 0 else { continue }
      var stack: [(node: Int, names: [String], next: Int)] = [(root, Self.reads(nodes[root]), 0)]
      state[root] = 1
      while let top = stack.last {
        if top.next == top.names.count {
          state[top.node] = 2
          postorder.append(top.node)
          uses += top.names
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].next += 1
        let label = ModelImporter.label(nodes[top.node], top.node)
        guard let producer = try node(of: top.names[top.next], readBy: label) else { continue }
        if state[producer] == 1 {
          throw fail(
            "onnx.cycle", "\(label) reads '\(top.names[top.next])', which is computed from its own result",
            help: "a graph of operators has no loops")
        }
        if state[producer] == 0 {
          state[producer] = 1
          stack.append((producer, Self.reads(nodes[producer]), 0))
        }
      }
    }
    self.uses = uses
    unused = nodes.count - postorder.count

    // The file's order makes results easier to recognize.
    let inFileOrder = nodes.indices.filter { state[$0] == 2 }
    let isOrdered = inFileOrder.allSatisfy { index in
      Self.reads(nodes[index]).allSatisfy { producers[$0].map { $0 < index } ?? true }
    }
    order = isOrdered ? inFileOrder : postorder
  }

  /// Names that a node reads, those of its branches included.
  private static func reads(_ node: Spadix_Onnx_Node) -> [String] {
    var names = node.inputs.filter { !$0.isEmpty }
    for attribute in node.attributes where attribute.hasGraph { names += captures(attribute.graph) }
    return names
  }

  /// Names that a graph reads and does not define.
  private static func captures(_ graph: Spadix_Onnx_Graph) -> [String] {
    var defined = Set(graph.inputs.map(\.name) + graph.initializers.map(\.name))
    for node in graph.nodes { defined.formUnion(node.outputs) }
    let read = graph.nodes.flatMap(reads) + graph.outputs.map(\.name)
    return read.filter { !defined.contains($0) }
  }
}
