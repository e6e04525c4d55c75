import SpadixISA
import SpadixMachine
import SpadixReport

/// Questions to the time model about other hardware: which parameter, twice as good, would help most.
enum WhatIfs {
  private typealias Parameter = (path: String, timing: WritableKeyPath<Target.Timing, Int>, change: (Int) -> Int)

  /// Answers about the parameters that bear on what the program waits for most.
  static func of(_ program: Program, _ cycles: Counters.Cycles) -> [WhatIf] {
    guard let wait = cycles.largestWait else { return [] }
    return parameters(bearingOn: wait.key).compactMap { parameter in
      var target = program.target
      let present = target.timing[keyPath: parameter.timing]
      let changed = parameter.change(present)
      target.timing[keyPath: parameter.timing] = changed
      // A parameter at its limit cannot be asked about.
      guard changed != present, target.problems().isEmpty else { return nil }
      return WhatIf(
        parameter: parameter.path, present: present, changed: changed,
        cycles: ModelledTime.totalCycles(of: program.commands, on: target))
    }
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
        ("timing.reservation_station.execute", \.reservationStation.execute, { $0 * 2 }),
      ]
    }
  }
}
