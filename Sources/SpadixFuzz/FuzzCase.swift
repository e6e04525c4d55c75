import Spadix
import SpadixCodegen
import SpadixIR
import SpadixISA
import SpadixMachine
import SpadixReference
import SpadixSupport
import SpadixTensor
import SpadixVerify

/// One random graph, compiled for one random target, and run beside the integer reference.
public struct FuzzCase {
  /// What became of a case.
  public enum Outcome: Sendable {
    case exact(NpuTally)
    /// The target is too small for an operator, and the compiler said so.
    case tooSmall
    /// What went wrong, for people.
    case failed(String)
  }

  /// What became of the npu graph on another target, and with other integers: refused by a rule, or exact as well.
  public struct NpuTally: Sendable {
    /// Graphs that compiled and gave the reference's bytes.
    public var exact = 0
    /// Graphs that a rule of the target refused.
    public var refused = 0

    public init() {}
  }

  /// Of graph, target and inputs alike.
  public let seed: UInt64
  /// The graph's text.
  public let text: String
  /// Given, or drawn with the seed.
  public let target: Target
  /// How the compiler may group operators.
  let groups: GroupPolicy
  /// As the generator chose them; nil for a given graph.
  private let portNames: [String]?

  /// - Parameter groups: `always` takes targets that can run groups, and of each group's ways one at random.
  public init(seed: UInt64, target: Target? = nil, groups: GroupPolicy = .auto) {
    self.seed = seed
    self.groups = groups
    var graph = RandomGraph(seed: seed)
    text = graph.text()
    portNames = graph.inputNames + graph.outputNames
    self.target =
      target
      ?? (groups == .always ? RandomTarget.targetWithScratchpadStore(seed: seed) : RandomTarget.target(seed: seed))
  }

  /// A given graph instead of a random one; the seed is that of its inputs.
  init(seed: UInt64, text: String, target: Target) {
    self.seed = seed
    self.text = text
    self.target = target
    groups = .auto
    portNames = nil
  }

  /// Compiles, runs and compares. Nothing is thrown: an error is a failed case.
  public func run() -> Outcome {
    do {
      return try check()
    } catch let diagnostic as Diagnostic where diagnostic.id == "codegen.target-too-small" {
      return .tooSmall
    } catch {
      return .failed("\(error)")
    }
  }

  private func check() throws -> Outcome {
    let input = try CompilerInput(parsing: SourceText(name: "seed-\(seed)", text: text))
    let printed = input.graph.text()
    let again = try Graph(parsing: SourceText(name: "printed", text: printed)).text()
    if again != printed { return .failed("printing and parsing changes the graph") }

    let data = DataStore()
    var compiler = Compiler(target: target)
    compiler.options.objective = [.time, .bytes, .both(cyclesPerByte: 0.5)][Int(seed % 3)]
    compiler.options.groups = groups
    if groups == .always { compiler.options.groupSeed = seed }
    let compilation = try compiler.compile(input, data: data)
    guard let quantized = compilation.quantized, let generated = compilation.generated,
      let schedule = compilation.schedule
    else { return .failed("the compiler stopped early") }
    let program = generated.program
    let names = program.inputs.map(\.name) + program.outputs.map(\.name)
    if let portNames, names != portNames { return .failed("the program's inputs and outputs are \(names)") }
    for phase in [Phase.graph, .quantized, .npu] {
      guard let graph = compilation[phase] else { continue }
      let read = try Graph(parsing: SourceText(name: phase.rawValue, text: graph.text()))
      if let difference = graph.firstDifference(from: read) {
        return .failed("the \(phase) graph reads back: \(difference)")
      }
    }
    let listed = try Program(assembly: SourceText(name: "program", text: program.assembly(.loops)))
    if listed.commands != program.commands { return .failed("the program does not read back from its loops") }
    let samples = try Samples(seed: seed, count: 1, for: input.graph, data: data)
    let runner = try ProgramRunner(program)
    if let failure = try Self.compare(runner, samples[0], quantized, data) { return .failed(failure) }
    if let real = compilation.calibrated {
      var check = try QuantizationCheck(real: real, quantized: quantized, data: data)
      try check.check(try IntegerEvaluator(graph: quantized, data: data).evaluateAll(inputs: samples[0]))
      try check.checkRandomOperands(seed: seed)
      if let violation = check.summary.violations.first { return .failed("\(violation.diagnostic)") }
    }
    if let failure = counted(generated, schedule, runner) { return .failed(failure) }
    if let failure = try planReadsBack(schedule) { return .failed(failure) }
    if let failure = try tilesReadBack(generated, schedule) { return .failed(failure) }
    return try elsewhere(compilation[.npu] ?? quantized, samples[0])
  }

