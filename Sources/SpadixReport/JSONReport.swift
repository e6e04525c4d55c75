import SpadixISA
import SpadixSupport

/// The report for programs. `docs/report.md` lists the keys; they are kept.
public struct JSONReport {
  public var report: CompilationReport
  /// What `spadix verify` adds, under the key `verification`.
  public var verification: JSONValue?

  public init(_ report: CompilationReport, verification: JSONValue? = nil) {
    self.report = report
    self.verification = verification
  }

  public var text: String {
    var members: [JSONValue.Member] = [
      .init("format", .string("spadix-report-1")),
      .init("graph", .string(report.graph)),
      .init("target", target),
      .init("random_calibration", report.calibration.map { .string($0) } ?? .null),
      .init("cycles_modelled", report.modelledCycles.map { .integer($0) } ?? .null),
      .init("cycles_bound_by", report.time.map(Self.bounds) ?? .null),
      .init("bus_bytes", report.time.map(Self.bus) ?? .null),
      .init("dram_bytes", Self.traffic(report.traffic)),
      .init("dram_image_bytes", .integer(report.dramImageBytes)),
      .init("scratchpad_peak_rows", .integer(report.scratchpadPeakRows)),
      .init("accumulator_peak_rows", .integer(report.accumulatorPeakRows)),
      .init("useful_macs", .integer(report.usefulMACs)),
      .init("issued_macs", .integer(report.issuedMACs)),
      .init("array_utilization_percent", .number(Figures.percentValue(report.usefulMACs, of: report.issuedMACs))),
      .init("array_cycles_modelled", .integer(report.arrayCycles)),
      .init("commands", .integer(report.commands)),
      .init("schedule", schedule),
      .init("operators", .array(report.operators.map(Self.row))),
      .init("allocation", .array(report.allocation.map(Self.stay))),
    ]
    if let verification { members.append(.init("verification", verification)) }
    return JSONValue.object(members).text(pretty: true) + "\n"
  }

  private static func bounds(_ time: TimeReport) -> JSONValue {
    .object(time.parts.map { .init($0.key, .integer($0.cycles)) })
  }

  private static func bus(_ time: TimeReport) -> JSONValue {
    .object([.init("read", .integer(time.busRead)), .init("written", .integer(time.busWritten))])
  }

  private var target: JSONValue {
    let target = report.target
    return .object([
      .init("name", .string(target.name)),
      .init("fingerprint", .string(target.fingerprint)),
      .init("dim", .integer(target.dim)),
      .init("scratchpad_rows", .integer(target.scratchpadRows)),
      .init("accumulator_rows", .integer(target.accumulatorRows)),
      .init("notes", .array(target.notes.map { .string($0) })),
    ])
  }

  private var schedule: JSONValue {
    let schedule = report.schedule
    return .object([
      .init("formulation", .string(schedule.formulation)),
      .init("objective", schedule.objective.map { .string($0) } ?? .null),
      .init("traffic_bytes", .integer(schedule.bytes)),
      .init("bound_bytes", schedule.bytesBound.map { .integer($0) } ?? .null),
      .init("gap_bytes", schedule.gapBytes.map { .integer($0) } ?? .null),
      .init("planned_cycles", .integer(schedule.cycles)),
      .init("bound_cycles", schedule.cyclesBound.map { .integer($0) } ?? .null),
      .init("gap_cycles", schedule.gapCycles.map { .integer($0) } ?? .null),
      .init("proven", .boolean(schedule.isProven)),
      .init("closed_by", .string(schedule.closedBy)),
      .init("why_open", .array(schedule.whyOpen.map { .string($0) })),
      .init("rows", .integer(schedule.rows)),
      .init("columns", .integer(schedule.columns)),
      .init("nodes", .integer(schedule.nodes)),
      .init(
        "front",
        .array(
          schedule.front.map {
            .object([
              .init("objective", .string($0.objective)), .init("planned_cycles", .integer($0.cycles)),
              .init("traffic_bytes", .integer($0.bytes)),
            ])
          })),
    ])
  }

  private static func traffic(_ traffic: DRAMTraffic) -> JSONValue {
    .object(
      DRAMTraffic.fields.map { .init($0.key, .integer(traffic[keyPath: $0.path])) } + [
        .init("read", .integer(traffic.read)),
        .init("written", .integer(traffic.written)),
        .init("total", .integer(traffic.total)),
      ])
  }

  private static func row(_ row: OperatorReport) -> JSONValue {
    .object([
      .init("name", .string(row.name)),
      .init("kind", .string(row.kind.rawValue)),
      .init("host_reason", row.hostReason.map { .string($0) } ?? .null),
      .init("line", row.sourceLine.map { .integer($0) } ?? .null),
      .init("dram_bytes", traffic(row.traffic)),
      .init("useful_macs", .integer(row.usefulMACs)),
      .init("issued_macs", .integer(row.issuedMACs)),
      .init("array_cycles_modelled", .integer(row.arrayCycles)),
      .init("cycles_modelled", row.modelledCycles.map { .integer($0) } ?? .null),
      .init("scratchpad_rows", .integer(row.scratchpadRows)),
      .init("accumulator_rows", .integer(row.accumulatorRows)),
      .init("commands", .integer(row.commands)),
      .init("operands", .array(row.operands.map { .string($0.rawValue) })),
      .init("results", .array(row.results.map { .string($0.rawValue) })),
      .init("tiling", .string(row.tiling)),
    ])
  }

  private static func stay(_ stay: AllocationReport) -> JSONValue {
    .object([
      .init("tensor", .string(stay.tensor)),
      .init("first_step", .integer(stay.firstStep)),
      .init("last_step", .integer(stay.lastStep)),
      .init("row", .integer(stay.row)),
      .init("rows", .integer(stay.rows)),
      .init("origin", .string(stay.origin)),
      .init("spilled", .boolean(stay.spilled)),
    ])
  }
}
