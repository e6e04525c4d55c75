import SpadixSupport

/// A line for each operator, with its cycles as bars of one scale.
struct OperatorTable {
  private let operators: [OperatorReport]

  init(_ operators: [OperatorReport]) { self.operators = operators }

  var markup: String {
    let scale = operators.compactMap(\.modelledCycles).max() ?? 0
    let rows = operators.enumerated().map { index, row in
      let traffic = row.traffic
      return [
        HTMLTable.Cell(number: index), HTMLTable.Cell(row.name), HTMLTable.Cell(number: row.sourceLine),
        HTMLTable.Cell(row.kind.rawValue), figure(row.modelledCycles ?? 0), bar(row, scale), boundBy(row),
        figure(row.arrayCycles),
        HTMLTable.Cell(
          number: row.issuedMACs == 0 ? -1 : Int(10 * Figures.percentValue(row.usefulMACs, of: row.issuedMACs)),
          text: row.issuedMACs == 0 ? "" : Figures.percent(row.usefulMACs, of: row.issuedMACs) + " %"),
        figure(traffic.weights), figure(traffic.read - traffic.weights), figure(traffic.written),
        figure(row.scratchpadRows), figure(row.commands), HTMLTable.Cell(row.tiling, isWide: true),
      ]
    }
    return CycleBar.legend
      + HTMLTable(
        [
          "#", "operator", "line", "runs as", "cycles", "what bounds them", "most", "array busy", "util.", "weights",
          "read", "written", "rows", "commands", "tiling",
        ], rows, label: "Operators in execution order"
      ).markup
      + "<p class=\"faint\">Cycles are modelled: those by which an operator lengthens the program. Weights, read and written "
      + "are bytes of DRAM. util.: useful of issued multiply-accumulates.</p>\n"
  }

  /// Nothing for zero, so that the eye finds what is there.
  private func figure(_ value: Int) -> HTMLTable.Cell {
    HTMLTable.Cell(number: value, text: value == 0 ? "" : nil)
  }

  private func bar(_ row: OperatorReport, _ scale: Int) -> HTMLTable.Cell {
    guard let cycles = row.cycles, cycles.total > 0 else { return HTMLTable.Cell(markup: "", key: 0) }
    return HTMLTable.Cell(markup: CycleBar(cycles: cycles, scale: scale).markup, key: cycles.total)
  }

  private func boundBy(_ row: OperatorReport) -> HTMLTable.Cell {
    guard let cycles = row.cycles, let largest = cycles.largest else { return HTMLTable.Cell("") }
    return HTMLTable.Cell("\(largest.key) \(Figures.percent(largest.cycles, of: cycles.total)) %")
  }
}
