import Foundation
import SpadixIR
import SpadixISA
import SpadixMachine
import SpadixSupport
import Testing

@testable import Spadix

/// The compiler keeps clear of the faults of Gemmini's hardware, and the machine finds them where it is made not to.
@Suite struct HardwareFaultTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private func lenet() throws -> Program {
    let path = Self.root.appending(path: "ir-examples/mnist-lenet.spx").path
    let compilation = try Compiler(target: .gemmini).compile(CompilerInput(reading: path), data: DataStore())
    return try #require(compilation.generated?.program)
  }

  private func findings(_ program: Program) throws -> [Finding] {
    let machine = try Machine(program, options: Machine.Options(checks: .hardwareFaults, execute: false))
    machine.run()
    #expect(machine.fault == nil)
    return machine.findings
  }

  @Test func compiledProgramsAreSilent() throws {
    #expect(try findings(lenet()).isEmpty)
  }

  /// A pooled store begins in the first accumulator bank (rows 0 to 31) and ends in the second. With the last product of
  /// the first bank done before that of the second, the store does not wait for the second; in the other order it waits.
  @Test(arguments: [true, false]) func orderOfProductsDecides(secondBankLast: Bool) throws {
    func product(_ row: Int) -> String {
      "preload weights=none[8x8] result=acc:\(row)[8x8]\ncompute_accumulated a=sp:0[8x8] d=none[8x8]\n"
    }
    var program = try Program(
      assembly: SourceText(
        name: "pooled.s",
        text: """
          .target {base: gemmini, name: small, dim: 8, scratchpad: {banks: 2, rows_per_bank: 64}, accumulator: {rows: 64}}
          .data 0x10000 i8
          1*64
          config_ex ws a_stride=1 c_stride=1
          config_ld stride=8 block_stride=8 scale=1.0
          mvin dram=0x10000 to=sp:0[8x8]
          preload weights=sp:0[8x8] result=acc:16[8x8]
          compute_preloaded a=sp:0[8x8] d=none[8x8]
          \(secondBankLast ? product(24) + product(32) : product(32) + product(24))\
          config_st stride=8 scale=1.0 activation=1 pool_stride=2 pool_window=2 pool_out_dim=2 pool_out_rows=6 \
          pool_out_cols=1 pool_rows=12 pool_cols=2
          mvout dram=0x20000 from=acc:16[1x8]
          """))
    let found = try findings(program)
    #expect(found.map(\.id) == (secondBankLast ? ["machine.station-order"] : []))
    // Targets whose hardware orders by rows have no such fault.
    program.target.faults.rangeOrder = false
    #expect(try findings(program).isEmpty)
  }

  /// Recorded programs of the functional model are right there: warnings, which fail no conformance.
  @Test func recordedProgramsAreWarnedOf() throws {
    var program = try lenet()
    program.target.roundsLikeFunctionalModel = true
    let config = program.commands.firstIndex { $0.funct == Funct.config && $0.rs1 & 3 == 0 }
    let execute = try #require(config)
    let none = LocalTile(.garbage, rows: 0, columns: 0)
    program.commands = [
      program.commands[execute],
      Instruction.preload(weights: none, result: none).command,
      Instruction.compute(preloaded: true, a: none, bias: none).command,
      program.commands[execute],
    ]
    program.operations = []
    program.debug = []
    program.hostSteps = []
    let found = try findings(program)
    #expect(found.map(\.id) == ["machine.short-compute"])
    #expect(found.first?.severity == .warning)
  }
}
