import SpadixCodegen
import SpadixIR
import SpadixISA
import SpadixLegality
import SpadixMIP
import SpadixOrder
import SpadixPasses
import SpadixPlan
import SpadixSupport

/// From a graph to a program: the phases in order, each of which can be the last and each of which can be the first.
public struct Compiler {
  /// How the order of the kernels is found. Their variants, residency and addresses are then decided for that order.
  public enum Formulation: String, CaseIterable, Sendable {
    /// The graph's own order.
    case residency
    /// The order of least traffic for whole tensors, by the paper's formulation: one integer program for order, residency
    /// and addresses. For small graphs.
    case joint
    /// The same order problem by the scheduler for large graphs.
    case exact
  }

  public struct Options {
    public var formulation: Formulation
    /// Samples for inputs by name; they stand in for those that the graph names.
    public var samples: [CalibrationSamples]
    /// Whether inputs that have a range and no samples get random ones.
    public var calibratesAtRandom: Bool
    /// What to print while passes run. Its dump folder and limit are not looked at: the compiler dumps all phases.
    public var instrumentation: PassInstrumentation
    /// A folder for numbered files of every pass and phase.
    public var dumpDirectory: String?
    /// Told what is being done, now and then; in the order of the phases.
    public var progress: (@Sendable (String) -> Void)?
    /// Runs the planning, which can be stopped: the best plan so far then goes on. For a plan that Ctrl-C shortens.
    public var interruptible: @Sendable (_ plan: (Cancellation) throws -> KernelPlan) throws -> KernelPlan = {
      try $0(Cancellation())
    }

    public init(
      formulation: Formulation = .residency, samples: [CalibrationSamples] = [], calibratesAtRandom: Bool = false,
      instrumentation: PassInstrumentation = PassInstrumentation(), dumpDirectory: String? = nil
    ) {
      self.formulation = formulation
      self.samples = samples
      self.calibratesAtRandom = calibratesAtRandom
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
  /// Throws diagnostics: a broken rule in the graph, data that cannot be read, a target too small;
  /// `driver.phase-passed` when the input is beyond `last` already, `driver.calibrated-already` and
  /// `driver.planned-already` for options that come too late.
  public func compile(_ input: CompilerInput, data: DataStore, upTo last: Phase = .program) throws -> Compilation {
    guard input.phase <= last else {
      let later = Phase.allCases.filter { $0 >= input.phase }.map(\.rawValue).joined(separator: ", ")
      throw Diagnostic(
        "driver.phase-passed", "the input is at phase '\(input.phase.rawValue)', after '\(last.rawValue)'",
        help: "phases that can be emitted from it: \(later)")
    }
    try refuseIdleOptions(for: input)
    var compilation = Compilation(input: input, target: target, formulation: options.formulation)
    var dump = try DumpDirectory(path: options.dumpDirectory)
    try dump.write(input.graph, phase: "input")
    try runPasses(from: input, upTo: last, data, &compilation, &dump)
    guard let npu = compilation.npu else { return compilation }
    // Whatever it came from; the code generator looks again, since everything that it emits depends on it.
    try TargetVerifier.verify(npu, for: target)
    guard last >= .plan else { return compilation }

    let schedule = try self.schedule(npu, input, data)
    compilation.schedule = schedule
    compilation.npu = schedule.prepared.graph
    try dump.write(schedule.prepared.graph, plan: schedule.planText, phase: "plan")
    guard last >= .tiles else { return compilation }

    var tiles = try input.tiles.map {
      try schedule.prepared.parseTiles($0.source, from: $0.start, of: schedule.plan)
    }
    // Otherwise they are generated one by one while commands are emitted.
    if tiles == nil && (last == .tiles || options.dumpDirectory != nil) {
      tiles = schedule.prepared.tileSections(schedule.plan)
    }
    compilation.tiles = tiles
    if let text = compilation.tilesText {
      try dump.write(schedule.prepared.graph, plan: schedule.planText + text, phase: "tiles")
    }
    guard last >= .program else { return compilation }

    let generated = try schedule.prepared.emit(schedule.plan, tiles: tiles, progress: options.progress)
    compilation.generated = generated
    try dump.write(generated.program, phase: "program")
    return compilation
  }

  /// Options about phases that the input has behind it would silently do nothing.
  private func refuseIdleOptions(for input: CompilerInput) throws {
    if input.phase > .graph, let sample = options.samples.first {
      throw Diagnostic(
        "driver.calibrated-already",
        "samples for '\(sample.input)' are given to calibrate with, but the graph is quantized already",
        help: "calibrate the graph in floating point")
    }
    if input.phase > .graph, options.calibratesAtRandom {
      throw Diagnostic(
        "driver.calibrated-already",
        "random samples are asked for to calibrate with, but the graph is quantized already",
        help: "calibrate the graph in floating point")
    }
    if input.phase >= .plan, options.formulation != .residency {
      throw Diagnostic(
        "driver.planned-already",
        "formulation '\(options.formulation.rawValue)' is asked for, but the input has a plan already",
        help: "compile the npu graph without its plan")
    }
  }

  /// The scheduling problem of an input's kernels, as atomic operators on this target, in scratchpad rows.
  public func scheduleProblem(_ input: CompilerInput, data: DataStore) throws -> ScheduleProblem {
    let compilation = try compile(input, data: data, upTo: max(input.phase, .npu))
    guard let npu = compilation.npu else { preconditionFailure("the npu phase was passed") }
    return ScheduleProblem(try CodeGenerator(target: target).prepare(npu, data: data))
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
      let chosen = options.calibratesAtRandom ? try pipeline.calibratingAtRandom() : pipeline
      for step in chosen.steps {
        options.progress?("pass \(step.pass.name)")
        let manager = PassManager(PassPipeline([step]), instrumentation: options.instrumentation)
        graph = try manager.run(graph, in: &context)
        if step.pass.name == Pass.calibrate.name { compilation.calibrated = graph }
        try dump.write(graph, phase: step.pass.name)
      }
      compilation[phase] = graph
    }
    if input.phase >= .plan { compilation.npu = graph }
    compilation.diagnostics = context.diagnostics
    compilation.calibration = context.calibration
  }

