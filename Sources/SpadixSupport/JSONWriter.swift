extension JSONValue {
  /// The value as JSON text: on one line, or indented by two spaces a level.
  ///
  /// Numbers are the shortest decimals that read back the same; those JSON cannot hold (NaN, infinities) become null.
  public func text(pretty: Bool = false) -> String {
    var writer = JSONWriter(isPretty: pretty)
    writer.write(self, depth: 0)
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}

private struct JSONWriter {
  let isPretty: Bool
  var bytes: [UInt8] = []

  mutating func write(_ value: JSONValue, depth: Int) {
    switch value {
    case .null: bytes += "null".utf8
    case .boolean(let boolean): bytes += (boolean ? "true" : "false").utf8
    case .integer(let integer): bytes += String(integer).utf8
    case .number(let number): bytes += (number.isFinite ? "\(number)" : "null").utf8
    case .string(let string): write(string)
    case .array(let elements):
      // Arrays of scalars stay on one line: shapes and bounds are read at a glance.
      let isFlat = elements.allSatisfy { $0.elements == nil && $0.members == nil }
      open("[")
      for (index, element) in elements.enumerated() {
        separate(index, depth: depth + 1, flat: isFlat)
        write(element, depth: depth + 1)
      }
      close("]", isEmpty: elements.isEmpty || isFlat, depth: depth)
    case .object(let members):
      open("{")
      for (index, member) in members.enumerated() {
        separate(index, depth: depth + 1, flat: false)
        write(member.key)
        bytes += (isPretty ? ": " : ":").utf8
        write(member.value, depth: depth + 1)
      }
      close("}", isEmpty: members.isEmpty, depth: depth)
    }
  }

  private mutating func open(_ bracket: String) { bytes += bracket.utf8 }

  private mutating func separate(_ index: Int, depth: Int, flat: Bool) {
    if index > 0 { bytes += (isPretty && flat ? ", " : ",").utf8 }
    if isPretty && !flat { newLine(depth) }
  }

  private mutating func close(_ bracket: String, isEmpty: Bool, depth: Int) {
    if isPretty && !isEmpty { newLine(depth) }
    bytes += bracket.utf8
  }

  private mutating func newLine(_ depth: Int) {
    bytes.append(UInt8(ascii: "\n"))
    bytes += repeatElement(UInt8(ascii: " "), count: 2 * depth)
  }

  private mutating func write(_ string: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in string.utf8 {
      switch byte {
      case UInt8(ascii: "\""): bytes += "\\\"".utf8
      case UInt8(ascii: "\\"): bytes += "\\\\".utf8
      case UInt8(ascii: "\n"): bytes += "\\n".utf8
      case UInt8(ascii: "\r"): bytes += "\\r".utf8
      case UInt8(ascii: "\t"): bytes += "\\t".utf8
      case 0..<0x20:
        let digits = String(byte, radix: 16)
        bytes += "\\u\(String(repeating: "0", count: 4 - digits.utf8.count))\(digits)".utf8
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
