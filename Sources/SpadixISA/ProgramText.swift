import SpadixSupport
import SpadixTensor

/// A whole program as assembly text: nothing is lost, so `disasm | asm` gives the same file.
extension Program {
  /// How much of a program's text stands on how many lines; all three read back the same.
  public enum Listing: Sendable {
    /// Commands that repeat with constant advances stand in loops.
    case loops
    /// Every command on its line.
    case unrolled
    /// And with it its index, and the symbols and rows that it addresses.
    case annotated
  }

  /// The text, with the DRAM image behind the commands in hexadecimal digits.
  public func assembly(_ listing: Listing = .loops) -> String {
    var text = "; \(commands.count) commands for target \(target.name)\n.spadix \(metadata().text())\n"
    switch listing {
    case .loops: appendLoops(to: &text)
    case .unrolled, .annotated: appendCommands(annotated: listing == .annotated, to: &text)
    }
    for (index, segment) in segments.enumerated() { text += Self.bytes(".dram", index, segment) }
    for (index, segment) in expectations.enumerated() { text += Self.bytes(".expect", index, segment) }
    return text
  }

  private func appendCommands(annotated: Bool, to text: inout String) {
    text.reserveCapacity(text.utf8.count + commands.count * 64)
    var run = 0
    for (index, command) in commands.enumerated() {
      while run < debug.count && debug[run].first <= index {
        text += "\n; \(Self.comment(operations[debug[run].operation]))\n"
        run += 1
      }
      text += Assembly.text(command)
      if annotated { text += "  ; #\(index)\(annotation(of: command))" }
      text += "\n"
    }
  }

  /// Loops, and what the commands between two of these comments come from.
  private func appendLoops(to text: inout String) {
    var told: [Int] = []
    var first = 0
    var run = 0
    for node in CommandLoops(commands, kind: \.listingKind).nodes {
      let end = first + node.commandCount
      while run < debug.count && debug[run].first + debug[run].count <= first { run += 1 }
      var origins: [Int] = []
      var next = run
      while next < debug.count && debug[next].first < end {
        if !origins.contains(debug[next].operation) { origins.append(debug[next].operation) }
        next += 1
      }
      if origins != told && !origins.isEmpty {
        text += "\n; \(origins.map { Self.comment(operations[$0]) }.joined(separator: ", "))\n"
        told = origins
      }
      LoopAssembly.append(node, to: &text)
      first = end
    }
  }

  /// The symbols behind the DRAM addresses of a command, and the rows behind its local ones.
  func annotation(of command: Command) -> String {
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

  private static func comment(_ operation: DebugOperation) -> String {
    operation.text.replacing("\n", with: " ") + (operation.line > 0 ? " (line \(operation.line))" : "")
  }

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

extension Command {
  /// Commands of one mnemonic: configurations share a function number.
  fileprivate var listingKind: Int { Int(funct) << 2 | (funct == Funct.config ? Int(rs1 & 3) : 0) }
}
