import SpadixSupport

/// Allocation problems as comma-separated values, as MiniMalloc reads and writes them.
///
/// A header names the columns in any order: `id` (or `buffer`, `buffer_id`), `lower` (or `begin`, `start`), `upper`
/// (half open; `end` is the last step itself), `size`, and optionally `alignment`, `hint` (-1 for none), `gaps`
/// (`from-to` or `from-to@low:high`, separated by spaces) and `offset` (fixed; empty or -1 for one that is free). Blanks
/// around fields do not count, and a field may stand in double quotes, with quotes inside doubled (RFC 4180).
public enum AllocationFile {
  private enum Column: String, CaseIterable {
    case id, lower, upper, size, alignment, hint, gaps, offset
  }

  /// - Parameter judgesOffsets: whether an offset outside the memory is refused; otherwise it is left to a validator.
  /// - Throws: `Diagnostic` `allocation.format` with the place of the field.
  public static func read(
    _ source: SourceText, capacity: Int, judgesOffsets: Bool = true
  ) throws -> AllocationProblem {
    if String(validating: source.bytes, as: UTF8.self) == nil {
      throw Diagnostic("allocation.format", "\(source.name) is not UTF-8 text")
    }
    var reader = Reader(source: source, judgesOffsets: judgesOffsets)
    var buffers: [AllocationProblem.Buffer] = []
    var ids: Set<String> = []
    for record in try reader.records() {
      if reader.columns.isEmpty {
        try reader.readHeader(record)
        continue
      }
      let buffer = try reader.readBuffer(record, capacity: capacity)
      if !ids.insert(buffer.id).inserted {
        throw reader.failure("buffer '\(buffer.id)' stands here twice", record.place)
      }
      buffers.append(buffer)
    }
    if reader.columns.isEmpty {
      throw Diagnostic("allocation.format", "\(source.name) is empty; expected a header such as id,lower,upper,size")
    }
    return AllocationProblem(capacity: capacity, buffers: buffers)
  }

  /// The file as it was, with a column of offsets: a new last one, or the values of its own.
  public static func text(_ solution: AllocationSolution, addedTo source: SourceText) throws -> String {
    var reader = Reader(source: source)
    var text = ""
    for (number, record) in try reader.records().enumerated() {
      if number == 0 { try reader.readHeader(record) }
      var fields = record.fields.map { String(decoding: source.bytes[$0.start..<$0.end], as: UTF8.self) }
      if number == 0 {
        if !reader.columns.contains(.offset) { fields.append(Column.offset.rawValue) }
      } else if let column = reader.columns.firstIndex(of: .offset) {
        fields[column] = "\(solution.offsets[number - 1])"
      } else {
        fields.append("\(solution.offsets[number - 1])")
      }
      text += fields.joined(separator: ",") + "\n"
    }
    return text
  }

  /// Bytes `start ..< end` of the file.
  private struct Place {
    var start: Int
    var end: Int
  }

  /// One line of fields, as they stand in the file, with blanks and quotes.
  private struct Record {
    var fields: [Place]
    var place: Place
  }

  private struct Reader {
    let source: SourceText
    var columns: [Column] = []
    var endIsLast = false

    let judgesOffsets: Bool

    init(source: SourceText, judgesOffsets: Bool = false) {
      self.source = source
      self.judgesOffsets = judgesOffsets
    }

    /// All lines that are not blank; a quoted field may go over several.
    func records() throws -> [Record] {
      let bytes = source.bytes
      let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
      var position = bytes.starts(with: byteOrderMark) ? byteOrderMark.count : 0
      var result: [Record] = []
      while position < bytes.count {
        let start = position
        var record = Record(fields: [], place: Place(start: start, end: start))
        var fieldStart = start
        var isQuoted = false
        while position < bytes.count, isQuoted || bytes[position] != UInt8(ascii: "\n") {
          if bytes[position] == UInt8(ascii: "\"") { isQuoted.toggle() }
          if bytes[position] == UInt8(ascii: ","), !isQuoted {
            record.fields.append(Place(start: fieldStart, end: position))
            fieldStart = position + 1
          }
          position += 1
        }
        if isQuoted {
          throw failure("the quotes of this field are not closed", Place(start: fieldStart, end: position))
        }
        var end = position
        if end > fieldStart, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        record.fields.append(Place(start: fieldStart, end: end))
        record.place.end = end
        position += 1
        let isBlank = bytes[start..<end].allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        if !isBlank { result.append(record) }
      }
      return result
    }

    func failure(_ message: String, _ field: Place) -> Diagnostic {
      Diagnostic(
        "allocation.format", message, at: SourceRange(source, field.start, max(field.start + 1, field.end)))
    }

    /// What a field says, without blanks around it and quotes.
    func text(_ field: Place) throws -> String {
      func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
      var bytes = source.bytes[field.start..<field.end].drop(while: isBlank)
      while let last = bytes.last, isBlank(last) { bytes.removeLast() }
      guard bytes.contains(UInt8(ascii: "\"")) else { return String(decoding: bytes, as: UTF8.self) }
      let inside = bytes.dropFirst().dropLast()
      let unquoted = String(decoding: inside, as: UTF8.self).replacing("\"\"", with: "\u{0}")
      guard bytes.count > 1, bytes.first == UInt8(ascii: "\""), bytes.last == UInt8(ascii: "\""),
        !unquoted.contains("\"")
      else { throw failure("expected quotes around the whole field, and those inside it doubled", field) }
      return unquoted.replacing("\u{0}", with: "\"")
    }

