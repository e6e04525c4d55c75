import SpadixCodegen
import SpadixIR
import SpadixISA
import SpadixReport
import SpadixSchedule

extension Compilation {
  /// What the program costs; nil before the last phase.
  ///
  /// - Parameter modelledCycles: of the whole program, from the machine's time model; nil where it was not run.
  public func report(modelledCycles: Int? = nil) -> CompilationReport? {
    guard let schedule, let generated, let npu else { return nil }
    let plan = schedule.plan
    let problem = schedule.prepared.problem
    var operators: [OperatorReport] = []
    for (step, statistics) in generated.operators.enumerated() {
      operators.append(OperatorReport(statistics, problem.operators[step].variants[plan.steps[step].variant]))
    }
    let end = generated.program.symbols.map { $0.address + UInt64($0.length) }.max() ?? UInt64(Target.firstAddress)
    return CompilationReport(
      graph: npu.name, target: target, operators: operators,
      schedule: ScheduleReport(
        formulation: formulation.rawValue, trafficBytes: plan.trafficBytes, boundBytes: plan.boundBytes,
        closedBy: plan.certificate.closedBy, rows: plan.certificate.rows, columns: plan.certificate.columns,
        nodes: plan.certificate.nodes),
      scratchpadPeakRows: generated.operators.map(\.scratchpadRows).max() ?? 0,
      accumulatorPeakRows: generated.operators.map(\.accumulatorRows).max() ?? 0,
      commands: generated.program.commands.count, dramImageBytes: Int(end) - Target.firstAddress,
      modelledCycles: modelledCycles,
      allocation: plan.pieces.map { piece in
        let tensor = problem.tensors[piece.tensor]
        return AllocationReport(
          tensor: "%\(tensor.name)", firstStep: piece.first, lastStep: piece.last, row: piece.row, rows: tensor.rows,
          origin: piece.origin.rawValue, spilled: piece.spilled)
      })
  }
}

extension OperatorReport {
  init(_ statistics: OperatorStatistics, _ variant: KernelProblem.Variant) {
    self.init(
      name: statistics.name, kind: Kind(statistics.kind), hostReason: statistics.hostReason,
      sourceLine: statistics.sourceLine, traffic: DRAMTraffic(statistics.traffic), arrayCycles: statistics.arrayCycles,
      issuedMACs: statistics.issuedMACs, usefulMACs: statistics.usefulMACs, scratchpadRows: statistics.scratchpadRows,
      accumulatorRows: statistics.accumulatorRows, commands: statistics.commands,
      operands: statistics.kind == .host ? [] : variant.inputs.map(Place.init),
      results: statistics.kind == .host ? [] : variant.outputs.map(Place.init), tiling: statistics.tiling)
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
  init(_ place: KernelProblem.Place) {
    switch place {
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
