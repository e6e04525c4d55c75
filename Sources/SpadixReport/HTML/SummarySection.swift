import SpadixISA
import SpadixSupport

/// The figures of the whole program, and what limits it.
struct SummarySection {
  private let report: CompilationReport
  private let verification: JSONValue?

  init(_ report: CompilationReport, _ verification: JSONValue?) {
    self.report = report
    self.verification = verification
  }

  var markup: String {
    var text =
      "<div class=\"cards\">\n"
      + ([cycles] + traffic + [memory, schedule, energy, accuracy]).compactMap { $0 }
      .joined() + "</div>\n"
    if let cycles = report.time?.cycles {
      text += CycleBar(cycles: cycles, scale: cycles.total, isWhole: true).markup + "\n" + CycleBar.legend
    }
    let sentences = Diagnosis(report: report).sentences
    if !sentences.isEmpty {
      text += "<ul>\n" + sentences.map { "<li>\(Markup.escaped($0))</li>\n" }.joined() + "</ul>\n"
    }
    if !report.whatIfs.isEmpty, let total = report.modelledCycles {
      text +=
        "<h3>What if: the same commands, timed again</h3>\n"
        + HTMLTable(
          ["parameter", "is", "would be", "cycles", "fewer"],
          report.whatIfs.map { it in
            [
              HTMLTable.Cell(it.parameter), HTMLTable.Cell(number: it.present), HTMLTable.Cell(number: it.changed),
              HTMLTable.Cell(number: it.cycles),
              HTMLTable.Cell(
                number: total - it.cycles, text: Figures.percent(max(0, total - it.cycles), of: total) + " %"),
            ]
          }, label: "Modelled cycles with one parameter changed"
        ).markup
    }
    return text
  }

  private func card(_ title: String, _ figure: String, _ lines: [String]) -> String {
    "<div class=\"card\"><h3>\(title)</h3>\n<div class=\"figure\">\(Markup.escaped(figure))</div>\n<ul>"
      + lines.map { "<li>\(Markup.escaped($0))</li>" }.joined() + "</ul></div>\n"
  }

  private var cycles: String {
    let useful = Figures.percent(report.usefulMACs, of: report.issuedMACs)
    let macs = "\(useful) % of the MACs issued in those are useful"
    guard let total = report.modelledCycles else {
      return card("array cycles (modelled)", Figures.grouped(report.arrayCycles), [macs])
    }
    var lines = [
      "array busy in \(Figures.percent(report.arrayCycles, of: total)) %, \(Figures.grouped(report.arrayCycles))", macs,
    ]
    if let mhz = report.target.clockMHz {
      lines.insert(
        "\(Figures.milliseconds(cycles: total, mhz: mhz)) ms at \(mhz) MHz, "
          + "\(Figures.perSecond(cycles: total, mhz: mhz)) inferences a second", at: 0)
    }
    return card("cycles (modelled, without host steps)", Figures.grouped(total), lines)
  }

  private var traffic: [String] {
    let traffic = report.traffic
    func lines(_ direction: DRAMTraffic.Field.Direction, _ bus: Int?) -> [String] {
      DRAMTraffic.fields.filter { $0.direction == direction && traffic[keyPath: $0.path] > 0 }.map {
        "\($0.label) \(Figures.grouped(traffic[keyPath: $0.path]))"
      } + (bus.map { ["on the bus, whole beats: \(Figures.grouped($0))"] } ?? [])
    }
    return [
      card("DRAM bytes read", Figures.grouped(traffic.read), lines(.read, report.time?.busRead)),
      card("DRAM bytes written", Figures.grouped(traffic.written), lines(.written, report.time?.busWritten)),
    ]
  }

  private var memory: String {
    let target = report.target
    return card(
      "scratchpad rows at the fullest step",
      "\(Figures.grouped(report.scratchpadPeakRows)) of \(Figures.grouped(target.scratchpadRows))",
      [
        "accumulator rows \(Figures.grouped(report.accumulatorPeakRows)) of \(Figures.grouped(target.accumulatorRows))",
        "DRAM image \(Figures.grouped(report.dramImageBytes)) bytes",
      ])
  }

  private var schedule: String {
    let schedule = report.schedule
    guard schedule.isBoundComputed else {
      return card("bytes of the plan", Figures.grouped(schedule.trafficBytes), ["the plan was given with the graph"])
    }
    let verdict =
      schedule.isProven
      ? "optimal, closed by \(schedule.closedBy)"
      : "gap \(Figures.percent(schedule.gapBytes, of: schedule.trafficBytes)) % to \(Figures.grouped(schedule.boundBytes))"
    return card("bytes of the plan", Figures.grouped(schedule.trafficBytes), [verdict] + schedule.whyOpen)
  }

  private var energy: String? {
    report.energy.map { energy in
      card(
        "energy (modelled)", Figures.energy(picojoules: energy.total),
        zip(EnergyParameters.fields, energy.picojoules).filter { $1 > 0 }.map {
          "\($0.label) \(Figures.percent($1, of: energy.total)) %"
        })
    }
  }

  private var accuracy: String? {
    guard let verification, let samples = verification["samples"]?.integer else { return nil }
    let outputs = verification["outputs"]?.elements ?? []
    let isExact = outputs.allSatisfy { $0["exact_samples"]?.integer == samples }
    var lines = outputs.map { output in
      var line = "%\(output["name"]?.string ?? ""): \(output["exact_samples"]?.integer ?? 0) of \(samples) bit-exact"
      if let decibels = output["sqnr_db"]?.number { line += ", SQNR \(decibels) dB against float" }
      return line
    }
    if let accuracy = verification["accuracy"], let labels = accuracy["labels"]?.integer {
      let float = accuracy["float"]?.integer.map { "float \(Figures.percent($0, of: labels)) %, " } ?? ""
      lines.append(
        "accuracy: \(float)int8 \(Figures.percent(accuracy["int8"]?.integer ?? 0, of: labels)) % of \(labels)")
    }
    return card("verified on \(samples) samples", isExact ? "bit-exact" : "NOT bit-exact", lines)
  }
}
