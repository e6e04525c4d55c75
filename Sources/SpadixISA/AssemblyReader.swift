import SpadixSupport
import SpadixTensor

/// Reads a whole program from assembly text: a command a line, `;` before comments, directives before and between.
///
/// The directives are those of `disasm`, which lose nothing, or those for people, never both:
///
///     .spadix JSON              everything of the program file but commands and bytes
///     .dram k, .expect k        before the bytes of that segment, in hexadecimal
///
///     .target NAME|{YAML}       a preset, or the parameters of a target file in braces
///     .data ADDRESS TYPE        before initial values of DRAM; types are i8, i32 and f32, `5*16` is sixteen fives
///     .expect ADDRESS TYPE      before the values that DRAM must have at the end
///     .unspecified ADDRESS n    n bytes within the expectations that may end with any value
///     .operation TEXT           the operation that the following commands belong to
///
/// In both, `.loop VARIABLE COUNT` and `.end` stand around commands that repeat (LoopAssembly.swift).
struct AssemblyReader {
  let source: SourceText
  var metadata: JSONValue?
  var written: HandwrittenProgram?
  var commands: [Command] = []
  var loops = LoopReader()
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
    if let place = loops.place {
      diagnostics.report(Diagnostic("asm.loop", "the loop has no .end", at: place))
    }
    try diagnostics.throwIfErrors()
    if let metadata { return try program(metadata) }
    guard let written else {
      throw Diagnostic(
        "asm.metadata", "'\(source.name)' has neither a .target line nor a .spadix line, which names the target",
        help: ".target spadix; or spadix disasm prints a .spadix line")
    }
    // The file's reader checks everything.
    return try Program(file: written.program(commands).serialized(), name: source.name)
  }

  private mutating func line(_ start: Int, _ end: Int) throws {
    var first = start
    while first < end, [0x20, 0x09, 0x0d].contains(source.bytes[first]) { first += 1 }
    if first == end || source.bytes[first] == UInt8(ascii: ";") { return }
    if source.bytes[first] != UInt8(ascii: "."), !segments.isEmpty { return try hexadecimal(first, end) }
    // The metadata may hold any character, so that nothing in its line is a comment.
    let isMetadata = source.bytes[first..<end].starts(with: ".spadix".utf8)
    var last = first
    while last < end, isMetadata || source.bytes[last] != UInt8(ascii: ";") { last += 1 }
    while let byte = source.bytes[first..<last].last, [0x20, 0x09, 0x0d].contains(byte) { last -= 1 }
    let text = String(decoding: source.bytes[first..<last], as: UTF8.self)
    if source.bytes[first] == UInt8(ascii: ".") {
      try directive(text, SourceRange(source, first, last))
    } else if HandwrittenProgram.isValue(source.bytes[first]) {
      guard written != nil else {
        throw Diagnostic(
          "asm.value", "values stand after .data or .expect", at: SourceRange(source, first, last))
      }
      try written?.values(text[...], in: source, at: first)
    } else if loops.isOpen {
      try loops.add(text[...], in: source, at: first)
    } else {
      commands.append(try Assembly.parse(text[...], in: source, at: first))
    }
  }

  private mutating func directive(_ text: String, _ place: SourceRange) throws {
    let parts = text.split(separator: " ", maxSplits: 1)
    let argument = parts.count > 1 ? parts[1] : ""
    switch parts[0] {
    case ".loop": return try loops.begin(argument, at: place)
    case ".end":
      commands += try loops.end(at: place, commands: commands.count)
      return
    default:
      if let loop = loops.place {
        throw Diagnostic(
          "asm.loop", "only commands and loops stand in a loop, not \(parts[0])", at: place,
          notes: [Diagnostic.Note("the loop begins here", at: loop)], help: "end the loop before it: .end")
      }
    }
    switch parts[0] {
    case ".spadix":
      try expectOneForm(written == nil, place)
      guard metadata == nil else { throw Diagnostic("asm.metadata", "a second .spadix line", at: place) }
      metadata = try JSONValue(parsing: SourceText(name: source.name, text: String(argument)))
    case ".dram":
      try expectOneForm(written == nil, place)
      segments.append((text, []))
    case ".expect" where metadata != nil:
      segments.append((text, []))
    case ".target":
      try expectOneForm(metadata == nil && segments.isEmpty, place)
      guard written == nil else { throw Diagnostic("asm.metadata", "a second .target line", at: place) }
      written = HandwrittenProgram(target: try target(argument, place))
    case ".data", ".expect", ".unspecified", ".operation":
      try expectOneForm(metadata == nil && segments.isEmpty, place)
      guard written != nil else {
        throw Diagnostic("asm.metadata", "expected .target before \(parts[0])", at: place)
      }
      try written?.directive(String(parts[0]), argument, before: commands.count, at: place)
    default:
      throw Diagnostic("asm.directive", "there is no directive '\(parts[0])'", at: place)
    }
  }

  private func expectOneForm(_ condition: Bool, _ place: SourceRange) throws {
    if condition { return }
    throw Diagnostic("asm.metadata", ".spadix and .dram do not stand in one file with .target", at: place)
  }

  /// The mapping is read where it stands, so that its problems have their place.
  private func target(_ text: Substring, _ place: SourceRange) throws -> Target {
    guard text.hasPrefix("{") else {
      if let preset = Target.preset(named: String(text)) { return preset }
      let known = Target.presets.map(\.name).joined(separator: ", ")
      throw Diagnostic("asm.target", "there is no target '\(text)'; the presets are \(known)", at: place)
    }
    let (line, _) = source.position(of: place.start)
    let indent = String(repeating: " ", count: source.position(of: place.end).column - 1 - text.utf8.count)
    let yaml = String(repeating: "\n", count: line - 1) + indent + text
    do {
      return try Target(yaml: SourceText(name: source.name, text: yaml))
    } catch let problems as Diagnostics {
      throw problems.all.first ?? Diagnostic("asm.target", "the target cannot be read", at: place)
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
