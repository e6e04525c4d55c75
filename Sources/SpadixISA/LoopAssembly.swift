import SpadixSupport

/// Loops of commands as text:
///
///     .loop i 4
///     mvin dram=0x10000 to=sp:0[16x16] | i dram+1024 to+16
///     .end
///
/// Behind each bar stand a loop's variable and what fields advance by with each of its iterations. Of a tile, the name
/// alone is its address, `.rows` and `.columns` are the others; `rs1` and `rs2` are whole operands, which wrap.
enum LoopAssembly {
  static let maximumDepth = 32

  /// Names of loops, by depth.
  static func variable(_ depth: Int) -> String {
    depth < 6 ? String(UnicodeScalar(UInt8(ascii: "i") + UInt8(depth))) : "i\(depth)"
  }

  /// Lines of a node that stands in `depth` loops.
  static func append(_ node: CommandLoops.Node, depth: Int = 0, to text: inout String) {
    let indent = String(repeating: "  ", count: depth)
    switch node {
    case .command(let leaf):
      text += indent + Assembly.text(leaf.command)
      for (level, step) in leaf.steps.enumerated() where step != .none {
        text += " | " + variable(level) + steps(step, of: leaf.command)
      }
      text += "\n"
    case .loop(let count, let body):
      text += "\(indent).loop \(variable(depth)) \(count)\n"
      for child in body { append(child, depth: depth + 1, to: &text) }
      text += indent + ".end\n"
    }
  }

  // MARK: Steps

  /// Bits of an operand that advance as one number.
  struct Part {
    var name: String
    var operand: Int
    var low: Int
    var width: Int
  }

  /// In the order of their bits.
  static func parts(of command: Command) -> [Part] {
    let whole = [Part(name: "rs1", operand: 1, low: 0, width: 64), Part(name: "rs2", operand: 2, low: 0, width: 64)]
    guard let format = CommandFormat.of(command), !Assembly.text(command).hasPrefix("raw ") else { return whole }
    let fields = format.fields.flatMap { field in
      field.kind == .tile
        ? [
          Part(name: field.name, operand: field.operand, low: field.low, width: 32),
          Part(name: field.name + ".columns", operand: field.operand, low: field.low + 32, width: 16),
          Part(name: field.name + ".rows", operand: field.operand, low: field.low + 48, width: 16),
        ]
        : [Part(name: field.name, operand: field.operand, low: field.low, width: field.width)]
    }
    return fields.sorted { ($0.operand, $0.low) < ($1.operand, $1.low) } + whole
  }

  private static func steps(_ step: CommandLoops.Step, of command: Command) -> String {
    let parts = parts(of: command)
    return [(1, step.rs1), (2, step.rs2)].map { operand, bits in
      var left = bits
      var text = ""
      for part in parts where part.operand == operand && left != 0 {
        // The whole operand comes last, and takes what no field has.
        let shift = Int64(64 - part.width)
        let value = (Int64(bitPattern: left >> UInt64(part.low)) << shift) >> shift
        if value == 0 { continue }
        text += " \(part.name)\(value < 0 ? "" : "+")\(value)"
        left &-= UInt64(bitPattern: value) << UInt64(part.low)
      }
      return text
    }.joined()
  }
}

/// Reads loops, and the commands in them.
struct LoopReader {
  private struct Loop {
    var variable: Substring
    var count: Int
    var place: SourceRange
    var body: [CommandLoops.Node] = []
    /// Nothing stands in it, not even what is wrong.
    var isEmpty = true
    /// Commands of one iteration.
    var size = 0
  }

  /// More than any program has whose commands stand there one by one.
  static let maximumCommands = 1 << 24

  private var open: [Loop] = []

  var isOpen: Bool { !open.isEmpty }
  /// Where the innermost loop begins.
  var place: SourceRange? { open.last?.place }

