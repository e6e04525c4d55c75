import SpadixSupport

/// The text of single commands: `mvin dram=0x10000 to=sp:32[16x16]`.
///
/// Fields that are zero are left out, except tiles and addresses. A command with bits outside its fields, or without a
/// format, prints as `raw`, so that every command prints and parses back.
public enum Assembly {
  /// One line without its end, in the form that `parse` reads.
  public static func text(_ command: Command) -> String {
    guard let format = CommandFormat.of(command), isCovered(command, by: format) else {
      return "raw funct=\(command.funct) rs1=\(hexadecimal(command.rs1)) rs2=\(hexadecimal(command.rs2))"
    }
    var text = format.mnemonic
    for field in format.fields {
      let bits = field.bits(of: command)
      switch field.kind {
      case .unsigned: if bits != 0 { text += " \(field.name)=\(bits)" }
      case .signed: if bits != 0 { text += " \(field.name)=\(signed(bits, field.width))" }
      case .flag: if bits != 0 { text += " \(field.name)" }
      case .float: if bits != 0 { text += " \(field.name)=\(float(UInt32(bits)))" }
      case .address: text += " \(field.name)=\(hexadecimal(bits))"
      case .local: text += " \(field.name)=\(local(LocalAddress(bits: UInt32(bits))))"
      case .tile:
        let tile = LocalTile(bits: bits)
        text += " \(field.name)=\(local(tile.address))[\(tile.rows)x\(tile.columns)]"
      }
    }
    return text
  }

  /// Whether printing the fields of the format loses no bit.
  private static func isCovered(_ command: Command, by format: CommandFormat) -> Bool {
    var (mask1, mask2) = (format.subtype == nil ? UInt64(0) : 3, UInt64(0))
    for field in format.fields {
      if field.operand == 1 { mask1 |= field.mask } else { mask2 |= field.mask }
    }
    return command.rs1 & ~mask1 == 0 && command.rs2 & ~mask2 == 0
  }

  static func hexadecimal(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

  /// The lowest bits as a number in two's complement.
  public static func signed(_ bits: UInt64, _ width: Int) -> Int64 {
    let shift = UInt64(64 - width)
    return Int64(bitPattern: bits << shift) >> Int64(shift)
  }

  /// The shortest decimal that reads back as the same bits, or the bits themselves.
  private static func float(_ bits: UInt32) -> String {
    let text = "\(Float(bitPattern: bits))"
    return Float(text)?.bitPattern == bits ? text : hexadecimal(UInt64(bits))
  }

  /// `none`, `sp:row`, `acc:row`, `acc+:row` (accumulate), `acc32:row` (full width), or the bits.
  private static func local(_ address: LocalAddress) -> String {
    if address.isGarbage { return "none" }
    let row = address.row
    if address == .scratchpad(row) { return "sp:\(row)" }
    if address == .accumulator(row) { return "acc:\(row)" }
    if address == .accumulator(row, accumulate: true) { return "acc+:\(row)" }
    if address == .accumulator(row, fullWidth: true) { return "acc32:\(row)" }
    return hexadecimal(UInt64(address.bits))
  }
}

// MARK: Parsing

extension Assembly {
  /// Reads one command as `text(_:)` prints it. Throws `asm.*` diagnostics at the place within the source.
  static func parse(_ line: Substring, in source: SourceText, at offset: Int) throws -> Command {
    var reader = LineReader(line: line, source: source, offset: offset)
    guard let mnemonic = reader.next() else { throw reader.error("asm.empty", "expected a command") }
    if mnemonic.text == "raw" { return try raw(&reader) }
    guard let format = CommandFormat.named(String(mnemonic.text)) else {
      throw reader.error("asm.unknown-command", "there is no command '\(mnemonic.text)'", mnemonic)
    }
    var command = Command(funct: format.funct, rs1: format.subtype ?? 0)
    var seen: Set<String> = []
    while let word = reader.next() {
      let parts = word.text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let field = format.fields.first(where: { $0.name == parts[0] }) else {
        let known = format.fields.map(\.name).joined(separator: ", ")
        throw reader.error(
          "asm.unknown-field", "\(format.mnemonic) has no field '\(parts[0])'; expected \(known)", word)
      }
      guard seen.insert(field.name).inserted else {
        throw reader.error("asm.duplicate-field", "'\(field.name)' is given twice", word)
      }
      let value = parts.count > 1 ? parts[1] : nil
      guard let bits = bits(value, field) else {
        throw reader.error("asm.value", "expected \(expectation(field)) for '\(field.name)'", word)
      }
      field.set(bits, in: &command)
    }
    return command
  }

