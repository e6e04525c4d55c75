import SpadixSupport
import SpadixTensor

/// A whole program as assembly text, and back: nothing is lost, so `disasm | asm` gives the same file.
///
/// `;` starts a comment. `.spadix` carries the metadata of the program file as JSON; `.dram k` and `.expect k` are followed
/// by the bytes of that segment in hexadecimal.
extension Program {
  /// - Parameter annotated: says for each command its index, the symbols it addresses and the operation it came from.
  public func assembly(annotated: Bool = false) -> String {
    var text = "; \(commands.count) commands for target \(target.name)\n.spadix \(metadata().text())\n"
    text.reserveCapacity(commands.count * 64)
    var range = 0
    for (index, command) in commands.enumerated() {
      while range < debug.count && debug[range].first <= index {
        text += "\n; \(Self.comment(debug[range].operation))"
        text += debug[range].line > 0 ? " (line \(debug[range].line))\n" : "\n"
        range += 1
      }
      text += Assembly.text(command)
      if annotated { text += "  ; #\(index)\(annotation(of: command))" }
      text += "\n"
    }
    for (index, segment) in segments.enumerated() { text += Self.bytes(".dram", index, segment) }
    for (index, segment) in expectations.enumerated() { text += Self.bytes(".expect", index, segment) }
    return text
  }

  /// The symbols behind the DRAM addresses of a command, and the rows behind its local ones.
  public func annotation(of command: Command) -> String {
    guard let format = CommandFormat.of(command) else { return "" }
    var text = ""
    for field in format.fields {
      let bits = field.bits(of: command)
      switch field.kind {
      case .address: if let place = place(of: bits) { text += ", \(field.name) \(place)" }
      case .tile:
        let tile = LocalTile(bits: bits)
        if tile.address.isGarbage || tile.rows == 0 { continue }
        let memory = tile.address.isAccumulator ? "accumulator" : "scratchpad"
        text += ", \(field.name) \(memory) rows \(tile.address.row)...\(tile.address.row + tile.rows - 1)"
      case .local:
        text += ", \(field.name) scratchpad row \(LocalAddress(bits: UInt32(bits)).row)"
      case .unsigned, .signed, .flag, .float: continue
      }
    }
    return text
  }

  /// `name+offset` of the symbol that holds an address; nil outside all symbols.
  public func place(of address: UInt64) -> String? {
    let symbol = symbols.last { address >= $0.address && address < $0.address + UInt64($0.length) }
    guard let symbol else { return nil }
    let offset = address - symbol.address
    return offset == 0 ? symbol.name : "\(symbol.name)+\(offset)"
  }

  private static func comment(_ text: String) -> String { text.replacing("\n", with: " ") }

  private static func bytes(_ directive: String, _ index: Int, _ segment: Segment) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text = Array("\n\(directive) \(index)\n".utf8)
    text.reserveCapacity(segment.bytes.count * 2 + segment.bytes.count / 48 + 32)
    for (position, byte) in segment.bytes.enumerated() {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
      if position % 48 == 47 { text.append(UInt8(ascii: "\n")) }
    }
    if segment.bytes.count % 48 != 0 { text.append(UInt8(ascii: "\n")) }
    return String(decoding: text, as: UTF8.self)
  }

  /// Reads assembly text. Throws `asm.*` diagnostics with their lines, and `program.*` ones for illegal metadata.
  public init(assembly source: SourceText) throws {
    var reader = AssemblyReader(source: source)
    self = try reader.read()
  }
}

private struct AssemblyReader {
  let source: SourceText
  var metadata: JSONValue?
  var commands: [Command] = []
  /// Bytes of `.dram k` and `.expect k`.
  var segments: [(directive: String, bytes: [UInt8])] = []
  var diagnostics = Diagnostics()

  init(source: SourceText) { self.source = source }

