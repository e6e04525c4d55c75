import Foundation
import SpadixISA
import Testing

@testable import SpadixMachine

/// Gemmini's conformance suite lies outside the repository: in `SPADIX_GEMMINI_TRACES`, or beside it.
private let traces: [String] = {
  let folder = ProcessInfo.processInfo.environment["SPADIX_GEMMINI_TRACES"] ?? "../shared/gemmini-traces"
  let paths = FileManager.default.subpaths(atPath: folder) ?? []
  return paths.filter { $0.hasSuffix(".safetensors") }.sorted().map { folder + "/" + $0 }
}()

/// The project's own programs, whose expectations were derived by hand.
private let programs: [String] = {
  let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/../lit/machine/programs"
  let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  return names.filter { $0.hasSuffix(".s") }.sorted().map { folder + "/" + $0 }
}()

@Suite struct ConformanceTests {
  @Test func ownProgramsArePresent() { #expect(programs.count >= 25) }

  /// Whatever computes, and whatever local memory holds at the start.
  @Test(arguments: programs) func program(_ path: String) throws {
    let program = try Program(reading: path)
    #expect(!program.expectations.isEmpty)
    for kernels in Machine.kernelNames {
      for fill: UInt8 in [0, 0xA5] {
        let result = try Conformance(program, options: Machine.Options(fill: fill, kernels: kernels))
        #expect(result.passes, "\(kernels): \(String(describing: result.first))")
      }
    }
  }

  @Test(
    .enabled(if: !traces.isEmpty, "Gemmini's conformance suite; set SPADIX_GEMMINI_TRACES to its folder"),
    arguments: traces)
  func trace(_ path: String) throws {
    let program = try Program(reading: path)
    let result = try Conformance(program)
    let name = (path as NSString).lastPathComponent
    #expect(result.fault == nil, "\(name)")
    #expect(result.differences == 0, "\(name): first \(String(describing: result.first))")
    #expect(result.strayStore == nil, "\(name)")
    // The suite's own exception: this test stores rows that it never wrote, and leaves the bytes unspecified.
    let expected = name == "padded.safetensors" ? ["machine.uninitialized"] : []
    // The functional model has none of the hardware's faults, and its programs are warned of them.
    let faults = ["machine.short-compute", "machine.station-order", "machine.load-order", "machine.zero-load"]
    let isFault = { (it: Finding) in faults.contains(it.id) }
    #expect(result.findings.filter(isFault).allSatisfy { $0.severity == .warning }, "\(name)")
    #expect(result.findings.filter { !isFault($0) }.map(\.id) == expected, "\(name): \(result.findings)")
    #expect(result.passes, "\(name): \(result.findings)")
  }
}
