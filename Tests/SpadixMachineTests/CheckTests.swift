import Testing

@testable import SpadixISA
@testable import SpadixMachine

/// A program that loads two tiles, multiplies and stores, with pieces to replace.
struct Product {
  var target = Target.spadix
  var execute = ConfigExecute(dataflow: .weightStationary)
  var load = ConfigLoad(state: 0, stride: 16, blockStride: 16)
  var store = ConfigStore(stride: 16)
  var a = LocalTile(.scratchpad(0), rows: 16, columns: 16)
  var weights = LocalTile(.scratchpad(16), rows: 16, columns: 16)
  var result = LocalTile(.accumulator(0), rows: 16, columns: 16)
  var extra: [Instruction] = []

  static let input: UInt64 = 0x10000
  static let output: UInt64 = 0x20000
  static let tile = LocalTile(.scratchpad(0), rows: 16, columns: 16)

  var instructions: [Instruction] {
    [
      .configExecute(execute), .configLoad(load), .configStore(store),
      .moveIn(state: 0, dram: Self.input, local: LocalTile(.scratchpad(0), rows: 16, columns: 16)),
      .moveIn(state: 0, dram: Self.input + 256, local: LocalTile(.scratchpad(16), rows: 16, columns: 16)),
      .preload(weights: weights, result: result),
      .compute(preloaded: true, a: a, bias: .garbage(rows: 16, columns: 16)),
      .moveOut(dram: Self.output, local: LocalTile(.accumulator(0), rows: 16, columns: 16)),
    ] + extra
  }

  var program: Program { Self.program(instructions, target) }

  static func program(_ instructions: [Instruction], _ target: Target = .spadix) -> Program {
    Program(
      target: target, commands: instructions.map(\.command),
      segments: [Program.Segment(name: "data", address: input, bytes: (0..<4096).map { UInt8(truncatingIfNeeded: $0) })]
    )
  }
}

private func findings(_ program: Program, checks: CheckSet = .all) throws -> [Finding] {
  let machine = try Machine(program, options: Machine.Options(checks: checks))
  machine.run()
  return machine.findings
}

private let loadTile = Instruction.moveIn(state: 0, dram: Product.input, local: Product.tile)
private let configureLoad = Instruction.configLoad(ConfigLoad(state: 0, stride: 16, blockStride: 16))
private let configureStore = Instruction.configStore(ConfigStore(stride: 16))

