import SpadixSupport

/// Operators that a model brings along, in terms of others. Some exporters write every operator of their framework so.
struct ModelFunctions {
  private struct Key: Hashable {
    var domain: String
    var name: String
    var overload: String
  }

  /// Calls within calls, and nodes that calls bring in all: a few functions that call each other twice make any number.
  private static let maximumDepth = 64
  private static let maximumNodes = 2_000_000

  private var functions: [Key: Spadix_Onnx_Function] = [:]
  /// The functions that are being brought in, the outermost first.
  private var open: [Key] = []
  private var nodes = 0

  init() {}

  /// Throws `onnx.duplicate-name`.
  init(_ functions: [Spadix_Onnx_Function], file: String) throws {
    for function in functions {
      let key = Key(domain: function.domain, name: function.name, overload: function.overload)
      guard self.functions.updateValue(function, forKey: key) == nil else {
        throw Diagnostic(
          "onnx.duplicate-name",
          "\(file): two functions of the domain '\(function.domain)' are called '\(function.name)'")
      }
    }
  }

  /// The function that a node calls; nil where its operator is none of the model's own.
  subscript(node: Spadix_Onnx_Node) -> Spadix_Onnx_Function? {
    functions[Key(domain: node.domain, name: node.operator, overload: node.overload)]
  }

  /// Counts a call. Throws `onnx.limit`.
  mutating func enter(_ function: Spadix_Onnx_Function) throws {
    let key = Key(domain: function.domain, name: function.name, overload: function.overload)
    if open.contains(key) { throw Refusal("onnx.limit", "the function '\(function.name)' calls itself") }
    nodes += function.nodes.count
    guard open.count < Self.maximumDepth, nodes <= Self.maximumNodes else {
      throw Refusal("onnx.limit", "the function '\(function.name)' brings too many nodes to be a network")
    }
    open.append(key)
  }

  mutating func leave() { open.removeLast() }

  /// The function's nodes with the attributes of the call, and without inputs that the call leaves out.
  static func body(of function: Spadix_Onnx_Function, calledBy node: Spadix_Onnx_Node) throws -> Spadix_Onnx_Graph {
    var attributes: [String: Spadix_Onnx_Attribute] = [:]
    for attribute in function.defaults + node.attributes { attributes[attribute.name] = attribute }
    let known = Set(function.attributes).union(function.defaults.map(\.name))
    if let unknown = node.attributes.first(where: { !known.contains($0.name) }) {
      throw Refusal("onnx.attribute", "the function '\(function.name)' has no attribute '\(unknown.name)'")
    }
    guard node.inputs.count <= function.inputs.count else {
      throw Refusal(
        "onnx.inputs", "the function '\(function.name)' has \(function.inputs.count) inputs, not \(node.inputs.count)")
    }
    var given: [String] = []
    var absent: Set<String> = []
    for (position, input) in function.inputs.enumerated() {
      if position < node.inputs.count, !node.inputs[position].isEmpty {
        given.append(input)
      } else {
        absent.insert(input)
      }
    }
    var graph = Spadix_Onnx_Graph()
    graph.inputs = given.map { name in
      var port = Spadix_Onnx_Port()
      port.name = name
      return port
    }
    graph.outputs = function.outputs.map { name in
      var port = Spadix_Onnx_Port()
      port.name = name
      return port
    }
    graph.nodes = function.nodes.map { bound($0, attributes, absent) }
    return graph
  }

  private static func bound(
    _ node: Spadix_Onnx_Node, _ attributes: [String: Spadix_Onnx_Attribute], _ absent: Set<String>
  ) -> Spadix_Onnx_Node {
    var node = node
    for position in node.inputs.indices where absent.contains(node.inputs[position]) { node.inputs[position] = "" }
    node.attributes = node.attributes.compactMap { attribute in
      var attribute = attribute
      if !attribute.referenced.isEmpty {
        // One that the call does not give is left out here as well.
        guard var value = attributes[attribute.referenced] else { return nil }
        value.name = attribute.name
        return value
      }
      if attribute.hasGraph { attribute.graph.nodes = attribute.graph.nodes.map { bound($0, attributes, absent) } }
      return attribute
    }
    return node
  }
}
