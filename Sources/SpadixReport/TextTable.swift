/// Columns of text, aligned; columns of which every cell is empty are left out.
struct TextTable {
  enum Alignment { case left, right }

  private var columns: [(title: String, alignment: Alignment)]
  private var rows: [[String]] = []

  init(_ columns: [(title: String, alignment: Alignment)]) { self.columns = columns }

  /// - Precondition: one cell per column.
  mutating func append(_ cells: [String]) {
    precondition(cells.count == columns.count, "a row needs a cell for each column")
    rows.append(cells)
  }

  /// Header and rows, each line indented and without blanks at its end.
  func text(indent: String = "  ") -> String {
    let shown = columns.indices.filter { column in rows.contains { !$0[column].isEmpty } }
    let widths = columns.indices.map { column in
      rows.reduce(columns[column].title.count) { max($0, $1[column].count) }
    }
    return ([columns.map(\.title)] + rows).map { cells in
      var line = indent
      for column in shown {
        let padding = String(repeating: " ", count: widths[column] - cells[column].count)
        if column != shown.first { line += "  " }
        line += columns[column].alignment == .left ? cells[column] + padding : padding + cells[column]
      }
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }
}
