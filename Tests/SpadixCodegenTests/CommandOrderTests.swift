import SpadixIR
import SpadixISA
import SpadixPlan
import SpadixSupport
import Testing

@testable import SpadixCodegen
@testable import SpadixMachine

/// What streams become when they are merged, on programs that a person can follow.
@Suite struct CommandOrderTests {
  /// Everything from 0x20000 on is written.
  private func program(_ text: String, target: String = "spadix") throws -> Program {
    var program = try Program(assembly: SourceText(name: "test", text: ".target \(target)\n" + text))
    program.symbols = [Program.Symbol(name: "result", address: 0x20000, length: 0x10000, kind: .output)]
    return program
  }

  /// The merged commands as mnemonics with the part of them that tells them apart.
  private func merged(_ text: String, target: String = "spadix") throws -> [String] {
    var program = try program(text, target: target)
    CommandOrder.merge(&program)
    return program.commands.map { Assembly.text($0) }.filter { !$0.hasPrefix("config") }.map(Self.short)
  }

  private static func short(_ text: String) -> String {
    let words = text.split(separator: " ")
    let mark: String =
      switch words[0] {
      case "mvin", "mvin2", "mvin3": "to="
      case "mvout": "dram="
      case "preload": "result="
      default: ""
      }
    guard !mark.isEmpty, let word = words.first(where: { $0.hasPrefix(mark) }) else { return String(words[0]) }
    return "\(words[0]) \(word.dropFirst(mark.count))"
  }

  private let configuration = """
    config_ex ws a_stride=1 c_stride=1
    config_ld stride=16 block_stride=16 scale=1.0
    config_ld stride=16 block_stride=16 state=1 scale=1.0
    config_ld stride=0 block_stride=16 state=2 scale=1.0
    config_st stride=16 scale=1.0

    """

  private func product(_ source: Int, _ weights: Int, _ result: Int) -> String {
    """
    preload weights=sp:\(weights)[16x16] result=acc:\(result)[16x16]
    compute_preloaded a=sp:\(source)[16x16] d=none[16x16]

    """
  }

  private let firstTile = "preload acc:0[16x16]"

