import SpadixISA
import SpadixImport
import SpadixPasses

/// What became of a model, for people.
enum ImportSummaryText {
  static func text(_ summary: ImportSummary, _ target: Target) -> String {
    let producer = summary.producer.isEmpty ? "" : ", by \(summary.producer)"
    var text = "\(summary.file): operator set \(summary.opset), IR version \(summary.irVersion)\(producer)\n\n"
    for (title, ports) in [("inputs", summary.inputs), ("outputs", summary.outputs)] {
      text += "\(title):\n"
      for port in ports { text += "  \(port.name): \(port.type)\(port.note.map { "  (\($0))" } ?? "")\n" }
    }
    text += "\n" + table(summary, target)
    if summary.unusedNodes > 0 { text += "nodes that no output depends on: \(summary.unusedNodes)\n" }
    if summary.refusals.isEmpty { return text }
    text += "\nrefused:\n"
    for refusal in summary.refusals {
      text += "  \(refusal.place): \(refusal.reason)\n"
      if let help = refusal.help { text += "    way out: \(help)\n" }
    }
    return text
  }

  private static func table(_ summary: ImportSummary, _ target: Target) -> String {
    var rows = [["operator", "nodes", "becomes", "on \(target.name)"]]
    for line in summary.lines {
      var becomes = line.operators.map(\.mnemonic)
      if line.folded > 0 { becomes.append(line.folded == line.nodes ? "a constant" : "a constant (\(line.folded))") }
      if line.renamed > 0 { becomes.append(line.renamed == line.nodes ? "nothing" : "nothing (\(line.renamed))") }
      if line.refused > 0 { becomes.append(line.refused == line.nodes ? "refused" : "refused (\(line.refused))") }
      if line.waiting > 0 { becomes.append("not reached (\(line.waiting))") }
      var places: [String] = []
      for op in line.operators {
        let place = TargetSupport.support(of: op, on: target).place.rawValue
        if !places.contains(place) { places.append(place) }
      }
      rows.append([line.kind, "\(line.nodes)", becomes.joined(separator: ", "), places.joined(separator: ", ")])
    }
    let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 }
    var text = ""
    for row in rows {
      let cells = (0..<3).map { column in
        let blanks = String(repeating: " ", count: widths[column] - row[column].count)
        return column == 1 ? blanks + row[column] : row[column] + blanks
      }
      text += "  " + (cells + [row[3]]).joined(separator: "  ")
      while text.last == " " { text.removeLast() }
      text += "\n"
    }
    return text
  }
}
