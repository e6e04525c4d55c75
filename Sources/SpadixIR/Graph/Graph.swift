import SpadixSupport
import SpadixTensor

/// What is computed: tensors as values, and operations in execution order.
///
/// A value type. Ids are indices into the arrays, so they hold within one graph only; a pass that removes or inserts
/// operations builds a new graph (`rewriting`).
public struct Graph: Sendable {
  /// Without `@`.
  public var name: String
  /// Named tensors outside the graph that `constant` operations and inputs refer to.
  public var data: [DataDefinition]
  /// By `ValueID`; each is an input or the result of one operation.
  public var values: [Value]
  /// In execution order: an operation stands after those that produce its operands.
  public var operations: [Operation]
  /// In the order in which callers give tensors.
  public var inputs: [ValueID]
  /// In the order in which callers get tensors; inputs may be among them.
  public var outputs: [ValueID]
  /// What the outputs are called, in the order of `outputs`: text attribute `name`. Passes hand them on unchanged, whatever
  /// becomes of the values. Empty where the outputs are called as their values are; see `outputName`.
  public var outputNames: [String]
  /// The name of the graph's own line, for diagnostics about the graph as a whole.
  var range: SourceRange?
  /// The names in `data`, so that adding definitions is not quadratic; see `addData`.
  var dataNames = UniqueNames()

  public init(name: String) {
    self.name = name
    self.data = []
    self.values = []
    self.operations = []
    self.inputs = []
    self.outputs = []
    self.outputNames = []
  }
}

/// Index into `Graph.values`.
public struct ValueID: DenseID {
  public let index: Int
  public init(_ index: Int) { self.index = index }
}

/// Index into `Graph.operations`: a position in execution order.
public struct OperationID: DenseID {
  public let index: Int
  public init(_ index: Int) { self.index = index }
}

/// Index into `Graph.data`.
public struct DataID: DenseID {
  public let index: Int
  public init(_ index: Int) { self.index = index }
}

/// A tensor that flows through the graph.
public struct Value: Sendable {
  /// Where a value comes from.
  public enum Definition: Hashable, Sendable {
    /// The graph's input of this index.
    case input(Int)
    /// A result of an operation.
    case operation(OperationID, result: Int)
  }

  /// For results, what the operator's rule allows.
  public var type: TensorType
  /// What the text calls the value, without `%`. The printer numbers values without one and makes equal ones distinct;
  /// `settleNames` makes that last.
  public var name: String?
  /// Agrees with the graph's inputs and with the operation's results: the verifier checks it.
  public var definition: Definition
  /// Where the value's name stands in the source.
  public var range: SourceRange?
  /// The interval that real values were seen in; text attribute `range = [low, high]`.
  public var calibration: ValueRange?
  /// For an input, the data that holds samples to calibrate with; text attribute `calibration = @data`.
  public var samples: DataID?
  /// For an int8 value, the value that it stands for in the graph that was quantized. The text does not show it; passes
  /// that keep the value keep it.
  public var counterpart: ValueID?

  init(type: TensorType, name: String? = nil, definition: Definition, range: SourceRange? = nil) {
    self.type = type
    self.name = name
    self.definition = definition
    self.range = range
  }

  /// The operation that produces the value; nil for an input.
  public var producer: OperationID? {
    if case .operation(let operation, _) = definition { operation } else { nil }
  }
}

/// A closed interval of real numbers.
public struct ValueRange: Hashable, Sendable {
  /// The least, itself included.
  public var low: Float
  /// The largest, itself included.
  public var high: Float

  public init(low: Float, high: Float) {
    self.low = low
    self.high = high
  }
}

/// One operator applied to operands.
public struct Operation: Sendable {
  /// With its attributes.
  public var op: Operator
  /// In the order of the operator's definition; optional ones that are absent leave no gap.
  public var operands: [ValueID]
  /// One for every operator so far.
  public var results: [ValueID]
  /// The statement in the source.
  public var range: SourceRange?
  /// The line of the source that the operation came from, kept by passes for debug ranges in programs.
  public var sourceLine: Int?
  /// Why the operation runs on the host, once lowering has decided so; text attribute `host_reason`.
  public var hostReason: String?

  init(
    _ op: Operator, operands: [ValueID], results: [ValueID], range: SourceRange? = nil, sourceLine: Int? = nil,
    hostReason: String? = nil
  ) {
    self.op = op
    self.operands = operands
    self.results = results
    self.range = range
    self.sourceLine = sourceLine
    self.hostReason = hostReason
  }

  /// The first result; every operator has at least one.
  public var result: ValueID { results[0] }
}

/// An operand slot of an operation that holds a value.
public struct Use: Hashable, Sendable {
  /// The one that reads the value.
  public var operation: OperationID
  /// Position among its operands.
  public var operand: Int
}