  /// Runs a program; how it falls short of the integer reference of a graph.
  private static func compare(
    _ runner: ProgramRunner, _ inputs: [Tensor], _ graph: Graph, _ data: DataStore
  ) throws -> String? {
    let found = try runner.run(inputs)
    let expected = try IntegerEvaluator(graph: graph, data: data).run(inputs: inputs)
    for (index, pair) in zip(found, expected).enumerated() where pair.0.storage != pair.1.storage {
      return "output \(index) is not the integer reference's"
    }
    return runner.findings.all.first.map { "the machine finds: \($0)" }
  }

  // MARK: Npu graphs where they were not made to be

  /// The npu graph on another target, then with other integers: rules refuse it, or it is exact.
  private func elsewhere(_ npu: Graph, _ inputs: [Tensor]) throws -> Outcome {
    var tally = NpuTally()
    var mutation = AttributeMutation(seed: seed)
    let other = RandomTarget.target(seed: seed &+ 0x6f74_6865_72)
    for (graph, target) in [(npu, other), (mutation.mutated(npu), self.target), (mutation.mutated(npu), other)] {
      do {
        if let failure = try Self.check(graph, inputs, on: target) {
          return .failed("as npu graph on \(target.name): \(failure)\n\(target.yaml)\n\(graph.text())")
        }
        tally.exact += 1
      } catch let diagnostics as Diagnostics where diagnostics.all.allSatisfy(Self.isRule) {
        tally.refused += 1
      } catch let diagnostic as Diagnostic where diagnostic.id == "codegen.target-too-small" {
        tally.refused += 1
      } catch {
        return .failed("as npu graph on \(target.name): \(error)\n\(target.yaml)\n\(graph.text())")
      }
    }
    return .exact(tally)
  }

  private static func isRule(_ diagnostic: Diagnostic) -> Bool {
    diagnostic.id.hasPrefix("target.") || diagnostic.id.hasPrefix("ir.")
  }

  /// Throws what refuses the graph.
  private static func check(_ graph: Graph, _ inputs: [Tensor], on target: Target) throws -> String? {
    try graph.verify()
    let data = DataStore()
    let input = try CompilerInput(parsing: SourceText(name: "npu", text: graph.text()))
    guard let generated = try Compiler(target: target).compile(input, data: data).generated else {
      return "the compiler stopped early"
    }
    return try compare(try ProgramRunner(generated.program), inputs, input.graph, data)
  }

  /// The text of the plan reads back, passes the validator, and says the same.
  private func planReadsBack(_ schedule: Compilation.Schedule) throws -> String? {
    let text = schedule.kernels.planText(schedule.plan)
    let (again, warnings) = try schedule.kernels.readPlan(SourceText(name: "plan", text: text))
    if let warning = warnings.first { return "the plan reads back with a warning: \(warning)" }
    // Limits of the search stand in comments.
    func lines(_ text: String) -> [Substring] {
      text.split(separator: "\n").filter { !$0.contains("//") || $0.contains("= npu.") }
    }
    return lines(schedule.kernels.planText(again)) == lines(text) ? nil : "the plan reads back as another"
  }

  /// The text of the tile programs reads back, passes their verifier, and comes to the same commands.
  private func tilesReadBack(_ generated: GeneratedProgram, _ schedule: Compilation.Schedule) throws -> String? {
    let (prepared, plan) = (schedule.kernels, schedule.plan)
    let sections = prepared.tileSections(plan)
    let text = SourceText(name: "tiles", text: prepared.tilesText(sections, of: plan))
    let again = try prepared.parseTiles(text, from: 0, of: plan)
    if again != sections { return "the tile programs read back as others" }
    if try prepared.emit(plan, tiles: again).program.commands != generated.program.commands {
      return "the tile programs come to other commands when they are read back"
    }
    return nil
  }

  /// The plan, the code generator's statistics and the machine count the same bytes and array cycles.
  private func counted(_ generated: GeneratedProgram, _ schedule: Compilation.Schedule, _ runner: ProgramRunner)
    -> String?
  {
    guard let counters = runner.machine?.counters.total else { return "the machine did not run" }
    let traffic = generated.operators.map(\.traffic).reduce(OperatorStatistics.Traffic(), +)
    if traffic.read != counters.dramReadBytes - counters.commandBytes || traffic.written != counters.dramWrittenBytes {
      return "the code generator counts \(traffic.read) bytes read and \(traffic.written) written, the machine "
        + "\(counters.dramReadBytes - counters.commandBytes) and \(counters.dramWrittenBytes)"
    }
    let cycles = generated.operators.reduce(0) { $0 + $1.arrayCycles }
    if cycles != counters.arrayCycles {
      return "the code generator counts \(cycles) array cycles, the machine \(counters.arrayCycles)"
    }
    if traffic.read + traffic.written != schedule.plan.cost.bytes {
      return "the plan has \(schedule.plan.cost.bytes) bytes of traffic, the program \(traffic.read + traffic.written)"
    }
    return nil
  }
}
