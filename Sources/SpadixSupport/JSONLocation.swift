/// Where in a JSON text a member or element stands. Values do not carry their places; this looks for one again, for a
/// diagnostic.
public struct JSONLocation {
  private let bytes: [UInt8]
  private var position = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The range of the value at a path such as `ops[3].inputs[0]`, in a text that parsed; as far as the path exists.
  public static func range(of path: String, in source: SourceText) -> SourceRange {
    var location = JSONLocation(source.bytes)
    location.skipSpace()
    for component in components(path) {
      let before = location.position
      if !location.enter(component) {
        location.position = before
        break
      }
    }
    let start = location.position
    let isContainer = location.byte == UInt8(ascii: "{") || location.byte == UInt8(ascii: "[")
    if isContainer { location.position += 1 } else { location.skipValue() }
    return SourceRange(source, start, max(start + 1, location.position))
  }

  private enum Component {
    case key(String)
    case index(Int)
  }

  private static func components(_ path: String) -> [Component] {
    path.split(whereSeparator: { $0 == "." || $0 == "[" }).map { part in
      part.last == "]" ? .index(Int(part.dropLast()) ?? 0) : .key(String(part))
    }
  }

  private var byte: UInt8 { position < bytes.count ? bytes[position] : 0 }

  private mutating func skipSpace() {
    while position < bytes.count, byte <= UInt8(ascii: " ") { position += 1 }
  }

  /// Goes from the start of a container to the start of one of its values.
  private mutating func enter(_ component: Component) -> Bool {
    let isObject = byte == UInt8(ascii: "{")
    guard isObject || byte == UInt8(ascii: "[") else { return false }
    position += 1
    var number = 0
    while true {
      skipSpace()
      if position >= bytes.count || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") { return false }
      var isWanted = false
      switch component {
      case .index(let index): isWanted = !isObject && number == index
      case .key(let key):
        guard isObject else { return false }
        let start = position
        skipValue()
        isWanted = Array(bytes[start..<position]) == Array("\"\(key)\"".utf8)
        skipSpace()
        position += 1
        skipSpace()
      }
      if isWanted { return true }
      skipValue()
      skipSpace()
      if byte == UInt8(ascii: ",") { position += 1 }
      number += 1
    }
  }

  private mutating func skipValue() {
    var depth = 0
    repeat {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        while position < bytes.count, byte != UInt8(ascii: "\"") {
          position += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        position += 1
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        position += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        position += 1
      case UInt8(ascii: ","), UInt8(ascii: ":"), 0...UInt8(ascii: " "): position += 1
      default:
        let ends = Array(",:]}\"[{ \t\r\n".utf8)
        while position < bytes.count, !ends.contains(byte) { position += 1 }
      }
    } while depth > 0 && position < bytes.count
  }
}