  /// Kernels, order and plan; the plan has passed the validator.
  private func schedule(_ npu: Graph, _ input: CompilerInput, _ data: DataStore) throws -> Compilation.Schedule {
    var generator = CodeGenerator(target: target)
    generator.progress = options.progress
    var prepared = try generator.prepare(npu, data: data)
    if let text = input.plan {
      let plan = try prepared.parsePlan(text.source, from: text.start)
      do throws(KernelPlanValidator.Violation) {
        try KernelPlanValidator.validate(plan, for: prepared.problem)
      } catch {
        throw Diagnostic("plan.invalid", "the plan of '\(prepared.problem.name)' is not valid: \(error)")
      }
      return Compilation.Schedule(prepared: prepared, plan: plan)
    }
    var orderedBy: String?
    if let search = OrderSearch(options.formulation) {
      let result = try search.reorder(prepared)
      prepared = try generator.prepare(result.graph, data: data)
      orderedBy = result.closedBy
    }
    var scheduler = KernelScheduler()
    if let progress = options.progress { scheduler.progress = { progress("plan: \($0)") } }
    let problem = prepared.problem
    func search(_ cancellation: Cancellation) throws -> KernelPlan {
      scheduler.cancellation = cancellation
      return try scheduler.solve(problem)
    }
    var plan = try options.interruptible(search)
    do throws(KernelPlanValidator.Violation) {
      try KernelPlanValidator.validate(plan, for: prepared.problem)
    } catch {
      throw Diagnostic(
        "driver.rejected-plan", "the schedule of '\(prepared.problem.name)' did not pass the validator: \(error)",
        help: "this is a defect of the scheduler: please report it with the npu graph that --emit=npu prints")
    }
    if let orderedBy { plan.certificate.closedBy += " for the order by \(orderedBy)" }
    return Compilation.Schedule(prepared: prepared, plan: plan)
  }
}
