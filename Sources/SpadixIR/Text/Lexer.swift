import SpadixSupport

/// A word of the text.
struct Token {
  enum Kind {
    /// A bare word: keywords, mnemonics, attribute names. Letters, digits, `_`, `.` and `$`.
    case word
    /// `%name`
    case value
    /// `@name`
    case symbol
    case integer
    /// A number with point or exponent, or `-inf`.
    case real
    case string
    /// One of `( ) { } [ ] < > , : =`, or `->`.
    case punctuation
    /// What is no token; reported already.
    case invalid
    case end
  }

  var kind: Kind
  var start: Int
  var end: Int
  /// Whether nothing but blanks stands before it on its line: where the parser picks up after an error.
  var isFirstOnLine: Bool
}

/// Splits the text into tokens; what is no token is reported and skipped.
struct Lexer {
  private let source: SourceText
  private let bytes: [UInt8]
  private var position = 0
  private var tokens: [Token] = []
  private var diagnostics: [Diagnostic] = []

  /// - Parameter start: the byte to begin at.
  static func tokenize(_ source: SourceText, from start: Int = 0) -> (tokens: [Token], diagnostics: [Diagnostic]) {
    var lexer = Lexer(source)
    lexer.position = start
    lexer.tokens.reserveCapacity((source.bytes.count - start) / 4)
    lexer.run()
    return (lexer.tokens, lexer.diagnostics)
  }

  private init(_ source: SourceText) {
    self.source = source
    self.bytes = source.bytes
  }

  private mutating func run() {
    var isFirst = true
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\n"):
        isFirst = true
        position += 1
        continue
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
        position += 1
        continue
      case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "/"):
        position = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        continue
      default: break
      }
      let start = position
      let kind = token(byte)
      if kind == nil { unexpected(start) }
      tokens.append(Token(kind: kind ?? .invalid, start: start, end: position, isFirstOnLine: isFirst))
      isFirst = false
    }
    tokens.append(Token(kind: .end, start: bytes.count, end: bytes.count, isFirstOnLine: true))
  }

  /// Steps over one token; nil when none starts here.
  private mutating func token(_ byte: UInt8) -> Token.Kind? {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
      skipName()
      return .word
    case UInt8(ascii: "%"): return named(.value)
    case UInt8(ascii: "@"): return named(.symbol)
    case UInt8(ascii: "\""): return string() ? .string : nil
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return number()
    case UInt8(ascii: "-"):
      guard let next = peek(1) else { return nil }
      if next == UInt8(ascii: ">") {
        position += 2
        return .punctuation
      }
      if isDigit(next) {
        position += 1
        return number()
      }
      if bytes[position...].starts(with: "-inf".utf8) {
        position += 4
        return .real
      }
      return nil
    case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["),
      UInt8(ascii: "]"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: ","), UInt8(ascii: ":"),
      UInt8(ascii: "="):
      position += 1
      return .punctuation
    default: return nil
    }
  }

  /// `%name` or `%"any name"`.
  private mutating func named(_ kind: Token.Kind) -> Token.Kind? {
    let start = position
    position += 1
    if peek(0) == UInt8(ascii: "\"") {
      if string(), position - start > 3 { return kind }
    } else {
      skipName()
      if position - start > 1 { return kind }
    }
    position = start
    return nil
  }

  private mutating func skipName() {
    while let byte = peek(0), isNameByte(byte) { position += 1 }
  }

  private mutating func number() -> Token.Kind {
    var kind = Token.Kind.integer
    skipDigits()
    if peek(0) == UInt8(ascii: "."), let next = peek(1), isDigit(next) {
      kind = .real
      position += 1
      skipDigits()
    }
    if let byte = peek(0), byte | 0x20 == UInt8(ascii: "e") {
      var exponent = 1
      if let sign = peek(1), sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { exponent = 2 }
      if let digit = peek(exponent), isDigit(digit) {
        kind = .real
        position += exponent
        skipDigits()
      }
    }
    return kind
  }

  private mutating func skipDigits() {
    while let byte = peek(0), isDigit(byte) { position += 1 }
  }

  /// Steps over a string literal, which ends on its line; false when it does not.
  private mutating func string() -> Bool {
    var end = position + 1
    while end < bytes.count, bytes[end] != UInt8(ascii: "\n") {
      if bytes[end] == UInt8(ascii: "\"") {
        position = end + 1
        return true
      }
      end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1
    }
    return false
  }

  /// Reports what is no token and steps over it: a string to the end of its line, otherwise all that follows of its kind.
  private mutating func unexpected(_ start: Int) {
    position = start
    let byte = bytes[start]
    if byte == UInt8(ascii: "\"")
      || (byte == UInt8(ascii: "%") || byte == UInt8(ascii: "@")) && peek(1) == UInt8(ascii: "\"")
    {
      position = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      report("syntax.string", "expected a string with at least one character that ends on its line", start)
      return
    }
    if byte == UInt8(ascii: "%") || byte == UInt8(ascii: "@") {
      position += 1
      report("syntax.name", "expected a name after '\(Character(Unicode.Scalar(byte)))'", start)
      return
    }
    position += 1
    while let next = peek(0), isForeign(next) { position += 1 }
    let text = String(decoding: bytes[start..<min(position, start + 40)], as: UTF8.self)
    report("syntax.character", "'\(printable(text))' has no meaning here", start)
  }

  private mutating func report(_ id: String, _ message: String, _ start: Int) {
    diagnostics.append(Diagnostic(id, message, at: SourceRange(source, start, position)))
  }

  private func printable(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? "?" : $0 }))
  }

  /// Bytes that start no token and are no blank.
  private func isForeign(_ byte: UInt8) -> Bool {
    if isNameByte(byte) && byte != UInt8(ascii: ".") && byte != UInt8(ascii: "$") { return false }
    return !" \t\r\n%@\"-/(){}[]<>,:=".utf8.contains(byte)
  }

  private func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "$"):
      true
    default: false
    }
  }

  private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  private func peek(_ offset: Int) -> UInt8? {
    position + offset < bytes.count ? bytes[position + offset] : nil
  }
}