  /// Loads of the second tile go before the product of the first, which has to wait for its own.
  @Test func tilesOverlap() throws {
    let found = try merged(
      configuration + "mvin dram=0x10000 to=sp:0[16x16]\nmvin2 dram=0x11000 to=sp:100[16x16]\n" + product(0, 100, 0)
        + "mvout dram=0x20000 from=acc:0[16x16]\n" + "mvin dram=0x10100 to=sp:16[16x16]\n"
        + "mvin2 dram=0x11100 to=sp:116[16x16]\n" + product(16, 116, 16) + "mvout dram=0x20100 from=acc:16[16x16]\n")
    #expect(
      found == [
        "mvin sp:0[16x16]", "mvin2 sp:100[16x16]", "mvin sp:16[16x16]", "mvin2 sp:116[16x16]",
        "preload acc:0[16x16]", "compute_preloaded", "mvout 0x20000",
        "preload acc:16[16x16]", "compute_preloaded", "mvout 0x20100", "fence",
      ])
  }

  /// A store would wait while results are added to its bank of the accumulator; those of another bank do not disturb it.
  @Test(arguments: [(64, true), (512, false)]) func storesWaitForTheirBank(_ next: Int, _ waits: Bool) throws {
    func adding(_ result: Int) -> String {
      "preload weights=sp:4096[16x16] result=acc+:\(result)[16x16]\n"
        + "compute_preloaded a=sp:0[16x16] d=none[16x16]\n"
    }
    let found = try merged(
      configuration + "mvin dram=0x10000 to=sp:0[16x16]\nmvin2 dram=0x11000 to=sp:4096[16x16]\n"
        + adding(0) + "mvout dram=0x20000 from=acc:0[16x16]\n"
        + (0..<8).map { adding(next + 16 * $0) }.joined())
    let store = try #require(found.firstIndex { $0.hasPrefix("mvout") })
    #expect((found[..<store].count { $0.hasPrefix("preload") } == 9) == waits)
  }

  /// A load into a slot would be at work while the last products with the slot still wait in the reservation station: it
  /// stands behind as many of the next.
  @Test func slotsAreLoadedBehindWaitingProducts() throws {
    let products = (0..<10).map { _ in product(0, 8192, 0) }.joined()
    let next = (0..<40).map { _ in product(4096, 8192, 512) }.joined()
    var program = try program(
      configuration + "mvin dram=0x10000 to=sp:0[16x16]\nmvin dram=0x10100 to=sp:4096[16x16]\n"
        + "mvin2 dram=0x11000 to=sp:8192[16x16]\n" + products + "mvin dram=0x10200 to=sp:0[16x16]\n" + next)
    let load = try #require(program.commands.lastIndex { $0.funct == Funct.moveIn })
    CommandOrder.merge(&program, [SlotLoad(commands: load..<load + 1, rows: 0..<16)])
    let merged = program.commands
    let place = try #require(merged.lastIndex { $0.funct == Funct.moveIn })
    let before = merged[..<place].count { $0.funct == Funct.preload }
    #expect((14...28).contains(before))
  }

  /// One place for both tiles: the second load waits until the first product has read it.
  @Test func rowsInUseAreNotOverwritten() throws {
    let found = try merged(
      configuration + "mvin2 dram=0x11000 to=sp:100[16x16]\nmvin dram=0x10000 to=sp:0[16x16]\n" + product(0, 100, 0)
        + "mvin dram=0x10100 to=sp:0[16x16]\n" + product(0, 100, 0))
    #expect(
      found == [
        "mvin2 sp:100[16x16]", "mvin sp:0[16x16]", firstTile, "compute_preloaded", "mvin sp:0[16x16]",
        firstTile, "compute_preloaded",
      ])
  }

  /// A load of stored bytes waits for a fence; another one goes before it, though it comes later.
  @Test func fencesStandLate() throws {
    let found = try merged(
      configuration + "mvin dram=0x10000 to=sp:0[16x16]\nmvout dram=0x20000 from=sp:0[16x16]\nfence\n"
        + "mvin dram=0x20000 to=sp:16[16x16]\nmvin2 dram=0x11000 to=sp:100[16x16]\n"
        + "mvout dram=0x20100 from=sp:16[16x16]\n")
    #expect(
      found == [
        "mvin sp:0[16x16]", "mvin2 sp:100[16x16]", "mvout 0x20000", "fence", "mvin sp:16[16x16]", "mvout 0x20100",
        "fence",
      ])
  }

  /// Loads that a fence has to stand before, and that take long, do not wait until the array has nothing else to do where
  /// results stay in the scratchpad: the fence goes while there are products.
  @Test(arguments: ["spadix", "gemmini"]) func fencesGoAheadOfLongLoads(_ target: String) throws {
    let count = 128
    var text = configuration + "mvin2 dram=0x11000 to=sp:100[16x16]\nmvin dram=0x10000 to=sp:0[16x16]\n"
    text += "mvout dram=0x20000 from=sp:0[16x16]\n"
    for _ in 0..<count { text += product(0, 100, 0) }
    // The first one brings back what was stored.
    for load in 0..<32 {
      text += "mvin dram=\(load == 0 ? "0x20000" : "0x12000") to=sp:\(1024 + 64 * load)[16x64]\n"
    }
    for load in 0..<32 { text += product(1024 + 64 * load, 100, 0) }
    let found = try merged(text, target: target)
    let fence = try #require(found.firstIndex(of: "fence"))
    let before = found[..<fence].count { $0 == "compute_preloaded" }
    #expect(target == "spadix" ? before < count / 2 : before == count)
  }

  /// A fence that nothing needs is not kept, but what is stored at the end is in DRAM.
  @Test func fencesAreNotKept() throws {
    let found = try merged(
      configuration + "mvin dram=0x10000 to=sp:0[16x16]\nfence\nmvout dram=0x20000 from=sp:0[16x16]\nfence\n"
        + "mvin dram=0x10100 to=sp:16[16x16]\n")
    #expect(found == ["mvin sp:0[16x16]", "mvin sp:16[16x16]", "mvout 0x20000", "fence"])
  }

  /// Nothing passes a host step, which finds in DRAM what was stored before it.
  @Test func hostStepsStandBetween() throws {
    var it = try program(
      configuration + "mvin dram=0x10000 to=sp:0[16x16]\nmvout dram=0x20000 from=sp:0[16x16]\n"
        + "mvin dram=0x10100 to=sp:16[16x16]\n")
    it.hostSteps = [Program.HostStep(before: 7, graph: "", inputs: [], outputs: [], reason: "")]
    CommandOrder.merge(&it)
    let step = it.hostSteps[0].before
    #expect(it.commands[..<step].last?.funct == Funct.fence)
    #expect(it.commands[step...].map(\.funct) == [Funct.moveIn])
  }

  /// Commands keep their operations, which become several runs.
  @Test func operationsFollowTheirCommands() throws {
    var it = try program(
      configuration + ".operation a\nmvin2 dram=0x11000 to=sp:100[16x16]\nmvin dram=0x10000 to=sp:0[16x16]\n"
        + product(0, 100, 0) + ".operation b\nmvin dram=0x10100 to=sp:16[16x16]\n" + product(16, 100, 16))
    let before = Dictionary(
      uniqueKeysWithValues: it.commands.indices.filter { it.commands[$0].funct == Funct.moveIn }
        .map { (it.commands[$0], it.operation(ofCommand: $0)?.text) })
    CommandOrder.merge(&it)
    for (index, command) in it.commands.enumerated() where command.funct == Funct.moveIn {
      #expect(it.operation(ofCommand: index)?.text == before[command])
    }
    #expect(it.debug.map(\.operation).filter { $0 == 0 }.count > 1)
    #expect(it.debug.reduce(0) { $0 + $1.count } == it.commands.count - 5)
  }

  /// Gemmini's station takes a pooled store to end with the accumulator bank in which it begins (here 512 rows): fences
  /// stand where rows of the next bank come from loads, and where they are overwritten.
  @Test func pooledStoresAcrossBanks() throws {
    let text =
      configuration
      + "config_st pool_stride=2 pool_window=2 pool_out_dim=8 pool_out_rows=1 pool_out_cols=8 pool_rows=2 pool_cols=16"
      + " stride=16 scale=1.0\nmvin3 dram=0x12000 to=acc:496[16x16]\nmvin3 dram=0x12000 to=acc:512[16x16]\n"
      + "mvout dram=0x20000 from=acc:496[0x16]\nmvin3 dram=0x12040 to=acc:520[8x16]\n"
    #expect(
      try merged(text, target: "gemmini") == [
        "mvin3 acc:496[16x16]", "mvin3 acc:512[16x16]", "fence", "mvout 0x20000", "fence", "mvin3 acc:520[8x16]",
      ])
    #expect(
      try merged(text, target: "spadix") == [
        "mvin3 acc:496[16x16]", "mvin3 acc:512[16x16]", "mvout 0x20000", "mvin3 acc:520[8x16]", "fence",
      ])
  }
}

