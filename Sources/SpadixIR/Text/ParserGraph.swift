import SpadixSupport
import SpadixTensor

// graph     = 'graph' @name '(' [ input { ',' input } ] ')' '->' outputs '{' { operation } return '}'
// input     = %name ':' type [ attributes ]
// outputs   = type | '(' output { ',' output } ')'
// output    = type [ attributes ]
// operation = %name '=' 'constant' @name [ attributes ] [ ':' type ]
//           | %name '=' mnemonic %name { ',' %name } [ attributes ] ':' type
// return    = 'return' %name { ',' %name }
extension Parser {
  mutating func graphDefinition() throws {
    advance()
    let nameToken = try expectToken(.symbol, "the graph's name, such as @main")
    graph.name = try name(nameToken)
    graph.range = range(nameToken)
    try list("(", ")") { parser in try parser.input() }
    try expect("->", " and the types of the outputs")
    let outputs = try declaredOutputs()
    try expect("{")
    var hasReturned = false
    while !take("}") {
      guard token.kind != .end else { throw unexpected("'}' at the end of the graph") }
      // A missing brace: what follows is the next definition.
      if token.isFirstOnLine, isWord("data") || isWord("graph") { throw unexpected("'}' at the end of the graph") }
      statementStart = token.start
      let isReturn = isWord("return")
      do {
        if hasReturned { throw unexpected("'}' after the return") }
        if isReturn { try returnStatement(outputs) } else { try operation() }
      } catch {
        try report(error)
        skipStatement()
      }
      if isReturn { hasReturned = true }
    }
    if !hasReturned {
      report(
        Diagnostic(
          "syntax.no-return", "graph @\(graph.name) has no return", at: graph.range,
          help: "end it with 'return %value'"))
    }
  }

  /// Goes on to the next line that starts a statement, ends the graph, or starts a definition.
  private mutating func skipStatement() {
    skip(beyond: statementStart) {
      $0.token.kind == .value || $0.isWord("return") || $0.isPunctuation("}") || $0.isWord("data") || $0.isWord("graph")
    }
  }

  private mutating func input() throws {
    let nameToken = try expectToken(.value, "an input, such as %image")
    try expect(":", " and the input's type")
    let type = try type()
    let value = define(nameToken, try name(nameToken), type: type, .input(graph.inputs.count))
    graph.inputs.append(value)
    for attribute in try attributes() {
      switch (attribute.name, attribute.value) {
      case ("range", _): graph.values[value].calibration = calibration(attribute)
      case ("calibration", .symbol(let name)):
        if let data = dataByName[name] {
          graph.values[value].samples = data
        } else {
          reportUndefinedData(name, attribute.range)
        }
      case ("calibration", _):
        report(
          Diagnostic(
            "ir.attribute-type",
            "'calibration': expected data, such as @samples, found \(attribute.value.kindDescription)",
            at: attribute.range))
      default:
        report(
          Diagnostic(
            "ir.unknown-attribute", "an input has no attribute '\(attribute.name)'", at: attribute.range,
            help: "it has calibration and range"))
      }
    }
    report(GraphRules.problems(input: value, graph))
  }

  /// An output as the graph's line declares it.
  private struct DeclaredOutput {
    var type: TensorType
    var range: SourceRange
    /// Nil for the name of the value that is returned.
    var name: String?
  }

  private mutating func declaredOutputs() throws -> [DeclaredOutput] {
    var outputs: [DeclaredOutput] = []
    func one(_ parser: inout Parser) throws {
      let start = parser.token.start
      outputs.append(DeclaredOutput(type: try parser.type(), range: parser.range(from: start)))
    }
    guard isPunctuation("(") else {
      try one(&self)
      return outputs
    }
    try list("(", ")") { parser in
      try one(&parser)
      outputs[outputs.count - 1].name = try parser.outputName()
    }
    return outputs
  }

  /// The attribute `name` behind the type of an output.
  private mutating func outputName() throws -> String? {
    var name: String?
    for attribute in try attributes() {
      guard attribute.name == "name" else {
        report(
          Diagnostic(
            "ir.unknown-attribute", "an output has no attribute '\(attribute.name)'", at: attribute.range,
            help: "it has name"))
        continue
      }
      if case .string(let text) = attribute.value, !text.isEmpty {
        name = text
      } else {
        let found = attribute.value == .string("") ? "an empty string" : attribute.value.kindDescription
        report(
          Diagnostic(
            "ir.attribute-type", "'name': expected a string with at least one character, found \(found)",
            at: attribute.range))
      }
    }
    return name
  }

  private mutating func operation() throws {
    let resultToken = try expectToken(.value, "an operation, such as '%1 = nn.relu %0 : f32[1, 8]', or 'return'")
    let resultName = try name(resultToken)
    do {
      try expect("=", " after the result")
      if isWord("constant") {
        try constant(resultToken, resultName)
      } else {
        try operatorStatement(resultToken, resultName)
      }
    } catch {
      if valuesByName[resultName] == nil {
        brokenValues.insert(define(resultToken, resultName, type: .f32([]), .input(0)))
      }
      throw error
    }
  }

  private mutating func constant(_ resultToken: Token, _ resultName: String) throws {
    advance()
    let symbol = try expectToken(.symbol, "the data's name, such as @conv1.weight")
    let dataName = try name(symbol)
    var written = try attributes()
    var common = Self.remove("range", from: &written).map { [$0] } ?? []
    var type: TensorType?
    if take(":") { type = try self.type() }
    guard let data = dataByName[dataName] else {
      reportUndefinedData(dataName, range(symbol))
      let value = define(resultToken, resultName, type: type ?? .f32([]), .input(0))
      if type == nil { brokenValues.insert(value) }
      return
    }
    append(
      .constant(Constant(data: data)), [], type: type ?? graph.data[data].type, resultToken, resultName, &common)
    for attribute in written {
      report(
        Diagnostic(
          "ir.unknown-attribute", "constant has no attribute '\(attribute.name)'", at: attribute.range,
          help: "it has range"))
    }
  }

