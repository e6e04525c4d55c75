import SpadixMachine

/// The report for spreadsheets (RFC 4180): a header, a line per operator in execution order, and the sum of all.
public struct CSVReport {
  /// Its operators become the lines.
  var report: CompilationReport

  public init(_ report: CompilationReport) { self.report = report }

  /// UTF-8, lines ended by a line feed. Columns are never left out, so that files can be put side by side.
  public var text: String {
    let header =
      ["step", "operator", "kind", "line"]
      + DRAMTraffic.fields.map { $0.key + "_bytes" }
      + [
        "read_bytes", "written_bytes", "useful_macs", "issued_macs", "utilization_percent", "array_cycles_modelled",
        "cycles_modelled",
      ] + Self.bounds.map { $0 + "_cycles_modelled" } + [
        "scratchpad_rows", "accumulator_rows", "commands", "operands", "results", "tiling",
        "host_reason",
      ]
    var lines = [header]
    for (index, row) in report.operators.enumerated() {
      lines.append(
        line(
          String(index), row.name, row.kind.rawValue, row.sourceLine, row.traffic,
          useful: row.usefulMACs, issued: row.issuedMACs, cycles: row.arrayCycles, modelled: row.cycles,
          scratchpad: row.scratchpadRows, accumulator: row.accumulatorRows, commands: row.commands)
          + [
            row.operands.map(\.rawValue).joined(separator: " "), row.results.map(\.rawValue).joined(separator: " "),
            row.tiling, row.hostReason ?? "",
          ])
    }
    lines.append(
      line(
        "", "total", "", nil, report.traffic, useful: report.usefulMACs, issued: report.issuedMACs,
        cycles: report.arrayCycles, modelled: report.time?.cycles, scratchpad: report.scratchpadPeakRows,
        accumulator: report.accumulatorPeakRows, commands: report.commands) + ["", "", "", ""])
    return lines.map { $0.map(Self.field).joined(separator: ",") + "\n" }.joined()
  }

  private func line(
    _ step: String, _ name: String, _ kind: String, _ sourceLine: Int?, _ traffic: DRAMTraffic, useful: Int,
    issued: Int, cycles: Int, modelled: Counters.Cycles?, scratchpad: Int, accumulator: Int, commands: Int
  ) -> [String] {
    [step, name, kind, sourceLine.map(String.init) ?? ""]
      + DRAMTraffic.fields.map { String(traffic[keyPath: $0.path]) }
      + [
        String(traffic.read), String(traffic.written), String(useful), String(issued),
        Figures.percent(useful, of: issued), String(cycles), modelled.map { String($0.total) } ?? "",
      ]
      + (modelled?.parts.map { String($0.cycles) } ?? Self.bounds.map { _ in "" })
      + [
        String(scratchpad), String(accumulator), String(commands),
      ]
  }

  private static let bounds = Counters.Cycles().parts.map { "bound_by_" + $0.key }

  private static func field(_ text: String) -> String {
    guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}
