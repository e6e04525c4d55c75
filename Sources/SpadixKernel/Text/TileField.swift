import SpadixIR
import SpadixSupport

/// A named part of a statement in the text of tile programs, `name = value`: how it prints and how it reads.
struct TileField<Record>: Sendable {
  let name: String
  /// Whether a statement without it is refused.
  let isRequired: Bool
  /// The value's text; nil where it is what a statement without the field means.
  let text: @Sendable (Record, TileNames) -> String?
  let read: @Sendable (inout Record, inout TileStatementReader) throws -> Void

  /// - Parameter standard: the value of a statement without the field; nil when the field is required.
  static func integer(
    _ name: String, _ path: Property<Record, Int>, _ standard: Int? = nil, atLeast low: Int = 0
  ) -> Self {
    let limit = TileStatementReader.largest
    return TileField(
      name: name, isRequired: standard == nil,
      text: { record, _ in record[keyPath: path] == standard ? nil : "\(record[keyPath: path])" },
      read: { record, reader in record[keyPath: path] = try reader.integer(low...limit) })
  }

  static func optionalInteger(
    _ name: String, _ path: Property<Record, Int?>, atLeast low: Int = 0
  ) -> Self {
    TileField(
      name: name, isRequired: false, text: { record, _ in record[keyPath: path].map { "\($0)" } },
      read: { record, reader in record[keyPath: path] = try reader.integer(low...TileStatementReader.largest) })
  }

  static func flag(_ name: String, _ path: Property<Record, Bool>) -> Self {
    TileField(
      name: name, isRequired: false, text: { record, _ in record[keyPath: path] ? "true" : nil },
      read: { record, reader in record[keyPath: path] = try reader.boolean() })
  }

  /// `[first, end]`, without the end.
  ///
  /// - Parameter standard: the value of a statement without the field; nil when the field is required.
  static func range(
    _ name: String, _ path: Property<Record, Range<Int>>, standard: (@Sendable (Record) -> Range<Int>)? = nil
  ) -> Self {
    TileField(
      name: name, isRequired: standard == nil,
      text: { record, _ in
        let range = record[keyPath: path]
        return range == standard?(record) ? nil : "[\(range.lowerBound), \(range.upperBound)]"
      }, read: { record, reader in record[keyPath: path] = try reader.range() })
  }

  static func optionalRange(_ name: String, _ path: Property<Record, Range<Int>?>) -> Self {
    TileField(
      name: name, isRequired: false,
      text: { record, _ in record[keyPath: path].map { "[\($0.lowerBound), \($0.upperBound)]" } },
      read: { record, reader in record[keyPath: path] = try reader.range() })
  }

  static func integers(_ name: String, _ path: Property<Record, [Int]>) -> Self {
    TileField(
      name: name, isRequired: false,
      text: { record, _ in
        let list = record[keyPath: path]
        return list.isEmpty ? nil : "[" + list.map(String.init).joined(separator: ", ") + "]"
      }, read: { record, reader in record[keyPath: path] = try reader.integers() })
  }

  /// `buffer[slot]` or `buffer[slot, row]`.
  static func place(_ name: String, _ path: Property<Record, LocalPlace>) -> Self {
    TileField(
      name: name, isRequired: true, text: { record, names in names.text(record[keyPath: path]) },
      read: { record, reader in record[keyPath: path] = try reader.place() })
  }

  static func optionalPlace(_ name: String, _ path: Property<Record, LocalPlace?>) -> Self {
    TileField(
      name: name, isRequired: false, text: { record, names in record[keyPath: path].map(names.text) },
      read: { record, reader in record[keyPath: path] = try reader.place() })
  }

  static func operand(_ name: String, _ path: Property<Record, TileOperand>) -> Self {
    TileField(
      name: name, isRequired: true, text: { record, _ in record[keyPath: path].name },
      read: { record, reader in record[keyPath: path] = try reader.operand() })
  }

  static func optionalConstant(_ name: String, _ path: Property<Record, ConstantID?>) -> Self {
    TileField(
      name: name, isRequired: false,
      text: { record, _ in record[keyPath: path].map { TileOperand.constant($0).name } },
      read: { record, reader in record[keyPath: path] = try reader.constant() })
  }

  static func real(_ name: String, _ path: Property<Record, Float>) -> Self {
    TileField(
      name: name, isRequired: true, text: { record, _ in "\(record[keyPath: path])" },
      read: { record, reader in record[keyPath: path] = try reader.real() })
  }

  static func string(_ name: String, _ path: Property<Record, String>) -> Self {
    TileField(
      name: name, isRequired: false,
      text: { record, _ in record[keyPath: path].isEmpty ? nil : "\"\(record[keyPath: path])\"" },
      read: { record, reader in record[keyPath: path] = try reader.tokens.string(TileStatementReader.id) })
  }

