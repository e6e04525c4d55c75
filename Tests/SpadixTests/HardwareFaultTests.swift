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
    var options = Compiler.Options()
    options.objective = .bytes
    let compilation = try Compiler(target: .gemmini, options: options).compile(
      CompilerInput(reading: path), data: DataStore())
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

  /// The pooled stores of the first convolution begin in the first accumulator bank and end in the second. With the last
  /// products of the first bank done before those of the second, the store does not wait for the second.
  @Test func otherOrderOfTheSameCommandsIsFound() throws {
    var program = try lenet()
    let bank = program.target.accumulatorRowsPerBank
    func result(_ index: Int) -> Int? {
      guard case .preload(_, let tile) = try? Instruction(decoding: program.commands[index]) else { return nil }
      return tile.address.isAccumulator && !tile.address.isGarbage ? tile.address.row : nil
    }
    var swapped: Int?
    for store in program.commands.indices where program.commands[store].funct == Funct.moveOut {
      // The last two products before the store, of which only the very last keeps the first bank in order.
      var products: [Int] = []
      var index = store - 1
      while index > 0, products.count < 2, program.commands[index].funct != Funct.fence {
        if program.commands[index].funct == Funct.preload { products.append(index) }
        index -= 1
      }
      guard products.count == 2, let last = result(products[0]), let before = result(products[1]) else { continue }
      if last < bank && before >= bank {
        // Either both take weights that are in the array already, or each brings its own.
        guard program.commands[products[0] + 1].funct == program.commands[products[1] + 1].funct else { continue }
        for offset in 0..<2 { program.commands.swapAt(products[0] + offset, products[1] + offset) }
        swapped = store
        break
      }
    }
    let store = try #require(swapped)
    let found = try findings(program)
    #expect(found.map(\.id) == ["machine.station-order"])
    #expect(found.first?.command == store)
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
