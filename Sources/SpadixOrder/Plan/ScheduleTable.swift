/// The text that a person reads: a summary, and the allocation table.
public enum ScheduleTable {
  /// - Parameter showsTime: whether the summary says how long it took, which no two runs agree on.
  public static func text(
    _ plan: ScheduleSolution, for problem: ScheduleProblem, showsTime: Bool = false
  ) -> String {
    summary(plan, for: problem, showsTime: showsTime) + "\n" + allocation(plan, for: problem)
  }

  static func summary(
    _ plan: ScheduleSolution, for problem: ScheduleProblem, showsTime: Bool = false
  ) -> String {
    let gap = plan.traffic.total - plan.bound
    let percent = percent(gap, of: plan.traffic.total)
    let closed = plan.certificate.closedBy.map { "\($0.component) \($0.blocks)" }.joined(separator: ", ")
    let certificate = plan.certificate
    let stops = certificate.stops.map(\.rawValue).joined(separator: ", ")
    let lines: [(String, String)] = [
      ("problem", "\(problem.name), \(problem.operators.count) operators, \(plan.scope.rawValue)"),
      ("in common", places(problem)),
      ("budget", "\(plan.budget)"),
      (
        "traffic",
        "\(plan.traffic.total) (spilled \(plan.traffic.spilled), fetched \(plan.traffic.fetched)"
          + (plan.recomputation.cyclePrice > 0 ? ", for cycles \(plan.traffic.recomputed))" : ")")
      ),
      ("run again", plan.recomputation.limit > 0 ? repeats(plan, problem) : ""),
      ("bound", plan.isProven ? "\(plan.bound), proven optimal" : "\(plan.bound), gap \(gap) (\(percent))"),
      ("closed by", closed.isEmpty ? "nothing to close" : "\(closed) of \(certificate.blocks) blocks"),
      ("stopped by", stops),
      (
        "effort",
        "\(certificate.rows) rows, \(certificate.columns) columns, \(certificate.nodes) nodes, "
          + "\(certificate.labels) labels"
          + (showsTime ? ", \(Int((certificate.seconds * 1000).rounded())) ms" : "")
      ),
    ]
    return lines.filter { !$0.1.isEmpty }.map { padded($0.0, 10) + " " + $0.1 + "\n" }.joined()
  }

  /// How many operators may write over operands, and find operands next to each other.
  private static func places(_ problem: ScheduleProblem) -> String {
    if problem.sharing.isEmpty { return "" }
    let writers = problem.operators.count { !$0.overwritten.isEmpty }
    let readers = problem.operators.count { !$0.adjacent.isEmpty }
    return "results in the place of operands \(writers), operators that read tensors next to each other \(readers)"
  }

  /// The operators that run more than once.
  private static func repeats(_ plan: ScheduleSolution, _ problem: ScheduleProblem) -> String {
    var runs = [Int](repeating: 0, count: problem.operators.count)
    for op in plan.order { runs[op.index] += 1 }
    let names = runs.indices.filter { runs[$0] > 1 }.map { op in
      "\(problem.operators[op].id) \(problem.operators[op].name)" + (runs[op] > 2 ? " (\(runs[op] - 1) times)" : "")
    }
    return names.isEmpty ? "nothing" : names.joined(separator: ", ")
  }

  private static func allocation(_ plan: ScheduleSolution, for problem: ScheduleProblem) -> String {
    let transfers = PieceTransfers(problem, order: plan.order, pieces: plan.pieces)
    var text = padded("steps", 13) + padded("offset", 13) + padded("size", 13) + "tensor\n"
    for (number, piece) in plan.pieces.enumerated() {
      let tensor = problem.tensors[piece.tensor]
      let mark = (transfers.isFetched[number] ? "  fetched" : "") + (transfers.isStored[number] ? "  spilled" : "")
      text += padded("\(piece.first)-\(piece.last)", 13) + padded("\(piece.offset)", 13) + padded("\(tensor.size)", 13)
      text += "\(tensor.id) \(tensor.name)\(mark)\n"
    }
    return text
  }

  static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  /// A part of a whole, such as "12.5 %".
  public static func percent(_ part: Int, of whole: Int) -> String {
    tenths(whole == 0 ? 0 : Double(part) * 100 / Double(whole)) + " %"
  }

  static func tenths(_ value: Double) -> String {
    let number = Int((value * 10).rounded())
    return "\(number / 10).\(number % 10)"
  }
}
