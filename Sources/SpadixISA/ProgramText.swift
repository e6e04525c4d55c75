import SpadixSupport
import SpadixTensor

/// A whole program as assembly text: nothing is lost, so `disasm | asm` gives the same file.
extension Program {
  public enum Listing: Sendable {
    /// Commands that repeat with constant advances stand in loops, operation by operation.
    case loops
    /// Every command on its line.
    case unrolled
    /// And with it its index, and the symbols and rows that it addresses.
    case annotated
  }

  public func assembly(_ listing: Listing = .loops) -> String {
    var text = "; \(commands.count) commands for target \(target.name)\n.spadix \(metadata().text())\n"
    var first = 0
    for range in debug {
      list(first..<max(first, min(range.first, commands.count)), listing, &text)
      text += "\n; \(Self.comment(range.operation))"
      text += range.line > 0 ? " (line \(range.line))\n" : "\n"
      first = max(first, min(range.first, commands.count))
    }
    list(first..<commands.count, listing, &text)
    for (index, segment) in segments.enumerated() { text += Self.bytes(".dram", index, segment) }
    for (index, segment) in expectations.enumerated() { text += Self.bytes(".expect", index, segment) }
    return text
  }

  private func list(_ range: Range<Int>, _ listing: Listing, _ text: inout String) {
    if listing == .loops {
      for node in CommandLoops(Array(commands[range]), kind: \.listingKind).nodes {
        LoopAssembly.append(node, to: &text)
      }
      return
    }
    for index in range {
      text += Assembly.text(commands[index])
      if listing == .annotated { text += "  ; #\(index)\(annotation(of: commands[index]))" }
      text += "\n"
    }
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

extension Command {
  /// Commands of one mnemonic: configurations share a function number.
  fileprivate var listingKind: Int { Int(funct) << 2 | (funct == Funct.config ? Int(rs1 & 3) : 0) }
}