  /// The fields of a part of the record.
  static func part<Part>(_ path: Property<Record, Part>, _ fields: [TileField<Part>]) -> [Self] {
    fields.map { field in
      TileField(
        name: field.name, isRequired: field.isRequired,
        text: { record, names in field.text(record[keyPath: path], names) },
        read: { record, reader in try field.read(&record[keyPath: path], &reader) })
    }
  }
}

/// The names of a program's buffers.
struct TileNames {
  let buffers: [LocalBuffer]

  func text(_ place: LocalPlace) -> String {
    let row = place.row == 0 ? "" : ", \(place.row)"
    return "\(buffers[place.buffer].name)[\(place.slot)\(row)]"
  }
}

/// Reads the values of a statement.
struct TileStatementReader {
  /// Larger integers stand for nothing that a target could hold.
  static let largest = 1 << 31
  static let id = "tiles.syntax"

  var tokens: TokenReader
  var buffers: [LocalBuffer] = []

  mutating func integer(_ range: ClosedRange<Int>) throws -> Int { try tokens.integer(range, Self.id) }

  mutating func real() throws -> Float { try tokens.real(Self.id) }

  mutating func boolean() throws -> Bool {
    if tokens.accept("true") { return true }
    if tokens.accept("false") { return false }
    throw tokens.failure(Self.id, "expected true or false, found '\(tokens.next)'")
  }

  mutating func integers() throws -> [Int] {
    try tokens.expect("[", Self.id)
    var list: [Int] = []
    while !tokens.accept("]") {
      if !list.isEmpty { try tokens.expect(",", Self.id) }
      list.append(try integer(0...Self.largest))
    }
    return list
  }

  mutating func reals(count: Int) throws -> [Float] {
    try tokens.expect("[", Self.id)
    var list: [Float] = []
    for index in 0..<count {
      if index > 0 { try tokens.expect(",", Self.id) }
      list.append(try real())
    }
    try tokens.expect("]", Self.id)
    return list
  }

  mutating func range() throws -> Range<Int> {
    let mark = tokens.mark
    let ends = try integers()
    guard ends.count == 2, ends[0] <= ends[1] else {
      throw tokens.failure(Self.id, "expected a range [first, end] with first <= end", at: mark)
    }
    return ends[0]..<ends[1]
  }

  mutating func place() throws -> LocalPlace {
    let mark = tokens.mark
    let name = try tokens.word("a buffer", Self.id)
    guard let buffer = buffers.firstIndex(where: { $0.name == name }) else {
      let known = buffers.map(\.name).joined(separator: ", ")
      throw tokens.failure("tiles.buffer", "no buffer is called '\(name)'; there are \(known)", at: mark)
    }
    let indices = try integers()
    guard (1...2).contains(indices.count) else {
      throw tokens.failure(Self.id, "expected \(name)[slot] or \(name)[slot, row]", at: mark)
    }
    return LocalPlace(BufferID(buffer), slot: indices[0], row: indices.count == 2 ? indices[1] : 0)
  }

  mutating func operand() throws -> TileOperand {
    let mark = tokens.mark
    let name = try tokens.word("an operand", Self.id)
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    let number = parts.count == 2 ? Int(parts[1]).flatMap { (0...Self.largest).contains($0) ? $0 : nil } : nil
    switch (parts[0], number) {
    case ("output", nil) where parts.count == 1: return .output
    case ("input", let index?): return .input(index)
    case ("constant", let index?): return .constant(ConstantID(index))
    default:
      throw tokens.failure(
        Self.id, "expected an operand (input.N, output or constant.N), found '\(name)'", at: mark)
    }
  }

  mutating func constant() throws -> ConstantID {
    let mark = tokens.mark
    guard case .constant(let constant) = try operand() else {
      throw tokens.failure(Self.id, "expected a constant (constant.N)", at: mark)
    }
    return constant
  }

  /// The fields of a statement, up to the end of its line, in any order.
  mutating func fields<Record>(_ fields: [TileField<Record>], into record: inout Record) throws {
    var seen = [Bool](repeating: false, count: fields.count)
    let start = tokens.mark
    while !tokens.isAtLineStart && !tokens.isAtEnd {
      let mark = tokens.mark
      let name = try tokens.word("a field", Self.id)
      guard let index = fields.firstIndex(where: { $0.name == name }) else {
        let known = fields.map(\.name).joined(separator: ", ")
        throw tokens.failure("tiles.field", "'\(name)' is no field of this statement; there are \(known)", at: mark)
      }
      if seen[index] { throw tokens.failure("tiles.field", "'\(name)' is given twice", at: mark) }
      seen[index] = true
      try tokens.expect("=", Self.id)
      try fields[index].read(&record, &self)
    }
    if let missing = fields.indices.first(where: { fields[$0].isRequired && !seen[$0] }) {
      throw tokens.failure("tiles.field", "the statement has no '\(fields[missing].name)'", at: start)
    }
  }
}
