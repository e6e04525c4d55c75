/// One command as the accelerator's controllers see it: the fields of its operands resolved, what configuration commands
/// set folded in. No data.
///
/// Rows of local memory are numbered through: scratchpad from 0, accumulator from `Operation.accumulatorBase`.
public struct Operation: Sendable {
  /// Which unit it goes to, or what it configures.
  public enum Kind: UInt8, Sendable {
    case load, store, preload, compute, configLoad, configStore, configExecute
    /// Waits until everything before it is done; the processor's own instruction.
    case fence
    /// Taken by the accelerator's front end, without work.
    case none
  }

  /// What changes the time that it takes, beside its size.
  public struct Flags: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Load: writes zeros and does not read memory.
    public static let zeros = Flags(rawValue: 1 << 0)
    /// Load: 32-bit elements, which pass by the scaling unit. Store: 32-bit elements.
    public static let wide = Flags(rawValue: 1 << 1)
    /// Load: int8 elements with a scale other than 1.
    static let scaled = Flags(rawValue: 1 << 2)
    /// Load: one row of memory for all local rows.
    public static let repeated = Flags(rawValue: 1 << 3)
    /// Store: to the scratchpad instead of memory. Load: into the output stage.
    public static let onChip = Flags(rawValue: 1 << 4)
    /// Compute: an operand passes the transposer.
    static let transposed = Flags(rawValue: 1 << 5)
    /// Preload: the array takes its operand in two passes (transposed weights).
    static let twoPasses = Flags(rawValue: 1 << 6)
    /// Preload: the result is added to what its rows hold. Load: into the accumulator, added.
    public static let accumulates = Flags(rawValue: 1 << 7)
  }

  /// First number of an accumulator row.
  public static let accumulatorBase: Int32 = 1 << 29

  /// Rows of local memory, from `start` up to `end`; equal where there is none.
  public struct Rows: Sendable {
    /// First row; those of the accumulator are numbered from `Operation.accumulatorBase` on.
    public var start: Int32
    /// Behind the last row.
    public var end: Int32

    public init(_ start: Int32, _ end: Int32) {
      self.start = start
      self.end = end
    }

    /// No rows: it waits for nobody, and nobody for it.
    static let none = Rows(0, 0)
    /// Whether it has no rows, or fewer than none.
    public var isEmpty: Bool { end <= start }
  }

  /// Decides which of the other fields have a meaning.
  public var kind: Kind
  /// None for an ordinary operation.
  public var flags: Flags
  /// Index of the command that it comes from, for reports.
  public var command: Int32
  /// What the reservation station takes the operation to write: loads their local rows, preloads the result,
  /// stores to the scratchpad their destination.
  public var writes: Rows
  /// What it takes it to read: stores their source, preloads the weights, computes A.
  public var reads: Rows
  /// The bias (or B) of a compute.
  public var readsAlso: Rows
  /// Rows of the move, of A, or of the result; pixels of a pooled store.
  public var rows: UInt16
  /// Bytes of one row of a move in memory.
  public var bytes: UInt16
  /// Column blocks of a move. Reads of the accumulator for each pixel of a pooled store.
  public var blocks: UInt16
  /// Pixels of a pooled store from one row of the output to the next, and in one row.
  public var pixelPitch: UInt16
  /// Pixels of a pooled store in one row of its output; 0 for all other operations.
  public var pixels: UInt16
  /// Bytes between rows of memory.
  public var stride: Int64
  /// DRAM address of the first byte of a move.
  public var address: UInt64

  init(_ kind: Kind, command: Int32 = 0, flags: Flags = []) {
    self.kind = kind
    self.flags = flags
    self.command = command
    writes = .none
    reads = .none
    readsAlso = .none
    rows = 0
    bytes = 0
    blocks = 1
    pixelPitch = 0
    pixels = 0
    stride = 0
    address = 0
  }
}