/// For each check a program that breaks it and nothing else: the finding, its command, the earlier command.
private let violations: [(name: String, check: CheckSet, id: String, program: Program, command: Int, earlier: Int?)] = [
  (
    "a row of A that nobody wrote", .initialized, "machine.uninitialized",
    {
      var it = Product()
      it.a = LocalTile(.scratchpad(100), rows: 16, columns: 16)
      return it.program
    }(), 6, nil
  ),
  (
    "adding to a row of the accumulator that nobody wrote", .initialized, "machine.uninitialized",
    {
      var it = Product()
      it.result.address = .accumulator(0, accumulate: true)
      return it.program
    }(), 6, nil
  ),
  (
    "a load behind the data", .dram, "machine.uninitialized-dram",
    Product.program([configureLoad, .moveIn(state: 0, dram: Product.input + 4096, local: Product.tile)]), 1, nil
  ),
  (
    "a load state that is not set", .configured, "machine.unconfigured",
    Product.program([configureLoad, .moveIn(state: 1, dram: Product.input, local: Product.tile)]), 1, nil
  ),
  (
    "a compute without a preload", .configured, "machine.preload",
    {
      var it = Product()
      it.extra = [.compute(preloaded: false, a: it.a, bias: .garbage(rows: 16, columns: 16))]
      return it.program
    }(), 8, nil
  ),
  (
    "an operand that was never loaded", .configured, "machine.array",
    Product.program([
      .configExecute(ConfigExecute(dataflow: .weightStationary)), configureLoad, loadTile,
      .preload(weights: .garbage(rows: 16, columns: 16), result: LocalTile(.accumulator(0), rows: 16, columns: 16)),
      .compute(preloaded: false, a: Product.tile, bias: .garbage(rows: 16, columns: 16)),
    ]), 4, nil
  ),
  (
    "a preload without a compute", .configured, "machine.preload",
    {
      var it = Product()
      it.extra = [.preload(weights: it.weights, result: it.result)]
      return it.program
    }(), 8, nil
  ),
  (
    "more rows than hardware moves", .limits, "machine.shape",
    Product.program([
      configureLoad,
      .moveIn(state: 0, dram: Product.input, local: LocalTile(.scratchpad(0), rows: 17, columns: 16)),
    ]), 1, nil
  ),
  (
    "more columns than hardware moves", .limits, "machine.shape",
    Product.program([
      configureLoad,
      .moveIn(state: 0, dram: Product.input, local: LocalTile(.scratchpad(0), rows: 1, columns: 65)),
    ]), 1, nil
  ),
  (
    "overlapping column blocks", .limits, "machine.block-stride",
    Product.program([
      .configLoad(ConfigLoad(state: 0, stride: 32, blockStride: 8)),
      .moveIn(state: 0, dram: Product.input, local: LocalTile(.scratchpad(0), rows: 16, columns: 32)),
    ]), 1, nil
  ),
  (
    "two transposes in the weight-stationary array", .limits, "machine.transpose",
    {
      var it = Product()
      it.execute.transposeA = true
      it.execute.transposeB = true
      return it.program
    }(), 0, nil
  ),
  (
    "a pooling window of 0", .limits, "machine.pooling",
    Product.program([
      configureLoad, .moveIn(state: 0, dram: Product.input, local: Product.tile),
      .configStore(
        ConfigStore(
          stride: 16,
          pooling: Pooling(
            window: 0, stride: 1, upPad: 0, leftPad: 0, outDim: 1, outRows: 1, outCols: 1, inRows: 1, inCols: 1))),
      .moveOut(dram: Product.output, local: Product.tile),
    ]), 3, nil
  ),
  (
    "an output-stationary sum of 2^19", .meshWidth, "machine.mesh-width",
    {
      // 127 * 127 * 16 * 3 > 2^19: three products stay in the array.
      var it = Product.program([
        .configExecute(ConfigExecute(dataflow: .outputStationary)), configureLoad,
        .moveIn(state: 0, dram: Product.input, local: Product.tile),
        .preload(weights: .garbage(rows: 16, columns: 16), result: .garbage(rows: 16, columns: 16)),
        .compute(preloaded: true, a: Product.tile, bias: Product.tile),
        .preload(weights: .garbage(rows: 16, columns: 16), result: .garbage(rows: 16, columns: 16)),
        .compute(preloaded: false, a: Product.tile, bias: Product.tile),
        .preload(weights: .garbage(rows: 16, columns: 16), result: .garbage(rows: 16, columns: 16)),
        .compute(preloaded: false, a: Product.tile, bias: Product.tile),
      ])
      it.segments[0].bytes = [UInt8](repeating: 127, count: 4096)
      return it
    }(), 8, nil
  ),
  (
    "a load of stored bytes without a fence", .fences, "machine.fence",
    {
      var it = Product()
      it.extra = [.moveIn(state: 0, dram: Product.output, local: LocalTile(.scratchpad(32), rows: 16, columns: 16))]
      return it.program
    }(), 8, 7
  ),
  (
    "a store over bytes that an independent load reads", .fences, "machine.fence",
    {
      var it = Product()
      it.extra = [
        .moveIn(state: 0, dram: Product.input + 512, local: LocalTile(.scratchpad(64), rows: 16, columns: 16)),
        .moveOut(dram: Product.input + 512, local: LocalTile(.accumulator(0), rows: 16, columns: 16)),
      ]
      return it.program
    }(), 9, 8
  ),
  (
    "two stores of the same bytes", .writeOrder, "machine.write-order",
    {
      var it = Product()
      it.extra = [
        .moveOut(dram: Product.output + 15 * 16, local: LocalTile(.accumulator(4), rows: 2, columns: 16))
      ]
      return it.program
    }(), 8, 7
  ),
  (
    "rows of a result on top of each other", .writeOrder, "machine.write-order",
    {
      var it = Product()
      it.execute.cStride = 0
      it.extra = []
      var instructions = it.instructions
      instructions[7] = .moveOut(dram: Product.output, local: LocalTile(.accumulator(0), rows: 1, columns: 16))
      return Product.program(instructions)
    }(), 6, nil
  ),
  (
    "A is garbage", .garbage, "machine.garbage",
    {
      var it = Product()
      it.a = .garbage(rows: 16, columns: 16)
      return it.program
    }(), 6, nil
  ),
  (
    "a negative store scale", .portability, "machine.portability",
    {
      var it = Product()
      it.store.scale = -1
      return it.program
    }(), 2, nil
  ),
  (
    "a short product before config_ex", .hardwareFaults, "machine.short-compute",
    Product.program(
      [
        .configExecute(ConfigExecute(dataflow: .weightStationary)), configureLoad, loadTile,
        .preload(weights: Product.tile, result: LocalTile(.accumulator(0), rows: 4, columns: 16)),
        .compute(
          preloaded: true, a: LocalTile(.scratchpad(0), rows: 4, columns: 16), bias: .garbage(rows: 4, columns: 16)),
        .configExecute(ConfigExecute(dataflow: .weightStationary)),
      ], .gemmini), 5, 4
  ),
  (
    "a tile loaded again", .waste, "machine.redundant-load", Product.program([configureLoad, loadTile, loadTile]), 2, 1
  ),
  (
    "a result stored over unread", .waste, "machine.dead-store",
    Product.program([
      configureLoad, loadTile, configureStore, .moveOut(dram: Product.output, local: Product.tile), .fence,
      .moveOut(dram: Product.output, local: Product.tile),
    ]), 3, nil
  ),
]

