import SpadixMachine

/// What limits a program, in at most three sentences: the whole, the operator that costs most beyond its array time, and
/// what would help, with what the time model says of it.
struct Diagnosis {
  let report: CompilationReport

  var sentences: [String] { [whole, operation, remedy].compactMap { $0 } }

  private var whole: String? {
    guard let cycles = report.time?.cycles, let largest = cycles.largest, let wait = cycles.largestWait else {
      return nil
    }
    let share = { (part: Counters.Cycles.Part) in Figures.percent(part.cycles, of: cycles.total) + " %" }
    if largest.key == "array" {
      return
        "bound by the array in \(share(largest)) of the cycles; most of the rest goes to \(wait.label), \(share(wait))"
    }
    let verb = largest.label.hasSuffix("s") ? "take" : "takes"
    return "\(largest.label) \(verb) \(share(largest)) of the cycles, the array bounds "
      + Figures.percent(cycles.array, of: cycles.total) + " %"
  }

  private var operation: String? {
    var worst: OperatorReport?
    for row in report.operators where (row.cyclesBeyondArray ?? 0) > (worst?.cyclesBeyondArray ?? 0) { worst = row }
    guard let worst, let beyond = worst.cyclesBeyondArray, let cycles = worst.cycles, let wait = cycles.largestWait
    else {
      return nil
    }
    let line = worst.sourceLine.map { ", line \($0)," } ?? ""
    return "\(worst.name)\(line) costs most beyond its array time: \(Figures.grouped(beyond)) of its "
      + "\(Figures.grouped(cycles.total)) cycles; \(Figures.percent(wait.cycles, of: cycles.total)) % go to \(wait.label)"
  }

  private var remedy: String? {
    guard let total = report.modelledCycles, let best = report.whatIfs.min(by: { $0.cycles < $1.cycles }) else {
      return nil
    }
    let change = "\(best.parameter) \(best.changed) instead of \(best.present)"
    let gain = total - best.cycles
    let percent = Figures.percent(max(0, gain), of: total) + " %"
    // Below a hundredth no parameter is worth changing, and saying so is the answer.
    if gain * 100 < total {
      return "other timing hardly helps: the same commands with \(change) take \(Figures.grouped(best.cycles)) cycles, "
        + "\(percent) fewer (modelled); what is left is the array, the plan and the order of the commands"
    }
    return "the same commands with \(change) take \(Figures.grouped(best.cycles)) cycles, \(percent) fewer (modelled)"
  }
}
