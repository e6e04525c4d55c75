import SpadixISA
import SpadixSupport
import Testing

private func read(_ text: String) throws -> Target { try Target(yaml: SourceText(name: "t.yaml", text: text)) }

@Suite struct TargetTests {
  @Test(arguments: Target.presets) func presetsAreLegalAndReadBack(_ target: Target) throws {
    #expect(target.problems().map(\.message) == [])
    #expect(try read(target.yaml) == target)
  }

  @Test func fingerprintsTellTargetsApartButNotTimings() {
    #expect(Set(Target.presets.map(\.fingerprint)).count == Target.presets.count)
    var slow = Target.spadix
    slow.name = "slow"
    slow.timing.dmaLatency = 500
    #expect(slow.fingerprint == Target.spadix.fingerprint)
    var small = Target.spadix
    small.accumulatorRows = 512
    #expect(small.fingerprint != Target.spadix.fingerprint)
  }

  @Test func inheritsFromItsBase() throws {
    let target = try read("base: gemmini\nname: tiny\ndim: 4\nscratchpad:\n  bytes: 4K\n  banks: 1\n")
    #expect(target.name == "tiny")
    #expect(target.scratchpadRows == 1024)
    #expect(!target.hasOutputStage)
    #expect(target.maxBlockLength == 16)
    #expect(target.maxBlockLengthAccumulator == 4)
  }

  @Test(arguments: [
    ("dim: 17", "target.illegal", 1), ("dim: 128", "target.illegal", 1), ("name: x\ndim: many", "target.type", 2),
    ("dims: 16", "target.unknown-parameter", 1), ("base: gemini", "target.base", 1),
    ("scratchpad:\n  banks: 0", "target.illegal", 2),
    ("scratchpad:\n  rows_per_bank: 1\n  banks: 1", "target.illegal", 2),
    ("scratchpad:\n  bytes: 1001", "target.illegal", 2), ("scratchpad: 5", "target.type", 1),
    ("accumulator:\n  rows: 3", "target.illegal", 2), ("dim: 9223372036854775807K", "target.type", 1),
    ("capabilities:\n  output_stage: maybe", "target.type", 2), ("dim: 8\ndim: 16", "target.duplicate", 1),
    ("dim: [", "target.yaml", 1), ("- 1", "target.yaml", 1), ("timing:\n  bus_bytes: 0", "target.illegal", 2),
    ("dram_bytes: 12", "target.illegal", 1), ("name: \"a b\"", "target.type", 1),
  ]) func mistakesHaveTheirLine(_ text: String, _ id: String, _ line: Int) {
    do {
      _ = try read(text)
      Issue.record("'\(text)' was accepted")
    } catch let diagnostics as Diagnostics {
      #expect(diagnostics.all.first?.id == id, "\(diagnostics)")
      let range = diagnostics.all.first?.range
      #expect(range.map { $0.source.position(of: $0.start).line } == line, "\(text): \(diagnostics)")
    } catch {
      Issue.record("\(error)")
    }
  }

  @Test func nestingIsBounded() {
    #expect(throws: Diagnostics.self) { try read(String(repeating: "[", count: 50_000)) }
    #expect(throws: Diagnostics.self) { try read(String(repeating: "- ", count: 30_000)) }
    #expect(throws: Diagnostics.self) { try read(String(repeating: "a", count: 70_000)) }
  }

  @Test func unknownNamesAreExplained() {
    #expect(throws: Diagnostic.self) { try Target.named("gemini") }
    #expect(throws: Diagnostic.self) { try Target.named("./no-such-target.yaml") }
  }
}
