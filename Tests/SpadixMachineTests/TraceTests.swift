import SpadixISA
import SpadixTiming
import Testing

@testable import SpadixMachine

@Suite struct TraceTests {
  private func tile(_ row: Int32) -> Operation.Rows { Operation.Rows(row, row + 16) }

  private func occupancy(_ trace: Trace) -> [String] {
    trace.json().split(separator: "\n").filter { $0.contains("rows alive") }.map { line in
      let time = line.split(separator: "\"ts\":")[1].prefix { $0.isNumber }
      let rows = line.split(separator: "\"rows\":")[1].prefix { $0.isNumber }
      return "\(time): \(rows)"
    }
  }

  /// Rows are alive from the end of their writing through the end of their last reading.
  @Test func occupancyIsExactInShortTraces() {
    var trace = Trace(Program(target: .gemmini))
    trace.wrote(tile(0), 1, 10)
    trace.read(tile(0), 1, 12)
    trace.wrote(tile(0), 1, 20)
    trace.read(tile(0), 1, 30)
    trace.wrote(tile(16), 1, 25)
    trace.read(tile(16), 1, 28)
    #expect(occupancy(trace) == ["10: 16", "13: 0", "20: 16", "25: 32", "29: 16", "31: 0"])
  }

  /// A million cycles are sampled every 16: what was entered before at every cycle moves to the next sample.
  @Test func longTracesAreSampled() {
    var trace = Trace(Program(target: .gemmini))
    trace.wrote(tile(16), 1, 20)
    trace.read(tile(16), 1, 100)
    trace.wrote(tile(16), 1, 200)
    trace.wrote(tile(0), 1, 10)
    trace.read(tile(0), 1, 1 << 20)
    #expect(occupancy(trace) == ["16: 16", "32: 32", "112: 16", "\((1 << 20) + 16): 0"])
  }
}
