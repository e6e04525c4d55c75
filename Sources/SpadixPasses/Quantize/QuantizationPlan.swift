import SpadixIR
import SpadixSupport
import SpadixTensor

/// What becomes int8, and the type of every value that does.
struct QuantizationPlan {
  let scheme: QuantizationScheme
  /// By operation id: the int8 form; nil for operations that stay in f32.
  private(set) var forms: [Int8Form?]
  /// By value id: the type of the int8 form; nil for values that have none.
  private(set) var quantizations: [Quantization?]
  /// By value id: the range that the type was made for; nil where it is not known.
  private(set) var ranges: [ValueRange?]

  /// Whether the model says its types itself.
  private let saysTypes: Bool
  /// The part of one addend's range that the other one's is at most, for each to have its own type.
  private static let widestAddend: Float = 0.75

  /// Throws `quantize.no-range`, `quantize.range` and `quantize.not-finite`.
  init(graph: Graph, scheme: QuantizationScheme, context: inout PassContext) throws {
    self.scheme = scheme
    forms = graph.operations.map { Int8Form($0, in: graph) }
    quantizations = [Quantization?](repeating: nil, count: graph.values.count)
    ranges = graph.values.map(\.calibration)
    saysTypes = graph.saysTypes
    takeOver(graph)
    try keepIndices(graph, context.data)
    if saysTypes { FloatIslands.keepReal(&forms, graph) }
    keepRealsForReals(graph)
    _ = try int8Values(of: graph, context)
    RangeInference.complete(&ranges, of: graph)
    FunctionDomain.confine(&ranges, of: graph, forms)
    let isMeasured = !context.samples.isEmpty || graph.inputs.contains { graph.values[$0].samples != nil }
    for remark in HugeRanges.keepReal(&forms, ranges, isMeasured: isMeasured, graph) { context.report(remark) }
    if !saysTypes {
      for remark in OutputParts.keepReal(&forms, ranges, graph) { context.report(remark) }
    }
    let members = try int8Values(of: graph, context)
    try check(members, graph)
    try assignTypes(to: members, graph)
  }

  /// What a model says about the int8 that it was made for: a type of its own, or, where the target's store has no zero
  /// points, bounds.
  private mutating func takeOver(_ graph: Graph) {
    for (index, operation) in graph.operations.enumerated() {
      guard let fake = operation.op.fakeQuantize, forms[index] != nil else { continue }
      if scheme.activations == .symmetric || fake.quantization == nil { forms[index]?.keepsType = false }
      ranges[operation.result.index] = fake.range
      if ranges[operation.operands[0].index] == nil || forms[index]?.keepsType == true {
        ranges[operation.operands[0].index] = fake.range
      }
    }
  }

  /// What indices and comparisons are made of stays in f32: a token's number is another token when it is rounded. That is
  /// what is computed element by element, or counted: sums with whole numbers as weights.
  private mutating func keepIndices(_ graph: Graph, _ data: DataStore) throws {
    var isExact = [Bool](repeating: false, count: graph.values.count)
    for (index, operation) in graph.operations.enumerated().reversed() {
      switch operation.op {
      case .function(let function):
        for place in function.definition.places(operation.operands.map { graph.type($0) }) {
          isExact[operation.operands[place.operand].index] = true
        }
        if let binary = function.definition as? Binary, binary.function.isCondition {
          for operand in operation.operands { isExact[operand.index] = true }
        }
      case .add, .mul, .relu, .clamp, .reshape, .transpose, .concat, .pad, .maxPool2d: break
      case .avgPool2d, .globalAvgPool2d: break
      case .conv2d, .matmul:
        guard isExact[operation.result.index], try graph.counts(operation, data) else { continue }
      case .constant, .batchNorm, .softmax, .quantize, .dequantize, .requantize, .npu: continue
      }
      guard isExact[operation.result.index] else { continue }
      forms[index] = nil
      for operand in operation.operands { isExact[operand.index] = true }
    }
  }

  /// What is only moved on its way to operations in f32 stays in f32: indices and comparisons need it as it is.
  private mutating func keepRealsForReals(_ graph: Graph) {
    var isInt8 = [Bool](repeating: false, count: graph.values.count)
    var hasReaders = isInt8
    var hasInt8Readers = isInt8
    for output in graph.outputs { hasInt8Readers[output.index] = true }
    for (operation, form) in zip(graph.operations, forms) {
      guard let form else { continue }
      isInt8[operation.result.index] =
        !form.keepsType || form.operands(.activation, of: operation).contains { isInt8[$0.index] }
    }
    for (index, operation) in graph.operations.enumerated().reversed() {
      let result = operation.result.index
      if let form = forms[index], form.keepsType, hasReaders[result], !hasInt8Readers[result], !isInt8[result] {
        forms[index] = nil
      }
      for operand in operation.operands {
        hasReaders[operand.index] = true
        if forms[index] != nil { hasInt8Readers[operand.index] = true }
      }
    }
  }

