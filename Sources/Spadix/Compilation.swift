import SpadixCodegen
import SpadixIR
import SpadixISA
import SpadixPlan
import SpadixSupport

/// What compiling made of an input, phase by phase; nil for phases before the input's own and after the last asked for.
public struct Compilation {
  /// The kernels of the npu graph, and the plan that runs them.
  public struct Schedule {
    /// Operators and tensors that the plan speaks of.
    public var kernels: PreparedKernels
    /// The one that the program runs.
    public var plan: Plan
    /// The plan's program, where it was made to compare plans.
    var generated: GeneratedProgram?
    /// Plans from the fastest to the one of least traffic, where these were asked for.
    public var front: [FrontPoint] = []
  }

  /// One of several plans: the best by an objective.
  public struct FrontPoint: Sendable {
    /// The one that this plan is the best by.
    public var objective: Objective
    /// Of the plan, by the planning's model.
    public var cost: Cost
    /// No plan is better by the objective.
    public var bound: Int
  }

  /// As it was given.
  public let input: CompilerInput
  /// What the program is for and is timed on.
  public private(set) var target: Target
  /// How the order of the kernels was found.
  public let formulation: Compiler.Formulation
  /// Simplified and fused, in floating point.
  public internal(set) var optimized: Graph?
  /// The same with ranges: what was quantized. Nil where the input was quantized already.
  public internal(set) var calibrated: Graph?
  /// The calibrated graph before its biases were corrected, value by value the same; nil where none was.
  public internal(set) var uncorrected: Graph?
  /// In int8, before lowering. Nil where the input was lowered already.
  public internal(set) var quantized: Graph?
  /// In npu operators and host operations.
  public internal(set) var npu: Graph?
  /// Nil where no phase from `plan` on was asked for.
  public internal(set) var schedule: Schedule?
  /// Per step of the plan; nil as well where they were generated one by one, on the way to a program.
  public internal(set) var tiles: [[TileSection]]?
  /// The program, with figures for each operator.
  public internal(set) var generated: GeneratedProgram?
  /// What is random about the samples that ranges come from; nil where nothing is.
  public internal(set) var calibration: String?
  /// Warnings and remarks of the passes.
  public internal(set) var diagnostics = Diagnostics()

  init(input: CompilerInput, target: Target, formulation: Compiler.Formulation) {
    self.input = input
    self.target = target
    self.formulation = formulation
  }

  /// The same program on a target with other timing, clock or energies.
  ///
  /// - Precondition: the target differs in nothing else.
  public func retimed(for target: Target) -> Compilation {
    precondition(target.fingerprint == self.target.fingerprint, "another target needs another program")
    var compilation = self
    compilation.target = target
    compilation.generated?.program.target = target
    return compilation
  }

  /// The graph at a phase that is one.
  public subscript(phase: Phase) -> Graph? {
    get {
      switch phase {
      case .graph: optimized
      case .quantized: quantized
      case .npu, .plan, .tiles, .program: npu
      }
    }
    set {
      switch phase {
      case .graph: optimized = newValue
      case .quantized: quantized = newValue
      case .npu, .plan, .tiles, .program: npu = newValue
      }
    }
  }
}

extension Compilation {
  /// The text of a phase: a graph, or for a plan the npu graph and the plan, for tile programs both and these; nil for
  /// a phase that was not reached.
  ///
  /// A program's text is its assembly, which reads back as the same program.
  public func text(of phase: Phase, largeData: GraphPrinter.LargeData = .hexadecimal) -> String? {
    switch phase {
    case .graph, .quantized, .npu: return self[phase]?.text(largeData: largeData)
    case .plan:
      guard let npu, let schedule else { return nil }
      return npu.text(largeData: largeData) + schedule.planText
    case .tiles:
      guard let npu, let schedule, let tilesText else { return nil }
      return npu.text(largeData: largeData) + schedule.planText + tilesText
    case .program: return generated?.program.assembly()
    }
  }

  /// Writes a phase to a file: graphs and plans as text with their large data beside it, a program as it is run.
  ///
  /// - Precondition: the phase was reached.
  public func write(_ phase: Phase, to path: String) throws {
    switch phase {
    case .graph, .quantized, .npu: try self[phase]?.write(to: path)
    case .plan: try npu?.write(to: path, trailer: schedule?.planText ?? "")
    case .tiles: try npu?.write(to: path, trailer: (schedule?.planText ?? "") + (tilesText ?? ""))
    case .program: try generated?.program.write(to: path)
    }
  }
}

extension Compilation {
  var tilesText: String? {
    guard let schedule, let tiles else { return nil }
    return schedule.kernels.tilesText(tiles, of: schedule.plan)
  }
}

extension Compilation.Schedule {
  var planText: String { kernels.planText(plan) }
}
