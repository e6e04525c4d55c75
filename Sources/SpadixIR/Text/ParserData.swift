import SpadixSupport
import SpadixTensor

// data   = 'data' @name ':' type '=' source
// source = 'file' '(' string [ ',' string ] ')'
//        | 'splat' '(' number ')'
//        | 'random' '(' 'seed' '=' integer [ ',' 'low' '=' number ',' 'high' '=' number | ',' 'laplace' '=' number ] ')'
//        | 'hex' '(' string { ',' string } ')'
//        | list of numbers, flat or nested as the shape
extension Parser {
  mutating func dataDefinition() throws {
    advance()
    let nameToken = try expectToken(.symbol, "the data's name, such as @conv1.weight")
    let name = try name(nameToken)
    if let earlier = dataByName[name] {
      report(
        Diagnostic(
          "ir.duplicate-data", "data @\(name) is defined twice", at: range(nameToken),
          notes: [Diagnostic.Note("the first time", at: graph.data[earlier].range)]))
    }
    do {
      try expect(":", " and a type")
      let type = try type()
      try expect("=", " and where the elements come from")
      let source = try dataSource(type)
      if dataByName[name] == nil { dataByName[name] = DataID(graph.data.count) }
      graph.data.append(
        DataDefinition(name: name, type: type, source: source, range: range(nameToken), baseFile: baseFile))
    } catch {
      brokenData.insert(name)
      throw error
    }
  }

  private mutating func dataSource(_ type: TensorType) throws -> DataSource {
    if isPunctuation("[") { return .literal(try literal(type)) }
    let keyword = token
    guard keyword.kind == .word else { throw unexpected("file(...), splat(...), random(...), hex(...) or a list") }
    advance()
    switch text(keyword) {
    case "file": return try fileSource(type)
    case "splat":
      try expect("(")
      var elements = ElementReader(type.element)
      try elements.read(&self)
      try expect(")")
      return .splat(elements.storage)
    case "random": return try randomSource(type, keyword)
    case "hex": return .literal(try hexadecimal(type, keyword))
    case "elided":
      throw Diagnostic(
        "data.elided", "the elements of this data were left out when the graph was printed", at: range(keyword),
        help: "write the graph to a file, or use --dump-dir, to have them in a file beside it")
    default:
      throw Diagnostic(
        "syntax.expected",
        "expected file(...), splat(...), random(...), hex(...) or a list, found "
          + "'\(text(keyword))'", at: range(keyword))
    }
  }

  private mutating func fileSource(_ type: TensorType) throws -> DataSource {
    var arguments: [String] = []
    let start = token.start
    try list("(", ")") { parser in
      arguments.append(try parser.string(try parser.expectToken(.string, "a string")))
    }
    guard (1...2).contains(arguments.count), arguments.allSatisfy({ !$0.isEmpty }) else {
      throw Diagnostic(
        "data.file", "expected the path of a file and, for safetensors, the name of a tensor in it",
        at: range(from: start))
    }
    if arguments.count == 1, !arguments[0].hasSuffix(".npy") {
      throw Diagnostic(
        "data.file", "expected the name of a tensor after '\(arguments[0])'; only a .npy file is read whole",
        at: range(from: start))
    }
    return .file(path: arguments[0], tensor: arguments.count == 2 ? arguments[1] : nil)
  }

  private mutating func randomSource(_ type: TensorType, _ keyword: Token) throws -> DataSource {
    var seed: UInt64?
    var low: Float?
    var high: Float?
    var laplace: Float?
    try list("(", ")") { parser in
      let name = try parser.expectToken(.word, "seed, low, high or laplace")
      try parser.expect("=")
      switch parser.text(name) {
      case "seed":
        guard parser.token.kind == .integer, let value = UInt64(parser.text(parser.token)) else {
          throw parser.unexpected("an integer from 0 to 2^64 - 1")
        }
        parser.advance()
        seed = value
      case "low": low = try parser.finiteReal()
      case "high": high = try parser.finiteReal()
      case "laplace": laplace = try parser.finiteReal()
      default:
        throw Diagnostic(
          "syntax.expected", "expected seed, low, high or laplace, found '\(parser.text(name))'",
          at: parser.range(name))
      }
    }
    func problem(_ message: String) -> Diagnostic {
      Diagnostic("data.random", message, at: range(from: keyword.start))
    }
    guard let seed else { throw problem("expected a seed, as in random(seed = 1)") }
    guard (low == nil) == (high == nil), low == nil || laplace == nil else {
      throw problem("expected low and high together, or laplace, or none of them")
    }
    let distribution: RandomSource.Distribution? =
      if let low, let high { .uniform(low: low, high: high) } else { laplace.map { .laplace(scale: $0) } }
    let source = RandomSource(seed: seed, distribution: distribution)
    if let message = DataRules.problem(source, type.element) { throw problem(message) }
    return .random(source)
  }

