import SpadixSupport

/// Reads a text in the words of the graph language, one after the other: for the texts that follow a graph in its file.
public struct TokenReader {
  private let source: SourceText
  private let tokens: [Token]
  private var position = 0

  /// Throws what is no word of the language.
  ///
  /// - Parameter start: the byte to begin at.
  public init(_ source: SourceText, from start: Int) throws {
    self.source = source
    let (tokens, diagnostics) = Lexer.tokenize(source, from: start)
    self.tokens = tokens
    try Diagnostics(diagnostics).throwIfErrors()
  }

  /// A place in the text.
  public struct Mark: Sendable {
    fileprivate let token: Int
  }

  /// Before the next word.
  public var mark: Mark { Mark(token: position) }

  /// Whether all has been read.
  public var isAtEnd: Bool { tokens[position].kind == .end }

  /// Whether the next word begins a line.
  public var isAtLineStart: Bool { tokens[position].isFirstOnLine }

  private func text(_ token: Token) -> String { String(decoding: source.bytes[token.start..<token.end], as: UTF8.self) }

  /// The next word as it stands; empty at the end.
  public var next: String { text(tokens[position]) }

  /// The range of the word at a mark.
  public func range(_ mark: Mark) -> SourceRange {
    let token = tokens[mark.token]
    let start = min(token.start, max(0, source.bytes.count - 1))
    return SourceRange(source, start, max(start + 1, token.end))
  }

  /// A diagnostic about the word at a mark, by default the next one.
  public func failure(_ id: String, _ message: String, at mark: Mark? = nil, help: String? = nil) -> Diagnostic {
    Diagnostic(id, message, at: range(mark ?? self.mark), help: help)
  }

  private func found() -> String { isAtEnd ? "the end of the text" : "'\(next)'" }

  /// Steps over a word if it is the expected one.
  public mutating func accept(_ expected: String) -> Bool {
    if isAtEnd || next != expected { return false }
    position += 1
    return true
  }

  /// Steps over a word. Throws the diagnostic `id` where another one stands.
  public mutating func expect(_ expected: String, _ id: String) throws {
    guard accept(expected) else { throw failure(id, "expected '\(expected)', found \(found())") }
  }

  /// A bare word, or one that starts with `%` or `@`.
  public mutating func word(_ what: String, _ id: String) throws -> String {
    switch tokens[position].kind {
    case .word, .value, .symbol:
      defer { position += 1 }
      return next
    case .integer, .real, .string, .punctuation, .invalid, .end: throw failure(id, "expected \(what), found \(found())")
    }
  }

  /// An integer in a range.
  public mutating func integer(_ range: ClosedRange<Int>, _ id: String) throws -> Int {
    guard tokens[position].kind == .integer, let value = Int(next), range.contains(value) else {
      throw failure(id, "expected an integer from \(range.lowerBound) to \(range.upperBound), found \(found())")
    }
    position += 1
    return value
  }

  /// A finite number.
  public mutating func real(_ id: String) throws -> Float {
    switch tokens[position].kind {
    case .integer, .real:
      guard let value = Float(next), value.isFinite else { throw failure(id, "expected a number, found \(found())") }
      position += 1
      return value
    case .word, .value, .symbol, .string, .punctuation, .invalid, .end:
      throw failure(id, "expected a number, found \(found())")
    }
  }

  /// A string without escapes, between quotes.
  public mutating func string(_ id: String) throws -> String {
    guard tokens[position].kind == .string, !next.contains("\\") else {
      throw failure(id, "expected a string in quotes, found \(found())")
    }
    defer { position += 1 }
    return String(next.dropFirst().dropLast())
  }
}