    mutating func readHeader(_ record: Record) throws {
      for field in record.fields {
        let name = try text(field)
        let column: Column?
        switch name {
        case "buffer", "buffer_id": column = .id
        case "begin", "start": column = .lower
        case "end":
          column = .upper
          endIsLast = true
        default: column = Column(rawValue: name)
        }
        guard let column else {
          let known = Column.allCases.map(\.rawValue).joined(separator: ", ")
          throw failure("expected a column name, one of \(known); found '\(name)'", field)
        }
        if columns.contains(column) { throw failure("the column '\(column.rawValue)' stands here twice", field) }
        columns.append(column)
      }
      for column in [Column.id, .lower, .upper, .size] where !columns.contains(column) {
        throw failure("the column '\(column.rawValue)' is missing", record.place)
      }
    }

    func readBuffer(_ record: Record, capacity: Int) throws -> AllocationProblem.Buffer {
      if record.fields.count != columns.count {
        throw failure("expected \(columns.count) fields, found \(record.fields.count)", record.place)
      }
      var buffer = AllocationProblem.Buffer(id: "", lower: 0, upper: 0, size: 0)
      for (column, field) in zip(columns, record.fields) {
        switch column {
        case .id: buffer.id = try text(field)
        case .lower: buffer.lower = try number(field)
        case .upper: buffer.upper = try number(field) + (endIsLast ? 1 : 0)
        case .size: buffer.size = try number(field)
        case .alignment: buffer.alignment = try text(field).isEmpty ? 1 : number(field)
        case .hint: buffer.hint = try optionalNumber(field)
        case .gaps: buffer.gaps = try gaps(field)
        case .offset: buffer.fixedOffset = try optionalNumber(field)
        }
      }
      try check(buffer, record.place, capacity)
      return buffer
    }

    /// Nil for an empty field and for -1.
    private func optionalNumber(_ field: Place) throws -> Int? {
      if try text(field).isEmpty { return nil }
      let value = try number(field)
      return value == -1 ? nil : value
    }

    private func check(_ buffer: AllocationProblem.Buffer, _ line: Place, _ capacity: Int) throws {
      if buffer.upper < buffer.lower {
        throw failure("buffer '\(buffer.id)' ends in step \(buffer.upper), before it begins in \(buffer.lower)", line)
      }
      if buffer.size < 0 { throw failure("buffer '\(buffer.id)' has the size \(buffer.size)", line) }
      if buffer.alignment < 1 { throw failure("buffer '\(buffer.id)' has the alignment \(buffer.alignment)", line) }
      if judgesOffsets, let offset = buffer.fixedOffset,
        offset < 0 || offset > capacity - (buffer.takesNothing ? 0 : buffer.size) || offset % buffer.alignment != 0
      {
        throw failure(
          "buffer '\(buffer.id)' is fixed at \(offset), which is outside the memory or not a multiple of its alignment",
          line)
      }
      var last = buffer.lower
      for gap in buffer.gaps.sorted(by: { $0.lower < $1.lower }) {
        let window = gap.window ?? 0..<0
        if gap.lower < last || gap.upper <= gap.lower || gap.upper > buffer.upper || window.lowerBound < 0
          || window.upperBound > buffer.size
        {
          throw failure(
            "the gap \(gap.lower)-\(gap.upper) of buffer '\(buffer.id)' is empty, overlaps another or leaves the buffer",
            line)
        }
        last = gap.upper
      }
    }

    /// At most 2^40 in absolute value, so that no sum can overflow.
    private func number(_ field: Place) throws -> Int {
      let text = try text(field)
      guard let value = Int(text), value.magnitude <= 1 << 40 else {
        throw failure("expected a whole number of at most 2^40, found '\(text)'", field)
      }
      return value
    }

    private func gaps(_ field: Place) throws -> [AllocationProblem.Gap] {
      try text(field).split(separator: " ").map { gap in
        func pair(_ text: Substring, _ separator: Character) throws -> (Int, Int) {
          let parts = text.split(separator: separator, omittingEmptySubsequences: false)
          guard parts.count == 2, let low = Int(parts[0]), let high = Int(parts[1]), low.magnitude <= 1 << 40,
            high.magnitude <= 1 << 40
          else { throw failure("expected a gap such as 3-5 or 3-5@0:16, found '\(gap)'", field) }
          return (low, high)
        }
        let sides = gap.split(separator: "@", omittingEmptySubsequences: false)
        guard sides.count <= 2 else { throw failure("expected a gap such as 3-5@0:16, found '\(gap)'", field) }
        let (lower, upper) = try pair(sides[0], "-")
        var window: Range<Int>?
        if sides.count == 2 {
          let (low, high) = try pair(sides[1], ":")
          if high < low { throw failure("the window of '\(gap)' ends before it begins", field) }
          window = low..<high
        }
        return AllocationProblem.Gap(lower: lower, upper: upper + (endIsLast ? 1 : 0), window: window)
      }
    }
  }
}
