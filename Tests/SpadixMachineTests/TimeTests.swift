import SpadixISA
import Testing

@testable import SpadixMachine

/// DMA of 16 bytes a cycle, latency 60, one cycle to issue: the figures below are derived by hand from docs/machine.md.
private func cycles(_ instructions: [Instruction], _ change: (inout Target) -> Void = { _ in }) throws
  -> Counters.Cycles
{
  var target = Target.spadix
  target.timing = Target.Timing(
    dmaBytesPerCycle: 16, dmaLatency: 60, dmaOutstandingRequests: 64, issueCycles: 1, minimumComputeRows: 4,
    arrayLatency: 4)
  change(&target)
  let machine = try Machine(
    Product.program(instructions, target), options: Machine.Options(checks: [], time: true, execute: false))
  machine.run()
  #expect(machine.fault == nil)
  return machine.counters.total.cycles
}

private let configure = Instruction.configLoad(ConfigLoad(state: 0, stride: 16, blockStride: 16))
private func load(_ row: Int, _ dram: UInt64 = Product.input) -> Instruction {
  .moveIn(state: 0, dram: dram, local: LocalTile(.scratchpad(row), rows: 16, columns: 16))
}

@Suite struct TimeTests {
  /// Issue 2, 16 rows of one bus cycle, latency 60.
  @Test func oneLoad() throws {
    let it = try cycles([configure, load(0)])
    #expect(it.total == 2 + 16 + 60)
    #expect(it.waiting == 2)
    #expect(it.load == 76)
  }

  /// The second load streams behind the first: only its 16 bus cycles are added.
  @Test func loadsStream() throws {
    #expect(try cycles([configure, load(0), load(16)]).total == 2 + 16 + 16 + 60)
  }

  /// A fence makes the second load wait for the end of the first, and be issued after it.
  @Test func fencesWait() throws {
    #expect(try cycles([configure, load(0), .fence, load(16)]).total == 78 + 1 + 16 + 60)
  }

  /// One request in flight: each of the 16 rows takes the whole latency.
  @Test func latencyBoundsRequests() throws {
    let it = try cycles([configure, load(0)]) { $0.timing.dmaOutstandingRequests = 1 }
    #expect(it.total == 2 + 16 * 60 + 60)
  }

  /// Zeros need no DMA: one row a cycle, one cycle to complete.
  @Test func zeros() throws { #expect(try cycles([configure, load(0, 0)]).total == 2 + 16 + 1) }

  private func products(_ count: Int, rows: Int, fresh: Bool, bank: Int = 0) -> [Instruction] {
    var all: [Instruction] = [.configExecute(ConfigExecute(dataflow: .weightStationary))]
    for index in 0..<count {
      let isFresh = fresh || index == 0
      let weights = LocalTile(isFresh ? .scratchpad(bank * 4096 + 64) : .garbage, rows: 16, columns: 16)
      all.append(
        .preload(weights: weights, result: LocalTile(.accumulator(0), rows: rows, columns: 16)))
      all.append(
        .compute(
          preloaded: isFresh, a: LocalTile(.scratchpad(0), rows: rows, columns: 16),
          bias: .garbage(rows: 16, columns: 16)))
    }
    return all
  }

  /// The first operand shifts in from cycle 0; 16 rows enter; the last result is complete 2 * 16 + 4 cycles later.
  @Test func oneProduct() throws {
    #expect(try cycles(products(1, rows: 16, fresh: true)).total == 16 + 16 + 36)
  }

  /// With resident weights a product costs its rows, and at least 4.
  @Test(arguments: [(16, 16), (8, 8), (2, 4)]) func residentWeights(_ rows: Int, _ cost: Int) throws {
    let one = try cycles(products(1, rows: rows, fresh: true)).total
    let five = try cycles(products(5, rows: rows, fresh: false))
    #expect(five.total == one + 4 * cost)
  }

  /// New weights shift in behind the rows before: 16 cycles a product however few rows, when A lies in another bank.
  @Test(arguments: [16, 8, 2]) func newWeights(_ rows: Int) throws {
    let one = try cycles(products(1, rows: rows, fresh: true, bank: 1)).total
    #expect(try cycles(products(5, rows: rows, fresh: true, bank: 1)).total == one + 4 * 16)
  }

  /// A and the next weights in one bank take turns.
  @Test func bankConflict() throws {
    let one = try cycles(products(1, rows: 16, fresh: true)).total
    #expect(try cycles(products(5, rows: 16, fresh: true)).total == one + 4 * 32)
  }

  /// The parts add up, and the counters have the same array cycles as the model of section 11.
  @Test func partsAddUp() throws {
    let program = Product().program
    let machine = try Machine(program, options: Machine.Options(time: true))
    machine.run()
    let total = machine.counters.total
    #expect(total.cycles.total == total.cycles.compute + total.cycles.load + total.cycles.store + total.cycles.waiting)
    #expect(total.cycles.total > 0)
    #expect(total.usefulMACs == 4096)
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
    program.debug = [Program.DebugRange(first: 0, count: 2, operation: "%0", line: 1)]
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
