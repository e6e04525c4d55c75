import SpadixISA

/// The report for people: a summary that fits a page, then a line per operator, then on request the allocation.
public struct TextReport {
  /// Modelled figures that it lacks are left out of the text.
  var report: CompilationReport
  /// Whether to add the allocation table.
  var verbose: Bool

  public init(_ report: CompilationReport, verbose: Bool = false) {
    self.report = report
    self.verbose = verbose
  }

  /// Sections parted by empty lines, the tables among them as wide as they need.
  public var text: String {
    var sections = [heading, array, traffic, memory, schedule]
    if !report.hostSteps.isEmpty { sections.append(hostSteps) }
    if !report.operators.isEmpty { sections.append(operators) }
    let sentences = Diagnosis(report: report).sentences
    if !sentences.isEmpty { sections.append(sentences.map { "  \($0)\n" }.joined()) }
    if verbose { sections.append(allocation) }
    return sections.joined(separator: "\n")
  }

  private var heading: String {
    let target = report.target
    let host = report.hostSteps.count
    let calibration = report.calibration.map { "ranges from \($0)\n" } ?? ""
    return """
      @\(report.graph) for \(target.name): dim \(target.dim), scratchpad \(Figures.bytes(target.scratchpadBytes)), \
      accumulator \(Figures.bytes(target.accumulatorBytes))
      \(report.operators.count - host) operators on the accelerator, \(host) on the host; \
      \(Figures.grouped(report.commands)) commands
      \(calibration)
      """ + target.notes.map { "note: \($0)\n" }.joined()
  }

  private var traffic: String {
    let traffic = report.traffic
    var table = TextTable([("DRAM bytes", .left), ("read", .right), ("written", .right)])
    // A class that is read and written, activations, has one row.
    var rows: [(label: String, read: String, written: String)] = []
    for field in DRAMTraffic.fields where field.path != \.commands || traffic.commands > 0 {
      let bytes = Figures.grouped(traffic[keyPath: field.path])
      let row = rows.firstIndex { $0.label == field.label } ?? rows.count
      if row == rows.count { rows.append((field.label, "", "")) }
      switch field.direction {
      case .read: rows[row].read = bytes
      case .written: rows[row].written = bytes
      }
    }
    for row in rows { table.append([row.label, row.read, row.written]) }
    table.append(["total", Figures.grouped(traffic.read), Figures.grouped(traffic.written)])
    return table.text()
  }

  private var memory: String {
    let target = report.target
    var table = TextTable([("memory", .left), ("peak rows", .right), ("of", .right), ("", .right)])
    for (name, peak, rows) in [
      ("scratchpad", report.scratchpadPeakRows, target.scratchpadRows),
      ("accumulator", report.accumulatorPeakRows, target.accumulatorRows),
    ] {
      table.append([name, Figures.grouped(peak), Figures.grouped(rows), Figures.percent(peak, of: rows) + " %"])
    }
    return table.text() + "  DRAM image \(Figures.grouped(report.dramImageBytes)) bytes\n"
  }

  private var array: String {
    var text = ""
    if let time = report.time {
      let total = time.cycles.total
      let parts = time.cycles.parts.map { "\($0.label) \(Figures.percent($0.cycles, of: total)) %" }
      text =
        "total cycles \(Figures.grouped(total)) (modelled)\n" + milliseconds(total) + energy
        + "  bound by \(parts.joined(separator: ", "))\n"
        + "  bytes on the bus: \(Figures.grouped(time.busRead)) read, \(Figures.grouped(time.busWritten)) written\n"
        + "  array busy in \(Figures.grouped(report.arrayCycles)) of them, "
        + "\(Figures.percent(report.arrayCycles, of: total)) %\n"
    } else {
      text = "  array busy in \(Figures.grouped(report.arrayCycles)) cycles (modelled)\n"
    }
    return text
      + "  array utilization \(Figures.percent(report.usefulMACs, of: report.issuedMACs)) % in those: "
      + "\(Figures.grouped(report.usefulMACs)) useful of \(Figures.grouped(report.issuedMACs)) issued MACs\n"
  }

  private func milliseconds(_ cycles: Int) -> String {
    guard let mhz = report.target.clockMHz else { return "" }
    return "  \(Figures.milliseconds(cycles: cycles, mhz: mhz)) ms at \(mhz) MHz (modelled), "
      + "\(Figures.perSecond(cycles: cycles, mhz: mhz)) inferences a second, host steps not counted\n"
  }

  private var energy: String {
    guard let energy = report.energy else { return "" }
    let parts = zip(EnergyParameters.fields, energy.picojoules).filter { $1 > 0 }.map {
      "\($0.label) \(Figures.percent($1, of: energy.total)) %"
    }
    return "  energy \(Figures.energy(picojoules: energy.total)) (modelled): \(parts.joined(separator: ", "))\n"
  }

