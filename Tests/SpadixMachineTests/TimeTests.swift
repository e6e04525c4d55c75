import SpadixISA
import Testing

@testable import SpadixMachine

private let configure = Instruction.configLoad(ConfigLoad(state: 0, stride: 16, blockStride: 16))
private func load(_ row: Int, _ dram: UInt64 = Product.input) -> Instruction {
  .moveIn(state: 0, dram: dram, local: LocalTile(.scratchpad(row), rows: 16, columns: 16))
}

/// What the machine makes of the timeline (Tests/SpadixTimingTests has the timeline's own tests).
@Suite struct TimeTests {
  private func activity(_ instructions: [Instruction]) throws -> Counters.Activity {
    let machine = try Machine(
      Product.program(instructions), options: Machine.Options(checks: [], time: true, execute: false))
    machine.run()
    #expect(machine.fault == nil)
    return machine.counters.total
  }

  /// Waiting for the processor, then the load with its latency.
  @Test func loadsBound() throws {
    let it = try activity([configure, load(0)])
    #expect(it.cycles.total == 97)
    #expect(it.cycles.load > 80)
    #expect(it.cycles.dependence == 0)
    #expect(it.cycles.array == 0)
    #expect(it.cycles.total == it.cycles.issue + it.cycles.load)
  }

  /// Whole beats count on the bus, 16 bytes each; a row of one byte is one beat.
  @Test func busBytes() throws {
    let narrow = Instruction.moveIn(
      state: 0, dram: Product.input, local: LocalTile(.scratchpad(0), rows: 16, columns: 1))
    let it = try activity([configure, narrow])
    #expect(it.dramReadBytes == 16)
    #expect(it.busRead == 256)
    #expect(it.busWritten == 0)
  }

  /// The parts add up, for the whole and over operations.
  @Test func partsAddUp() throws {
    let program = Product().program
    let machine = try Machine(program, options: Machine.Options(time: true))
    machine.run()
    let total = machine.counters.total
    let cycles = total.cycles
    #expect(cycles.total == cycles.array + cycles.load + cycles.store + cycles.dependence + cycles.issue)
    #expect(cycles.total > 0)
    #expect(total.usefulMACs == 4096)
    #expect(total.busRead >= total.dramReadBytes)
  }

  /// Asking for counters in between changes nothing.
  @Test func slices() throws {
    let program = Product().program
    let whole = try Machine(program, options: Machine.Options(time: true))
    whole.run()
    let sliced = try Machine(program, options: Machine.Options(time: true))
    sliced.run(to: 3)
    _ = sliced.counters
    sliced.run()
    #expect(abs(sliced.counters.total.cycles.total - whole.counters.total.cycles.total) < 64)
  }
}

@Suite struct CounterTests {
  private func counters(_ instructions: [Instruction]) throws -> Counters.Activity {
    var program = Product.program(instructions)
    program.symbols = [
      Program.Symbol(name: "w", address: Product.input, length: 256, kind: .weights),
      Program.Symbol(name: "x", address: Product.input + 256, length: 256, kind: .input),
      Program.Symbol(name: "y", address: Product.output, length: 256, kind: .output),
    ]
    program.describe(0..<2, as: Program.DebugOperation(text: "%0", line: 1))
    let machine = try Machine(program)
    machine.run()
    let counters = machine.counters
    #expect(counters.operations.count == 1)
    return counters.total
  }

  @Test func trafficByClass() throws {
    let it = try counters(Product().instructions)
    #expect(it.dramRead == [256, 256, 0, 0, 0, 0])
    #expect(it.dramWritten == [0, 0, 0, 0, 256, 0])
    #expect(it.issuedMACs == 32 * 256)
    #expect(it.utilization == 0.5)
  }

  /// A repeated row crosses DRAM once; zeros do not.
  @Test func repeatedRowsCountOnce() throws {
    let it = try counters([
      .configLoad(ConfigLoad(state: 0, stride: 0, blockStride: 16)), load(0), load(16, 0),
    ])
    #expect(it.dramReadBytes == 16)
  }

  /// Short tiles: max(rows, 4) with resident weights; 16 when the next product brings new ones.
  @Test func arrayCycles() throws {
    func product(_ rows: Int, fresh: Bool) -> [Instruction] {
      [
        .preload(
          weights: LocalTile(fresh ? .scratchpad(64) : .garbage, rows: 16, columns: 16),
          result: LocalTile(.accumulator(0), rows: rows, columns: 16)),
        .compute(
          preloaded: fresh, a: LocalTile(.scratchpad(0), rows: rows, columns: 16),
          bias: .garbage(rows: rows, columns: 16)),
      ]
    }
    let setup: [Instruction] = [.configExecute(ConfigExecute(dataflow: .weightStationary))]
    let resident = setup + product(16, fresh: true) + product(2, fresh: false) + product(7, fresh: false)
    let fresh = setup + product(2, fresh: true) + product(2, fresh: true)
    // The first operand shifts in alone: 16 more.
    let first = try Machine(Product.program(resident), options: Machine.Options(checks: []))
    first.run()
    #expect(first.counters.total.arrayCycles == 16 + 16 + 4 + 7)
    let second = try Machine(Product.program(fresh), options: Machine.Options(checks: []))
    second.run()
    #expect(second.counters.total.arrayCycles == 16 + 4 + 12 + 4)
  }
}
