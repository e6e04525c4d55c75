import SpadixMachine

/// What a compiled program costs: the figures behind the text, JSON and CSV reports.
///
/// Everything is an integer, so that a report is the same on every machine. Figures of time are modelled, never
/// measured.
public struct CompilationReport: Sendable {
  /// Name of the graph.
  var graph: String
  /// What it was compiled for.
  public var target: TargetReport
  /// The command that compiles the same again; nil where there was none.
  public var command: String?
  /// What is random about the samples that the ranges of values come from; nil where nothing is.
  var calibration: String?
  /// In execution order.
  public var operators: [OperatorReport]
  /// The plan, its bounds, and the search that found them.
  public var schedule: ScheduleReport
  /// Rows in use at once, tensors and working blocks together, at the fullest step.
  public var scratchpadPeakRows: Int
  /// As `scratchpadPeakRows`.
  public var accumulatorPeakRows: Int
  /// Commands of the whole program.
  public var commands: Int
  /// Bytes of DRAM that the program occupies: weights, inputs, outputs and buffers.
  var dramImageBytes: Int
  /// What the target's time model says of the whole program, host steps not counted; nil when it was not run.
  public var time: TimeReport?
  /// What the time model says of the same program with one parameter changed; empty where none was asked.
  public var whatIfs: [WhatIf] = []
  /// Nil unless the target has energy parameters and time was modelled.
  public var energy: EnergyReport?
  /// Every tensor in the scratchpad, by first step.
  var allocation: [AllocationReport]
  /// Rows of each operator's tiles and weights, for those that have any.
  public var working: [WorkingRowsReport] = []
  /// Operators that run together, strip by strip.
  public var groups: [GroupReport] = []
  /// Nil where no time was modelled.
  public var timeline: TimelineReport?
  /// Warnings and remarks of compiling.
  public var messages: [MessageReport] = []

  public init(
    graph: String, target: TargetReport, calibration: String? = nil, operators: [OperatorReport],
    schedule: ScheduleReport,
    scratchpadPeakRows: Int,
    accumulatorPeakRows: Int, commands: Int, dramImageBytes: Int, time: TimeReport?,
    allocation: [AllocationReport]
  ) {
    self.graph = graph
    self.target = target
    self.calibration = calibration
    self.operators = operators
    self.schedule = schedule
    self.scratchpadPeakRows = scratchpadPeakRows
    self.accumulatorPeakRows = accumulatorPeakRows
    self.commands = commands
    self.dramImageBytes = dramImageBytes
    self.time = time
    self.allocation = allocation
  }

  /// Of the whole program; nil when no time was modelled.
  public var modelledCycles: Int? { time?.cycles.total }
  /// Of all operators.
  public var traffic: DRAMTraffic { operators.reduce(into: DRAMTraffic()) { $0 += $1.traffic } }
  /// Of all operators; a lower bound of the modelled cycles.
  public var arrayCycles: Int { operators.reduce(0) { $0 + $1.arrayCycles } }
  /// Of all operators.
  public var issuedMACs: Int { operators.reduce(0) { $0 + $1.issuedMACs } }
  /// Of all operators.
  public var usefulMACs: Int { operators.reduce(0) { $0 + $1.usefulMACs } }
  /// Operators that run on the host, in execution order.
  public var hostSteps: [OperatorReport] { operators.filter { $0.kind == .host } }
}

/// Modelled cycles and what bounds them, and the bytes that requests move over the bus.
public struct TimeReport: Sendable, Hashable {
  /// Of the program's commands from first to last.
  public var cycles: Counters.Cycles
  /// Bytes of whole beats.
  var busRead: Int
  /// Bytes of whole beats.
  var busWritten: Int

  public init(cycles: Counters.Cycles, busRead: Int, busWritten: Int) {
    self.cycles = cycles
    self.busRead = busRead
    self.busWritten = busWritten
  }
}

