import SpadixSupport

/// What the compiler asks of the scheduler: operators in a fixed order, each with several ways to run, and an objective.
///
/// Unlike the scheduling problem of COSMA, where every operand is in the scratchpad while its operator runs, an operand
/// here may stream from or to DRAM through tiles; the alternatives of an operator say which operands stream and what that
/// costs. Space is counted in scratchpad rows, traffic in bytes of DRAM.
public struct KernelProblem: Sendable {
  /// Index into `tensors`.
  public struct TensorID: DenseID {
    public let index: Int
    public init(_ index: Int) { self.index = index }
  }

  /// Where a tensor is before the first step and has to be after the last.
  public enum TensorKind: String, Sendable {
    /// In DRAM from the start.
    case input
    /// Produced by an operator, read by others.
    case activation
    /// Produced by an operator and in DRAM at the end.
    case output
  }

  /// A value that may be in the scratchpad as a whole.
  public struct Tensor: Sendable {
    /// For reports and diagnostics.
    public var name: String
    /// Scratchpad rows while resident.
    public var rows: Int
    /// What it costs to bring the whole tensor from DRAM, or to write it there.
    public var fetch: Cost
    /// What it costs to write the whole tensor to DRAM.
    public var spill: Cost
    /// Inputs need no producer, outputs end in DRAM.
    public var kind: TensorKind

    public init(name: String, rows: Int, fetch: Cost, spill: Cost, kind: TensorKind) {
      self.name = name
      self.rows = rows
      self.fetch = fetch
      self.spill = spill
      self.kind = kind
    }

    /// A tensor of which only the bytes matter.
    init(name: String, rows: Int, bytes: Int, kind: TensorKind) {
      self.init(
        name: name, rows: rows, fetch: Cost(readBytes: bytes), spill: Cost(writtenBytes: bytes), kind: kind)
    }

    /// Bytes in DRAM.
    public var bytes: Int { fetch.readBytes }
  }

  /// Where an operand or result is while its operator runs.
  public enum Place: String, Sendable {
    /// The whole tensor is in the scratchpad.
    case resident
    /// The tensor passes through the operator's own tiles, from or to DRAM.
    case streamed
  }

  /// One way to run an operator.
  public struct Alternative: Sendable {
    /// One place per input of the operator, in its order. A tensor that is used twice has the same place twice.
    public var inputs: [Place]
    /// One place per output.
    public var outputs: [Place]
    /// Rows for tiles, weights and constants, needed only during the operator's step, as one block.
    public var rows: Int
    /// What it costs by itself: streamed operands and weights as often as the loop nest moves them, no whole tensors.
    public var cost: Cost

    public init(inputs: [Place], outputs: [Place], rows: Int, cost: Cost) {
      self.inputs = inputs
      self.outputs = outputs
      self.rows = rows
      self.cost = cost
    }
  }

  /// One step.
  public struct Operator: Sendable {
    /// For reports and diagnostics.
    public var name: String
    /// Those that alternatives have places for, in their order.
    public var inputs: [TensorID]
    /// Those that alternatives have places for, in their order.
    public var outputs: [TensorID]
    /// At least one, unless a group that is forced runs it.
    public var alternatives: [Alternative]

    public init(name: String, inputs: [TensorID], outputs: [TensorID], alternatives: [Alternative]) {
      self.name = name
      self.inputs = inputs
      self.outputs = outputs
      self.alternatives = alternatives
    }
  }

  /// Consecutive operators that can run together, strip by strip, and the ways to do it. What only they touch is theirs.
  public struct Group: Sendable {
    /// At least two, by their index.
    public var operators: Range<Int>
    /// Tensors from outside that they read, each once.
    var inputs: [TensorID]
    /// Results that are needed afterwards, each once.
    var outputs: [TensorID]
    /// Like an operator's. Rows are needed during all of the steps.
    public var alternatives: [Alternative]
    /// Whether the operators do not run by themselves.
    public var isForced = false

    public init(operators: Range<Int>, inputs: [TensorID], outputs: [TensorID], alternatives: [Alternative]) {
      self.operators = operators
      self.inputs = inputs
      self.outputs = outputs
      self.alternatives = alternatives
    }
  }

  /// Of the graph.
  public var name: String
  /// Scratchpad rows of the target.
  public var capacity: Int
  /// By `TensorID`.
  public var tensors: [Tensor]
  /// In execution order: operator `i` runs in step `i`.
  public var operators: [Operator]
  /// In the order of their first operators.
  public var groups: [Group] = []
  /// What is minimized, and what bounds are about.
  public var objective: Objective

  public init(
    name: String, capacity: Int, tensors: [Tensor], operators: [Operator], objective: Objective = .time
  ) {
    self.objective = objective
    self.name = name
    self.capacity = capacity
    self.tensors = tensors
    self.operators = operators
  }
}