  /// The values that need an int8 form, by id; gives constants among them the range of their elements.
  private mutating func int8Values(of graph: Graph, _ context: PassContext) throws -> [ValueID] {
    var isMember = [Bool](repeating: false, count: graph.values.count)
    for (operation, form) in zip(graph.operations, forms) {
      guard let form else { continue }
      for value in form.operands(.activation, of: operation) + [operation.result] { isMember[value.index] = true }
    }
    let members = isMember.indices.filter { isMember[$0] }.map { ValueID($0) }
    for value in members {
      guard let tensor = try graph.constantTensor(value, from: context.data) else { continue }
      var observer = RangeObserver()
      if let position = observer.observe(tensor.floats) {
        throw Diagnostic.notFinite(tensor.floats[position], at: position, constant: value, in: graph)
      }
      ranges[value.index] = observer.range
    }
    return members
  }

  private func check(_ members: [ValueID], _ graph: Graph) throws {
    let unknown = members.filter { ranges[$0.index] == nil }
    if let first = unknown.first {
      var diagnostic = Diagnostic(
        "quantize.no-range",
        unknown.count == 1
          ? "the range of \(graph.describe(first)) is not known"
          : "the ranges of \(unknown.count) values are not known, the first is that of \(graph.describe(first))",
        at: graph.values[first].range ?? graph.producer(of: first)?.range,
        help: graph.inputs.contains { graph.values[$0].samples != nil }
          ? "run the pass calibrate first: the inputs have samples"
          : "give the inputs samples (`calibration = @data`, or --calibrate NAME=FILE.npy), "
            + (graph.inputs.allSatisfy { graph.values[$0].calibration != nil }
              ? "draw them from the inputs' ranges (--calibrate random), " : "")
            + "or write `range = [low, high]` on the values")
      for other in unknown.dropFirst().prefix(4) {
        diagnostic.notes.append(
          .init("neither is that of \(graph.describe(other))", at: graph.values[other].range))
      }
      throw diagnostic
    }
    var diagnostics = Diagnostics()
    for value in members {
      guard let range = ranges[value.index] else { continue }
      let limit = QuantizationScheme.largestMagnitude
      if range.low <= range.high, range.low >= -limit, range.high <= limit { continue }
      diagnostics.report(
        Diagnostic(
          "quantize.range",
          "\(graph.describe(value)) has the range [\(range.low), \(range.high)]; expected low <= high, and magnitudes "
            + "of at most \(QuantizationScheme.largestMagnitude)",
          at: graph.values[value].range ?? graph.producer(of: value)?.range))
    }
    try diagnostics.throwIfErrors()
  }

  /// A range so small that its scale would be no normal number is refused: its values would all become 0 unnoticed.
  private func check(
    _ hulls: [ValueRange?], of members: [ValueID], _ classes: inout DisjointSets, _ graph: Graph
  ) throws {
    var diagnostics = Diagnostics()
    for value in members {
      guard let range = ranges[value.index], let hull = hulls[classes.find(value.index)] else { continue }
      let magnitude = max(hull.low.magnitude, hull.high.magnitude)
      if magnitude == 0 || magnitude >= QuantizationScheme.smallestMagnitude { continue }
      diagnostics.report(
        Diagnostic(
          "quantize.range",
          "\(graph.describe(value)) has the range [\(range.low), \(range.high)]; expected magnitudes of at least "
            + "\(QuantizationScheme.smallestMagnitude), or [0.0, 0.0]",
          at: graph.values[value].range ?? graph.producer(of: value)?.range))
    }
    try diagnostics.throwIfErrors()
  }