/// One operator of the lowered graph.
public struct OperatorReport: Sendable {
  /// Where an operator runs.
  public enum Kind: String, Sendable, CaseIterable {
    /// On the array.
    case array
    /// Data movement through the scratchpad or the accumulator.
    case move
    /// On the host, between two commands.
    case host
  }

  /// Where an operand or a result is while the operator runs.
  public enum Place: String, CaseIterable, Sendable {
    case resident
    case streamed
    /// Image rows in the scratchpad, in a group.
    case rows
  }

  /// Such as `%12 = npu.conv2d`.
  var name: String
  /// Decides which of the other figures can be other than 0.
  var kind: Kind
  /// Why it runs on the host; nil for all other kinds.
  public var hostReason: String?
  /// Line of the graph file that the operator came from.
  var sourceLine: Int?
  /// What it moves over the border of DRAM, fetches and spills around it included.
  public var traffic: DRAMTraffic
  /// Cycles in which the array is busy.
  var arrayCycles: Int
  /// Cycles by which the operator lengthens the program, by the target's time model, and what bounds them; nil when
  /// that was not run.
  public var cycles: Counters.Cycles?
  /// Multiply-accumulates that the array could do in these cycles.
  var issuedMACs: Int
  /// Multiply-accumulates that the operator's definition asks for.
  var usefulMACs: Int
  /// Rows in use during the operator's step: its tiles and weights, and all resident tensors.
  var scratchpadRows: Int
  /// Rows in use during the operator's step.
  var accumulatorRows: Int
  /// Commands that come from it.
  var commands: Int
  /// Places of the activations that the operator reads and writes.
  var operands: [Place]
  /// In the order of its results.
  var results: [Place]
  /// The loop nest, as the code generator describes it.
  var tiling: String

  public init(
    name: String, kind: Kind, hostReason: String? = nil, sourceLine: Int? = nil, traffic: DRAMTraffic = DRAMTraffic(),
    arrayCycles: Int = 0, issuedMACs: Int = 0, usefulMACs: Int = 0, scratchpadRows: Int = 0, accumulatorRows: Int = 0,
    commands: Int = 0, operands: [Place] = [], results: [Place] = [], tiling: String = ""
  ) {
    self.name = name
    self.kind = kind
    self.hostReason = hostReason
    self.sourceLine = sourceLine
    self.traffic = traffic
    self.arrayCycles = arrayCycles
    self.issuedMACs = issuedMACs
    self.usefulMACs = usefulMACs
    self.scratchpadRows = scratchpadRows
    self.accumulatorRows = accumulatorRows
    self.commands = commands
    self.operands = operands
    self.results = results
    self.tiling = tiling
  }

  /// All parts of `cycles`; nil when no time was modelled.
  public var modelledCycles: Int? { cycles?.total }
  /// Cycles beyond those in which the array is busy, the least that the operator could take; nil when not modelled.
  var cyclesBeyondArray: Int? { modelledCycles.map { max(0, $0 - arrayCycles) } }
}

/// How good the schedule is, and who says so.
public struct ScheduleReport: Sendable {
  /// Where the plan comes from: `residency`, `joint` or `exact`, as compiled, or `file`.
  var formulation: String
  /// What the plan was made for: `time`, `bytes` or `both:WEIGHT`; nil for a plan from a file that does not say.
  var objective: String?
  /// DRAM bytes of the plan, and modelled cycles as the planning sees them.
  public var bytes: Int
  /// Modelled as the planning sees them: the sum over operators, not the time of the program.
  var cycles: Int
  /// No plan moves fewer bytes, and none is faster by the planning's model, for the alternatives and the order that the
  /// formulation considers; nil where nothing is known.
  public var bytesBound: Int?
  /// As `bytesBound`, in cycles of the planning's model.
  var cyclesBound: Int?
  /// Whether no plan is better by the objective.
  var isProven: Bool
  /// The component that closed the gap, as the scheduler names it.
  var closedBy: String
  /// Limits that the search met, for a plan that is not proven.
  var whyOpen: [String]
  /// Size of the integer program, and nodes of its search.
  var rows: Int
  /// Of the integer program; 0 where there was none.
  var columns: Int
  /// Of its search.
  var nodes: Int

