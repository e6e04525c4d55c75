import Foundation

extension JSONValue {
  /// Parses JSON text (RFC 8259), with the place of the first error.
  ///
  /// Stricter than the letter of the standard in two points: the keys of an object must differ, and values may nest no
  /// deeper than 256 levels.
  public init(parsing source: SourceText) throws {
    var parser = JSONParser(source: source)
    self = try parser.document()
  }

  /// Where the value at a path such as `ops[3].inputs[0]` stands in a text that parses, for a diagnostic; where there is
  /// none, what it is missing from. Of objects and arrays it is the bracket.
  public static func range(of path: String, in source: SourceText) -> SourceRange {
    var parser = JSONParser(source: source)
    parser.sought = path.split { $0 == "." || $0 == "[" }.map(String.init)
    _ = try? parser.document()
    return parser.place ?? SourceRange(source, 0, 1)
  }
}

private struct JSONParser {
  private static let maximumDepth = 256

  let source: SourceText
  private let bytes: [UInt8]
  private var position = 0
  /// The steps of a path whose value is looked for: keys, and indices as `3]`.
  var sought: [String]?
  /// The place of the innermost value on that path so far.
  private(set) var place: SourceRange?
  private var path: [String] = []

  init(source: SourceText) {
    self.source = source
    self.bytes = source.bytes
  }

  mutating func document() throws -> JSONValue {
    let value = try self.value(depth: 0)
    skipSpace()
    if position < bytes.count { throw error("expected the end of the text, found \(found())") }
    return value
  }

  private mutating func value(depth: Int) throws -> JSONValue {
    skipSpace()
    guard position < bytes.count else { throw error("expected a value, found the end of the text") }
    let start = position
    let isOnPath = sought?.starts(with: path) == true
    if isOnPath { place = SourceRange(source, start, start + 1) }
    defer {
      if isOnPath, path == sought, bytes[start] != UInt8(ascii: "{"), bytes[start] != UInt8(ascii: "[") {
        place = SourceRange(source, start, position)
      }
    }
    switch bytes[position] {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    case UInt8(ascii: "t"): return try word("true", .boolean(true))
    case UInt8(ascii: "f"): return try word("false", .boolean(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: throw error("expected a value, found \(found())")
    }
  }

  /// The value one step further into a container.
  private mutating func value(depth: Int, step: String) throws -> JSONValue {
    path.append(step)
    defer { path.removeLast() }
    return try value(depth: depth)
  }

  private mutating func object(depth: Int) throws -> JSONValue {
    try enter(depth)
    var members: [JSONValue.Member] = []
    var keys: Set<String> = []
    if skip(UInt8(ascii: "}")) { return .object([]) }
    repeat {
      skipSpace()
      let start = position
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
        throw error("expected a key in double quotes, found \(found())")
      }
      let key = try string()
      guard keys.insert(key).inserted else { throw error("the key \"\(key)\" stands here twice", at: start) }
      guard skip(UInt8(ascii: ":")) else { throw error("expected ':', found \(found())") }
      members.append(JSONValue.Member(key, try value(depth: depth + 1, step: key)))
    } while skip(UInt8(ascii: ","))
    guard skip(UInt8(ascii: "}")) else { throw error("expected ',' or '}', found \(found())") }
    return .object(members)
  }

  private mutating func array(depth: Int) throws -> JSONValue {
    try enter(depth)
    var elements: [JSONValue] = []
    if skip(UInt8(ascii: "]")) { return .array([]) }
    repeat {
      elements.append(try value(depth: depth + 1, step: sought == nil ? "" : "\(elements.count)]"))
    } while skip(UInt8(ascii: ","))
    guard skip(UInt8(ascii: "]")) else { throw error("expected ',' or ']', found \(found())") }
    return .array(elements)
  }

  /// Steps over an opening bracket.
  private mutating func enter(_ depth: Int) throws {
    if depth >= Self.maximumDepth { throw error("values nest deeper than \(Self.maximumDepth) levels") }
    position += 1
  }

  private mutating func number() throws -> JSONValue {
    let start = position
    _ = take(UInt8(ascii: "-"))
    let isZero = position < bytes.count && bytes[position] == UInt8(ascii: "0")
    let digits = digits()
    guard digits > 0 else { throw error("expected digits, found \(found())") }
    if isZero && digits > 1 { throw error("a number may not start with 0", at: start) }
    var isInteger = true
    if take(UInt8(ascii: ".")) {
      isInteger = false
      if self.digits() == 0 { throw error("expected digits after the point, found \(found())") }
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      isInteger = false
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      if self.digits() == 0 { throw error("expected digits in the exponent, found \(found())") }
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let integer = Int(text) { return .integer(integer) }
    guard let number = Double(text), number.isFinite else { throw error("the number is too large", at: start) }
    return .number(number)
  }

  private mutating func digits() -> Int {
    let start = position
    while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) { position += 1 }
    return position - start
  }

  private mutating func string() throws -> String {
    let start = position
    position += 1
    var content: [UInt8] = []
    var runStart = position
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        content += bytes[runStart..<position]
        position += 1
        guard let text = String(validating: content, as: UTF8.self) else {
          throw error("the string is not UTF-8", at: start)
        }
        return text
      case UInt8(ascii: "\\"):
        content += bytes[runStart..<position]
        try escape(into: &content)
        runStart = position
      case 0..<0x20: throw error("a string may not contain control characters")
      default: position += 1
      }
    }
    throw error("the string does not end", at: start)
  }

  private mutating func escape(into content: inout [UInt8]) throws {
    let start = position
    position += 1
    guard position < bytes.count else { throw error("the string does not end", at: start) }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
    case UInt8(ascii: "b"): content.append(0x08)
    case UInt8(ascii: "f"): content.append(0x0c)
    case UInt8(ascii: "n"): content.append(0x0a)
    case UInt8(ascii: "r"): content.append(0x0d)
    case UInt8(ascii: "t"): content.append(0x09)
    case UInt8(ascii: "u"):
      var code = try hexadecimal(start)
      if (0xd800..<0xdc00).contains(code) {
        guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw error("half a surrogate pair", at: start) }
        let low = try hexadecimal(start)
        guard (0xdc00..<0xe000).contains(low) else { throw error("half a surrogate pair", at: start) }
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("half a surrogate pair", at: start) }
      content += String(Character(scalar)).utf8
    default: throw error("unknown escape sequence", at: start)
    }
  }

  private mutating func hexadecimal(_ start: Int) throws -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
        throw error("expected four hexadecimal digits", at: start)
      }
      code = code << 4 + UInt32(digit)
      position += 1
    }
    return code
  }

  private mutating func word(_ word: String, _ value: JSONValue) throws -> JSONValue {
    guard bytes[position...].starts(with: word.utf8) else { throw error("expected a value, found \(found())") }
    position += word.utf8.count
    return value
  }

  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x0a, 0x0d, 0x09: position += 1
      default: return
      }
    }
  }

  private mutating func skip(_ byte: UInt8) -> Bool {
    skipSpace()
    return take(byte)
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private func found() -> String {
    guard position < bytes.count else { return "the end of the text" }
    let byte = bytes[position]
    return (0x21..<0x7f).contains(byte) ? "'\(Character(Unicode.Scalar(byte)))'" : "byte \(byte)"
  }

  private func error(_ message: String, at start: Int? = nil) -> Diagnostic {
    let start = start ?? position
    return Diagnostic("json.syntax", message, at: SourceRange(source, start, start + 1))
  }
}
