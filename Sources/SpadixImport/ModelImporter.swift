import SpadixIR
import SpadixSupport
import SpadixTensor

/// Walks a model's nodes in order and builds the graph.
struct ModelImporter {
  /// Elements that folding may make in all: more than the shapes and weights of any network, less than a memory.
  static let foldedElementLimit = 1 << 28

  private(set) var file: ModelFile
  /// The operator set that nodes are taken from; that of a function while its nodes are imported.
  private(set) var opset: Int
  var emitter: GraphEmitter
  var values: [String: ImportedValue] = [:]
  var reader: TensorReader
  var summary: ImportSummary
  var refusals: [Diagnostic] = []
  /// How often each name is read, by nodes and as an output.
  var uses: [String: Int] = [:]
  /// How often a value of the graph is read under any of the names that stand for it.
  var valueUses: [ValueID: Int] = [:]
  var foldedElements = 0
  /// By result: the nodes of the graph that is being imported.
  private(set) var producers: [String: Spadix_Onnx_Node] = [:]
  /// Whether the model was quantized to operators on integers.
  private(set) var isQuantized = false
  /// Integers that stand for real numbers: of what, and how.
  var quantized: [ValueID: (source: PlacedValue, rounding: FakeQuantize)] = [:]
  /// The real numbers of these integers.
  var rounded: [ValueID: PlacedValue] = [:]
  /// Matrices that several nodes read in another form.
  var gemmFactors: [GemmFactor: ConstantTensor] = [:]
  /// Initializers that have not been asked for yet.
  private var initializers: [String: Spadix_Onnx_Tensor] = [:]
  /// Where initializers outside the model lie.
  private var locations: Set<String> = []
  private var nextConstant = 0
  /// Operators of the model's own.
  private var functions = ModelFunctions()
  /// Where nodes stand: empty in the main graph.
  private var scope = ""

  init(_ file: ModelFile) throws {
    self.file = file
    let graph = file.model.graph
    opset = try Self.opset(file.model.operatorSets, of: "'\(file.name)'")
    reader = TensorReader(folder: file.folder)
    var name = graph.name.isEmpty ? "model" : graph.name
    if name.utf8.count > 100 { name = String(name.prefix(100)) }
    emitter = GraphEmitter(graph: Graph(name: name))
    summary = ImportSummary(
      file: file.name, opset: opset, irVersion: Int(file.model.irVersion), producer: file.model.producer)
  }

  private static func opset(_ sets: [Spadix_Onnx_OperatorSet], of what: String) throws -> Int {
    let versions = Set(sets.filter { $0.domain.isEmpty || $0.domain == "ai.onnx" }.map(\.version)).sorted()
    guard versions.count <= 1 else {
      throw Diagnostic(
        "onnx.opset", "\(what) says that its nodes are of the operator sets \(versions); expected one",
        help: "export the model again")
    }
    guard let version = versions.first else {
      throw Diagnostic(
        "onnx.opset", "\(what) does not say which operator set its nodes are of", help: "export the model again")
    }
    guard (1...21).contains(version) else {
      throw Diagnostic(
        "onnx.opset", "\(what) has operators of set \(version); expected 7 to 21",
        help: "convert it, with onnx.version_converter.convert_version(model, 21)")
    }
    return Int(version)
  }

  // MARK: The whole model

  mutating func run(_ options: ImportOptions) throws {
    var graph = file.model.graph
    // The elements are kept once: what is asked for leaves `initializers`.
    file.model.graph = Spadix_Onnx_Graph()
    functions = try ModelFunctions(file.model.functions, file: file.name)
    if !graph.sparseInitializers.isEmpty {
      throw Diagnostic(
        "onnx.sparse", "'\(file.name)' has sparse initializers; expected dense ones",
        help: "convert them, with onnx-simplifier or by saving dense tensors")
    }
    isQuantized = graph.nodes.contains { IntegerConverters.names.contains($0.operator) }
    let body = try ModelBody(graph, outer: [], file: file.name, scope: scope)
    try addInitializers(graph)
    let isDefault = Set(graph.initializers.map(\.name))
    graph.initializers = []
    let ports = try InputBinding(graph.inputs.filter { !isDefault.contains($0.name) }, file: file.name).bind(options)
    for port in ports {
      let value = emitter.graph.addInput(name: port.name, type: port.type)
      emitter.setKind(port.kind, of: value)
      values[port.name] = .computed(PlacedValue(value: value, placement: Placement(port.type.shape)))
      summary.inputs.append(ImportSummary.Port(name: port.name, type: port.type, note: port.note))
    }
    for name in body.uses { uses[name, default: 0] += 1 }
    try importBody(body)
    try addOutputs(graph.outputs.map(\.name))
  }

