import SpadixCodegen
import SpadixIR
import SpadixISA
import SpadixPasses
import SpadixSchedule
import SpadixSupport

/// From a graph to a program: the phases in order, each of which can be the last and each of which can be the first.
public struct Compiler {
  /// How the schedule is found.
  public enum Formulation: String, CaseIterable, Sendable {
    /// The graph's own order: variants and residency by integer programming, then addresses.
    case residency
    /// The paper's formulation: order, residency and addresses in one integer program. For small graphs.
    case joint
  }

  public struct Options {
    public var formulation: Formulation
    /// Samples for inputs by name; they stand in for those that the graph names.
    public var samples: [CalibrationSamples]
    /// What to print while passes run. Its dump folder and limit are not looked at: the compiler dumps all phases.
    public var instrumentation: PassInstrumentation
    /// A folder for numbered files of every pass and phase.
    public var dumpDirectory: String?

    public init(
      formulation: Formulation = .residency, samples: [CalibrationSamples] = [],
      instrumentation: PassInstrumentation = PassInstrumentation(), dumpDirectory: String? = nil
    ) {
      self.formulation = formulation
      self.samples = samples
      self.instrumentation = instrumentation
      self.dumpDirectory = dumpDirectory
    }
  }

  public var target: Target
  public var options: Options

  public init(target: Target, options: Options = Options()) {
    self.target = target
    self.options = options
  }

  /// Runs the phases from the input's own up to and including `last`.
  ///
  /// Throws diagnostics: a broken rule in the graph, data that cannot be read, a target too small, and
  /// `driver.phase-passed` when the input is beyond `last` already.
  public func compile(_ input: CompilerInput, data: DataStore, upTo last: Phase = .program) throws -> Compilation {
    guard input.phase <= last else {
      let later = Phase.allCases.filter { $0 >= input.phase }.map(\.rawValue).joined(separator: ", ")
      throw Diagnostic(
        "driver.phase-passed", "the input is at phase '\(input.phase.rawValue)', after '\(last.rawValue)'",
        help: "phases that can be emitted from it: \(later)")
    }
    var compilation = Compilation(input: input, target: target, formulation: options.formulation)
    var dump = try DumpDirectory(path: options.dumpDirectory)
    try dump.write(input.graph, phase: "input")
    try runPasses(from: input, upTo: last, data, &compilation, &dump)
    guard last >= .plan, let npu = compilation.npu else { return compilation }

    let prepared = try CodeGenerator(target: target).prepare(npu, data: data)
    let plan = try self.plan(prepared, input)
    compilation.schedule = Compilation.Schedule(prepared: prepared, plan: plan)
    try dump.write(npu, plan: prepared.planText(plan), phase: "plan")
    guard last >= .program else { return compilation }

    let generated = try prepared.emit(plan)
    compilation.generated = generated
    try dump.write(generated.program, phase: "program")
    return compilation
  }

  /// The passes that lead to each phase.
  private static let passes: [(phase: Phase, pipeline: PassPipeline)] = [
    (.graph, .optimize), (.quantized, .quantize), (.npu, .lower),
  ]

  private func runPasses(
    from input: CompilerInput, upTo last: Phase, _ data: DataStore, _ compilation: inout Compilation,
    _ dump: inout DumpDirectory
  ) throws {
    var context = PassContext(target: target, data: data, samples: options.samples)
    var graph = input.graph
    for (phase, pipeline) in Self.passes where phase <= last {
      // A graph in floating point has still to be simplified; others are at their phase already.
      if phase < input.phase || (phase == input.phase && phase != .graph) {
        if phase == input.phase { compilation[phase] = graph }
        continue
      }
      // One by one, so that every pass has its dump and a reproducer names only the pass that failed.
      for step in pipeline.steps {
        let manager = PassManager(PassPipeline([step]), instrumentation: options.instrumentation)
        graph = try manager.run(graph, in: &context)
        try dump.write(graph, phase: step.pass.name)
      }
      compilation[phase] = graph
    }
    if input.phase == .plan { compilation.npu = graph }
    compilation.diagnostics = context.diagnostics
  }

  private func plan(_ prepared: PreparedKernels, _ input: CompilerInput) throws -> KernelPlan {
    let plan: KernelPlan
    if let text = input.plan {
      plan = try prepared.parsePlan(text.source, from: text.start)
    } else {
      switch options.formulation {
      case .residency: plan = try KernelScheduler().solve(prepared.problem)
      case .joint: plan = try KernelScheduler().solve(prepared.problem)
      }
    }
    do throws(KernelPlanValidator.Violation) {
      try KernelPlanValidator.validate(plan, for: prepared.problem)
    } catch {
      guard input.plan == nil else {
        throw Diagnostic("plan.invalid", "the plan of '\(prepared.problem.name)' is not valid: \(error)")
      }
      throw Diagnostic(
        "driver.rejected-plan", "the schedule of '\(prepared.problem.name)' did not pass the validator: \(error)",
        help: "this is a defect of the scheduler: please report it with the npu graph that --emit=npu prints")
    }
    return plan
  }
}
