import SpadixISA
import SpadixMachine
import SpadixSupport

/// The report for programs. `docs/report.md` lists the keys; they are kept.
public struct JSONReport {
  /// Changes when a key goes or gets another meaning, not when one is added.
  static let format = "spadix-report-1"

  /// All that the JSON has but the verification.
  public var report: CompilationReport
  /// What `spadix verify` adds, under the key `verification`.
  var verification: JSONValue?

  public init(_ report: CompilationReport, verification: JSONValue? = nil) {
    self.report = report
    self.verification = verification
  }

  /// Indented, with a line feed at its end.
  public var text: String { value.text(pretty: true) + "\n" }

  /// The members in the order of docs/report.md.
  var value: JSONValue {
    var members: [JSONValue.Member] = [
      .init("format", .string(Self.format)),
      .init("graph", .string(report.graph)),
      .init("command", report.command.map { .string($0) } ?? .null),
      .init("target", target),
      .init("calibration", report.calibration.map { .string($0) } ?? .null),
      .init("cycles_modelled", report.modelledCycles.map { .integer($0) } ?? .null),
      .init("cycles_bound_by", report.time.map(Self.bounds) ?? .null),
      .init("milliseconds_modelled", milliseconds),
      .init("energy_pj_modelled", energy),
      .init("what_if", .array(report.whatIfs.map(Self.whatIf))),
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
      .init("working_rows", .array(report.working.map(Self.working))),
      .init("groups", .array(report.groups.map(Self.group))),
      .init("timeline", report.timeline.map(Self.timeline) ?? .null),
      .init("messages", .array(report.messages.map(Self.message))),
    ]
    if let verification { members.append(.init("verification", verification)) }
    return .object(members)
  }

  private static func bounds(_ time: TimeReport) -> JSONValue {
    bounds(time.cycles)
  }

  private static func bounds(_ cycles: Counters.Cycles) -> JSONValue {
    .object(cycles.parts.map { .init($0.key, .integer($0.cycles)) })
  }

  /// Microseconds exactly, as a number of milliseconds.
  private var milliseconds: JSONValue {
    guard let cycles = report.modelledCycles, let mhz = report.target.clockMHz else { return .null }
    return .number(Double((cycles + mhz / 2) / mhz) / 1000)
  }

  private var energy: JSONValue {
    guard let energy = report.energy else { return .null }
    return .object(
      zip(EnergyReport.keys, energy.picojoules).map { .init($0, .integer($1)) }
        + [.init("total", .integer(energy.total))])
  }

  private static func whatIf(_ it: WhatIf) -> JSONValue {
    [
      "parameter": .string(it.parameter), "present": .integer(it.present), "changed": .integer(it.changed),
      "cycles_modelled": .integer(it.cycles),
    ]
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
      .init("bus_bytes", .integer(target.busBytes)),
      .init("clock_mhz", target.clockMHz.map { .integer($0) } ?? .null),
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
      .init("cycles_bound_by", row.cycles.map(bounds) ?? .null),
      .init("scratchpad_rows", .integer(row.scratchpadRows)),
      .init("accumulator_rows", .integer(row.accumulatorRows)),
      .init("commands", .integer(row.commands)),
      .init("operands", .array(row.operands.map { .string($0.rawValue) })),
      .init("results", .array(row.results.map { .string($0.rawValue) })),
      .init("tiling", .string(row.tiling)),
    ])
  }

  private static func working(_ it: WorkingRowsReport) -> JSONValue {
    ["step": .integer(it.step), "row": .integer(it.row), "rows": .integer(it.rows)]
  }

  private static func group(_ it: GroupReport) -> JSONValue {
    [
      "first_step": .integer(it.firstStep), "last_step": .integer(it.lastStep), "strips": .integer(it.strips),
      "row": .integer(it.row), "rows": .integer(it.rows),
    ]
  }

  private static func timeline(_ it: TimelineReport) -> JSONValue {
    func integers(_ values: [Int]) -> JSONValue { .array(values.map { .integer($0) }) }
    return [
      "cycles_per_bin": .integer(it.cyclesPerBin), "load": integers(it.load), "execute": integers(it.execute),
      "store": integers(it.store),
      "operators": .array(it.operators.map { $0.map { integers([$0.first, $0.last]) } ?? .null }),
    ]
  }

  private static func message(_ it: MessageReport) -> JSONValue {
    [
      "severity": .string(it.severity), "id": .string(it.id), "message": .string(it.message),
      "place": it.place.map { .string($0) } ?? .null, "help": it.help.map { .string($0) } ?? .null,
    ]
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
