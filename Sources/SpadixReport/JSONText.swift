/// JSON with its keys in the order in which they are given, so that equal reports are equal bytes.
indirect enum JSONText {
  case integer(Int)
  /// A number that is already text, such as `43.1`.
  case number(String)
  case string(String)
  case bool(Bool)
  case null
  case array([JSONText])
  case object([(String, JSONText)])

  static func optional(_ value: Int?) -> JSONText { value.map { .integer($0) } ?? .null }
  static func optional(_ value: String?) -> JSONText { value.map { .string($0) } ?? .null }

  /// Indented by two blanks; objects and arrays of plain values stay on one line.
  func text(indent: String = "") -> String {
    switch self {
    case .integer(let value): return String(value)
    case .number(let text): return text
    case .string(let text): return Self.quoted(text)
    case .bool(let value): return value ? "true" : "false"
    case .null: return "null"
    case .array(let elements):
      return Self.bracketed(
        "[", "]", elements.map { ("", $0) }, isFlat: elements.allSatisfy(\.isPlain), indent: indent)
    case .object(let members):
      return Self.bracketed(
        "{", "}", members.map { (Self.quoted($0.0) + ": ", $0.1) },
        isFlat: members.allSatisfy { $0.1.isPlain }, indent: indent)
    }
  }

  private var isPlain: Bool {
    switch self {
    case .integer, .number, .string, .bool, .null: true
    case .array(let elements): elements.isEmpty
    case .object(let members): members.isEmpty
    }
  }

  private static func bracketed(
    _ open: String, _ close: String, _ items: [(prefix: String, value: JSONText)], isFlat: Bool, indent: String
  ) -> String {
    if isFlat { return open + items.map { $0.prefix + $0.value.text() }.joined(separator: ", ") + close }
    let inner = indent + "  "
    let lines = items.map { inner + $0.prefix + $0.value.text(indent: inner) }
    return open + "\n" + lines.joined(separator: ",\n") + "\n" + indent + close
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