  mutating func read() throws -> Program {
    guard String(validating: source.bytes, as: UTF8.self) != nil else {
      throw Diagnostic("asm.encoding", "'\(source.name)' is not UTF-8 text")
    }
    var start = 0
    while start < source.bytes.count && diagnostics.all.count < 20 {
      let end = source.bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? source.bytes.count
      do {
        try line(start, end)
      } catch let diagnostic as Diagnostic {
        diagnostics.report(diagnostic)
      }
      start = end + 1
    }
    try diagnostics.throwIfErrors()
    guard let metadata else {
      throw Diagnostic(
        "asm.metadata", "'\(source.name)' has no .spadix line, which carries the target and the bindings",
        help: "spadix disasm prints one")
    }
    return try program(metadata)
  }

  private mutating func line(_ start: Int, _ end: Int) throws {
    var first = start
    while first < end, [0x20, 0x09, 0x0d].contains(source.bytes[first]) { first += 1 }
    if first == end || source.bytes[first] == UInt8(ascii: ";") { return }
    if source.bytes[first] == UInt8(ascii: ".") {
      try directive(String(decoding: source.bytes[first..<end], as: UTF8.self), first, end)
    } else if !segments.isEmpty {
      try hexadecimal(first, end)
    } else {
      var last = first
      while last < end, source.bytes[last] != UInt8(ascii: ";"), source.bytes[last] != 0x0d { last += 1 }
      let text = String(decoding: source.bytes[first..<last], as: UTF8.self)
      commands.append(try Assembly.parse(text[...], in: source, at: first))
    }
  }

  private mutating func directive(_ text: String, _ start: Int, _ end: Int) throws {
    let place = SourceRange(source, start, end)
    let parts = text.split(separator: " ", maxSplits: 1)
    switch parts[0] {
    case ".spadix":
      guard metadata == nil else { throw Diagnostic("asm.metadata", "a second .spadix line", at: place) }
      metadata = try JSONValue(parsing: SourceText(name: source.name, text: parts.count > 1 ? String(parts[1]) : ""))
    case ".dram", ".expect":
      segments.append((text.trimmed, []))
    default:
      throw Diagnostic("asm.directive", "there is no directive '\(parts[0])'", at: place)
    }
  }

  private mutating func hexadecimal(_ start: Int, _ end: Int) throws {
    var digits: [UInt8] = []
    for position in start..<end where ![0x20, 0x0d].contains(source.bytes[position]) {
      guard let digit = Character(Unicode.Scalar(source.bytes[position])).hexDigitValue else {
        throw Diagnostic(
          "asm.bytes", "expected bytes in hexadecimal", at: SourceRange(source, position, position + 1))
      }
      digits.append(UInt8(digit))
    }
    guard digits.count % 2 == 0 else {
      throw Diagnostic("asm.bytes", "a byte has two digits; found \(digits.count)", at: SourceRange(source, start, end))
    }
    for index in stride(from: 0, to: digits.count, by: 2) {
      segments[segments.count - 1].bytes.append(digits[index] << 4 | digits[index + 1])
    }
  }

  /// Goes through the file format, whose reader checks everything.
  private func program(_ metadata: JSONValue) throws -> Program {
    var writer = SafetensorsWriter()
    writer.metadata = [Safetensors.Metadata("spadix", metadata.text())]
    writer.add("commands", .u64, shape: [commands.count, 3], bytes: Program.bytes(of: commands))
    var names: Set<String> = []
    for segment in segments {
      let name = String(segment.directive.dropFirst().replacing(" ", with: "."))
      guard names.insert(name).inserted else {
        throw Diagnostic("asm.duplicate-segment", "'\(source.name)' has two segments '\(segment.directive)'")
      }
      writer.add(name, .u8, shape: [segment.bytes.count], bytes: segment.bytes)
    }
    return try Program(file: writer.serialized(), name: source.name)
  }
}

extension String {
  fileprivate var trimmed: String {
    var text = self[...]
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }
}
