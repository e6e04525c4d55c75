import SpadixSupport

/// Rows of the scratchpad against steps of the plan: every stay of a tensor, the working rows of every operator, and the
/// blocks of groups with their strips. Below, the bytes that each step moves to and from DRAM.
struct AddressPicture {
  private let report: CompilationReport

  /// Nil where nothing is in the scratchpad.
  init?(_ report: CompilationReport) {
    if report.allocation.isEmpty && report.working.isEmpty { return nil }
    self.report = report
  }

  private static let (left, top, height, trafficHeight) = (80.0, 12.0, 400.0, 90.0)

  /// Across the drawing.
  private struct Scale {
    let steps: Int
    let stepWidth: Double

    var width: Double { stepWidth * Double(steps) }
    func x(_ step: Int) -> Double { AddressPicture.left + stepWidth * Double(min(step, steps)) }
  }

  var markup: String {
    let (left, top, height) = (Self.left, Self.top, Self.height)
    // Steps outside the operators of the report cannot be drawn; a report that was edited may have them.
    let steps = max(1, report.operators.count)
    let scale = Scale(steps: steps, stepWidth: min(48, max(4, 1200 / Double(steps))))
    let (width, stepWidth) = (scale.width, scale.stepWidth)
    let rows = extent
    let bottom = top + height + 24 + Self.trafficHeight
    func x(_ step: Int) -> Double { scale.x(step) }
    func y(_ row: Int) -> Double { top + height * (1 - Double(min(row, rows)) / Double(rows)) }
    var drawing = Drawing(
      width: max(left + width + 24, 320), height: bottom + 44,
      title: "Rows of the scratchpad and bytes of DRAM traffic against steps")
    for row in Ticks.linear(to: rows, count: 6) {
      drawing.line(left, y(row), left + width, y(row), "grid")
      drawing.text(left - 6, y(row) + 4, Figures.grouped(row), .end, small: true)
    }
    let labels = max(1, Int(width / 56))
    for step in Ticks.linear(to: steps - 1, count: labels) {
      drawing.line(x(step), bottom, x(step), bottom + 4, "axis")
      drawing.text(x(step), bottom + 17, String(step), .middle, small: true)
    }
    for group in report.groups where group.lastStep < steps {
      draw(group, x(group.firstStep), x(group.lastStep + 1), y(group.row + group.rows), y(group.row), &drawing)
    }
    let grouped = Set(report.groups.filter { $0.lastStep < steps }.flatMap { $0.firstStep...$0.lastStep })
    for working in report.working where working.step < steps && !grouped.contains(working.step) {
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
    drawTraffic(scale, from: top + height + 24, to: bottom, &drawing)
    drawing.text(left + max(width, 120) / 2, bottom + 36, "step (operator #)", .middle)
    drawing.upright(14, top + height / 2, "row of \(Figures.grouped(report.target.scratchpadRows))")
    return drawing.markup
      + "<p class=\"faint\">Coloured: tensors; grey: tiles, weights and constants of an operator; framed: operators that "
      + "run together, with a mark for each strip. A line at the left edge: fetched from DRAM; at the right edge: written "
      + "to DRAM after its first step. Below, bytes read from DRAM and, on top of them, written there. Names are shown on "
      + "hover, and in the table below.</p>\n" + table
  }

  /// A frame with its strips side by side: in time, every operator of the group has a part in each.
  private func draw(
    _ group: GroupReport, _ x0: Double, _ x1: Double, _ y0: Double, _ y1: Double, _ drawing: inout Drawing
  ) {
    let names = report.operators[group.firstStep...group.lastStep].map(\.name).joined(separator: "\n")
    drawing.rectangle(
      x0, y0, max(0, x1 - x0), max(0, y1 - y0), "working group",
      hover: "\(group.lastStep - group.firstStep + 1) operators in \(group.strips) "
        + "\(group.strips == 1 ? "strip" : "strips"), rows \(group.row) to \(group.row + group.rows - 1)\n" + names)
    // A report that was edited may name any number of them.
    guard group.strips > 1, Double(group.strips) * 2 <= x1 - x0 else { return }
    for strip in 1..<group.strips {
      let x = x0 + (x1 - x0) * Double(strip) / Double(group.strips)
      drawing.line(x, y0, x, y1, "strip")
    }
  }

  private func drawTraffic(_ scale: Scale, from top: Double, to bottom: Double, _ drawing: inout Drawing) {
    let most = max(1, report.operators.map(\.traffic.total).max() ?? 1)
    func height(_ bytes: Int) -> Double { (bottom - top) * Double(max(0, bytes)) / Double(most) }
    for bytes in Ticks.linear(to: most, count: 3) {
      drawing.line(Self.left, bottom - height(bytes), Self.left + scale.width, bottom - height(bytes), "grid")
      drawing.text(Self.left - 6, bottom - height(bytes) + 4, Figures.bytes(bytes), .end, small: true)
    }
    for (step, it) in report.operators.enumerated() {
      let hover =
        "\(it.name)\nstep \(step), \(Figures.grouped(it.traffic.read)) bytes read, "
        + "\(Figures.grouped(it.traffic.written)) written"
      let (read, all) = (height(it.traffic.read), height(it.traffic.total))
      let width = max(1, scale.stepWidth - 1)
      if read > 0 { drawing.rectangle(scale.x(step), bottom - read, width, read, "load", hover: hover) }
      if all > read { drawing.rectangle(scale.x(step), bottom - all, width, all - read, "store", hover: hover) }
    }
    drawing.line(Self.left, bottom, Self.left + scale.width, bottom, "axis")
    drawing.line(Self.left, top, Self.left, bottom, "axis")
    drawing.upright(14, (top + bottom) / 2, "DRAM bytes")
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
