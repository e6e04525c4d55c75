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
  public enum Outcome: Sendable {
    case exact
    /// The target is too small for an operator, and the compiler said so.
    case tooSmall
    /// What went wrong, for people.
    case failed(String)
  }

  public let seed: UInt64
  /// The graph's text.
  public let text: String
  public let target: Target

  public init(seed: UInt64, target: Target? = nil) {
    self.seed = seed
    var graph = RandomGraph(seed: seed)
    text = graph.text()
    self.target = target ?? RandomTarget.target(seed: seed)
  }

  /// A given graph instead of a random one; the seed is that of its inputs.
  init(seed: UInt64, text: String, target: Target) {
    self.seed = seed
    self.text = text
    self.target = target
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
    let compilation = try Compiler(target: target).compile(input, data: data)
    guard let quantized = compilation.quantized, let generated = compilation.generated,
      let schedule = compilation.schedule
    else { return .failed("the compiler stopped early") }
    let samples = Samples(
      seed: seed, count: 1, for: input.graph.inputPorts, ranges: try input.graph.inputRanges(data: data))
    let runner = try ProgramRunner(generated.program)
    let found = try runner.run(samples[0])
    let values = try IntegerEvaluator(graph: quantized, data: data).evaluateAll(inputs: samples[0])
    let expected = quantized.outputs.map { values[$0.index] }
    for (index, pair) in zip(found, expected).enumerated() where pair.0.storage != pair.1.storage {
      return .failed("output \(index) is not the integer reference's")
    }
    if let real = compilation.calibrated {
      var check = try QuantizationCheck(real: real, quantized: quantized, data: data)
      try check.check(values)
      try check.checkRandomOperands(seed: seed)
      if let violation = check.summary.violations.first { return .failed("\(violation.diagnostic)") }
    }
    if let finding = runner.findings.all.first { return .failed("the machine finds: \(finding)") }
    return counted(generated, schedule, runner)
  }

  /// The plan, the code generator's statistics and the machine count the same bytes and array cycles.
  private func counted(_ generated: GeneratedProgram, _ schedule: Compilation.Schedule, _ runner: ProgramRunner)
    -> Outcome
  {
    guard let counters = runner.machine?.counters.total else { return .failed("the machine did not run") }
    let traffic = generated.operators.map(\.traffic).reduce(OperatorStatistics.Traffic(), +)
    if traffic.read != counters.dramReadBytes || traffic.written != counters.dramWrittenBytes {
      return .failed(
        "the code generator counts \(traffic.read) bytes read and \(traffic.written) written, the machine "
          + "\(counters.dramReadBytes) and \(counters.dramWrittenBytes)")
    }
    let cycles = generated.operators.reduce(0) { $0 + $1.arrayCycles }
    if cycles != counters.arrayCycles {
      return .failed("the code generator counts \(cycles) array cycles, the machine \(counters.arrayCycles)")
    }
    if traffic.read + traffic.written != schedule.plan.trafficBytes {
      return .failed(
        "the plan has \(schedule.plan.trafficBytes) bytes of traffic, the program \(traffic.read + traffic.written)")
    }
    return .exact
  }
}
