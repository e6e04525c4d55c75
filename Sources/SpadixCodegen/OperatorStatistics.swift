import SpadixIR

/// What one operation became, for reports. All figures are of the emitted program, none is measured by running it.
public struct OperatorStatistics: Sendable {
  /// Where an operation runs.
  public enum Kind: String, Sendable {
    /// Products, sums and pooling through the array or the accumulator.
    case array
    /// Loads and stores only.
    case move
    /// Evaluated by the host between commands.
    case host
  }

  /// Bytes through DRAM. A constant small matrix or a bias counts as weights.
  public struct Traffic: Sendable, Equatable {
    /// As often as they are read.
    public var weightsRead = 0
    /// The graph's inputs, as tiles.
    public var inputsRead = 0
    /// Results of other operations, as tiles.
    public var activationsRead = 0
    /// Whole tensors brought into the scratchpad.
    public var fetched = 0
    /// Results that others read, as tiles.
    public var activationsWritten = 0
    /// Resident tensors written because they are needed again.
    public var spilled = 0
    /// The graph's outputs.
    public var outputsWritten = 0

    public init() {}

    /// Bytes from DRAM, of all kinds.
    public var read: Int { weightsRead + inputsRead + activationsRead + fetched }
    /// Bytes to DRAM, of all kinds.
    public var written: Int { activationsWritten + spilled + outputsWritten }

    /// Adds kind by kind.
    public static func + (left: Traffic, right: Traffic) -> Traffic {
      var sum = left
      sum.weightsRead += right.weightsRead
      sum.inputsRead += right.inputsRead
      sum.activationsRead += right.activationsRead
      sum.fetched += right.fetched
      sum.activationsWritten += right.activationsWritten
      sum.spilled += right.spilled
      sum.outputsWritten += right.outputsWritten
      return sum
    }
  }

  var operation: OperationID
  /// Such as `%12 = npu.conv2d`.
  public var name: String
  /// Decides which figures can be other than 0.
  public var kind: Kind
  /// Why it runs on the host; nil for all other kinds.
  public var hostReason: String?
  /// Line of the graph file; nil when unknown.
  public var sourceLine: Int?
  /// Fetches and spills around the operation included.
  public var traffic = Traffic()
  /// Modelled array cycles.
  public var arrayCycles = 0
  /// Products that the array has time for in those cycles.
  public var issuedMACs = 0
  /// Products that the operator asks for; those with padding do not count.
  public var usefulMACs = 0
  /// Most scratchpad rows in use during the operator's step: its working block and all resident tensors.
  public var scratchpadRows = 0
  /// Accumulator rows of the largest tile.
  public var accumulatorRows = 0
  /// Commands of the program that come from it.
  public var commands = 0
  /// The program's debug operations that are this one's.
  public var debugOperations: [Int] = []
  /// The loop nest in a few words; empty for the host.
  public var tiling = ""
}
