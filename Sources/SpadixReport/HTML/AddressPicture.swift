import SpadixSupport

/// Rows of the scratchpad against steps of the plan: every stay of a tensor, and the working rows of every operator.
struct AddressPicture {
  private let report: CompilationReport

  /// Nil where nothing is in the scratchpad.
  init?(_ report: CompilationReport) {
    if report.allocation.isEmpty && report.working.isEmpty { return nil }
    self.report = report
  }

  var markup: String {
    let (left, top, height) = (80.0, 12.0, 400.0)
    // Steps outside the operators of the report cannot be drawn; a report that was edited may have them.
    let steps = max(1, report.operators.count)
    let stepWidth = min(48, max(4, 1200 / Double(steps)))
    let width = stepWidth * Double(steps)
    let rows = extent
    func x(_ step: Int) -> Double { left + stepWidth * Double(min(step, steps)) }
    func y(_ row: Int) -> Double { top + height * (1 - Double(min(row, rows)) / Double(rows)) }
    var drawing = Drawing(
      width: max(left + width + 24, 320), height: top + height + 44, title: "Rows of the scratchpad against steps")
    for row in Ticks.linear(to: rows, count: 6) {
      drawing.line(left, y(row), left + width, y(row), "grid")
      drawing.text(left - 6, y(row) + 4, Figures.grouped(row), .end, small: true)
    }
    let labels = max(1, Int(width / 56))
    for step in Ticks.linear(to: steps - 1, count: labels) {
      drawing.line(x(step), top + height, x(step), top + height + 4, "axis")
      drawing.text(x(step), top + height + 17, String(step), .middle, small: true)
    }
    for working in report.working where working.step < steps {
      drawing.rectangle(
        x(working.step), y(working.row + working.rows), stepWidth, y(working.row) - y(working.row + working.rows),
        "working",
        hover: "working rows of \(report.operators[working.step].name)\nstep \(working.step), "
          + "rows \(working.row) to \(working.row + working.rows - 1)")
    }
    for (index, stay) in report.allocation.enumerated() {
      draw(stay, index, x(stay.firstStep), x(stay.lastStep + 1), y(stay.row + stay.rows), y(stay.row), &drawing)
    }
    drawing.line(left, top + height, left + width, top + height, "axis")
    drawing.line(left, top, left, top + height, "axis")
    drawing.text(left + max(width, 120) / 2, top + height + 36, "step (operator #)", .middle)
    drawing.upright(14, top + height / 2, "row of \(Figures.grouped(report.target.scratchpadRows))")
    return drawing.markup
      + "<p class=\"faint\">Coloured: tensors; grey: tiles, weights and constants of an operator. A line at the left edge: "
      + "fetched from DRAM; at the right edge: written to DRAM after its first step. Names are shown on hover, and in "
      + "the table below.</p>\n" + table
  }

  /// The rows that are shown: all of them, unless a small part holds everything.
  private var extent: Int {
    let used = max(
      report.allocation.map { $0.row + $0.rows }.max() ?? 0, report.working.map { $0.row + $0.rows }.max() ?? 0)
    let all = max(1, report.target.scratchpadRows)
    return used > 0 && used * 3 < all ? used + used / 8 + 1 : all
  }

  private func draw(
    _ stay: AllocationReport, _ index: Int, _ x0: Double, _ x1: Double, _ y0: Double, _ y1: Double,
    _ drawing: inout Drawing
  ) {
    // Neighbours in the list get distant hues.
    drawing.rectangle(
      x0, y0, max(0, x1 - x0), max(0, y1 - y0), "piece", fill: "hsl(\(index * 137 % 360),52%,62%)",
      hover: "\(stay.tensor), \(stay.origin)\nsteps \(stay.firstStep) to \(stay.lastStep), "
        + "rows \(stay.row) to \(stay.row + stay.rows - 1)" + (stay.spilled ? "\nspilled" : ""))
    if stay.origin == "fetched" { drawing.line(x0 + 1, y0, x0 + 1, y1, "fetched") }
    if stay.spilled { drawing.line(x1 - 1, y0, x1 - 1, y1, "spilled") }
  }

  private var table: String {
    if report.allocation.isEmpty { return "<p>No tensor stays in the scratchpad.</p>\n" }
    return "<details>\n<summary>\(report.allocation.count) stays of tensors</summary>\n"
      + HTMLTable(
        ["tensor", "first step", "last step", "first row", "rows", "origin", "spilled"],
        report.allocation.map { stay in
          [
            HTMLTable.Cell(stay.tensor), HTMLTable.Cell(number: stay.firstStep), HTMLTable.Cell(number: stay.lastStep),
            HTMLTable.Cell(number: stay.row), HTMLTable.Cell(number: stay.rows), HTMLTable.Cell(stay.origin),
            HTMLTable.Cell(stay.spilled ? "spilled" : ""),
          ]
        }, label: "Tensors in the scratchpad"
      ).markup + "</details>\n"
  }
}
