import SpadixSupport

/// What the directives for people say of a program: its target, DRAM before and after, and what its commands are for.
struct HandwrittenProgram {
  enum Element: String, CaseIterable {
    case i8, i32, f32
  }

  let target: Target
  private var blocks: [Block] = []
  /// Of all blocks together.
  private var byteCount = 0
  private var unspecified: [Program.AddressRange] = []
  private var operations: [(before: Int, text: String, line: Int)] = []

  /// Values between one `.data` or `.expect` and the next directive.
  private struct Block {
    var isExpectation: Bool
    var element: Element
    var segment: Program.Segment
  }

  private static let maximumBytes = 1 << 20

  init(target: Target) { self.target = target }

  /// Whether a line that starts with this byte carries values: commands start with a letter.
  static func isValue(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
  }

  func program(_ commands: [Command]) -> Program {
    var program = Program(
      target: target, commands: commands, segments: blocks.filter { !$0.isExpectation }.map(\.segment),
      expectations: blocks.filter(\.isExpectation).map(\.segment), unspecified: unspecified)
    for (index, operation) in operations.enumerated() {
      let end = index + 1 < operations.count ? operations[index + 1].before : commands.count
      if end == operation.before || operation.text.isEmpty { continue }
      program.describe(
        operation.before..<end, as: Program.DebugOperation(text: operation.text, line: operation.line))
    }
    return program
  }

  /// - Parameter index: of the command that comes next.
  mutating func directive(_ name: String, _ argument: Substring, before index: Int, at place: SourceRange) throws {
    let words = argument.split(separator: " ")
    switch name {
    case ".operation":
      let line = place.source.position(of: place.start).line
      operations.append((index, String(argument), line))
    case ".unspecified":
      guard words.count == 2, let address = address(words[0]), let length = Int(words[1]), length > 0 else {
        throw Diagnostic("asm.directive", "expected .unspecified ADDRESS LENGTH", at: place)
      }
      unspecified.append(Program.AddressRange(address: address, length: length))
    default:
      guard words.count == 2, let address = address(words[0]), let element = Element(rawValue: String(words[1])) else {
        let types = Element.allCases.map(\.rawValue).joined(separator: ", ")
        throw Diagnostic("asm.directive", "expected \(name) ADDRESS TYPE, the type one of \(types)", at: place)
      }
      let segment = Program.Segment(name: Assembly.hexadecimal(address), address: address, bytes: [])
      blocks.append(Block(isExpectation: name == ".expect", element: element, segment: segment))
    }
  }

  private func address(_ text: Substring) -> UInt64? {
    Assembly.number(text).flatMap { $0 <= UInt64(target.dramBytes) ? $0 : nil }
  }

  /// Appends the values of one line to the block that stands last.
  mutating func values(_ line: Substring, in source: SourceText, at offset: Int) throws {
    guard let last = blocks.indices.last else {
      throw Diagnostic(
        "asm.value", "values stand after .data or .expect", at: SourceRange(source, offset, offset + line.utf8.count))
    }
    for word in line.split(whereSeparator: { $0 == " " || $0 == "\t" }) {
      let parts = word.split(separator: "*", omittingEmptySubsequences: false)
      let count = parts.count == 2 ? Int(parts[1]) : 1
      // A megabyte is more than people write, and a count is written quickly.
      guard parts.count <= 2, let value = bytes(parts[0], blocks[last].element), let count,
        (1...Self.maximumBytes).contains(count), byteCount + value.count * count <= Self.maximumBytes
      else {
        let start = offset + line.utf8.distance(from: line.startIndex, to: word.startIndex)
        throw Diagnostic(
          "asm.value", "expected a value of \(blocks[last].element.rawValue), or VALUE*COUNT; 1 MiB at most",
          at: SourceRange(source, start, start + word.utf8.count))
      }
      byteCount += value.count * count
      for _ in 0..<count { blocks[last].segment.bytes += value }
    }
  }

  private func bytes(_ text: Substring, _ element: Element) -> [UInt8]? {
    switch element {
    case .i8: Int8(text).map { [UInt8(bitPattern: $0)] }
    case .i32: Int32(text).map { littleEndian(UInt32(bitPattern: $0)) }
    case .f32: Float(text).map { littleEndian($0.bitPattern) }
    }
  }

  private func littleEndian(_ word: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
}