  private mutating func operatorStatement(_ resultToken: Token, _ resultName: String) throws {
    let mnemonicToken = try expectToken(.word, "an operator, such as nn.conv2d")
    let mnemonic = text(mnemonicToken)
    guard let kind = OperatorKind.named(mnemonic) else {
      let known = Operator.kinds.map(\.mnemonic)
      throw Diagnostic(
        "ir.unknown-operator", "there is no operator '\(mnemonic)'", at: range(mnemonicToken),
        help: nearest(mnemonic, among: known).map { "did you mean '\($0)'?" } ?? "'spadix ops' lists all operators")
    }
    var operands: [ValueID] = []
    var isComplete = true
    if token.kind == .value {
      repeat {
        let operand = try expectToken(.value, "an operand, such as %0")
        if let value = try use(operand) { operands.append(value) } else { isComplete = false }
      } while take(",")
    }
    var written = try attributes()
    try expect(":", operands.isEmpty ? ", operands or attributes" : ", ',' or attributes")
    let type = try type()
    var common: [WrittenAttribute] = []
    // What lowering gave a place on the array cannot run on the host.
    for name in mnemonic.hasPrefix("npu.") ? ["range"] : ["range", "host_reason"] {
      if let attribute = Self.remove(name, from: &written) { common.append(attribute) }
    }
    var reader = AttributeReader(written, mnemonicRange: range(mnemonicToken))
    let op = kind.read(&reader)
    reader.diagnostics.forEach { report($0) }
    if isComplete {
      append(
        op, operands, type: type, resultToken, resultName, &common, isReadable: reader.diagnostics.isEmpty)
    } else {
      _ = define(resultToken, resultName, type: type, .input(0))
    }
  }

  /// Adds an operation that could be read, and verifies it unless its attributes or operands are known to be wrong.
  private mutating func append(
    _ op: Operator, _ operands: [ValueID], type: TensorType, _ resultToken: Token, _ resultName: String,
    _ common: inout [WrittenAttribute], isReadable: Bool = true
  ) {
    let id = OperationID(graph.operations.count)
    let value = define(resultToken, resultName, type: type, .operation(id, result: 0))
    graph.values[value].calibration = Self.remove("range", from: &common).flatMap { calibration($0) }
    graph.operations.append(
      Operation(
        op, operands: operands, results: [value], range: range(from: resultToken.start),
        sourceLine: source.position(of: resultToken.start).line,
        hostReason: Self.remove("host_reason", from: &common).flatMap { hostReason($0) }))
    if isReadable, !operands.contains(where: brokenValues.contains) { report(OperatorRules.problems(id, graph)) }
  }

  private mutating func returnStatement(_ outputs: [DeclaredOutput]) throws {
    let keyword = token
    advance()
    var tokens: [Token] = []
    var values: [ValueID?] = []
    repeat {
      let value = try expectToken(.value, "a value to return, such as %9")
      tokens.append(value)
      values.append(try use(value))
    } while take(",")
    graph.outputs = values.compactMap { $0 }
    graph.outputNames = zip(values, outputs).compactMap { value, output in
      value.map { output.name ?? graph.values[$0].name ?? "" }
    }
    guard values.count == outputs.count else {
      report(
        Diagnostic(
          "ir.return-count", "found \(values.count) values; the graph has \(outputs.count) outputs",
          at: range(keyword),
          notes: [Diagnostic.Note("the outputs are declared here", at: outputs.first?.range)]))
      return
    }
    for (index, value) in values.enumerated() {
      guard let value, !brokenValues.contains(value), graph.values[value].type != outputs[index].type else { continue }
      report(
        Diagnostic(
          "ir.return-type",
          "the value has type \(graph.values[value].type.shortDescription); output \(index) has type "
            + outputs[index].type.shortDescription, at: range(tokens[index]),
          notes: [Diagnostic.Note("the output is declared here", at: outputs[index].range)]))
    }
  }

  // MARK: Names

  private mutating func define(
    _ token: Token, _ name: String, type: TensorType, _ definition: Value.Definition
  ) -> ValueID {
    let id = ValueID(graph.values.count)
    graph.values.append(Value(type: type, name: name, definition: definition, range: range(token)))
    if let earlier = valuesByName[name] {
      report(
        Diagnostic(
          "ir.duplicate-value", "%\(name) is defined twice", at: range(token),
          notes: [Diagnostic.Note("the first time", at: graph.values[earlier].range)]))
    } else {
      valuesByName[name] = id
    }
    return id
  }

  /// The value of a name; reports and gives nil when there is none.
  private mutating func use(_ token: Token) throws -> ValueID? {
    let name = try name(token)
    if let value = valuesByName[name] { return value }
    let candidates = valuesByName.keys.sorted()
    report(
      Diagnostic(
        "ir.undefined-value", "%\(name) is not defined before its use", at: range(token),
        help: nearest(name, among: candidates).map { "did you mean %\($0)?" }))
    return nil
  }

  private mutating func reportUndefinedData(_ name: String, _ range: SourceRange?) {
    if brokenData.contains(name) { return }
    report(
      Diagnostic(
        "ir.undefined-data", "data @\(name) is not defined", at: range,
        help: nearest(name, among: graph.data.map(\.name)).map { "did you mean @\($0)?" }
          ?? "data definitions stand before the graph"))
  }

  private mutating func report(_ problems: [Diagnostic]) { problems.forEach { report($0) } }
}
