import Foundation
import SpadixISA
import SpadixSupport
import Testing

@testable import SpadixTiming

/// Cycles of Gemmini's RTL for recorded programs lie outside the repository: in `SPADIX_RTL`, or beside it.
private let folder = ProcessInfo.processInfo.environment["SPADIX_RTL"] ?? "../shared/rtl"

/// A file of cycles: a folder of programs, and for each of them cycles by latency and cycles between commands.
private struct Recorded {
  var errors: [(error: Double, text: String)] = []

  mutating func add(_ name: String) throws {
    let data = try #require(FileManager.default.contents(atPath: "\(folder)/\(name)"))
    let json = try JSONValue(parsing: SourceText(name: name, bytes: [UInt8](data)))
    let programs = folder + "/" + (json["folder"]?.string ?? "")
    for member in json["programs"]?.members ?? [] {
      let program = try Program(reading: "\(programs)/\(member.key)")
      for setting in member.value.members ?? [] {
        let numbers = setting.key.split(separator: ",").compactMap { Int($0) }
        var target = Target.gemmini
        target.timing.dmaLatency = numbers[0]
        target.timing.issueCycles = numbers[1]
        target.timing.maxInFlight = 32
        var timeline = Timeline(Hardware(target))
        program.commands.withUnsafeBufferPointer { timeline.run($0, 0..<$0.count) }
        let cycles = timeline.finish()
        let measured = setting.value.integer ?? 0
        let error = abs(Double(cycles) / Double(measured) - 1)
        errors.append((error, "\(member.key) at \(setting.key): \(cycles), on the RTL \(measured)"))
      }
    }
    errors.sort { $0.error < $1.error }
  }

  func quantile(_ share: Double) -> Double { errors[min(errors.count - 1, Int(share * Double(errors.count)))].error }
}

@Suite struct HardwareTests {
  /// The figures that docs/machine.md states, with room for a change of the model that moves one program or the other.
  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: folder), "cycles of Gemmini's RTL; set SPADIX_RTL to their folder"),
    arguments: [("cycles.json", 0.03, 0.10, 0.20), ("programs.json", 0.01, 0.03, 0.05)])
  func recordedCycles(_ file: String, _ median: Double, _ most: Double, _ worst: Double) throws {
    var recorded = Recorded()
    try recorded.add(file)
    #expect(recorded.errors.count >= 36)
    #expect(recorded.quantile(0.5) <= median)
    #expect(recorded.quantile(0.95) <= most)
    #expect(recorded.quantile(1) <= worst, "\(recorded.errors.last?.text ?? "")")
  }
}
