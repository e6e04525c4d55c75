extension AttributeValue: CustomStringConvertible {
  /// As in the text: shortest decimal that reads back as the same Float32.
  public var description: String {
    switch self {
    case .integer(let value): "\(value)"
    case .real(let value): "\(value)"
    case .boolean(let value): "\(value)"
    case .keyword(let word): word
    case .string(let text): quoted(text)
    case .symbol(let name): SpadixIR.symbol(name)
    case .list(let elements): "[\(elements.map(\.description).joined(separator: ", "))]"
    }
  }
}

/// A string literal of the text.
func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case "\t": result += "\\t"
    case "\r": result += "\\r"
    default:
      if scalar.value < 0x20 || scalar.value == 0x7f {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
  }
  return result + "\""
}