  private static func raw(_ reader: inout LineReader) throws -> Command {
    var values: [String: UInt64] = [:]
    while let word = reader.next() {
      let parts = word.text.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, ["funct", "rs1", "rs2"].contains(parts[0]), let value = number(parts[1]) else {
        throw reader.error("asm.value", "expected funct, rs1 and rs2 with numbers", word)
      }
      values[String(parts[0])] = value
    }
    guard let funct = values["funct"], funct < 256 else {
      throw reader.error("asm.value", "expected a funct of at most 255")
    }
    return Command(funct: UInt8(funct), rs1: values["rs1"] ?? 0, rs2: values["rs2"] ?? 0)
  }

  static func number(_ text: Substring) -> UInt64? {
    text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
  }

  private static func expectation(_ field: CommandField) -> String {
    switch field.kind {
    case .unsigned: "a number of \(field.width) bits"
    case .signed: "a signed number of \(field.width) bits"
    case .flag: "no value, 0 or 1"
    case .address: "an address"
    case .float: "a Float32"
    case .local: "a local address such as sp:16 or acc:0"
    case .tile: "a tile such as sp:16[4x16] or none[0x0]"
    }
  }

  private static func bits(_ text: Substring?, _ field: CommandField) -> UInt64? {
    guard let text else { return field.kind == .flag ? 1 : nil }
    switch field.kind {
    case .unsigned, .flag, .address:
      guard let value = number(text), field.width == 64 || value < 1 << UInt64(field.width) else { return nil }
      return value
    case .signed:
      guard let value = Int64(text) else { return nil }
      let limit = Int64(1) << Int64(min(field.width, 63) - (field.width == 64 ? 0 : 1))
      guard field.width == 64 || (-limit..<limit).contains(value) else { return nil }
      return UInt64(bitPattern: value) & (field.mask >> UInt64(field.low))
    case .float:
      if text.hasPrefix("0x") { return number(text).flatMap { $0 <= 0xFFFF_FFFF ? $0 : nil } }
      return Float(text).map { UInt64($0.bitPattern) }
    case .local: return local(text).map { UInt64($0.bits) }
    case .tile:
      guard let open = text.firstIndex(of: "["), text.last == "]", let address = local(text[..<open]) else {
        return nil
      }
      let shape = text[text.index(after: open)..<text.index(before: text.endIndex)].split(separator: "x")
      guard shape.count == 2, let rows = UInt16(shape[0]), let columns = UInt16(shape[1]) else { return nil }
      return LocalTile(address, rows: Int(rows), columns: Int(columns)).bits
    }
  }

  private static func local(_ text: Substring) -> LocalAddress? {
    if text == "none" { return .garbage }
    if text.hasPrefix("0x") { return number(text).flatMap { UInt32(exactly: $0) }.map { LocalAddress(bits: $0) } }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let row = Int(parts[1]), (0..<LocalAddress.maximumRows).contains(row) else { return nil }
    switch parts[0] {
    case "sp": return .scratchpad(row)
    case "acc": return .accumulator(row)
    case "acc+": return .accumulator(row, accumulate: true)
    case "acc32": return .accumulator(row, fullWidth: true)
    default: return nil
    }
  }
}

/// Words of one line, with their places.
private struct LineReader {
  struct Word {
    var text: Substring
    var offset: Int
  }

  let line: Substring
  let source: SourceText
  let offset: Int
  var rest: Substring

  init(line: Substring, source: SourceText, offset: Int) {
    self.line = line
    self.source = source
    self.offset = offset
    self.rest = line
  }

  mutating func next() -> Word? {
    rest = rest.drop { $0 == " " || $0 == "\t" }
    if rest.isEmpty { return nil }
    let word = rest.prefix { $0 != " " && $0 != "\t" }
    let start = offset + line.utf8.distance(from: line.startIndex, to: word.startIndex)
    rest = rest[word.endIndex...]
    return Word(text: word, offset: start)
  }

  func error(_ id: String, _ message: String, _ word: Word? = nil) -> Diagnostic {
    let start = word?.offset ?? offset
    let length = word?.text.utf8.count ?? line.utf8.count
    return Diagnostic(id, message, at: SourceRange(source, start, start + max(length, 1)))
  }
}
