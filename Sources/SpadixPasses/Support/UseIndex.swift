import SpadixIR
import SpadixTensor

/// Who reads each value of a graph.
struct UseIndex {
  private let uses: [[Use]]
  private let isOutput: [Bool]

  init(_ graph: Graph) {
    uses = graph.useLists()
    var isOutput = [Bool](repeating: false, count: graph.values.count)
    for output in graph.outputs { isOutput[output.index] = true }
    self.isOutput = isOutput
  }

  /// The use of a value that is read once and is no output; nil for all others.
  func onlyUse(of value: ValueID) -> Use? {
    uses[value].count == 1 && !isOutput[value.index] ? uses[value][0] : nil
  }

  /// All uses of a value that is no output; none for others.
  func readers(of value: ValueID) -> [Use] { isOutput[value.index] ? [] : uses[value] }

  func hasOneUse(_ value: ValueID) -> Bool { onlyUse(of: value) != nil }
}

extension GraphRewriter {
  /// Adds an operation whose result stands for a value of the source and takes over its name, type and range. A range that
  /// was left out because it follows from those of values before is written now: these may be gone.
  ///
  /// Its line is that of `origin`, the operation whose work it does.
  @discardableResult
  mutating func emit(
    _ op: Operator, _ operands: [ValueID], standingFor old: ValueID, type: TensorType? = nil, origin: Operation
  ) -> ValueID {
    let value = source.values[old]
    let new = emit(op, operands, type: type ?? value.type, name: value.name, calibration: source.knownRange(of: old))
    setOrigin(origin, of: new)
    replace(old, with: new)
    return new
  }

  /// Lets an operation of the new graph have the source line of another one.
  mutating func setOrigin(_ origin: Operation, of value: ValueID) {
    updateProducer(of: value) {
      $0.range = origin.range
      $0.sourceLine = origin.sourceLine
    }
  }

  /// What the operands of an operation of the source have become.
  func operands(of operation: Operation) -> [ValueID] { operation.operands.map { self[$0] } }
}

extension Graph {
  func type(_ value: ValueID) -> TensorType { values[value].type }

  /// What a constant made from another one is called. Data names, unlike those of values, are the same in a graph and in
  /// its printed form, so that work resumed from a dump gives the same names.
  func dataName(of constant: ValueID) -> String { constantData(of: constant).map { data[$0].name } ?? "constant" }

  /// The name of a value for messages: `%conv1`, or `the result of nn.conv2d` where it has none.
  func describe(_ value: ValueID) -> String {
    if let name = values[value].name { return "%\(name)" }
    return producer(of: value).map { "the result of \($0.op.mnemonic)" } ?? "an input"
  }
}