  public init(
    formulation: String, objective: String?, bytes: Int, bytesBound: Int?, cycles: Int, cyclesBound: Int?,
    isProven: Bool, closedBy: String, rows: Int, columns: Int, nodes: Int, whyOpen: [String] = [],
    front: [FrontPoint] = []
  ) {
    self.formulation = formulation
    self.objective = objective
    self.bytes = bytes
    self.bytesBound = bytesBound
    self.cycles = cycles
    self.cyclesBound = cyclesBound
    self.isProven = isProven
    self.front = front
    self.closedBy = closedBy
    self.rows = rows
    self.columns = columns
    self.nodes = nodes
    self.whyOpen = whyOpen
  }

  /// Plans from the fastest to the one of least traffic; empty unless they were asked for.
  var front: [FrontPoint]

  /// A plan that none betters in both bytes and time.
  public struct FrontPoint: Sendable {
    /// The one that gives this plan: `time`, `bytes` or `both:WEIGHT`.
    var objective: String
    /// Modelled as the planning sees them.
    var cycles: Int
    /// Through DRAM.
    var bytes: Int

    public init(objective: String, cycles: Int, bytes: Int) {
      self.objective = objective
      self.cycles = cycles
      self.bytes = bytes
    }
  }

  /// Bytes above the bound; nil without one.
  var gapBytes: Int? { bytesBound.map { bytes - $0 } }
  /// Cycles above the bound; nil without one.
  var gapCycles: Int? { cyclesBound.map { cycles - $0 } }
  /// Whether the bounds were computed here; those of a plan from a file are the file's claim.
  var isBoundComputed: Bool { formulation != Self.file }

  /// The `formulation` of a plan that was read.
  public static let file = "file"
}

/// One stay of a tensor in the scratchpad.
public struct AllocationReport: Sendable {
  /// Name of the value.
  var tensor: String
  /// Steps of the schedule, both included: step `i` runs the `i`-th operator that the scheduler placed.
  var firstStep: Int
  /// The last one during which it lies there.
  var lastStep: Int
  /// First row of the scratchpad.
  var row: Int
  /// Rows of `dim` int8.
  var rows: Int
  /// `produced` by its operator or `fetched` from DRAM.
  var origin: String
  /// Whether it is written to DRAM after its first step.
  var spilled: Bool

  public init(
    tensor: String, firstStep: Int, lastStep: Int, row: Int, rows: Int, origin: String, spilled: Bool
  ) {
    self.tensor = tensor
    self.firstStep = firstStep
    self.lastStep = lastStep
    self.row = row
    self.rows = rows
    self.origin = origin
    self.spilled = spilled
  }
}

/// The rows that an operator's tiles, weights and constants have during its step.
public struct WorkingRowsReport: Sendable, Hashable {
  /// Index of the operator.
  var step: Int
  /// First row of the scratchpad.
  var row: Int
  /// Rows of `dim` int8.
  var rows: Int

  public init(step: Int, row: Int, rows: Int) {
    self.step = step
    self.row = row
    self.rows = rows
  }
}

/// A range of operators that run in strips of image rows, and their common block of the scratchpad.
public struct GroupReport: Sendable, Hashable {
  /// Index of the first operator.
  var firstStep: Int
  /// Index of the last one.
  var lastStep: Int
  /// Each operator runs once in each.
  var strips: Int
  /// First row of the scratchpad.
  var row: Int
  /// Rows of `dim` int8.
  var rows: Int

  /// - Parameter steps: not empty.
  public init(steps: Range<Int>, strips: Int, row: Int, rows: Int) {
    firstStep = steps.lowerBound
    lastStep = max(steps.lowerBound, steps.upperBound - 1)
    self.strips = strips
    self.row = row
    self.rows = rows
  }
}
