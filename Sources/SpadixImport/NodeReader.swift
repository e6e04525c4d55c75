import SpadixIR

/// One node of the model, as converters read it: inputs by position, attributes by name.
final class NodeReader {
  let node: Spadix_Onnx_Node
  /// The version of the operator set that the node's meaning is taken from.
  let opset: Int
  /// By position; nil where the model leaves an input out.
  let inputs: [ImportedValue?]
  private var attributes: [String: Spadix_Onnx_Attribute] = [:]
  private var used: Set<String> = []
  private let readTensor: (Spadix_Onnx_Tensor) throws -> ConstantTensor

  /// Attributes that say something about training, or about an output that is refused when it is used.
  private static let ignorable: Set = ["consumed_inputs", "ratio", "seed"]

  init(
    _ node: Spadix_Onnx_Node, opset: Int, inputs: [ImportedValue?],
    readTensor: @escaping (Spadix_Onnx_Tensor) throws -> ConstantTensor
  ) throws {
    self.node = node
    self.opset = opset
    self.inputs = inputs
    self.readTensor = readTensor
    for attribute in node.attributes {
      if attributes.updateValue(attribute, forKey: attribute.name) != nil {
        throw Refusal("onnx.attribute", "the attribute '\(attribute.name)' is given twice")
      }
      if !attribute.referenced.isEmpty {
        throw Refusal(
          "onnx.attribute", "the attribute '\(attribute.name)' refers to one of a function",
          help: "inline the model's functions, with onnx.inliner")
      }
    }
  }

  /// The same node with other inputs.
  func with(_ inputs: [ImportedValue?]) throws -> NodeReader {
    try NodeReader(node, opset: opset, inputs: inputs, readTensor: readTensor)
  }

  /// Throws where the node has an attribute that its converter did not ask for: it would have no effect.
  func checkAttributes() throws {
    let unknown = node.attributes.first { !used.contains($0.name) && !Self.ignorable.contains($0.name) }
    if let unknown {
      throw Refusal(
        "onnx.attribute", "\(node.operator) has no attribute '\(unknown.name)' in operator set \(opset)")
    }
  }

  /// Whoever reads the node's attributes elsewhere says so.
  func takeAllAttributes() { used.formUnion(attributes.keys) }

  // MARK: Inputs

  var outputCount: Int { node.outputs.lastIndex { !$0.isEmpty }.map { $0 + 1 } ?? 0 }

  func has(_ input: Int) -> Bool { input < inputs.count && inputs[input] != nil }

  /// An input that must be there.
  func input(_ index: Int) throws -> ImportedValue {
    guard index < inputs.count, let value = inputs[index] else {
      throw Refusal("onnx.inputs", "input \(index) is missing")
    }
    return value
  }

  /// The elements of an input that must be known; nil where it is left out.
  func constant(_ index: Int, _ what: String) throws -> ConstantTensor? {
    guard index < inputs.count, let value = inputs[index] else { return nil }
    guard case .constant(let constant) = value else {
      throw Refusal.form(
        "expected a constant for the \(what), found a computed value",
        help: "export the model with it fixed, or cut the model before it and run the rest on the host")
    }
    return constant
  }

  func shape(_ index: Int) throws -> [Int] {
    switch try input(index) {
    case .constant(let constant): return constant.shape
    case .computed(let placed): return placed.shape
    case .refused: throw Refusal("onnx.inputs", "input \(index) was refused")
    }
  }

  // MARK: Attributes

  private enum Kind: Int32 {
    case real = 1
    case integer, text, tensor, graph, reals, integers, texts
  }

  private func attribute(_ name: String, _ kind: Kind, _ expected: String) throws -> Spadix_Onnx_Attribute? {
    used.insert(name)
    guard let attribute = attributes[name] else { return nil }
    // Old files do not say the kind.
    let found = attribute.kind == 0 ? kind.rawValue : attribute.kind
    guard found == kind.rawValue else {
      throw Refusal("onnx.attribute", "the attribute '\(name)' has kind \(attribute.kind); expected \(expected)")
    }
    return attribute
  }

  func isGiven(_ name: String) -> Bool { attributes[name] != nil }

  func integer(_ name: String, default standard: Int) throws -> Int {
    try integerIfGiven(name) ?? standard
  }

  func integerIfGiven(_ name: String) throws -> Int? {
    try attribute(name, .integer, "an integer").map { Int($0.integer) }
  }

  /// An attribute of which the language knows one value only.
  func flag(_ name: String, default standard: Bool = false) throws -> Bool {
    let value = try integer(name, default: standard ? 1 : 0)
    guard (0...1).contains(value) else {
      throw Refusal("onnx.attribute", "\(name) = \(value): expected 0 or 1")
    }
    return value == 1
  }

  func integers(_ name: String) throws -> [Int]? {
    try attribute(name, .integers, "a list of integers")?.integers.map(Int.init)
  }

  func real(_ name: String, default standard: Float) throws -> Float {
    try attribute(name, .real, "a number")?.real ?? standard
  }

  func realIfGiven(_ name: String) throws -> Float? { try attribute(name, .real, "a number")?.real }

  func reals(_ name: String) throws -> [Float]? { try attribute(name, .reals, "a list of numbers")?.reals }

  func text(_ name: String) throws -> String? {
    try attribute(name, .text, "a string").map { String(decoding: $0.text, as: UTF8.self) }
  }

  func tensor(_ name: String) throws -> ConstantTensor? {
    try attribute(name, .tensor, "a tensor").map { try readTensor($0.tensor) }
  }

  func graph(_ name: String) throws -> Spadix_Onnx_Graph? { try attribute(name, .graph, "a graph")?.graph }

  /// A list of axes from the attribute or, in operator sets from `version` on, from an input; nil where neither is
  /// there.
  func axes(inputSince version: Int, input: Int = 1, name: String = "axes") throws -> [Int]? {
    if opset >= version, let constant = try constant(input, name) { return try constant.indices() }
    return opset >= version ? nil : try integers(name)
  }

  /// An axis counted from the front.
  static func axis(_ axis: Int, rank: Int, inclusive: Bool = false) throws -> Int {
    let top = inclusive ? rank : rank - 1
    guard axis >= -rank, axis <= top else {
      throw Refusal("onnx.attribute", "axis = \(axis): expected an axis of a tensor of rank \(rank)")
    }
    return axis < 0 ? axis + rank : axis
  }

  /// Axes counted from the front, in ascending order, each once.
  static func axes(_ axes: [Int], rank: Int) throws -> [Int] {
    let result = try axes.map { try axis($0, rank: rank) }.sorted()
    guard Set(result).count == result.count else {
      throw Refusal("onnx.attribute", "axes = \(axes): expected each axis once")
    }
    return result
  }
}

extension ConstantTensor {
  /// The elements as indices, sizes or axes.
  func indices() throws -> [Int] {
    guard let integers else {
      throw Refusal(
        "onnx.type", "'\(name)' has elements of type \(TensorKind.name(kind.rawValue)); expected integers")
    }
    return integers.map(Int.init)
  }

  /// The only element, as a real number; nil for an empty tensor, which counts as none.
  func scalar(_ what: String) throws -> Float? {
    if isEmpty { return nil }
    guard count == 1 else { throw Refusal.form("the \(what) has shape \(shape); expected one number") }
    return asReals[0]
  }
}
