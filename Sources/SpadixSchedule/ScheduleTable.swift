/// The text that a person reads: a summary, and the allocation table.
public enum ScheduleTable {
  public static func text(_ plan: ScheduleSolution, for problem: ScheduleProblem) -> String {
    summary(plan, for: problem) + "\n" + allocation(plan, for: problem)
  }

  public static func summary(_ plan: ScheduleSolution, for problem: ScheduleProblem) -> String {
    let gap = plan.traffic.total - plan.bound
    let percent = plan.traffic.total == 0 ? 0 : Double(gap) * 100 / Double(plan.traffic.total)
    let closed = plan.certificate.closedBy.map { "\($0.component) \($0.blocks)" }.joined(separator: ", ")
    let certificate = plan.certificate
    let stops = certificate.stops.map(\.rawValue).joined(separator: ", ")
    let lines: [(String, String)] = [
      ("problem", "\(problem.name), \(problem.operators.count) operators, \(plan.scope.rawValue)"),
      ("budget", "\(plan.budget)"),
      ("traffic", "\(plan.traffic.total) (spilled \(plan.traffic.spilled), fetched \(plan.traffic.fetched))"),
      ("bound", plan.isProven ? "\(plan.bound), proven optimal" : "\(plan.bound), gap \(gap) (\(tenths(percent)) %)"),
      ("closed by", closed.isEmpty ? "nothing to close" : "\(closed) of \(certificate.blocks) blocks"),
      ("stopped by", stops),
      (
        "effort",
        "\(certificate.rows) rows, \(certificate.columns) columns, \(certificate.nodes) nodes, "
          + "\(certificate.labels) labels, \(Int((certificate.seconds * 1000).rounded())) ms"
      ),
    ]
    return lines.filter { !$0.1.isEmpty }.map { padded($0.0, 10) + " " + $0.1 + "\n" }.joined()
  }

  private static func allocation(_ plan: ScheduleSolution, for problem: ScheduleProblem) -> String {
    var pieceCount = [Int](repeating: 0, count: problem.tensors.count)
    for piece in plan.pieces { pieceCount[piece.tensor.index] += 1 }
    var text = padded("steps", 13) + padded("offset", 13) + padded("size", 13) + "tensor\n"
    var seen = [Int](repeating: 0, count: problem.tensors.count)
    for piece in plan.pieces {
      let tensor = problem.tensors[piece.tensor]
      seen[piece.tensor.index] += 1
      var mark = ""
      if seen[piece.tensor.index] > 1 { mark = "  fetched" }
      if seen[piece.tensor.index] == 1, pieceCount[piece.tensor.index] > 1, tensor.kind == .activation {
        mark = "  spilled"
      }
      text += padded("\(piece.first)-\(piece.last)", 13) + padded("\(piece.offset)", 13) + padded("\(tensor.size)", 13)
      text += "\(tensor.id) \(tensor.name)\(mark)\n"
    }
    return text
  }

  static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  static func tenths(_ value: Double) -> String {
    let number = Int((value * 10).rounded())
    return "\(number / 10).\(number % 10)"
  }
}
