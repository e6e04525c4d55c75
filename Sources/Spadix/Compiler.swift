import SpadixCodegen
import SpadixIR
import SpadixISA
import SpadixLegality
import SpadixMIP
import SpadixMachine
import SpadixOrder
import SpadixPasses
import SpadixPlan
import SpadixSupport

/// From a graph to a program: the phases in order, each of which can be the last and each of which can be the first.
public struct Compiler {
  /// How the order of the kernels is found. Their alternatives, residency and addresses are then decided for that
  /// order.
  public enum Formulation: String, CaseIterable, Sendable {
    /// The graph's own order.
    case residency
    /// The order of least traffic for whole tensors, by the paper's formulation: one integer program for order,
    /// residency and addresses. For small graphs.
    case joint
    /// The same order problem by the scheduler for large graphs.
    case exact
  }

  /// What else decides the program beside input and target, and what is told on the way.
  public struct Options {
    /// How the order of the kernels is found.
    public var formulation: Formulation
    /// What the plan is to be good at.
    public var objective = Objective.time
    /// Whether operators run in groups, strip by strip.
    public var groups = GroupPolicy.auto
    /// Of the ways to run each group only one, drawn with this seed: for tests.
    public var groupSeed: UInt64?
    /// Whether to find plans between the fastest and the one of least traffic as well.
    public var findsFront = false
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
    public var interruptible: @Sendable (_ plan: (Cancellation) throws -> Plan) throws -> Plan = {
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

  /// What programs are for.
  public var target: Target
  /// For every compilation that follows.
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

    let schedule = try self.schedule(npu, input, data, &compilation)
    compilation.schedule = schedule
    compilation.npu = schedule.kernels.graph
    try dump.write(schedule.kernels.graph, plan: schedule.planText, phase: "plan")
    guard last >= .tiles else { return compilation }

    var tiles = try input.tiles.map {
      try schedule.kernels.parseTiles($0.source, from: $0.start, of: schedule.plan)
    }
    // Otherwise they are generated one by one while commands are emitted.
    if tiles == nil && (last == .tiles || options.dumpDirectory != nil) {
      tiles = schedule.kernels.tileSections(schedule.plan)
    }
    compilation.tiles = tiles
    if let text = compilation.tilesText {
      try dump.write(schedule.kernels.graph, plan: schedule.planText + text, phase: "tiles")
    }
    guard last >= .program else { return compilation }

    let known = input.tiles == nil ? schedule.generated : nil
    let generated = try known ?? schedule.kernels.emit(schedule.plan, tiles: tiles, progress: options.progress)
    compilation.schedule?.generated = nil
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
    if input.phase >= .plan, options.objective != .time || options.findsFront || options.groups != .auto {
      throw Diagnostic(
        "driver.planned-already", "an objective, a front or groups are asked for, but the input has a plan already",
        help: "compile the npu graph without its plan")
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
        if step.pass.name == Pass.calibrate.name {
          compilation.calibrated = graph
          compilation.uncorrected = context.uncorrected
        }
        try dump.write(graph, phase: step.pass.name)
      }
      compilation[phase] = graph
    }
    if input.phase >= .plan { compilation.npu = graph }
    compilation.diagnostics = context.diagnostics
    compilation.calibration = context.calibration
  }

  /// Kernels, order and plan; the plan has passed the validator.
  private func schedule(
    _ npu: Graph, _ input: CompilerInput, _ data: DataStore, _ compilation: inout Compilation
  ) throws -> Compilation.Schedule {
    var generator = CodeGenerator(target: target)
    generator.progress = options.progress
    generator.groups = options.groups
    generator.objective = options.objective
    generator.groupSeed = options.groupSeed
    var kernels = try generator.prepare(npu, data: data)
    if let text = input.plan {
      let (plan, warnings) = try kernels.readPlan(text.source, from: text.start)
      for warning in warnings { compilation.diagnostics.report(warning) }
      return Compilation.Schedule(kernels: kernels, plan: plan)
    }
    var orderedBy: String?
    if let order = KernelOrder(options.formulation) {
      let result = try order.reorder(kernels)
      kernels = try generator.prepare(result.graph, data: data)
      orderedBy = result.closedBy
    }
    var planning = Planning(try generator.alternatives(of: kernels), progress: options.progress)
    var generated: GeneratedProgram?
    var plan = try options.interruptible { cancellation in
      let plan = try planning.plan(options.objective, cancellation)
      guard options.objective == .time else { return kernels.spread(plan) }
      let plans = try [kernels.spread(plan)] + planning.rivals(plan, cancellation).map(kernels.spread)
      let fastest = try self.fastest(plans, kernels)
      generated = fastest.generated
      return fastest.plan
    }
    do throws(PlanViolation) {
      try PlanValidator(kernels).validate(plan)
    } catch {
      throw Diagnostic(
        "driver.rejected-plan",
        "the schedule of '\(kernels.problem.name)' did not pass the validator: \(error.message) [\(error.rule)]",
        help: "this is a defect of the scheduler: please report it with the npu graph that --emit=npu prints")
    }
    if let orderedBy { plan.certificate.closedBy += " for the order by \(orderedBy)" }
    return Compilation.Schedule(
      kernels: kernels, plan: plan, generated: generated, front: options.findsFront ? try planning.front() : [])
  }