  private mutating func addInitializers(_ graph: Spadix_Onnx_Graph) throws {
    for tensor in graph.initializers {
      initializers[tensor.name] = tensor
      if let location = TensorReader.location(tensor) { locations.insert(location) }
    }
  }

  /// Paths of the files that the model names, whether or not anything in them is needed; sorted.
  var externalFiles: [String] {
    guard let folder = file.folder else { return [] }
    return locations.union(reader.locations).sorted().map { folder.isEmpty ? $0 : folder + "/" + $0 }
  }

  /// Nodes in order; what they are called is in front of each diagnostic.
  mutating func importBody(_ body: ModelBody) throws {
    summary.unusedNodes += body.unused
    let outer = producers
    defer { producers = outer }
    for node in body.nodes { for output in node.outputs where !output.isEmpty { producers[output] = node } }
    for index in body.order { importNode(body.nodes[index], index) }
  }

  private mutating func addOutputs(_ names: [String]) throws {
    for (index, name) in names.enumerated() {
      emitter.name = name
      do {
        switch lookup(name) {
        case nil, .refused: continue
        case .constant(let constant): try addOutput(emitter.constant(constant), name)
        case .computed(let placed): try addOutput(emitter.numbers(of: emitter.arrange(placed)), name)
        }
      } catch {
        refuse(error, "output \(index), '\(name)'")
      }
    }
  }

  private mutating func addOutput(_ value: ValueID, _ name: String) throws {
    emitter.graph.outputs.append(value)
    emitter.graph.outputNames.append(name)
    summary.outputs.append(ImportSummary.Port(name: name, type: emitter.graph.values[value].type, note: nil))
  }

  /// The graph without operations that nothing reads.
  func finishedGraph() -> Graph { GraphCleaning.clean(Patterns.apply(to: GraphCleaning.clean(emitter.graph))) }

  // MARK: Names

  /// What a name stands for; nil for one that nothing defines.
  mutating func lookup(_ name: String) -> ImportedValue? {
    if let value = values[name] { return value }
    guard let tensor = initializers.removeValue(forKey: name) else { return nil }
    do {
      let constant = identified(try reader.read(tensor))
      values[name] = .constant(constant)
    } catch {
      refuse(error, "initializer '\(name)'")
      values[name] = .refused
    }
    return values[name]
  }

  /// Gives a constant an identity, by which what is made of it is made once.
  mutating func identified(_ constant: ConstantTensor) -> ConstantTensor {
    var constant = constant
    constant.id = nextConstant
    nextConstant += 1
    return constant
  }

  // MARK: Nodes

  private mutating func importNode(_ node: Spadix_Onnx_Node, _ index: Int) {
    let label = scope + Self.label(node, index)
    defer { forgetWeights(of: node) }
    let inputs = node.inputs.map { $0.isEmpty ? nil : lookup($0) }
    emitter.name = node.outputs.first { !$0.isEmpty } ?? ""
    var results: [ImportedValue] = []
    let before = emitter.graph.operations.count
    do {
      let isKnown = try checkOperator(node)
      if inputs.contains(where: { if case .refused? = $0 { true } else { false } }) {
        // The reason stands with the node before; this one may be fine.
        results = []
        summary.add(node.operator, .waiting)
      } else {
        var scratch = reader
        let nodeReader = try NodeReader(node, opset: opset, inputs: inputs) { try scratch.read($0) }
        results = try isKnown(&self, nodeReader)
        try nodeReader.checkAttributes()
        try bindResults(results, node)
        let operations = emitter.graph.operations[before...].compactMap { operation -> Operator? in
          if case .constant = operation.op { nil } else { operation.op }
        }
        let isFolded = results.allSatisfy { if case .constant = $0 { true } else { false } }
        summary.add(node.operator, operations.isEmpty ? (isFolded ? .folded : .renamed) : .operations(operations))
        return
      }
    } catch {
      summary.add(node.operator, .refused)
      refuse(error, label)
    }
    for name in node.outputs where !name.isEmpty { values[name] = .refused }
  }

  /// Weights that nothing else reads are not kept: the graph has them, or what was made of them.
  private mutating func forgetWeights(of node: Spadix_Onnx_Node) {
    guard ["Cast", "Conv", "ConvTranspose", "DequantizeLinear", "Gemm", "MatMul", "Transpose"].contains(node.operator)
    else { return }
    for name in node.inputs where uses[name] == 1 {
      if case .constant(let constant)? = values[name], constant.count > 1 << 12 { values[name] = nil }
    }
  }

