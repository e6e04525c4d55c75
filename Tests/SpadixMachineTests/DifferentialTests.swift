import Foundation
import SpadixISA
import SpadixSupport
import Testing

@testable import SpadixMachine

/// Programs to try: a few thousand in every test run, more with `SPADIX_FUZZ_CASES`.
private let cases = Int(ProcessInfo.processInfo.environment["SPADIX_FUZZ_CASES"] ?? "") ?? 300
private let firstSeed = UInt64(ProcessInfo.processInfo.environment["SPADIX_FUZZ_SEED"] ?? "") ?? 1

@Suite struct DifferentialTests {
  /// Every kernel implementation and the oracle leave the same DRAM after random legal programs.
  @Test func machineEqualsOracle() throws {
    for seed in firstSeed..<firstSeed + UInt64(cases) {
      let program = RandomProgram.make(seed: seed)
      var oracle = NaiveMachine(program, dramBytes: RandomProgram.dramBytes, fill: 0x11)
      for command in program.commands { oracle.run(try Instruction(decoding: command)) }
      let expected = Array(oracle.dram[RandomProgram.writeBase...])
      for kernels in Machine.kernelNames {
        let machine = try Machine(program, options: Machine.Options(checks: [], fill: 0x11, kernels: kernels))
        machine.run()
        try #require(machine.fault == nil, "seed \(seed), \(kernels): \(String(describing: machine.fault))")
        let found = try machine.readDram(UInt64(RandomProgram.writeBase), count: expected.count)
        try #require(found == expected, "seed \(seed), \(kernels), dim \(program.target.dim)")
      }
    }
  }

  /// Checks watch and change nothing; slices of any length give the same result as one run.
  @Test func checksAndSlicesChangeNothing() throws {
    for seed in firstSeed..<firstSeed + UInt64(max(1, cases / 10)) {
      let program = RandomProgram.make(seed: seed)
      let plain = try Machine(program, options: Machine.Options(checks: [], fill: 3))
      plain.run()
      let watched = try Machine(program, options: Machine.Options(checks: .all, fill: 3, time: true))
      for end in stride(from: 0, through: program.commands.count, by: 7) { watched.run(to: end) }
      watched.run()
      let count = RandomProgram.dramBytes - RandomProgram.writeBase
      let base = UInt64(RandomProgram.writeBase)
      #expect(try plain.readDram(base, count: count) == watched.readDram(base, count: count), "seed \(seed)")
      #expect(watched.fault == nil, "seed \(seed)")
    }
  }

  /// Random bits as commands never do worse than end in a fault.
  @Test func hostileCommandsEnd() throws {
    for offset in 0..<max(20, cases / 5) {
      let seed = firstSeed &+ UInt64(offset)
      var random = SplitMix64(seed: seed)
      let legal = RandomProgram.make(seed: random.next(), length: 20)
      var program = legal
      for index in program.commands.indices where Int.random(in: 0..<4, using: &random) == 0 {
        let format = CommandFormat.all.randomElement(using: &random)!
        // Small numbers reach further than uniform ones.
        func word() -> UInt64 { random.next() >> UInt64.random(in: 0...63, using: &random) }
        program.commands[index] = Command(funct: format.funct, rs1: word(), rs2: word())
      }
      let machine = try Machine(
        program, options: Machine.Options(checks: .all, maximumCommands: 20_000, memoryLimit: 1 << 20, time: true))
      machine.run()
      #expect(machine.isFinished, "seed \(seed)")
    }
  }
}