  /// What a byte through DRAM is worth when plans are compared by the cycles of their commands: two thirds of the time that
  /// it takes on a bus of 16 bytes.
  private static let cyclesPerByte = 1.0 / 24

  /// Programs that are made at the same time: each takes memory.
  private static let programsAtOnce = 2

  /// A plan, its program, and how good that is: less is better.
  private struct MadePlan: Sendable {
    var plan: Plan
    var generated: GeneratedProgram
    /// By step.
    var cycles: [Int]

    init(_ plan: Plan, _ kernels: PreparedKernels, progress: (@Sendable (String) -> Void)?) throws {
      self.plan = plan
      generated = try kernels.emitCommands(plan, progress: progress)
      cycles = try Compilation.modelledCycles(generated)
    }

    var total: Int { cycles.reduce(0, +) }

    var value: Int { MadePlan.value(total, plan.cost.bytes) }

    static func value(_ cycles: Int, _ bytes: Int) -> Int {
      Objective.both(cyclesPerByte: Compiler.cyclesPerByte).value(Cost(readBytes: bytes, time: cycles))
    }
  }

  /// Of the plan for time, which is the first, and others, and one that is joined of their parts, the one whose commands
  /// take the fewest cycles and move few bytes, with its program where that was made.
  private func fastest(_ plans: [Plan], _ kernels: PreparedKernels) throws -> (plan: Plan, generated: GeneratedProgram?)
  {
    if plans.count == 1 { return (plans[0], nil) }
    let progress = options.progress
    var best: (index: Int, made: MadePlan)?
    var cycles: [[Int]] = []
    var fewest = Int.max
    let weighsBytes = kernels.target.hasScratchpadStore
    func isBetter(_ one: MadePlan, than other: MadePlan, fewest: Int) -> Bool {
      let limit = fewest + fewest / (weighsBytes ? Self.nearlyAsFast : Self.equallyFast)
      if other.total > limit { return true }
      if one.total > limit { return false }
      if weighsBytes { return one.value < other.value }
      return (one.plan.cost.bytes, one.total) < (other.plan.cost.bytes, other.total)
    }
    for first in stride(from: 0, to: plans.count, by: Self.programsAtOnce) {
      let some = Array(plans.indices[first...].prefix(Self.programsAtOnce))
      let made = some.concurrentMap { index in Result { try MadePlan(plans[index], kernels, progress: progress) } }
      for (index, made) in zip(some, made) {
        let made = try made.get()
        cycles.append(made.cycles)
        fewest = min(fewest, made.total)
        if best.map({ isBetter(made, than: $0.made, fewest: fewest) }) ?? true { best = (index, made) }
      }
    }
    var chosen = best!.made
    if best!.index > 0 {
      chosen.plan.certificate.closedBy +=
        "; its commands take fewer cycles than those of the plan for time, or few more and fewer bytes"
    }
    if weighsBytes, let splice = PlanSplice(kernels, plans, cycles: cycles, value: MadePlan.value).best(),
      splice.value < chosen.value - chosen.value / Self.equallyGood
    {
      let made = try MadePlan(splice.plan, kernels, progress: progress)
      if isBetter(made, than: chosen, fewest: min(fewest, made.total)) { chosen = made }
    }
    chosen.generated.program.segments = try kernels.segments(of: chosen.plan)
    return (chosen.plan, chosen.generated)
  }

  /// Plans whose commands take longer than the fastest ones by more than this part are slower, however little they move.
  private static let nearlyAsFast = 64

  /// Where no plan keeps results in the scratchpad, plans whose commands take by no more than this part longer are as fast.
  private static let equallyFast = 512

  /// A plan that is better by no more than this part is not worth being made.
  private static let equallyGood = 1024
}
