import SpadixSupport

/// A buffer of a tile program.
public struct BufferID: DenseID {
  public let index: Int
  public init(_ index: Int) { self.index = index }
}

/// Rows of local memory that a tile program calls by a name; where they are is decided when commands are emitted.
public struct LocalBuffer: Hashable, Sendable {
  /// What the rows hold, and so in which memory they are.
  public enum Contents: String, CaseIterable, Sendable {
    /// Pixels, `dim` channels a row; in the scratchpad.
    case pixels
    /// Matrices for the array, a row of the matrix each; in the scratchpad.
    case weights
    /// 32-bit sums of output pixels; in the accumulator.
    case sums
  }

  /// A word, unique in its program.
  public var name: String
  /// Decides the memory that it is in.
  public var contents: Contents
  /// Rows of a slot.
  public var rows: Int
  /// Slots lie behind one another. What is too long for one reaches into the next.
  public var slots: Int
  /// The tensor that is here as a whole, pixel p of channel block b in row `b * pixels + p`. Its rows belong to the plan; all
  /// others are the program's own, and only while it runs.
  public var tensor: TileOperand?
  /// The first row in the program's block; nil for a place behind the buffers before. Buffers with a place may share rows.
  public var start: Int?
  /// First rows of the slots in the program's block, where these do not lie behind one another from `start`; `start` is then
  /// the first of them.
  public var starts: [Int] = []
  /// Whether programs before have left something here that this one may read.
  public var isKept: Bool

  public init(
    name: String, contents: Contents, rows: Int, slots: Int = 1, tensor: TileOperand? = nil, start: Int? = nil,
    isKept: Bool = false
  ) {
    self.name = name
    self.contents = contents
    self.rows = rows
    self.slots = slots
    self.tensor = tensor
    self.start = start
    self.isKept = isKept
  }

  /// Rows of all slots.
  public var totalRows: Int { slots * rows }

  /// The rows of a slot in the program's block; nil for one without a place.
  public func place(ofSlot slot: Int) -> Range<Int>? {
    if starts.isEmpty { return start.map { $0 + slot * rows..<$0 + (slot + 1) * rows } }
    return starts.indices.contains(slot) ? starts[slot]..<starts[slot] + rows : nil
  }

  /// Whether it takes part of the program's own block of the scratchpad.
  public var isWorking: Bool { tensor == nil && contents != .sums }
}

/// What a tile program moves through DRAM: no addresses, only whose bytes they are.
public enum TileOperand: Hashable, Sendable {
  /// An input of the operator by its position.
  case input(Int)
  case output
  case constant(ConstantID)
}

/// A row of a buffer.
public struct LocalPlace: Hashable, Sendable {
  /// Of the same program.
  public var buffer: BufferID
  /// From 0.
  public var slot: Int
  /// From the start of the slot.
  public var row: Int

  public init(_ buffer: BufferID, slot: Int = 0, row: Int = 0) {
    self.buffer = buffer
    self.slot = slot
    self.row = row
  }
}
