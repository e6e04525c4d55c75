import SpadixSupport

/// A table that scrolls where there is no room, and sorts where there are scripts.
package struct HTMLTable {
  /// What a column shows in a row, and what it is sorted by.
  package struct Cell {
    var markup: String
    /// What the column is sorted by instead of the text.
    var key: Int?
    /// Prose, which may break into lines.
    var isWide = false

    /// Plain text, escaped; `isWide` lets prose break into lines.
    package init(_ text: String, isWide: Bool = false) {
      markup = Markup.escaped(text)
      self.isWide = isWide
    }

    /// A number, or nothing for nil; with its own text where digits in groups are not what it shows.
    package init(number: Int?, text: String? = nil) {
      markup = text ?? number.map { Figures.grouped($0) } ?? ""
      key = number ?? -1
    }

    package init(markup: String, key: Int) {
      self.markup = markup
      self.key = key
    }
  }

  let titles: [String]
  let rows: [[Cell]]
  /// What the table is, for those who cannot see it.
  let label: String

  package init(_ titles: [String], _ rows: [[Cell]], label: String) {
    self.titles = titles
    self.rows = rows
    self.label = label
  }

  /// Columns without anything in them are left out.
  package var markup: String {
    // Columns without anything in them are left out, as in the text report.
    let shown = titles.indices.filter { column in rows.contains { !$0[column].markup.isEmpty } }
    func number(_ column: Int) -> Bool { rows.first?[column].key != nil }
    var text = "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"\(Markup.escaped(label))\">\n"
    text += "<table class=\"sortable\">\n<thead><tr>"
    for column in shown { text += "<th scope=\"col\"\(number(column) ? " class=\"n\"" : "")>\(titles[column])</th>" }
    text += "</tr></thead>\n<tbody>\n"
    for row in rows {
      text += "<tr>"
      for column in shown {
        let cell = row[column]
        let style = cell.key != nil ? " class=\"n\" data-v=\"\(cell.key ?? 0)\"" : cell.isWide ? " class=\"wide\"" : ""
        text += "<td\(style)>\(cell.markup)</td>"
      }
      text += "</tr>\n"
    }
    return text + "</tbody>\n</table>\n</div>\n"
  }
}
