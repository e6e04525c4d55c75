import SpadixSupport

/// Allocation problems as comma-separated values, as MiniMalloc reads and writes them.
///
/// A header names the columns in any order: `id` (or `buffer`, `buffer_id`), `lower` (or `begin`, `start`), `upper`
/// (half open; `end` is the last step itself), `size`, and optionally `alignment`, `hint` (-1 for none), `gaps`
/// (`from-to` or `from-to@low:high`, separated by spaces) and `offset` (fixed).
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
    for line in reader.lines() {
      if reader.columns.isEmpty {
        try reader.readHeader(line)
        continue
      }
      let buffer = try reader.readBuffer(line, capacity: capacity)
      if !ids.insert(buffer.id).inserted {
        throw reader.failure("buffer '\(buffer.id)' stands here twice", line)
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
    for (number, line) in reader.lines().enumerated() {
      if number == 0 { try reader.readHeader(line) }
      var fields = reader.fields(line).map { reader.text($0) }
      let value = number == 0 ? Column.offset.rawValue : "\(solution.offsets[number - 1])"
      if let column = reader.columns.firstIndex(of: .offset) { fields[column] = value } else { fields.append(value) }
      text += fields.joined(separator: ",") + "\n"
    }
    return text
  }

  private struct Line {
    var start: Int
    var end: Int
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

    func lines() -> [Line] {
      var result: [Line] = []
      var start = 0
      for (offset, byte) in (source.bytes + [UInt8(ascii: "\n")]).enumerated() where byte == UInt8(ascii: "\n") {
        var end = offset
        if end > start, source.bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        if end > start { result.append(Line(start: start, end: end)) }
        start = offset + 1
      }
      return result
    }

    func failure(_ message: String, _ field: Line) -> Diagnostic {
      Diagnostic(
        "allocation.format", message, at: SourceRange(source, field.start, max(field.start + 1, field.end)))
    }

    func fields(_ line: Line) -> [Line] {
      var result: [Line] = []
      var start = line.start
      for offset in line.start...line.end {
        if offset == line.end || source.bytes[offset] == UInt8(ascii: ",") {
          result.append(Line(start: start, end: offset))
          start = offset + 1
        }
      }
      return result
    }

    func text(_ field: Line) -> String {
      String(decoding: source.bytes[field.start..<field.end], as: UTF8.self)
    }

    mutating func readHeader(_ line: Line) throws {
      for field in fields(line) {
        let name = text(field)
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
        throw failure("the column '\(column.rawValue)' is missing", line)
      }
    }

    func readBuffer(_ line: Line, capacity: Int) throws -> AllocationProblem.Buffer {
      let fields = self.fields(line)
      if fields.count != columns.count {
        throw failure("expected \(columns.count) fields, found \(fields.count)", line)
      }
      var buffer = AllocationProblem.Buffer(id: "", lower: 0, upper: 0, size: 0)
      for (column, field) in zip(columns, fields) {
        switch column {
        case .id: buffer.id = text(field)
        case .lower: buffer.lower = try number(field)
        case .upper: buffer.upper = try number(field) + (endIsLast ? 1 : 0)
        case .size: buffer.size = try number(field)
        case .alignment: buffer.alignment = try number(field)
        case .hint:
          let hint = try number(field)
          buffer.hint = hint < 0 ? nil : hint
        case .gaps: buffer.gaps = try gaps(field)
        case .offset: buffer.fixedOffset = try number(field)
        }
      }
      try check(buffer, line, capacity)
      return buffer
    }

    private func check(_ buffer: AllocationProblem.Buffer, _ line: Line, _ capacity: Int) throws {
      if buffer.upper < buffer.lower {
        throw failure("buffer '\(buffer.id)' ends in step \(buffer.upper), before it begins in \(buffer.lower)", line)
      }
      if buffer.size < 0 { throw failure("buffer '\(buffer.id)' has the size \(buffer.size)", line) }
      if buffer.alignment < 1 { throw failure("buffer '\(buffer.id)' has the alignment \(buffer.alignment)", line) }
      if judgesOffsets, let offset = buffer.fixedOffset,
        offset < 0 || offset > capacity - buffer.size || offset % buffer.alignment != 0
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
    private func number(_ field: Line) throws -> Int {
      guard let value = Int(text(field)), value.magnitude <= 1 << 40 else {
        throw failure("expected a whole number of at most 2^40, found '\(text(field))'", field)
      }
      return value
    }

    private func gaps(_ field: Line) throws -> [AllocationProblem.Gap] {
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
