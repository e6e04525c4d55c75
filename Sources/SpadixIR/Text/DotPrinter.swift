import SpadixTensor

/// Prints graphs for Graphviz: an operation a box, a value an edge with its type; constants are left out, as weights drown a
/// picture, and counted in their operation's box.
public struct DotPrinter: Sendable {
  public init() {}

  /// The whole `digraph`, in the graph's order.
  public func text(of graph: Graph) -> String {
    let names = ValueNames(graph)
    var text = """
      digraph \(quoted(graph.name)) {
        rankdir=TB;
        node [shape=box, style="rounded,filled", fillcolor="#eef3fb", fontname="Helvetica", fontsize=11];
        edge [fontname="Helvetica", fontsize=9];

      """
    for (index, input) in graph.inputs.enumerated() {
      let label = "\(names[input])\n\(graph.values[input].type)"
      text += "  input\(index) [shape=oval, fillcolor=\"#fdf3e1\", label=\(quoted(label))];\n"
    }
    var sources: [String?] = Array(repeating: nil, count: graph.values.count)
    for (index, input) in graph.inputs.enumerated() { sources[input.index] = "input\(index)" }
    for (index, operation) in graph.operations.enumerated() {
      if case .constant = operation.op { continue }
      let node = "op\(index)"
      for result in operation.results { sources[result.index] = node }
      text += "  \(node) [label=\(quoted(label(operation, graph, names)))\(color(operation))];\n"
    }
    for (index, operation) in graph.operations.enumerated() {
      for operand in operation.operands {
        guard let source = sources[operand.index] else { continue }
        if case .constant = operation.op { continue }
        text += "  \(source) -> op\(index) [label=\(quoted(shape(graph.values[operand].type)))];\n"
      }
    }
    for (index, output) in graph.outputs.enumerated() {
      let label = "%\(names.output(index, of: graph))\n\(graph.values[output].type)"
      text += "  output\(index) [shape=oval, fillcolor=\"#fdf3e1\", label=\(quoted(label))];\n"
      // An output that is a constant has no source to draw.
      if let source = sources[output.index] { text += "  \(source) -> output\(index);\n" }
    }
    return text + "}\n"
  }

  private func label(_ operation: Operation, _ graph: Graph, _ names: ValueNames) -> String {
    var lines = ["\(names[operation.result]) = \(operation.op.mnemonic)"]
    let attributes = operation.op.writtenAttributes.map { "\($0.0) = \(short($0.1))" }.sorted()
    lines += attributes
    let constants = operation.operands.filter { graph.isConstant($0) }
    if !constants.isEmpty {
      lines.append(constants.map { "\(names[$0]): \(shape(graph.values[$0].type))" }.joined(separator: ", "))
    }
    if operation.hostReason != nil { lines.append("on the host") }
    return lines.joined(separator: "\n")
  }

  private func color(_ operation: Operation) -> String {
    operation.hostReason != nil ? ", fillcolor=\"#f6dada\"" : ""
  }

  /// Lists of scales for each channel would fill the picture.
  private func short(_ value: AttributeValue) -> String {
    if case .list(let elements) = value, elements.count > 6 { return "[\(elements.count) values]" }
    return value.description
  }

  /// The element type without scales, and the shape.
  private func shape(_ type: TensorType) -> String {
    let element =
      switch type.element {
      case .f32: "f32"
      case .i8: "i8"
      case .i32: "i32"
      case .q8: "q8"
      }
    return "\(element)[\(type.shape.map(String.init).joined(separator: ", "))]"
  }

  private func quoted(_ text: String) -> String {
    let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    return "\"\(escaped)\""
  }
}
