import SpadixIR
import SpadixSupport
import SpadixTensor

/// Random changes of the integers in npu graphs, as a person or a broken tool might make them.
struct AttributeMutation {
  private var generator: SplitMix64

  init(seed: UInt64) { generator = SplitMix64(seed: seed ^ 0x6d75_7461_7465) }

  /// The graph with one to three attributes of npu operations changed, or types without their scales; it may break any rule.
  mutating func mutated(_ graph: Graph) -> Graph {
    var result = graph
    if chance(20) { dropScales(&result) }
    let candidates = result.operations.indices.filter { result.operations[$0].op.isNpu }
    for _ in 0..<pick([1, 1, 2, 3]) {
      guard let index = candidates.randomElement(using: &generator) else { break }
      if let op = mutated(result.operations[index].op) { result.operations[index].op = op }
    }
    return result
  }

  /// npu operators do not read scales: without them they compute the same.
  private mutating func dropScales(_ graph: inout Graph) {
    var isRead = [Bool](repeating: false, count: graph.values.count)
    for operation in graph.operations where !operation.op.isNpu {
      for operand in operation.operands { isRead[operand.index] = true }
    }
    for operation in graph.operations where operation.op.isNpu && !isRead[operation.result.index] {
      graph.values[operation.result].type.element = .i8
    }
  }

  /// Nil where the attribute cannot take the value that was drawn.
  private mutating func mutated(_ op: Operator) -> Operator? {
    guard let kind = OperatorKind.named(op.mnemonic), let field = kind.attributes.randomElement(using: &generator)
    else {
      return nil
    }
    var attributes = op.writtenAttributes.map { WrittenAttribute(name: $0.0, value: $0.1) }
    if let index = attributes.firstIndex(where: { $0.name == field.name }) {
      attributes[index].value = changed(attributes[index].value)
    } else {
      attributes.append(WrittenAttribute(name: field.name, value: fresh(field.kind)))
    }
    return kind.read(attributes)
  }

  private mutating func changed(_ value: AttributeValue) -> AttributeValue {
    switch value {
    case .integer(let integer): return .integer(pick([integer - 1, integer + 1, 2 * integer, number(), number()]))
    case .real(let real): return .real(pick([real / 2, 2 * real, -real, scale()]))
    case .boolean(let boolean): return .boolean(!boolean)
    case .keyword, .string, .symbol: return value
    case .list(var elements):
      guard let index = elements.indices.randomElement(using: &generator) else { return value }
      switch Int.random(in: 0..<6, using: &generator) {
      case 0: elements.append(elements[index])
      case 1: elements.remove(at: index)
      case 2: elements = elements.map { _ in elements[index] }
      case 3: elements = [elements[index]]
      default: elements[index] = changed(elements[index])
      }
      return .list(elements)
    }
  }

  /// A value of a kind that `AttributeDescription` describes.
  private mutating func fresh(_ kind: String) -> AttributeValue {
    if kind == "true or false" { return .boolean(true) }
    if kind == "a number" { return .real(scale()) }
    if kind == "an integer" { return .integer(number()) }
    let isReal = kind.hasSuffix("numbers")
    let count = kind.split(separator: " ").compactMap { Int($0) }.first ?? 1
    return .list((0..<count).map { _ in isReal ? .real(scale()) : .integer(number()) })
  }

  private mutating func number() -> Int {
    pick([
      0, 0, 1, 1, 2, 3, 4, 5, -1, 17, 100, 126, 127, 128, -127, -128, -129, 255, 256, 1015, 1016, 1017, 65_535, 65_536,
    ])
  }

  private mutating func scale() -> Float {
    pick([
      0.5, 1, 0.003, 1 / 3, 127, 1e-10, .leastNormalMagnitude / 3, .leastNonzeroMagnitude, 1e10, 3.4e38, 0, -1,
      .infinity, .nan,
    ])
  }

  private mutating func pick<Element>(_ choices: [Element]) -> Element { choices.randomElement(using: &generator)! }
  private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &generator) < percent }
}
