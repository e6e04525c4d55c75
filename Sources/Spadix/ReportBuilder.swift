import SpadixCodegen
import SpadixIR
import SpadixISA
import SpadixMachine
import SpadixPlan
import SpadixReport

extension Compilation {
  /// What the program costs; nil before the last phase.
  ///
  /// - Parameter modelsTime: whether to run the machine's time model over the program, for its cycles.
  /// - Parameter asksWhatIf: whether to time it again for what the cycles would be with other hardware.
  public func report(modelsTime: Bool = false, asksWhatIf: Bool = true) throws -> CompilationReport? {
    guard let schedule, let generated, let npu else { return nil }
    let plan = schedule.plan
    let problem = schedule.kernels.problem
    var operators: [OperatorReport] = []
    let modelled = modelsTime ? try Self.modelledTime(generated) : nil
    let program = generated.program
    let commandBytes = CommandDelivery(program).bytesByOperation(program, commands: program.commands.count)
    for (step, statistics) in generated.operators.enumerated() {
      var row = OperatorReport(statistics, plan.steps[step])
      row.cycles = modelled?.cycles[step]
      row.traffic.commands = statistics.debugOperations.reduce(0) { $0 + commandBytes[$1] }
      operators.append(row)
    }
    // The fence at the end belongs to no operation.
    if let last = operators.indices.last {
      operators[last].traffic.commands += commandBytes.reduce(0, +) - operators.reduce(0) { $0 + $1.traffic.commands }
    }
    let end = generated.program.symbols.map { $0.address + UInt64($0.length) }.max() ?? UInt64(Target.firstAddress)
    var report = CompilationReport(
      graph: npu.name, target: TargetReport(target), calibration: calibration, operators: operators,
      schedule: ScheduleReport(
        formulation: input.phase >= .plan ? ScheduleReport.file : formulation.rawValue,
        objective: plan.objective?.text, bytes: plan.cost.bytes, bytesBound: plan.bounds.bytes,
        cycles: plan.cost.time, cyclesBound: plan.bounds.time, isProven: plan.isProven && input.phase < .plan,
        closedBy: plan.certificate.closedBy, rows: plan.certificate.rows, columns: plan.certificate.columns,
        nodes: plan.certificate.nodes, whyOpen: plan.certificate.whyOpen,
        front: schedule.front.map {
          ScheduleReport.FrontPoint(objective: $0.objective.text, cycles: $0.cost.time, bytes: $0.cost.bytes)
        }),
      scratchpadPeakRows: generated.operators.map(\.scratchpadRows).max() ?? 0,
      accumulatorPeakRows: generated.operators.map(\.accumulatorRows).max() ?? 0,
      commands: generated.program.commands.count, dramImageBytes: Int(end) - Target.firstAddress,
      time: modelled?.time,
      allocation: plan.pieces.map { piece in
        let tensor = problem.tensors[piece.tensor]
        return AllocationReport(
          tensor: "%\(tensor.name)", firstStep: piece.first, lastStep: piece.last, row: piece.row, rows: tensor.rows,
          origin: piece.origin.rawValue, spilled: piece.spilled)
      })
    report.working = plan.steps.indices.flatMap { step in
      schedule.kernels.workingRows(of: step, plan).map {
        WorkingRowsReport(step: step, row: $0.lowerBound, rows: $0.count)
      }
    }
    report.groups = plan.groups.map {
      GroupReport(steps: $0.steps, strips: $0.strips, row: $0.row, rows: $0.rows)
    }
    report.messages = diagnostics.all.map { MessageReport($0) }
    if let modelled {
      report.timeline = modelled.timeline
      if asksWhatIf { report.whatIfs = WhatIfs.of(generated.program, modelled.time.cycles) }
      report.energy = energy(modelled.total, commands: report.commands)
    }
    return report
  }

  private func energy(_ total: Counters.Activity, commands: Int) -> EnergyReport? {
    if target.energy.isEmpty { return nil }
    return EnergyReport(
      target.energy,
      counts: [
        total.usefulMACs, total.busRead + total.busWritten, total.scratchpadBytes, total.accumulatorBytes, commands,
        total.cycles.total,
      ])
  }
}

extension Compilation {
  /// Cycles by which each operator lengthens the program, by the machine's time model; together all cycles.
  static func modelledCycles(_ generated: GeneratedProgram) throws -> [Int] {
    let machine = try Machine(generated.program, options: Machine.Options(checks: [], time: true, execute: false))
    machine.run()
    return cycles(of: generated, machine.counters).map(\.total)
  }

  private static func cycles(of generated: GeneratedProgram, _ counters: Counters) -> [Counters.Cycles] {
    var cycles = generated.operators.map { statistics in
      statistics.debugOperations.reduce(into: Counters.Cycles()) { $0 += counters.operations[$1].cycles }
    }
    // The fence at the end belongs to no operation.
    if let last = cycles.indices.last {
      var rest = counters.total.cycles
      for known in cycles { rest -= known }
      cycles[last] += rest
    }
    return cycles
  }

  /// What the report says of time, with cycles as `modelledCycles` counts them.
  private static func modelledTime(
    _ generated: GeneratedProgram
  ) throws -> (time: TimeReport, cycles: [Counters.Cycles], total: Counters.Activity, timeline: TimelineReport?) {
    let machine = try Machine(generated.program, options: Machine.Options(checks: [], time: true, execute: false))
    machine.recordProfile()
    machine.run()
    let counters = machine.counters
    let time = TimeReport(
      cycles: counters.total.cycles, busRead: counters.total.busRead, busWritten: counters.total.busWritten)
    let profile = machine.profile
    var spans = [QueueProfile.Span?](repeating: nil, count: generated.operators.count)
    for (step, statistics) in generated.operators.enumerated() {
      for operation in statistics.debugOperations {
        if let span = profile?.spans[operation] { spans[step] = span.joined(with: spans[step]) }
      }
    }
    return (time, cycles(of: generated, counters), counters.total, profile.map { TimelineReport($0, operators: spans) })
  }
}

extension OperatorReport {
  init(_ statistics: OperatorStatistics, _ step: Plan.Step) {
    self.init(
      name: statistics.name, kind: Kind(statistics.kind), hostReason: statistics.hostReason,
      sourceLine: statistics.sourceLine, traffic: DRAMTraffic(statistics.traffic), arrayCycles: statistics.arrayCycles,
      issuedMACs: statistics.issuedMACs, usefulMACs: statistics.usefulMACs, scratchpadRows: statistics.scratchpadRows,
      accumulatorRows: statistics.accumulatorRows, commands: statistics.commands,
      operands: statistics.kind == .host ? [] : step.inputs.map(Place.init),
      results: statistics.kind == .host ? [] : step.outputs.map(Place.init), tiling: statistics.tiling)
  }
}

extension OperatorReport.Kind {
  init(_ kind: OperatorStatistics.Kind) {
    switch kind {
    case .array: self = .array
    case .move: self = .move
    case .host: self = .host
    }
  }
}

extension OperatorReport.Place {
  init(_ place: Plan.Place) {
    switch place {
    case .rows: self = .rows
    case .resident: self = .resident
    case .streamed: self = .streamed
    }
  }
}

extension DRAMTraffic {
  init(_ traffic: OperatorStatistics.Traffic) {
    self.init()
    weights = traffic.weightsRead
    inputs = traffic.inputsRead
    activationsRead = traffic.activationsRead
    fetches = traffic.fetched
    activationsWritten = traffic.activationsWritten
    spills = traffic.spilled
    outputs = traffic.outputsWritten
  }
}
