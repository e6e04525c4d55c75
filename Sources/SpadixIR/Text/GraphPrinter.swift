import SpadixSupport
import SpadixTensor

/// Prints graphs in the language that the parser reads: attributes sorted, defaults left out, lines of at most 120
/// columns where blanks allow it.
///
/// Parsing what was printed gives the same graph; only `LargeData.elided` leaves something out, by choice.
public struct GraphPrinter: Sendable {
  /// What becomes of elements in memory that are too many for a list.
  public enum LargeData: Sendable, Hashable {
    /// They stand in the text as hexadecimal digits.
    case hexadecimal
    /// They go into a safetensors file of this path, relative to the printed file; see `companion(for:)`.
    case companion(String)
    /// They are left out and the text says so; it is for reading only.
    case elided
  }

  /// Elements in memory up to this many are printed as a list.
  static let maximumListCount = 64
  static let maximumColumns = 120

  /// For literal data of more than 64 elements.
  var largeData: LargeData
  /// The file that the text will be written to: paths of data are made relative to its folder. Nil: to the working
  /// folder.
  var destination: String?

  public init(largeData: LargeData = .hexadecimal, destination: String? = nil) {
    self.largeData = largeData
    self.destination = destination
  }

  /// Data definitions, then the graph.
  public func text(of graph: Graph) -> String {
    var text = ""
    for definition in graph.data { line(data(definition), indentation: 0, to: &text) }
    if !graph.data.isEmpty { text += "\n" }
    let names = ValueNames(graph)
    header(graph, names, to: &text)
    for operation in graph.operations { line(statement(operation, graph, names), indentation: 2, to: &text) }
    line("return \(graph.outputs.map { names[$0] }.joined(separator: ", "))", indentation: 2, to: &text)
    text += "}\n"
    return text
  }

  /// The tensors that `LargeData.companion` keeps out of the text; nil when there are none.
  func companion(for graph: Graph) -> SafetensorsWriter? {
    guard case .companion = largeData else { return nil }
    var writer: SafetensorsWriter?
    for definition in graph.data {
      guard case .literal(let storage) = definition.source, storage.count > Self.maximumListCount else { continue }
      writer = writer ?? SafetensorsWriter()
      writer?.add(definition.name, Tensor(definition.type, storage))
    }
    return writer
  }

  // MARK: Data

  private func data(_ definition: DataDefinition) -> String {
    "data \(symbol(definition.name)) : \(definition.type) = \(source(definition))"
  }

  private func source(_ definition: DataDefinition) -> String {
    switch definition.source {
    case .file(let path, let tensor):
      let place = quoted(relative(path, baseFile: definition.baseFile))
      return "file(\(place)\(tensor.map { ", \(quoted($0))" } ?? ""))"
    case .splat(let storage): return "splat(\(elements(storage)))"
    case .random(let random): return self.random(random)
    case .literal(let storage):
      if storage.count <= Self.maximumListCount, isFinite(storage) { return "[\(elements(storage))]" }
      switch largeData {
      case .hexadecimal: return hexadecimal(storage.bytes)
      case .companion(let path): return "file(\(quoted(path)), \(quoted(definition.name)))"
      case .elided: return "elided"
      }
    }
  }

  private func random(_ random: RandomSource) -> String {
    switch random.distribution {
    case nil: "random(seed = \(random.seed))"
    case .uniform(let low, let high): "random(seed = \(random.seed), low = \(low), high = \(high))"
    case .laplace(let scale): "random(seed = \(random.seed), laplace = \(scale))"
    }
  }

  private func elements(_ storage: Tensor.Storage) -> String {
    switch storage {
    case .f32(let values): values.map(\.description).joined(separator: ", ")
    case .i8(let values): values.map(\.description).joined(separator: ", ")
    case .i32(let values): values.map(\.description).joined(separator: ", ")
    }
  }

  private func isFinite(_ storage: Tensor.Storage) -> Bool {
    if case .f32(let values) = storage { values.allSatisfy(\.isFinite) } else { true }
  }

  /// Strings of 48 bytes, so that lines can be broken between them.
  private func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = Array("hex(".utf8)
    text.reserveCapacity(bytes.count * 2 + bytes.count / 12 + 8)
    for (index, byte) in bytes.enumerated() {
      if index % 48 == 0 { text += (index == 0 ? "\"" : "\", \"").utf8 }
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    text += "\")".utf8
    return String(decoding: text, as: UTF8.self)
  }

  private func relative(_ path: String, baseFile: String?) -> String {
    let folder = baseFile.map { Files.folder(of: $0) } ?? ""
    let target = destination.map { Files.folder(of: $0) } ?? ""
    if folder == target || path.hasPrefix("/") { return path }
    return Files.relativePath(of: Files.resolve(path, relativeTo: baseFile), from: target)
  }