  private var schedule: String {
    let schedule = report.schedule
    if !schedule.isBoundComputed {
      return
        "  schedule: \(Figures.grouped(schedule.cycles)) cycles planned, \(Figures.grouped(schedule.bytes)) bytes; "
        + "the plan was given with the graph\n"
    }
    func line(_ value: Int, _ bound: Int?, _ unit: String) -> String {
      guard let bound else { return "\(Figures.grouped(value)) \(unit)" }
      let gap = value <= bound ? "least" : "\(Figures.percent(value - bound, of: bound)) % above"
      return "\(Figures.grouped(value)) \(unit), bound \(Figures.grouped(bound)) (\(gap))"
    }
    let verdict = schedule.isProven ? "optimal for \(schedule.objective ?? "")" : "not proven"
    return """
        schedule: \(verdict), closed by \(schedule.closedBy)
          \(line(schedule.cycles, schedule.cyclesBound, "cycles planned"))
          \(line(schedule.bytes, schedule.bytesBound, "bytes"))
      \(front)\(schedule.whyOpen.map { "  \($0)\n" }.joined())\
        formulation \(schedule.formulation): \(Figures.grouped(schedule.rows)) rows, \
      \(Figures.grouped(schedule.columns)) columns, \(Figures.grouped(schedule.nodes)) nodes

      """
  }

  /// Plans from the fastest to the one of least traffic.
  private var front: String {
    if report.schedule.front.isEmpty { return "" }
    var table = TextTable([("    objective", .left), ("cycles planned", .right), ("bytes", .right)])
    for point in report.schedule.front {
      table.append(["    " + point.objective, Figures.grouped(point.cycles), Figures.grouped(point.bytes)])
    }
    return table.text()
  }

  private var hostSteps: String {
    var table = TextTable([("host step", .left), ("line", .right), ("reason", .left)])
    for step in report.hostSteps {
      table.append([step.name, step.sourceLine.map(String.init) ?? "", step.hostReason ?? ""])
    }
    return table.text()
  }

  private var operators: String {
    var table = TextTable([
      ("operator", .left), ("line", .right), ("runs as", .left), ("weights", .right), ("read", .right),
      ("fetched", .right), ("written", .right), ("spilled", .right), ("array", .right), ("cycles", .right),
      ("bound by", .left), ("util.", .right), ("places", .left), ("rows", .right), ("tiling", .left),
    ])
    for row in report.operators {
      let traffic = row.traffic
      table.append([
        row.name, row.sourceLine.map(String.init) ?? "", row.kind.rawValue, figure(traffic.weights),
        figure(traffic.inputs + traffic.activationsRead), figure(traffic.fetches),
        figure(traffic.activationsWritten + traffic.outputs), figure(traffic.spills), figure(row.arrayCycles),
        figure(row.modelledCycles ?? 0), boundBy(row),
        row.issuedMACs == 0 ? "" : Figures.percent(row.usefulMACs, of: row.issuedMACs) + " %",
        places(row), figure(row.scratchpadRows), row.tiling,
      ])
    }
    let isPlaced = report.operators.contains { !places($0).isEmpty }
    return table.text()
      + (isPlaced
        ? "  array: cycles in which the array is busy; cycles: modelled, by which the operator lengthens the program\n"
          + "  bound by: what bounds most of these cycles, and how many of them\n"
          + "  places: operands > results; s in the scratchpad, r in rows of a group, d streamed from or to DRAM\n"
        : "")
  }

  private func boundBy(_ row: OperatorReport) -> String {
    guard let cycles = row.cycles, let largest = cycles.largest else { return "" }
    return "\(largest.key) \(Figures.percent(largest.cycles, of: cycles.total)) %"
  }

  /// Nothing for zero, so that the eye finds what is there.
  private func figure(_ value: Int) -> String { value == 0 ? "" : Figures.grouped(value) }

  private func places(_ row: OperatorReport) -> String {
    guard !row.operands.isEmpty || !row.results.isEmpty else { return "" }
    func letters(_ places: [OperatorReport.Place]) -> String {
      places.map { place in
        switch place {
        case .resident: "s"
        case .rows: "r"
        case .streamed: "d"
        }
      }.joined()
    }
    return "\(letters(row.operands)) > \(letters(row.results))"
  }

  private var allocation: String {
    guard !report.allocation.isEmpty else { return "  no tensor stays in the scratchpad\n" }
    var table = TextTable([
      ("steps", .right), ("scratchpad rows", .right), ("count", .right), ("tensor", .left), ("origin", .left),
      ("", .left),
    ])
    for stay in report.allocation {
      table.append([
        "\(stay.firstStep)...\(stay.lastStep)", "\(stay.row)..<\(stay.row + stay.rows)", Figures.grouped(stay.rows),
        stay.tensor, stay.origin, stay.spilled ? "spilled" : "",
      ])
    }
    return table.text()
  }
}
