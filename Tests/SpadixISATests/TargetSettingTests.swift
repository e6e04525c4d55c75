import SpadixSupport
import Testing

@testable import SpadixISA

@Suite struct TargetSettingTests {
  /// Every parameter of a target file, with a value that no preset has.
  private static let parameters = [
    ("name", "other"), ("dim", "8"), ("dram_bytes", "16M"), ("clock_mhz", "750"), ("scratchpad.banks", "2"),
    ("scratchpad.rows_per_bank", "512"), ("scratchpad.bytes", "64K"), ("accumulator.rows", "96"),
    ("accumulator.bytes", "8K"), ("capabilities.scratchpad_store", "true"), ("capabilities.output_stage", "true"),
    ("capabilities.normalizations", "true"), ("capabilities.functional_model_rounding", "true"),
    ("faults.short_compute", "false"), ("faults.range_order", "false"), ("timing.dma_latency", "7"),
    ("timing.max_in_flight", "5"), ("timing.bus_bytes", "4"), ("timing.issue_cycles", "3"),
    ("timing.minimum_compute_rows", "9"), ("timing.scratchpad_read_delay", "6"),
    ("timing.accumulator_scale_latency", "11"), ("timing.reservation_station.load", "3"),
    ("timing.reservation_station.store", "2"), ("timing.reservation_station.execute", "6"), ("timing.load_queue", "13"),
    ("energy.mac_pj", "0.25"), ("energy.dram_byte_pj", "20"), ("energy.cycle_pj", "0.001"),
  ]

  private static func file(_ path: String, _ value: String) -> SourceText {
    var text = "base: gemmini\n"
    let keys = path.split(separator: ".")
    for (depth, key) in keys.enumerated() {
      text += String(repeating: "  ", count: depth) + key + ":" + (depth == keys.count - 1 ? " \(value)\n" : "\n")
    }
    return SourceText(name: "t.yaml", text: text)
  }

  @Test(arguments: parameters) func aSettingIsWhatAFileSays(path: String, value: String) throws {
    var expected = try Target(yaml: Self.file(path, value))
    let setting = try #require(TargetSetting("\(path)=\(value)"))
    var found = try Target.named("gemmini", settings: [setting])
    #expect(found.notes == expected.notes + ["set \(path)=\(value)"])
    (expected.notes, found.notes) = ([], [])
    #expect(found == expected)
    #expect(found != .gemmini)
    // What is set reads back from the file that the target is as text.
    var again = try Target(yaml: SourceText(name: "u.yaml", text: found.yaml))
    again.notes = []
    #expect(again == found)
  }

  /// Whatever a file says, the setting counts.
  @Test(arguments: parameters) func aSettingCountsOverAFile(path: String, value: String) throws {
    let whole = Target.gemmini.yaml.replacing("name: gemmini", with: "base: gemmini\nname: gemmini")
    let setting = try #require(TargetSetting("\(path)=\(value)"))
    var reader = TargetReader(source: SourceText(name: "t.yaml", text: whole))
    var found = try reader.read([setting])
    var expected = try Target(yaml: Self.file(path, value))
    (expected.notes, found.notes) = ([], [])
    #expect(found == expected)
  }

  @Test func theLastSettingCounts() throws {
    let settings = [
      "scratchpad.bytes=64K", "scratchpad.rows_per_bank=512", "timing.dma_latency=1", "timing.dma_latency=2",
    ]
    let target = try Target.named("gemmini", settings: settings.compactMap { TargetSetting($0) })
    #expect(target.scratchpadRowsPerBank == 512)
    #expect(target.timing.dmaLatency == 2)
  }

  @Test(arguments: [
    ("timing.latency=1", "--set:1:1: error: there is no parameter 'timing.latency'"),
    ("dim=12", "--set:1:1: error: dim is 12; expected a power of two"),
    ("dim=wide", "--set:1:5: error: expected a whole number for 'dim', found 'wide'"),
    ("faults.range_order=3", "--set:1:20: error: expected true or false"),
    ("timing=3", "--set:1:8: error: expected a mapping of parameters under 'timing'"),
    ("dim.rows=3", "error: expected a whole number for 'dim'"), ("base=gemmini", "--set:1:1: error: 'base' belongs in a target file"),
    ("clock_mhz=0", "--set:1:1: error: clock_mhz is 0"),
    ("energy.mac_pj=0.0001", "picojoules with up to three decimals"),
    ("energy.mac_pj=100001", "mac_pj is 100001; expected 0 to 100000"), (".=1", "error:"), ("a..b=1", "error:"),
  ]) func mistakesAreToldAtTheOption(text: String, message: String) throws {
    let setting = try #require(TargetSetting(text))
    let thrown = #expect(throws: Diagnostics.self) { try Target.named("gemmini", settings: [setting]) }
    #expect(thrown?.description.contains(message) == true, "\(thrown?.description ?? "")")
  }

  @Test(arguments: ["", "=", "=3", "dim"]) func whatIsNoSetting(text: String) {
    #expect(TargetSetting(text) == nil)
  }

  @Test(arguments: [(0, "0"), (250, "0.25"), (1, "0.001"), (20_000, "20"), (1_500, "1.5")])
  func picojoulesReadBack(femtojoules: Int, text: String) {
    #expect(EnergyParameters.picojoules(femtojoules) == text)
    #expect(EnergyParameters.femtojoules(text) == femtojoules)
  }

  /// A program carries what its target says of clock and energy.
  @Test func aProgramKeepsClockAndEnergy() throws {
    var target = Target.spadix
    target.clockMHz = 800
    target.energy.dramByte = 31_250
    let program = try Program(file: Program(target: target).serialized(), name: "p")
    #expect(program.target == target)
    #expect(target.fingerprint == Target.spadix.fingerprint)
  }
}
