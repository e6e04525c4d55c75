import SpadixSupport
import SpadixTensor

extension Graph {
  /// Reads a graph file and verifies it.
  public init(reading path: String) throws { try self.init(parsing: Files.readSource(path), baseFile: path) }

  /// Parses and verifies a graph. Paths of data are relative to `baseFile`, or to the working folder when it is nil.
  ///
  /// Throws `Diagnostics` with every error of the text.
  public init(parsing source: SourceText, baseFile: String? = nil) throws {
    var parser = Parser(source: source, baseFile: baseFile)
    self = try parser.file()
  }
}

/// A recursive-descent parser that goes on after an error: a statement that cannot be read is reported once, and what it
/// would have defined is remembered, so that its readers are not reported as well.
///
/// The tokens' helpers are here; types, attributes, data and the graph itself have a file each.
struct Parser {
  /// Beyond this many errors a file is not a graph.
  private static let maximumErrorCount = 100

  let source: SourceText
  let baseFile: String?
  private let tokens: [Token]
  private var position = 0
  private(set) var diagnostics: Diagnostics

  var graph = Graph(name: "")
  var dataByName: [String: DataID] = [:]
  /// Names of data definitions that could not be read.
  var brokenData: Set<String> = []
  var valuesByName: [String: ValueID] = [:]
  /// Values of which no type is known, because their statement could not be read.
  var brokenValues: Set<ValueID> = []
  /// Where the definition and the statement being read start.
  private var definitionStart = 0
  var statementStart = 0

  init(source: SourceText, baseFile: String?) {
    self.source = source
    self.baseFile = baseFile
    let (tokens, problems) = Lexer.tokenize(source)
    self.tokens = tokens
    self.diagnostics = Diagnostics(problems)
  }

  /// file = { data | graph }, with exactly one graph.
  mutating func file() throws -> Graph {
    var first: Token?
    while token.kind != .end, diagnostics.all.count < Self.maximumErrorCount {
      definitionStart = token.start
      do {
        if isWord("data") {
          try dataDefinition()
        } else if isWord("graph") {
          if let first {
            throw Diagnostic(
              "syntax.second-graph", "a file holds one graph", at: range(token),
              notes: [Diagnostic.Note("the first one stands here", at: range(first))])
          }
          first = token
          try graphDefinition()
        } else {
          throw unexpected("'data' or 'graph'")
        }
      } catch {
        try report(error)
        skip(beyond: definitionStart) { $0.isWord("data") || $0.isWord("graph") }
      }
    }
    if diagnostics.all.count >= Self.maximumErrorCount {
      diagnostics.report(Diagnostic("syntax.too-many-errors", "too many errors; the rest of the file was not read"))
    } else if first == nil {
      let end = max(0, source.bytes.count - 1)
      diagnostics.report(
        Diagnostic("syntax.no-graph", "the file holds no graph", at: SourceRange(source, end, end + 1)))
    }
    diagnostics.all = diagnostics.all.enumerated().sorted { left, right in
      (left.element.range?.start ?? Int.max, left.offset) < (right.element.range?.start ?? Int.max, right.offset)
    }.map(\.element)
    try diagnostics.throwIfErrors()
    return graph
  }
}

// MARK: Errors

extension Parser {
  mutating func report(_ diagnostic: Diagnostic) { diagnostics.report(diagnostic) }

  /// Takes in what a statement threw; anything but diagnostics goes on.
  mutating func report(_ error: any Error) throws {
    if error is AlreadyReported { return }
    guard let diagnostic = error as? Diagnostic else { throw error }
    diagnostics.report(diagnostic)
  }

  /// The error of a token that the grammar does not allow here.
  func unexpected(_ expected: String) -> any Error {
    if token.kind == .invalid { return AlreadyReported() }
    let found = token.kind == .end ? "the end of the file" : "'\(shortened(text(token)))'"
    return Diagnostic("syntax.expected", "expected \(expected), found \(found)", at: range(token))
  }

  private func shortened(_ text: String) -> String { text.count > 40 ? text.prefix(40) + "..." : text }

  /// Goes on to a token at the start of a line that `isStart` accepts, further on than where the broken piece started.
  mutating func skip(beyond start: Int, to isStart: (Parser) -> Bool) {
    while token.kind != .end, !(token.isFirstOnLine && token.start > start && isStart(self)) { advance() }
  }
}

/// Thrown where the lexer has reported what stands in the way.
private struct AlreadyReported: Error {}

// MARK: Tokens

extension Parser {
  var token: Token { tokens[position] }

  /// The byte after the last token taken.
  var previousEnd: Int { position > 0 ? tokens[position - 1].end : 0 }