  private mutating func hexadecimal(_ type: TensorType, _ keyword: Token) throws -> Tensor.Storage {
    var bytes: [UInt8] = []
    try list("(", ")") { parser in
      let digits = try parser.expectToken(.string, "a string of hexadecimal digits")
      let content = parser.source.bytes[(digits.start + 1)..<(digits.end - 1)]
      guard content.count % 2 == 0 else {
        throw Diagnostic("data.hex", "expected two digits for each byte", at: parser.range(digits))
      }
      bytes.reserveCapacity(bytes.count + content.count / 2)
      var position = content.startIndex
      while position < content.endIndex {
        guard let high = hexadecimalDigit(content[position]), let low = hexadecimalDigit(content[position + 1]) else {
          throw Diagnostic("data.hex", "expected hexadecimal digits only", at: parser.range(digits))
        }
        bytes.append(high << 4 | low)
        position += 2
      }
    }
    guard bytes.count == type.byteCount else {
      throw Diagnostic(
        "data.count", "found \(counted(bytes.count, "byte")); expected \(type.byteCount) for \(type.shortDescription)",
        at: range(from: keyword.start))
    }
    return Tensor.Storage(littleEndian: bytes, type.element)
  }

  /// A list of the elements: flat, or nested as the shape is.
  private mutating func literal(_ type: TensorType) throws -> Tensor.Storage {
    let start = token.start
    var elements = ElementReader(type.element)
    advance()
    let isNested = isPunctuation("[")
    if isNested {
      try nestedList(type.shape, axis: 0, &elements)
    } else if !take("]") {
      repeat { try elements.read(&self) } while take(",")
      try expect("]", " or ','")
    }
    guard elements.storage.count == type.elementCount else {
      throw Diagnostic(
        "data.count",
        "found \(counted(elements.storage.count, "element")); expected \(type.elementCount) for \(type.shortDescription)",
        at: range(from: start))
    }
    return elements.storage
  }

  /// What follows the opening bracket of a list along an axis, up to its closing one.
  private mutating func nestedList(_ shape: [Int], axis: Int, _ elements: inout ElementReader) throws {
    let start = previousEnd - 1
    var count = 0
    repeat {
      if axis + 1 < shape.count {
        try expect("[", " as the shape \(shape) has another axis")
        try nestedList(shape, axis: axis + 1, &elements)
      } else {
        try elements.read(&self)
      }
      count += 1
    } while take(",")
    try expect("]", " or ','")
    guard axis < shape.count, count == shape[axis] else {
      let expected = axis < shape.count ? "\(shape[axis])" : "none"
      throw Diagnostic(
        "data.count",
        "found \(counted(count, "element")) along axis \(axis); expected \(expected) for the shape \(shape)",
        at: range(from: start))
    }
  }
}

private func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}

/// Collects numbers of the text as elements of a type.
private struct ElementReader {
  private(set) var storage: Tensor.Storage

  init(_ element: ElementType) {
    switch element {
    case .f32: storage = .f32([])
    case .i8, .q8: storage = .i8([])
    case .i32: storage = .i32([])
    }
  }

  mutating func read(_ parser: inout Parser) throws {
    // The array is taken out of the enum while it grows, so that appending does not copy it.
    switch storage {
    case .f32(var values):
      storage = .f32([])
      values.append(try parser.finiteReal())
      storage = .f32(values)
    case .i8(var values):
      storage = .i8([])
      values.append(try integer(&parser))
      storage = .i8(values)
    case .i32(var values):
      storage = .i32([])
      values.append(try integer(&parser))
      storage = .i32(values)
    }
  }

  private func integer<Element: FixedWidthInteger>(_ parser: inout Parser) throws -> Element {
    let token = parser.token
    let value = try parser.integer()
    guard let element = Element(exactly: value) else {
      throw Diagnostic(
        "data.element", "the element is \(value); expected \(Element.min)...\(Element.max)", at: parser.range(token))
    }
    return element
  }
}

extension Tensor.Storage {
  /// - Precondition: a whole number of elements.
  init(littleEndian bytes: [UInt8], _ element: ElementType) {
    switch element {
    case .f32: self = .f32(littleEndianValues(bytes))
    case .i8, .q8: self = .i8(littleEndianValues(bytes))
    case .i32: self = .i32(littleEndianValues(bytes))
    }
  }
}