  mutating func begin(_ argument: Substring, at place: SourceRange) throws {
    let words = argument.split(separator: " ")
    guard words.count == 2, words[0].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }),
      words[0].first?.isLetter == true, let count = Int(words[1]), count > 0
    else { throw Diagnostic("asm.loop", "expected .loop VARIABLE COUNT, the count at least 1", at: place) }
    if let other = open.first(where: { $0.variable == words[0] }) {
      throw Diagnostic(
        "asm.loop", "'\(words[0])' is the variable of a loop around this one", at: place,
        notes: [Diagnostic.Note("that loop begins here", at: other.place)])
    }
    guard open.count < LoopAssembly.maximumDepth else {
      throw Diagnostic("asm.loop", "loops stand in at most \(LoopAssembly.maximumDepth) others", at: place)
    }
    open.append(Loop(variable: words[0], count: count, place: place))
  }

  /// The commands of the loop when it was the outermost one.
  mutating func end(at place: SourceRange, commands: Int) throws -> [Command] {
    guard let loop = open.popLast() else { throw Diagnostic("asm.loop", "there is no .loop to end", at: place) }
    if loop.isEmpty {
      throw Diagnostic("asm.loop", "the loop has no command", at: loop.place)
    }
    let (size, overflow) = loop.size.multipliedReportingOverflow(by: loop.count)
    if overflow || size > Self.maximumCommands - commands {
      open = []
      throw Diagnostic(
        "asm.loop", "with this loop the program has more than \(Self.maximumCommands) commands", at: loop.place)
    }
    let node = CommandLoops.Node.loop(count: loop.count, body: loop.body)
    guard !open.isEmpty else { return CommandLoops.unrolled([node]) }
    open[open.count - 1].body.append(node)
    open[open.count - 1].size += size
    open[open.count - 1].isEmpty = false
    return []
  }

  /// A command within loops.
  mutating func add(_ line: Substring, in source: SourceText, at offset: Int) throws {
    open[open.count - 1].isEmpty = false
    let parts = line.split(separator: "|", omittingEmptySubsequences: false)
    let command = try Assembly.parse(parts[0], in: source, at: offset)
    var steps = [CommandLoops.Step](repeating: .none, count: open.count)
    for part in parts.dropFirst() {
      let words = part.split(separator: " ")
      func place(_ text: Substring) -> SourceRange {
        let start = offset + line.utf8.distance(from: line.startIndex, to: text.startIndex)
        return SourceRange(source, start, start + max(text.utf8.count, 1))
      }
      guard let name = words.first, let level = open.firstIndex(where: { $0.variable == name }) else {
        let known = open.map(\.variable).joined(separator: ", ")
        throw Diagnostic("asm.loop", "expected the variable of a loop around: \(known)", at: place(part))
      }
      for word in words.dropFirst() {
        guard let step = Self.step(word, of: command) else {
          let known = LoopAssembly.parts(of: command).map(\.name).joined(separator: ", ")
          throw Diagnostic(
            "asm.loop", "expected a field and what it advances by, such as \(known.prefix { $0 != "," })+16",
            at: place(word), help: "fields here: \(known)")
        }
        steps[level].rs1 &+= step.rs1
        steps[level].rs2 &+= step.rs2
      }
    }
    open[open.count - 1].body.append(.command(CommandLoops.Leaf(command: command, steps: steps)))
    open[open.count - 1].size += 1
  }

  private static func step(_ word: Substring, of command: Command) -> CommandLoops.Step? {
    guard let sign = word.lastIndex(where: { $0 == "+" || $0 == "-" }), let value = Int64(word[sign...]),
      let part = LoopAssembly.parts(of: command).first(where: { $0.name == word[..<sign] })
    else { return nil }
    let bits = UInt64(bitPattern: value) << UInt64(part.low)
    return part.operand == 1 ? CommandLoops.Step(rs1: bits, rs2: 0) : CommandLoops.Step(rs1: 0, rs2: bits)
  }
}
