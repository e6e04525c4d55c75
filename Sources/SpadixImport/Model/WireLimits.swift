import SpadixSupport

/// What a file may hold, checked on the encoded bytes before they are decoded: a message of two bytes takes a hundred
/// times as much memory once it is decoded, and numbers of one byte take eight.
struct WireLimits {
  /// Of messages within messages: three for each graph within a graph.
  static let maximumDepth = 256
  /// Messages in a file: nodes, attributes, tensors, names of dimensions.
  static let maximumMessages = 4_000_000
  /// Strings and numbers outside of packed lists.
  static let maximumScalars = 32_000_000

  private var messages = 0
  private var scalars = 0

  /// Which fields of a message hold messages, by the message's kind. Packed numbers and raw bytes are not entered.
  private enum Kind {
    case model, function, graph, node, attribute, tensor, port, portType, tensorPort, shape, leaf

    func message(in field: UInt64) -> Kind? {
      switch (self, field) {
      case (.model, 7): .graph
      case (.model, 8), (.function, 9): .leaf
      case (.model, 25): .function
      case (.function, 7): .node
      case (.function, 11): .attribute
      case (.graph, 1): .node
      case (.graph, 5): .tensor
      case (.graph, 11), (.graph, 12): .port
      case (.node, 5): .attribute
      case (.attribute, 5): .tensor
      case (.attribute, 6): .graph
      case (.tensor, 13): .leaf
      case (.port, 2): .portType
      case (.portType, 1): .tensorPort
      case (.tensorPort, 2): .shape
      case (.shape, 1): .leaf
      default: nil
      }
    }
  }

  /// Throws `onnx.damaged` and `onnx.limit`.
  static func check(_ bytes: [UInt8], name: String) throws {
    var limits = WireLimits()
    let problem = bytes.withUnsafeBytes { limits.problem($0[...], .model, depth: 0) }
    switch problem {
    case nil: return
    case .damaged(let reason): throw ModelFile.damaged(name, reason)
    case .tooMany(let what):
      throw Diagnostic("onnx.limit", "'\(name)' has too many \(what) to be a network")
    }
  }

  private enum Problem {
    case damaged(String)
    case tooMany(String)
  }

  private mutating func problem(_ bytes: Slice<UnsafeRawBufferPointer>, _ kind: Kind, depth: Int) -> Problem? {
    if depth > Self.maximumDepth { return .tooMany("graphs within graphs") }
    messages += 1
    if messages > Self.maximumMessages { return .tooMany("messages") }
    var position = bytes.startIndex
    while position < bytes.endIndex {
      guard let tag = Self.number(bytes, &position) else { return .damaged("it ends too early") }
      scalars += 1
      if scalars > Self.maximumScalars { return .tooMany("fields") }
      switch tag & 7 {
      case 0: if Self.number(bytes, &position) == nil { return .damaged("it ends too early") }
      case 1: position += 8
      case 5: position += 4
      case 2:
        guard let length = Self.number(bytes, &position), length <= UInt64(bytes.endIndex - position) else {
          return .damaged("it ends too early")
        }
        let end = position + Int(length)
        if let inner = kind.message(in: tag >> 3),
          let problem = problem(bytes[position..<end], inner, depth: depth + 1)
        {
          return problem
        }
        position = end
      default: return .damaged("it is not in Protocol Buffers' format")
      }
      if position > bytes.endIndex { return .damaged("it ends too early") }
    }
    return nil
  }

  /// A variable-length integer; nil where it has no end.
  private static func number(_ bytes: Slice<UnsafeRawBufferPointer>, _ position: inout Int) -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < bytes.endIndex, shift < 64 {
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }
}
