import SpadixReport

/// The figures of a point, all of them counted or modelled whole numbers.
enum SweepFigures {
  private static let all: [(name: String, value: @Sendable (CompilationReport) -> Int?)] = [
    ("cycles_modelled", { $0.modelledCycles }),
    ("array_cycles", { $0.arrayCycles }),
    ("bound_by_array", { $0.time?.cycles.array }),
    ("bound_by_load", { $0.time?.cycles.load }),
    ("bound_by_store", { $0.time?.cycles.store }),
    ("bound_by_dependence", { $0.time?.cycles.dependence }),
    ("bound_by_issue", { $0.time?.cycles.issue }),
    (
      "microseconds_modelled",
      { report in
        guard let mhz = report.target.clockMHz, let cycles = report.modelledCycles else { return nil }
        return (cycles + mhz / 2) / mhz
      }
    ),
    ("energy_pj_modelled", { $0.energy?.total }),
    ("read_bytes", { $0.traffic.read }),
    ("written_bytes", { $0.traffic.written }),
    ("dram_bytes", { $0.traffic.total }),
    ("bound_bytes", { $0.schedule.bytesBound }),
    ("scratchpad_bytes", { $0.target.scratchpadBytes }),
    ("accumulator_bytes", { $0.target.accumulatorBytes }),
    ("scratchpad_peak_rows", { $0.scratchpadPeakRows }),
    ("useful_macs", { $0.usefulMACs }),
    ("issued_macs", { $0.issuedMACs }),
    ("commands", { $0.commands }),
    ("host_steps", { $0.hostSteps.count }),
  ]

  /// In the order of every file of a sweep.
  static let names = all.map(\.name)

  /// In the order of `names`; nil for what a point does not have, such as energy without parameters.
  static func of(_ report: CompilationReport) -> [Int?] { all.map { $0.value(report) } }
}