  private mutating func bindResults(_ results: [ImportedValue], _ node: Spadix_Onnx_Node) throws {
    for (position, name) in node.outputs.enumerated() where !name.isEmpty {
      guard position < results.count else {
        guard uses[name, default: 0] > 0 else { continue }
        throw Refusal.form(
          "output \(position), '\(name)', is used; only output 0 can be imported",
          help: "export the model for inference")
      }
      guard case .constant(var constant) = results[position] else {
        if case .computed(let placed) = results[position] { valueUses[placed.value, default: 0] += uses[name] ?? 0 }
        values[name] = results[position]
        continue
      }
      if constant.id < 0 {
        constant.name = name
        constant = identified(constant)
      }
      values[name] = .constant(constant)
    }
  }

  /// The converter of a node's operator. Throws the reason why there is none.
  private func checkOperator(_ node: Spadix_Onnx_Node) throws -> Converter {
    if let function = functions[node] { return { try $0.importCall(of: function, $1) } }
    if let converter = OperatorTable.converter(of: node) { return converter }
    throw OperatorTable.refusal(of: node)
  }

  static func label(_ node: Spadix_Onnx_Node, _ index: Int) -> String {
    let kind = node.operator.isEmpty ? "without an operator" : node.operator
    if !node.name.isEmpty { return "node \(index), \(kind) '\(node.name)'" }
    let output = node.outputs.first { !$0.isEmpty }
    return "node \(index), \(kind)" + (output.map { " of '\($0)'" } ?? "")
  }

  mutating func refuse(_ error: any Error, _ place: String) {
    let refusal: Refusal
    switch error {
    case let found as Refusal: refusal = found
    case let problem as TensorReader.Problem:
      refusal = Refusal(problem.id, problem.message, help: problem.help)
    case let diagnostic as Diagnostic:
      // About a branch as a whole.
      refusal = Refusal(diagnostic.id, diagnostic.message.replacing("\(file.name): ", with: ""), help: diagnostic.help)
    default: refusal = Refusal("onnx.internal", "\(error)")
    }
    summary.refusals.append(ImportSummary.Refused(place: place, reason: refusal.reason, help: refusal.help))
    refusals.append(
      Diagnostic(refusal.id, "\(file.name): \(place): \(refusal.reason)", help: refusal.help))
  }

  // MARK: Branches

  /// The outputs of a branch of an `If` whose condition is known, as if its nodes stood in the graph around it.
  mutating func importBranch(_ graph: Spadix_Onnx_Graph, named name: String) throws -> [ImportedValue] {
    let saved = (values, initializers, scope, uses)
    let outer = Set(values.keys).union(initializers.keys)
    scope += "\(name), "
    defer {
      values = saved.0
      scope = saved.2
      uses = saved.3
      // Initializers that the branch read are read again if they are asked for again.
      initializers = saved.1
    }
    let body = try ModelBody(graph, outer: outer, file: file.name, scope: scope)
    for use in body.uses { uses[use, default: 0] += 1 }
    try addInitializers(graph)
    try importBody(body)
    return graph.outputs.map { lookup($0.name) ?? .refused }
  }

  // MARK: Functions

  /// The results of an operator of the model's own: its nodes stand in the place of the one that calls it.
  private mutating func importCall(
    of function: Spadix_Onnx_Function, _ node: NodeReader
  ) throws -> [ImportedValue] {
    node.takeAllAttributes()
    try functions.enter(function)
    let saved = (values, initializers, scope, uses, opset, producers)
    defer {
      (values, initializers, scope, uses, opset, producers) = saved
      functions.leave()
    }
    let graph = try ModelFunctions.body(of: function, calledBy: node.node)
    if function.operatorSets.contains(where: { $0.domain.isEmpty || $0.domain == "ai.onnx" }) {
      opset = try Self.opset(function.operatorSets, of: "the function '\(function.name)'")
    }
    scope += "function '\(function.name)', "
    (values, initializers, uses, producers) = ([:], [:], [:], [:])
    let body = try ModelBody(graph, outer: [], file: file.name, scope: scope)
    for use in body.uses { uses[use, default: 0] += 1 }
    for (name, input) in zip(function.inputs, node.inputs) {
      guard let input else { continue }
      values[name] = input
      if case .computed(let placed) = input { valueUses[placed.value, default: 0] += uses[name] ?? 0 }
    }
    try importBody(body)
    return graph.outputs.map { lookup($0.name) ?? .refused }
  }
}