  // MARK: Graph

  private func header(_ graph: Graph, _ names: ValueNames, to text: inout String) {
    let inputs = graph.inputs.map { input in
      let value = graph.values[input]
      var attributes: [(String, AttributeValue)] = []
      if let samples = value.samples { attributes.append(("calibration", .symbol(graph.data[samples].name))) }
      if let range = value.calibration { attributes.append(("range", self.range(range))) }
      return "\(names[input]): \(value.type)\(self.attributes(attributes))"
    }
    let results = graph.outputs.indices.map { output in
      let value = graph.outputs[output]
      let name = names.output(output, of: graph)
      let attributes = name == names.plain(value) ? [] : [("name", AttributeValue.string(name))]
      return "\(graph.values[value].type)\(self.attributes(attributes))"
    }
    // As in MLIR, results with attributes stand in parentheses: the brace behind a type alone opens the body.
    let isBare = results.count == 1 && results[0] == "\(graph.values[graph.outputs[0]].type)"
    let outputs = isBare ? results[0] : "(\(results.joined(separator: ", ")))"
    line("graph \(symbol(graph.name))(\(inputs.joined(separator: ", "))) -> \(outputs) {", indentation: 0, to: &text)
  }

  private func statement(_ operation: Operation, _ graph: Graph, _ names: ValueNames) -> String {
    let value = graph.values[operation.result]
    var attributes = operation.op.writtenAttributes
    if let range = value.calibration { attributes.append(("range", self.range(range))) }
    if let reason = operation.hostReason { attributes.append(("host_reason", .string(reason))) }
    attributes.sort { $0.0 < $1.0 }
    var text = "\(names[operation.result]) = \(operation.op.mnemonic)"
    var type = " : \(value.type)"
    if case .constant(let constant) = operation.op {
      let data = graph.data[constant.data]
      text += " \(symbol(data.name))"
      // The definition above says the same, and a scale for every channel is long.
      if value.type == data.type, value.type.element.quantization?.isPerTensor == false { type = "" }
    } else if !operation.operands.isEmpty {
      text += " \(operation.operands.map { names[$0] }.joined(separator: ", "))"
    }
    return text + self.attributes(attributes) + type
  }

  private func range(_ range: ValueRange) -> AttributeValue { .list([.real(range.low), .real(range.high)]) }

  private func attributes(_ attributes: [(String, AttributeValue)]) -> String {
    if attributes.isEmpty { return "" }
    return " {\(attributes.map { "\($0.0) = \($0.1)" }.joined(separator: ", "))}"
  }

  // MARK: Lines

  private func line(_ statement: String, indentation: Int, to text: inout String) {
    let blanks = String(repeating: " ", count: indentation)
    if statement.utf8.count + indentation <= Self.maximumColumns {
      text += blanks + statement + "\n"
    } else {
      text += wrapped(statement, indentation: indentation)
    }
  }

  /// Breaks a statement at blanks outside of strings; further lines are indented by four more.
  private func wrapped(_ statement: String, indentation: Int) -> String {
    let bytes = Array(statement.utf8)
    var result: [UInt8] = Array(repeating: 0x20, count: indentation)
    result.reserveCapacity(bytes.count + bytes.count / 20)
    var column = indentation
    var wordStart = 0
    var isInString = false
    var position = 0
    while position <= bytes.count {
      if position < bytes.count, isInString || bytes[position] != 0x20 {
        if bytes[position] == UInt8(ascii: "\\") {
          position += 1
        } else if bytes[position] == UInt8(ascii: "\"") {
          isInString.toggle()
        }
        position += 1
        continue
      }
      let length = position - wordStart
      if wordStart > 0 {
        if column + 1 + length > Self.maximumColumns {
          result.append(0x0a)
          result += repeatElement(0x20, count: indentation + 4)
          column = indentation + 4
        } else {
          result.append(0x20)
          column += 1
        }
      }
      result += bytes[wordStart..<position]
      column += length
      position += 1
      wordStart = position
    }
    result.append(0x0a)
    return String(decoding: result, as: UTF8.self)
  }
}

/// `@name`, in quotes where the name needs them.
func symbol(_ name: String) -> String { "@" + identifier(name) }

func identifier(_ name: String) -> String {
  let isPlain = name.utf8.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "$"):
      true
    default: false
    }
  }
  return isPlain ? name : quoted(name)
}

extension Operator {
  /// The attributes that differ from their defaults, and the required ones.
  public var writtenAttributes: [(String, AttributeValue)] { payload.writtenAttributes }
}

extension OperatorDefinition {
  fileprivate var writtenAttributes: [(String, AttributeValue)] {
    Self.attributes.compactMap { field in field.printed(self).map { (field.name, $0) } }
  }
}
