import SpadixISA

/// The report for programs. `docs/report.md` lists the keys; they are kept.
public struct JSONReport {
  public var report: CompilationReport

  public init(_ report: CompilationReport) { self.report = report }

  public var text: String {
    JSONText.object([
      ("format", .string("spadix-report-1")),
      ("graph", .string(report.graph)),
      ("target", target),
      ("dram_bytes", Self.traffic(report.traffic)),
      ("dram_image_bytes", .integer(report.dramImageBytes)),
      ("scratchpad_peak_rows", .integer(report.scratchpadPeakRows)),
      ("accumulator_peak_rows", .integer(report.accumulatorPeakRows)),
      ("useful_macs", .integer(report.usefulMACs)),
      ("issued_macs", .integer(report.issuedMACs)),
      ("array_utilization_percent", .number(Figures.percent(report.usefulMACs, of: report.issuedMACs))),
      ("array_cycles_modelled", .integer(report.arrayCycles)),
      ("cycles_modelled", .optional(report.modelledCycles)),
      ("commands", .integer(report.commands)),
      ("schedule", schedule),
      ("operators", .array(report.operators.map(Self.row))),
      ("allocation", .array(report.allocation.map(Self.stay))),
    ]).text() + "\n"
  }

  private var target: JSONText {
    let target = report.target
    return .object([
      ("name", .string(target.name)),
      ("fingerprint", .string(target.fingerprint)),
      ("dim", .integer(target.dim)),
      ("scratchpad_rows", .integer(target.scratchpadRows)),
      ("accumulator_rows", .integer(target.accumulatorRows)),
    ])
  }

  private var schedule: JSONText {
    let schedule = report.schedule
    return .object([
      ("formulation", .string(schedule.formulation)),
      ("traffic_bytes", .integer(schedule.trafficBytes)),
      ("bound_bytes", .integer(schedule.boundBytes)),
      ("gap_bytes", .integer(schedule.gapBytes)),
      ("proven", .bool(schedule.isProven)),
      ("closed_by", .string(schedule.closedBy)),
      ("rows", .integer(schedule.rows)),
      ("columns", .integer(schedule.columns)),
      ("nodes", .integer(schedule.nodes)),
    ])
  }

  private static func traffic(_ traffic: DRAMTraffic) -> JSONText {
    .object(
      DRAMTraffic.fields.map { ($0.key, .integer(traffic[keyPath: $0.path])) } + [
        ("read", .integer(traffic.read)),
        ("written", .integer(traffic.written)),
        ("total", .integer(traffic.total)),
      ])
  }

  private static func row(_ row: OperatorReport) -> JSONText {
    .object([
      ("name", .string(row.name)),
      ("kind", .string(row.kind.rawValue)),
      ("host_reason", .optional(row.hostReason)),
      ("line", .optional(row.sourceLine)),
      ("dram_bytes", traffic(row.traffic)),
      ("useful_macs", .integer(row.usefulMACs)),
      ("issued_macs", .integer(row.issuedMACs)),
      ("array_cycles_modelled", .integer(row.arrayCycles)),
      ("scratchpad_rows", .integer(row.scratchpadRows)),
      ("accumulator_rows", .integer(row.accumulatorRows)),
      ("commands", .integer(row.commands)),
      ("operands", .array(row.operands.map { .string($0.rawValue) })),
      ("results", .array(row.results.map { .string($0.rawValue) })),
      ("tiling", .string(row.tiling)),
    ])
  }

  private static func stay(_ stay: AllocationReport) -> JSONText {
    .object([
      ("tensor", .string(stay.tensor)),
      ("first_step", .integer(stay.firstStep)),
      ("last_step", .integer(stay.lastStep)),
      ("row", .integer(stay.row)),
      ("rows", .integer(stay.rows)),
      ("origin", .string(stay.origin)),
      ("spilled", .bool(stay.spilled)),
    ])
  }
}