/// The same programs as kernels emit them and as they are merged.
@Suite struct MergedProgramTests {
  @Test(arguments: emissionCases, emissionTargets)
  func everyRowIsReadAsBefore(_ testCase: EmissionCase, _ target: Target) throws {
    let (prepared, _, plan) = try prepare(testCase, target)
    var before = try prepared.emitKernels(plan).program
    before.segments = try prepared.segments(of: plan)
    let after = try prepared.emit(plan).program
    #expect(try Dataflow(before).firstDifference(from: Dataflow(after)) == nil)
  }

  /// Any two commands of different streams in the wrong order are seen.
  @Test func everyDependenceCounts() throws {
    let (prepared, _, plan) = try prepare(emissionCases[7], .gemmini)
    let program = try prepared.emit(plan).program
    let right = try Dataflow(program)
    var tried = 0
    for load in program.commands.indices where [Funct.moveIn, Funct.moveIn2].contains(program.commands[load].funct) {
      // The first product that takes what the load brings, before it.
      guard let product = try right.firstReader(of: load, in: program) else { continue }
      var wrong = program
      let moved = wrong.commands[product...product + 1]
      wrong.commands.removeSubrange(product...product + 1)
      wrong.commands.insert(contentsOf: moved, at: load)
      #expect(try Dataflow(wrong).firstDifference(from: right) != nil)
      tried += 1
    }
    #expect(tried > 0)
  }
}

/// A wrong merge does not stay hidden: programs with one command too early, which read other rows, are noticed when they
/// run, by a check or by their results.
@Suite struct WrongOrderTests {
  @Test(arguments: [Target.gemmini, .spadix, emissionTargets[3]]) func isNoticed(_ target: Target) throws {
    var tried = 0
    for testCase in [emissionCases[1], emissionCases[7]] {
      let (prepared, _, plan) = try prepare(testCase, target)
      let right = try prepared.emit(plan).program
      let flow = try Dataflow(right)
      let results = try #require(try run(right))
      var state: UInt64 = 11
      func random(_ limit: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % limit
      }
      for _ in 0..<1200 {
        // A whole item moves, a product is a preload and a compute, and stays behind the one before of its stream.
        var item = 1 + random(right.commands.count - 1)
        if right.commands[item - 1].funct == Funct.preload { item -= 1 }
        guard let stream = Dataflow.stream(right.commands[item]),
          let before = right.commands[..<item].lastIndex(where: { Dataflow.stream($0) == stream }), before + 1 < item
        else { continue }
        var place = before + 1 + random(item - before - 1)
        if right.commands[place - 1].funct == Funct.preload { place -= 1 }
        let count = right.commands[item].funct == Funct.preload ? 2 : 1
        var wrong = right
        let moved = wrong.commands[item..<item + count]
        wrong.commands.removeSubrange(item..<item + count)
        wrong.commands.insert(contentsOf: moved, at: place)
        guard let other = try? Dataflow(wrong), let difference = other.firstDifference(from: flow),
          difference.contains("rows")
        else { continue }
        tried += 1
        #expect(try run(wrong) != results, "\(testCase): command \(item) before \(place): \(difference)")
      }
    }
    #expect(tried > 5)
  }

