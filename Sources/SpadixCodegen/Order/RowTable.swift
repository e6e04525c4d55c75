/// For each row of local memory, how far the streams had come when they last used it.
struct RowTable {
  private struct Row {
    /// The last item that wrote the row: its number, and its stream in the lowest bits. What came before that one it has
    /// waited for.
    var writer: Int32 = 0
    /// Items that have read it since.
    var execute: Int32 = 0
    var store: Int32 = 0
  }

  private static let streamBits: Int32 = 3
  private var rows: [Row]

  init(rows: Int) { self.rows = [Row](repeating: Row(), count: rows) }

  /// The item reads the rows, and waits for who wrote them.
  mutating func read(_ used: LocalRows, _ item: inout StreamItem, number: Int32) {
    var seen: Int32 = 0
    let isStore = item.stream == .store
    rows.withUnsafeMutableBufferPointer { rows in
      used.forEach { row in
        let writer = rows[row].writer
        if writer != seen {
          seen = writer
          Self.wait(for: writer, &item)
        }
        if isStore { rows[row].store = number } else { rows[row].execute = number }
      }
    }
    item.after[item.stream] = 0
  }

  /// The item writes the rows, and waits for who wrote or read them.
  mutating func write(_ used: LocalRows, _ item: inout StreamItem, number: Int32) {
    var seen: Int32 = 0
    let new = Row(writer: number << Self.streamBits | Int32(item.stream.rawValue))
    rows.withUnsafeMutableBufferPointer { rows in
      used.forEach { row in
        let before = rows[row]
        if before.writer != seen {
          seen = before.writer
          Self.wait(for: before.writer, &item)
        }
        if before.execute > 0 { item.after.raise(.execute, to: before.execute) }
        if before.store > 0 { item.after.raise(.store, to: before.store) }
        rows[row] = new
      }
    }
    item.after[item.stream] = 0
  }

  /// The last product that has read rows since they were written.
  func lastProduct(in range: Range<Int>) -> Int32 { range.reduce(0) { max($0, rows[$1].execute) } }

  private static func wait(for writer: Int32, _ item: inout StreamItem) {
    if writer == 0 { return }
    let stream = CommandStream(rawValue: Int(writer & (1 << streamBits - 1)))!
    item.after.raise(stream, to: writer >> streamBits)
  }
}
