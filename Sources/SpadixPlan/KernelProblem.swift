import SpadixSupport

/// What the compiler asks of the scheduler: operators in a fixed order, each with several ways to run.
///
/// Unlike the scheduling problem of COSMA, where every operand is in the scratchpad while its operator runs, an operand
/// here may stream from or to DRAM through tiles; the variants of an operator say which operands stream and what that
/// costs. Space is counted in scratchpad rows, traffic in bytes of DRAM.
public struct KernelProblem: Sendable {
  public struct TensorID: DenseID {
    public let index: Int
    public init(_ index: Int) { self.index = index }
  }

  public enum TensorKind: String, Sendable {
    /// In DRAM from the start.
    case input
    /// Produced by an operator, read by others.
    case activation
    /// Produced by an operator and in DRAM at the end.
    case output
  }

  public struct Tensor: Sendable {
    public var name: String
    /// Scratchpad rows while resident.
    public var rows: Int
    /// Bytes in DRAM: what one spill or one fetch of the whole tensor moves.
    public var bytes: Int
    public var kind: TensorKind

    public init(name: String, rows: Int, bytes: Int, kind: TensorKind) {
      self.name = name
      self.rows = rows
      self.bytes = bytes
      self.kind = kind
    }
  }

  /// Where an operand or result is while its operator runs.
  public enum Place: String, Sendable {
    /// The whole tensor is in the scratchpad.
    case resident
    /// The tensor passes through the operator's own tiles, from or to DRAM.
    case streamed
  }

  /// One way to run an operator.
  public struct Variant: Sendable {
    /// One place per input of the operator, in its order. A tensor that is used twice has the same place twice.
    public var inputs: [Place]
    /// One place per output.
    public var outputs: [Place]
    /// Rows for tiles, weights and constants, needed only during the operator's step, as one block.
    public var workingRows: Int
    /// Bytes read from DRAM: weights, and streamed inputs as often as the loop nest reads them.
    public var readBytes: Int
    /// Bytes written to DRAM: streamed outputs.
    public var writtenBytes: Int
    /// Modelled array cycles; breaks ties between variants of equal traffic.
    public var cycles: Int

    public init(
      inputs: [Place], outputs: [Place], workingRows: Int, readBytes: Int, writtenBytes: Int, cycles: Int
    ) {
      self.inputs = inputs
      self.outputs = outputs
      self.workingRows = workingRows
      self.readBytes = readBytes
      self.writtenBytes = writtenBytes
      self.cycles = cycles
    }
  }

  public struct Operator: Sendable {
    public var name: String
    public var inputs: [TensorID]
    public var outputs: [TensorID]
    public var variants: [Variant]

    public init(name: String, inputs: [TensorID], outputs: [TensorID], variants: [Variant]) {
      self.name = name
      self.inputs = inputs
      self.outputs = outputs
      self.variants = variants
    }
  }

  public var name: String
  /// Scratchpad rows of the target.
  public var capacity: Int
  public var tensors: [Tensor]
  /// In execution order: operator `i` runs in step `i`.
  public var operators: [Operator]

  public init(name: String, capacity: Int, tensors: [Tensor], operators: [Operator]) {
    self.name = name
    self.capacity = capacity
    self.tensors = tensors
    self.operators = operators
  }
}