  /// The outputs for random inputs; nil when a check found something.
  private func run(_ program: Program) throws -> [[UInt8]]? {
    let machine = try Machine(program, options: Machine.Options(checks: .all))
    for (index, binding) in program.inputs.enumerated() {
      guard case .i8(let values) = NpuGraphs.random(binding.type.shape, seed: UInt64(index) + 5).storage else {
        continue
      }
      try machine.write(values.map { UInt8(bitPattern: $0) }, to: binding)
    }
    machine.run()
    if machine.fault != nil || !machine.findings.isEmpty { return nil }
    return try program.outputs.map { try machine.read($0) }
  }
}

/// Which command each one reads from: the same in two programs that compute the same. Knows commands as the machine
/// decodes them, and nothing of how they are merged.
private struct Dataflow {
  /// A command as the so many-th of its stream.
  struct Place: Hashable {
    var stream: Int
    var number: Int
  }

  private var commands: [[Command]] = [[], [], [], [], []]
  /// For each command of a stream, the writers of all rows that it reads, in their order.
  private var sources: [[[Place]]] = [[], [], [], [], []]
  private var readers: [Place: Int] = [:]
  private var places: [Int: Place] = [:]

  init(_ program: Program) throws {
    for command in program.commands {
      if let stream = Self.stream(command) { commands[stream].append(command) }
    }
    var writers: [[Int: Place]] = [[:], [:]]
    var bytes: [UInt64: Place] = [:]
    var found = self
    try program.forEachStep { it, chunk in
      let command = program.commands[Int(it.command)]
      guard let stream = Self.stream(command), it.kind != .loadScales else { return }
      let place = Place(stream: stream, number: found.sources[stream].count)
      found.places[Int(it.command)] = place
      var read: [Place] = []
      for access in it.reads(chunk.stores[Int(it.configuration)], dim: program.target.dim) {
        for row in access.each {
          guard let writer = writers[access.isAccumulator ? 1 : 0][row] else { continue }
          read.append(writer)
          if it.kind == .compute && found.readers[writer] == nil { found.readers[writer] = Int(it.command) - 1 }
        }
      }
      if it.kind == .load && !it.flags.contains(.zero) {
        for row in 0..<UInt64(it.stride == 0 ? 1 : it.a.rows) {
          for byte in 0..<UInt64(it.a.columns) {
            if let writer = bytes[it.dram + row * UInt64(it.stride) + byte] { read.append(writer) }
          }
        }
      }
      if it.kind == .store {
        Transfer.forEach(storedBy: it, chunk.stores[Int(it.configuration)]) { transfer in
          for row in 0..<UInt64(transfer.rows) {
            for byte in 0..<UInt64(transfer.bytes) {
              bytes[transfer.address(Int(row)) + byte] = place
            }
          }
        }
      }
      for access in it.writes(dim: program.target.dim) {
        for row in access.each { writers[access.isAccumulator ? 1 : 0][row] = place }
      }
      found.sources[stream].append(read)
    }
    self = found
  }

  static func stream(_ command: Command) -> Int? {
    switch command.funct {
    case Funct.moveIn: 0
    case Funct.moveIn2: 1
    case Funct.moveIn3: 2
    case Funct.preload, Funct.computePreloaded, Funct.computeAccumulated: 3
    case Funct.fence: nil
    case Funct.config where command.rs1 & 3 == 0: 3
    case Funct.config where command.rs1 & 3 == 1: Int(command.rs1 >> 3 & 3)
    default: 4
    }
  }

  func firstReader(of load: Int, in program: Program) throws -> Int? { places[load].flatMap { readers[$0] } }

  func firstDifference(from other: Dataflow) -> String? {
    for stream in commands.indices where commands[stream] != other.commands[stream] {
      return "stream \(stream) has other commands"
    }
    for stream in commands.indices {
      if sources[stream].count != other.sources[stream].count { return "stream \(stream) has other steps" }
      for (index, sources) in sources[stream].enumerated() where sources != other.sources[stream][index] {
        return "step \(index) of stream \(stream) reads other rows"
      }
    }
    return nil
  }
}
