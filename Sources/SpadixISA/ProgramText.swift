import SpadixSupport
import SpadixTensor

/// A whole program as assembly text: nothing is lost, so `disasm | asm` gives the same file.
extension Program {
  /// - Parameter annotated: says for each command its index, the symbols it addresses and the operation it came from.
  public func assembly(annotated: Bool = false) -> String {
    var text = "; \(commands.count) commands for target \(target.name)\n.spadix \(metadata().text())\n"
    text.reserveCapacity(commands.count * 64)
    var run = 0
    for (index, command) in commands.enumerated() {
      while run < debug.count && debug[run].first <= index {
        let operation = operations[debug[run].operation]
        text += "\n; \(Self.comment(operation.text))"
        text += operation.line > 0 ? " (line \(operation.line))\n" : "\n"
        run += 1
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