@Suite struct CheckTests {
  @Test func aCorrectProgramIsSilent() throws { #expect(try findings(Product().program) == []) }

  @Test(arguments: violations.map(\.name)) func violationIsFoundAlone(_ name: String) throws {
    let it = try #require(violations.first { $0.name == name })
    let found = try findings(it.program)
    #expect(found.map(\.id) == [it.id], "\(found)")
    #expect(found.first?.command == it.command)
    #expect(found.first?.earlier == it.earlier)
    #expect(try findings(it.program, checks: CheckSet.all.subtracting(it.check)) == [])
    #expect(found.first?.diagnostic(in: it.program).description.contains("command \(it.command): ") == true)
  }

  @Test func everyCheckIsDemonstrated() {
    for (name, check, _) in CheckSet.named { #expect(violations.contains { $0.check == check }, "\(name)") }
  }

  @Test func fencesOrder() throws {
    var it = Product()
    it.extra = [
      .fence, .moveIn(state: 0, dram: Product.output, local: LocalTile(.scratchpad(32), rows: 16, columns: 16)),
    ]
    #expect(try findings(it.program) == [])
  }

  /// The store waits for the compute, which waits for the load: updating in place needs no fence.
  @Test func dependencesThroughLocalRowsOrder() throws {
    var instructions = Product().instructions
    instructions[7] = .moveOut(dram: Product.input, local: LocalTile(.accumulator(0), rows: 16, columns: 16))
    #expect(try findings(Product.program(instructions)) == [])
  }

  @Test func namesAreRead() throws {
    #expect(try CheckSet(parsing: "all") == .all)
    #expect(try CheckSet(parsing: "none") == [])
    #expect(try CheckSet(parsing: "default") == .standard)
    #expect(try CheckSet(parsing: "fences,limits") == [.fences, .limits])
    #expect(try CheckSet(parsing: "all,no-waste") == .standard)
    #expect(try CheckSet(parsing: "no-fences") == CheckSet.standard.subtracting(.fences))
    #expect(throws: (any Error).self) { try CheckSet(parsing: "fence") }
  }
}

/// Commands that end a run, each with its id.
private let faults: [(id: String, target: Target, instruction: Instruction)] = [
  (
    "machine.local-range", .spadix,
    .moveIn(state: 0, dram: 0, local: LocalTile(.scratchpad(16380), rows: 5, columns: 1))
  ),
  (
    "machine.local-range", .spadix,
    .moveOut(dram: 0x10000, local: LocalTile(.accumulator(1024), rows: 1, columns: 1))
  ),
  ("machine.dram-range", .spadix, .moveIn(state: 0, dram: 0x8000, local: Product.tile)),
  ("machine.dram-range", .spadix, .moveIn(state: 0, dram: UInt64.max - 10, local: Product.tile)),
  ("machine.dram-range", .spadix, .moveOut(dram: 0, local: Product.tile)),
  (
    "machine.capability", .gemmini,
    .moveOutScratchpad(destination: .scratchpad(0), destinationStride: 1, source: Product.tile)
  ),
  ("machine.capability", .gemmini, .configOutput(ConfigOutput())),
  ("machine.capability", .gemmini, .configNorm(ConfigNorm())),
  ("machine.capability", .gemmini, .configStore(ConfigStore(stride: 1, activation: .igelu))),
  (
    "machine.operand-address", .spadix,
    .compute(preloaded: false, a: LocalTile(.accumulator(0), rows: 1, columns: 1), bias: .garbage(rows: 1, columns: 1))
  ),
  ("machine.shift", .spadix, .configExecute(ConfigExecute(dataflow: .outputStationary, shift: 40))),
  ("machine.shape", .spadix, .configOutputScales(dram: 0x10000, count: 17)),
  (
    "machine.capability", Target(name: "stage", hasOutputStage: true),
    .configOutputScales(dram: 0x10000, count: 4, biases: true)
  ),
  ("machine.capability", .gemmini, .configOutputTable(dram: 0x10000)),
  ("machine.capability", .gemminiSpad, .configOutputPair(ConfigOutputPair(isProduct: true))),
  (
    "machine.capability", Target(name: "stage", hasOutputStage: true), .configOutput(ConfigOutput(usesTable: true))
  ),
]

@Suite struct FaultTests {
  @Test(arguments: faults.indices) func faultEndsTheRun(_ index: Int) throws {
    let it = faults[index]
    let program = Product.program(
      [
        configureLoad, configureStore, .configExecute(ConfigExecute(dataflow: .weightStationary)), it.instruction,
        .fence,
      ],
      it.target)
    for checks in [CheckSet.all, []] {
      let machine = try Machine(program, options: Machine.Options(checks: checks))
      machine.run()
      #expect(machine.fault?.id == it.id, "\(String(describing: machine.fault))")
      #expect(machine.fault?.command == 3)
      #expect(machine.isFinished)
    }
  }

  @Test func unknownCommandsEndTheRun() throws {
    var program = Product.program([configureLoad])
    program.commands.append(Command(funct: 60))
    let machine = try Machine(program)
    machine.run()
    #expect(machine.fault?.id == "isa.unknown-funct")
  }

  @Test func limitsEndTheRun() throws {
    let many = Product.program([configureLoad] + [Instruction](repeating: loadTile, count: 100))
    let machine = try Machine(many, options: Machine.Options(checks: [], maximumCommands: 50))
    machine.run()
    #expect(machine.fault?.id == "machine.command-limit")
    let stores = (0..<64).map { Instruction.moveOut(dram: 0x100000 + UInt64($0) << 20, local: Product.tile) }
    let wide = try Machine(
      Product.program([configureStore] + stores), options: Machine.Options(checks: [], memoryLimit: 1 << 20))
    wide.run()
    #expect(wide.fault?.id == "machine.memory-limit")
  }

  @Test func hugeLoopsAreRefusedAtOnce() throws {
    let program = Product.program([
      .configExecute(ConfigExecute(dataflow: .weightStationary)),
      .loopMatmul(.bounds(LoopBounds(i: 65535, j: 65535, k: 65535))), .loopMatmul(.run(LoopMatmulRun())),
    ])
    let machine = try Machine(program)
    machine.run()
    #expect(machine.fault?.id == "machine.loop")
  }
}

@Suite struct PortabilityFieldTests {
  /// Bits that hardware and the functional model read differently, one command each.
  @Test(arguments: [
    (Command(funct: 0, rs1: 2 | 2 << 6, rs2: 16 | 0x3F80_0000 << 32), "pooling window"),
    (Command(funct: 0, rs1: 2, rs2: 16 | 0xFFFF_FFFF << 32), "scale of all ones"),
    (Command(funct: 8, rs1: 0, rs2: 1 << 7), "loop_ws"), (Command(funct: 8, rs1: 0, rs2: 1 << 40), "loop_ws"),
    (Command(funct: 19, rs1: 257, rs2: 0), "kernel dilation 257"),
  ]) func isWarnedOf(_ command: Command, _ words: String) throws {
    var program = Product.program([])
    program.commands = [command]
    for (checks, count) in [(CheckSet.portability, 1), (CheckSet.all.subtracting(.portability), 0)] {
      let machine = try Machine(program, options: Machine.Options(checks: checks))
      machine.run()
      let found = machine.findings.filter { $0.id == "machine.portability" && $0.message.contains(words) }
      #expect(found.count == count)
    }
  }

  @Test func ordinaryFieldsAreSilent() throws {
    var program = Product.program([])
    program.commands = [
      Command(funct: 0, rs1: 2 | 1 << 4 | 2 << 6, rs2: 16 | 0x3F80_0000 << 32), Command(funct: 19, rs1: 255),
    ]
    let machine = try Machine(program, options: Machine.Options(checks: .portability))
    machine.run()
    #expect(machine.findings.isEmpty)
  }
}