  private mutating func assignTypes(to members: [ValueID], _ graph: Graph) throws {
    var classes = DisjointSets(count: graph.values.count)
    var isSymmetric = [Bool](repeating: scheme.activations == .symmetric, count: graph.values.count)
    var isProbability = [Bool](repeating: false, count: graph.values.count)
    var given = [Quantization?](repeating: nil, count: graph.values.count)
    for (operation, form) in zip(graph.operations, forms) {
      guard let form else { continue }
      if form.keepsType, let fake = operation.op.fakeQuantize { given[operation.result.index] = fake.quantization }
      let activations = form.operands(.activation, of: operation)
      if form.keepsType {
        for value in activations { classes.merge(value.index, operation.result.index) }
      }
      if case .add = operation.op, !addsPairs(operation, graph) {
        classes.merge(operation.operands[0].index, operation.operands[1].index)
      }
      if case .softmax = operation.op { isProbability[operation.result.index] = true }
      // The zero point of a second activation would multiply the sum of the first, which nobody knows beforehand.
      if case .matmul = operation.op, form.roles[1] == .activation {
        for value in activations { isSymmetric[value.index] = true }
      }
    }
    var hulls = [ValueRange?](repeating: nil, count: graph.values.count)
    for value in members {
      let root = classes.find(value.index)
      guard let range = ranges[value.index] else { continue }
      hulls[root] = hulls[root]?.hull(range) ?? range
      if isSymmetric[value.index] { isSymmetric[root] = true }
      if isProbability[value.index] { isProbability[root] = true }
    }
    try check(hulls, of: members, &classes, graph)
    var types = zip(hulls, isSymmetric).map { hull, isSymmetric in
      hull.map { QuantizationScheme.quantization(for: $0, symmetric: isSymmetric) }
    }
    for (root, hull) in hulls.enumerated() {
      guard isProbability[root], let hull, hull.low >= 0, hull.high <= 1 else { continue }
      types[root] = QuantizationScheme.softmax(symmetric: isSymmetric[root])
    }
    // A given type holds where all that share it agree, and where a product does not ask for another.
    var agreed: [Int: Quantization?] = [:]
    for value in members {
      guard let type = given[value.index] else { continue }
      let root = classes.find(value.index)
      let isFit = agreed[root].map { $0 == type } ?? (!isSymmetric[root] || type.zeroPoint == 0)
      agreed[root] = isFit ? type : Quantization?.none
    }
    for root in types.indices {
      if case .some(.some(let type)) = agreed[root] { types[root] = type }
    }
    if !scheme.hasClamp { letSaturationClamp(&types, hulls, &classes, graph) }
    for value in members { quantizations[value.index] = types[classes.find(value.index)] }
  }

  /// Whether a sum is one of two types, as the target's store may add: the model says them, or one addend is so much smaller
  /// that it would lose much in the type of the other.
  func addsPairs(_ operation: Operation, _ graph: Graph) -> Bool {
    guard case .add(let add) = operation.op, scheme.hasPairs, scheme.activations == .asymmetric,
      add.activation == .none || add.activation == .relu, !operation.operands.contains(where: graph.isConstant),
      let a = ranges[operation.operands[0].index], let b = ranges[operation.operands[1].index]
    else { return false }
    if saysTypes { return true }
    let (narrow, wide) = (min(a.width, b.width), max(a.width, b.width))
    return narrow > 0 && Self.widestAddend * wide >= narrow
  }

  /// Makes scales a little smaller where int8 then saturates just where an activation clamps and still reaches the
  /// range to half a step: 1/127.5 instead of 1/127 for [-1, 1] saves a rescaling.
  private func letSaturationClamp(
    _ types: inout [Quantization?], _ hulls: [ValueRange?], _ classes: inout DisjointSets, _ graph: Graph
  ) {
    for (operation, form) in zip(graph.operations, forms) where form != nil {
      guard let activation = operation.op.elementwiseActivation ?? operation.op.fusedActivation else { continue }
      let root = classes.find(operation.result.index)
      guard let type = types[root], type.zeroPoint == 0, !activation.isSaturation(in: type), let hull = hulls[root],
        let scales = Confinement.scales(for: activation, covering: hull), type.scale > scales.largest
      else { continue }
      types[root] = Quantization(scale: scales.largest)
    }
  }
}

extension ValueRange {
  /// What int8 has to reach, 0 included.
  fileprivate var width: Float { max(high, 0) - min(low, 0) }
}

extension Diagnostic {
  /// An element of a constant that no integer can stand for.
  static func notFinite(_ element: Float, at position: Int, constant: ValueID, in graph: Graph) -> Diagnostic {
    let data = graph.constantData(of: constant).map { graph.data[$0] }
    return Diagnostic(
      "quantize.not-finite",
      "element \(position) of @\(data?.name ?? "?") is \(element); expected finite numbers of magnitude at most "
        + "\(QuantizationScheme.largestMagnitude)",
      at: data?.range ?? graph.values[constant].range ?? graph.producer(of: constant)?.range)
  }
}

extension Graph {
  /// Whether a product sums what it reads, with whole numbers as weights.
  fileprivate func counts(_ operation: Operation, _ data: DataStore) throws -> Bool {
    let constants = try operation.operands.prefix(2).compactMap { try constantTensor($0, from: data)?.floats }
    return constants.count == 1 && constants[0].allSatisfy { $0 == $0.rounded() }
  }
}
