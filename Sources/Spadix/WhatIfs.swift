import SpadixISA
import SpadixMachine
import SpadixReport
import SpadixSupport

/// Questions to the time model about other hardware: which parameter, twice as good, would help most.
enum WhatIfs {
  private typealias Parameter = (
    path: String, timing: WritableKeyPath<Target.Timing, Int> & Sendable, change: @Sendable (Int) -> Int
  )

  /// Answers about the parameters that bear on what the program waits for most.
  static func of(_ program: Program, _ cycles: Counters.Cycles) -> [WhatIf] {
    guard let wait = cycles.largestWait else { return [] }
    let answers = parameters(bearingOn: wait.key).concurrentMap { parameter -> WhatIf? in
      var changedProgram = program
      let present = program.target.timing[keyPath: parameter.timing]
      let changed = parameter.change(present)
      changedProgram.target.timing[keyPath: parameter.timing] = changed
      // A parameter at its limit cannot be asked about.
      guard changed != present, changedProgram.target.problems().isEmpty else { return nil }
      return WhatIf(
        parameter: parameter.path, present: present, changed: changed,
        cycles: ModelledTime.totalCycles(of: changedProgram))
    }
    return answers.compactMap { $0 }
  }

  private static func parameters(bearingOn part: String) -> [Parameter] {
    switch part {
    case "load":
      [
        ("timing.dma_latency", \.dmaLatency, { $0 / 2 }), ("timing.max_in_flight", \.maxInFlight, { $0 * 2 }),
        ("timing.bus_bytes", \.busBytes, { $0 * 2 }),
      ]
    case "store": [("timing.dma_latency", \.dmaLatency, { $0 / 2 }), ("timing.bus_bytes", \.busBytes, { $0 * 2 })]
    case "dependence":
      [
        ("timing.reservation_station.load", \.reservationStation.load, { $0 * 2 }),
        ("timing.reservation_station.store", \.reservationStation.store, { $0 * 2 }),
        ("timing.reservation_station.execute", \.reservationStation.execute, { $0 * 2 }),
        ("timing.dma_latency", \.dmaLatency, { $0 / 2 }),
      ]
    default:
      [
        ("timing.issue_cycles", \.issueCycles, { $0 / 2 }),
        ("timing.instruction_cycles", \.instructionCycles, { $0 / 2 }),
        ("timing.reservation_station.execute", \.reservationStation.execute, { $0 * 2 }),
      ]
    }
  }
}
