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

  /// Bins hold each unit's busy cycles however long the run is, and an operation spans its steps.
  @Test(arguments: [1, 40, 900]) func profile(repeats: Int) throws {
    let once = Product().instructions
    var program = Product.program((0..<repeats).flatMap { _ in once })
    program.describe(0..<once.count, as: Program.DebugOperation(text: "%0", line: 1))
    program.describe(once.count..<repeats * once.count, as: Program.DebugOperation(text: "%1", line: 2))
    let machine = try Machine(program, options: Machine.Options(checks: [], time: true, execute: false))
    machine.recordProfile()
    machine.run()
    let total = machine.counters.total.cycles.total
    let profile = try #require(machine.profile)
    #expect(profile.busy.allSatisfy { $0.count <= 512 && $0.count * profile.cyclesPerBin >= 16 })
    #expect(profile.busy.allSatisfy { $0.allSatisfy { (0...profile.cyclesPerBin).contains($0) } })
    // Sixteen rows of A for every product, and as many cycles of its unit at least.
    #expect(profile.busy[1].reduce(0, +) >= 16 * repeats)
    let first = try #require(profile.spans[0])
    #expect(first.first < first.last && first.last <= total)
    #expect((profile.spans[1] == nil) == (repeats == 1))
  }

  /// Commands from a list: the first after the memory's latency, then one every 24 bytes of the bus. From exported C: one
  /// every so many instructions. Both at least as far apart as the target says.
  @Test func commandSources() throws {
    let commands = [Instruction](repeating: configure, count: 400)
    func cycles(_ source: Target.Timing.CommandSource, _ change: (inout Target.Timing) -> Void = { _ in }) throws -> Int
    {
      var program = Product.program(commands)
      program.target.timing.commandSource = source
      change(&program.target.timing)
      let machine = try Machine(program, options: Machine.Options(checks: [], time: true, execute: false))
      machine.run()
      return machine.counters.total.cycles.total
    }
    let ideal = try cycles(.ideal)
    #expect((400...410).contains(ideal))
    // 16 requests in flight do not hide all of the latency.
    #expect((745...765).contains(try cycles(.commandList)))
    #expect((660...685).contains(try cycles(.commandList) { $0.maxInFlight = 32 }))
    #expect((1260...1285).contains(try cycles(.commandList) { $0.busBytes = 8 }))
    // A loop of one command that does not advance has three instructions: the command, a counter, a branch.
    #expect((1195...1210).contains(try cycles(.exportedC)))
    #expect((3590...3610).contains(try cycles(.exportedC) { $0.instructionCycles = 3 }))
    #expect((2000...2010).contains(try cycles(.exportedC) { $0.issueCycles = 5 }))
  }

  /// A list shares the bus with loads, and its bytes count there.
  @Test func aListTakesTheBus() throws {
    func activity(_ source: Target.Timing.CommandSource) throws -> Counters.Activity {
      var program = Product.program([configure] + (0..<200).map { load(16 * ($0 % 8)) })
      program.target.timing.dmaLatency = 0
      program.target.timing.commandSource = source
      let machine = try Machine(program, options: Machine.Options(checks: [], time: true, execute: false))
      machine.run()
      return machine.counters.total
    }
    let (ideal, list) = (try activity(.ideal), try activity(.commandList))
    #expect(list.commandBytes == 201 * 24)
    #expect(list.busRead == ideal.busRead + 201 * 24)
    // 200 loads of 16 beats, and 302 beats of commands.
    #expect(list.cycles.total >= ideal.cycles.total + 280)
    #expect(list.cycles.total <= ideal.cycles.total + 400)
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
    #expect(it.dramRead == [256, 256, 0, 0, 0, 0, 0])
    #expect(it.dramWritten == [0, 0, 0, 0, 256, 0, 0])
    #expect(it.issuedMACs == 32 * 256)
    #expect(it.utilization == 0.5)
  }

  /// Two tiles loaded, both read by the array; a result written to the accumulator, and read by its store.
  @Test func localBytes() throws {
    let it = try counters(Product().instructions)
    #expect(it.scratchpadBytes == 4 * 256)
    #expect(it.accumulatorBytes == 2 * 1024)
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
