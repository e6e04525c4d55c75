import SpadixSupport
import Yams

/// Single values of a target file, and where they stand.
extension TargetReader {
  /// The YAML parser descends recursively: bound what a hostile file can make it do.
  func checkedText() throws -> String {
    guard source.bytes.count <= Self.maximumBytes else {
      throw Diagnostics([
        Diagnostic(
          "target.too-large",
          "'\(source.name)' has \(source.bytes.count) bytes; a target file has at most \(Self.maximumBytes)")
      ])
    }
    let opens: [UInt8] = [UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: "?"), UInt8(ascii: "-")]
    var openings = 0
    var comment = false
    for byte in source.bytes {
      if byte == UInt8(ascii: "\n") { comment = false }
      if byte == UInt8(ascii: "#") { comment = true }
      if !comment && opens.contains(byte) { openings += 1 }
    }
    guard openings <= Self.maximumNesting else {
      throw Diagnostics([
        Diagnostic("target.yaml", "'\(source.name)' is nested too deeply for a target file", at: range(nil))
      ])
    }
    guard let text = String(validating: source.bytes, as: UTF8.self) else {
      throw Diagnostics([Diagnostic("target.yaml", "'\(source.name)' is not UTF-8 text")])
    }
    return text
  }

  mutating func assign(_ parameter: inout Int, _ node: Node, _ path: String) {
    if let value = integer(node, path) { parameter = value }
  }

  mutating func assign(_ parameter: inout Bool, _ node: Node, _ path: String) {
    guard let value = node.bool else {
      diagnostics.report(
        Diagnostic("target.type", "expected true or false for '\(path)'\(found(node))", at: range(node.mark)))
      return
    }
    parameter = value
  }

  mutating func assign(_ parameter: inout Target.Timing.CommandSource, _ node: Node, _ path: String) {
    if let source = Target.Timing.CommandSource(rawValue: node.scalar?.string ?? "") {
      parameter = source
      return
    }
    let known = Target.Timing.CommandSource.allCases.map(\.rawValue).joined(separator: ", ")
    diagnostics.report(
      Diagnostic("target.type", "expected one of \(known) for '\(path)'\(found(node))", at: range(node.mark)))
  }

  /// A whole number, with K, M, G for powers of 1024.
  mutating func integer(_ node: Node, _ path: String) -> Int? {
    var text = node.scalar?.string ?? ""
    var factor = 1
    if let last = text.last, let shift = ["K": 10, "M": 20, "G": 30][last] {
      factor = 1 << shift
      text.removeLast()
    }
    if let value = Int(text) {
      let (product, overflow) = value.multipliedReportingOverflow(by: factor)
      if !overflow { return product }
    }
    diagnostics.report(
      Diagnostic("target.type", "expected a whole number for '\(path)'\(found(node))", at: range(node.mark)))
    return nil
  }

  /// Picojoules with up to three decimals, in femtojoules.
  mutating func energy(_ node: Node, _ path: String) -> Int? {
    if let value = EnergyParameters.femtojoules(node.scalar?.string ?? "") { return value }
    diagnostics.report(
      Diagnostic(
        "target.type", "expected picojoules with up to three decimals for '\(path)'\(found(node))", at: range(node.mark)
      ))
    return nil
  }

  mutating func string(_ node: Node, _ path: String) -> String? {
    let legal = node.scalar.map { scalar in
      !scalar.string.isEmpty && scalar.string.utf8.count <= 100
        && scalar.string.allSatisfy { $0.isLetter || $0.isNumber || "-_.".contains($0) }
    }
    if legal == true { return node.scalar?.string }
    diagnostics.report(
      Diagnostic(
        "target.type", "expected a name of letters, digits, '-', '_' and '.' for '\(path)'\(found(node))",
        at: range(node.mark)))
    return nil
  }

  mutating func resolve(_ sizes: Sizes, _ target: inout Target) {
    if let bytes = sizes.scratchpad {
      let row = target.dim.multipliedReportingOverflow(by: target.scratchpadBanks)
      resolve(bytes, row, "scratchpad.bytes", "scratchpad.rows_per_bank", &target.scratchpadRowsPerBank)
    }
    if let bytes = sizes.accumulator {
      resolve(
        bytes, target.dim.multipliedReportingOverflow(by: 4), "accumulator.bytes", "accumulator.rows",
        &target.accumulatorRows)
    }
  }

  mutating func resolve(
    _ bytes: Int, _ row: (partialValue: Int, overflow: Bool), _ path: String, _ rowsPath: String, _ rows: inout Int
  ) {
    // A dim or a number of banks that is out of range has its own diagnostic.
    guard !row.overflow, row.partialValue > 0 else { return }
    guard bytes > 0, bytes % row.partialValue == 0 else {
      diagnostics.report(
        Diagnostic(
          "target.illegal", "\(path) is \(bytes); expected a multiple of \(row.partialValue), one row of every bank",
          at: places[path]))
      return
    }
    if let other = places[rowsPath], rows != bytes / row.partialValue {
      diagnostics.report(
        Diagnostic(
          "target.contradiction",
          "\(path) is \(bytes), which are \(bytes / row.partialValue) rows; \(rowsPath) is \(rows)", at: places[path],
          notes: [Diagnostic.Note("the rows are given here", at: other)], help: "leave one of them out"))
    }
    rows = bytes / row.partialValue
  }

  func found(_ node: Node) -> String {
    guard let text = node.scalar?.string else { return "" }
    return ", found '\(text.prefix(40))'"
  }

  /// The parameter's own line, or that of the size it follows from.
  func place(_ parameter: String) -> SourceRange? {
    if let range = places[parameter] { return range }
    if parameter == "capabilities.pooled_scratchpad_store", let range = places["capabilities.scratchpad_store"] {
      return range
    }
    let section = parameter.prefix { $0 != "." }
    return places["\(section).bytes"] ?? places["\(section).rows"] ?? places[String(section)]
  }

  func range(_ mark: Mark?, length: Int = 1) -> SourceRange {
    guard let mark else { return unmarked ?? SourceRange(source, 0, 1) }
    var line = 1
    var start = 0
    for (offset, byte) in source.bytes.enumerated() {
      if line == mark.line { break }
      if byte == UInt8(ascii: "\n") {
        line += 1
        start = offset + 1
      }
    }
    let column = min(start + max(mark.column - 1, 0), source.bytes.count)
    return SourceRange(source, column, column + max(length, 1))
  }

  func syntaxError(_ error: YamlError) -> Diagnostic {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return Diagnostic("target.yaml", "this is not YAML: \(problem)", at: range(mark))
    case .duplicatedKeysInMapping(let duplicates, let context):
      let names = duplicates.joined(separator: ", ")
      return Diagnostic("target.duplicate", "'\(names)' is given more than once", at: range(context.mark))
    case .no, .memory, .reader, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
      return Diagnostic("target.yaml", "'\(source.name)' is not YAML")
    }
  }
}