  func range(_ token: Token) -> SourceRange { SourceRange(source, token.start, token.end) }

  func range(from start: Int) -> SourceRange { SourceRange(source, start, max(start + 1, previousEnd)) }

  mutating func advance() {
    if token.kind != .end { position += 1 }
  }

  func text(_ token: Token) -> String { String(decoding: source.bytes[token.start..<token.end], as: UTF8.self) }

  func isWord(_ word: StaticString) -> Bool { token.kind == .word && matches(word) }

  func isPunctuation(_ mark: StaticString) -> Bool { token.kind == .punctuation && matches(mark) }

  private func matches(_ text: StaticString) -> Bool {
    token.end - token.start == text.utf8CodeUnitCount
      && text.withUTF8Buffer { source.bytes[token.start..<token.end].elementsEqual($0) }
  }

  mutating func take(_ mark: StaticString) -> Bool {
    guard isPunctuation(mark) else { return false }
    advance()
    return true
  }

  mutating func expect(_ mark: StaticString, _ context: String = "") throws {
    if !take(mark) { throw unexpected("'\(mark)'\(context)") }
  }

  mutating func expectToken(_ kind: Token.Kind, _ description: String) throws -> Token {
    guard token.kind == kind else { throw unexpected(description) }
    let taken = token
    advance()
    return taken
  }

  /// The name in a `%name` or `@name` token, without quotes and escapes.
  func name(_ token: Token) throws -> String {
    guard source.bytes[token.start + 1] == UInt8(ascii: "\"") else {
      return String(decoding: source.bytes[(token.start + 1)..<token.end], as: UTF8.self)
    }
    var inner = token
    inner.start += 1
    return try string(inner)
  }

  /// The content of a string token.
  func string(_ token: Token) throws -> String {
    var content: [UInt8] = []
    var index = token.start + 1
    while index < token.end - 1 {
      let byte = source.bytes[index]
      guard byte == UInt8(ascii: "\\") else {
        content.append(byte)
        index += 1
        continue
      }
      let escape = source.bytes[index + 1]
      index += 2
      switch escape {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): content.append(escape)
      case UInt8(ascii: "n"): content.append(0x0a)
      case UInt8(ascii: "r"): content.append(0x0d)
      case UInt8(ascii: "t"): content.append(0x09)
      case UInt8(ascii: "u"):
        guard source.bytes[index] == UInt8(ascii: "{"),
          let close = source.bytes[index..<token.end].firstIndex(of: UInt8(ascii: "}")),
          let code = UInt32(String(decoding: source.bytes[(index + 1)..<close], as: UTF8.self), radix: 16),
          let scalar = Unicode.Scalar(code)
        else { throw badEscape(index - 2) }
        content += String(Character(scalar)).utf8
        index = close + 1
      default: throw badEscape(index - 2)
      }
    }
    guard let text = String(validating: content, as: UTF8.self) else {
      throw Diagnostic("syntax.string", "the string is not UTF-8", at: range(token))
    }
    return text
  }

  private func badEscape(_ start: Int) -> Diagnostic {
    Diagnostic(
      "syntax.string", "unknown escape sequence; expected \\\", \\\\, \\n, \\r, \\t or \\u{...}",
      at: SourceRange(source, start, start + 2))
  }

  mutating func integer(_ description: String = "an integer") throws -> Int {
    guard token.kind == .integer else { throw unexpected(description) }
    guard let value = Int(text(token)) else {
      throw Diagnostic("syntax.integer", "the integer does not fit 64 bits", at: range(token))
    }
    advance()
    return value
  }

  /// A number that Float32 can hold; integers count, infinities do not.
  mutating func finiteReal() throws -> Float {
    let start = token
    let value = try real()
    if !value.isFinite { throw Diagnostic("syntax.number", "expected a finite number", at: range(start)) }
    return value
  }

  /// A number, `inf` or `-inf`.
  mutating func real() throws -> Float {
    if isWord("inf") {
      advance()
      return .infinity
    }
    guard token.kind == .integer || token.kind == .real, let value = Float(text(token)) else {
      throw unexpected("a number")
    }
    if value.isInfinite, text(token) != "-inf" {
      throw Diagnostic("syntax.number", "the number does not fit Float32", at: range(token))
    }
    advance()
    return value
  }

  /// mark element { ',' element } closing, or mark closing.
  mutating func list(_ open: StaticString, _ close: StaticString, _ element: (inout Parser) throws -> Void) throws {
    try expect(open)
    if take(close) { return }
    repeat { try element(&self) } while take(",")
    try expect(close, " or ','")
  }
}
