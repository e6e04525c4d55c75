/// Buffers with known lifetimes to be placed in a memory of fixed capacity.
///
/// The vocabulary is MiniMalloc's (Moffitt, ASPLOS 2023): a buffer lives during half-open steps `lower ..< upper`, takes
/// `size` units, and may have gaps, steps during which it takes only a window of its units or none.
public struct AllocationProblem: Sendable, Equatable {
  /// Steps `lower ..< upper` during which the buffer takes only `window` of its units, or nothing.
  public struct Gap: Sendable, Equatable {
    /// First step of the gap.
    public var lower: Int
    /// The step behind its last.
    public var upper: Int
    /// Relative to the buffer's offset; nil when the buffer takes nothing.
    public var window: Range<Int>?

    public init(lower: Int, upper: Int, window: Range<Int>? = nil) {
      self.lower = lower
      self.upper = upper
      self.window = window
    }
  }

  /// Something that needs room for a while.
  public struct Buffer: Sendable, Equatable {
    /// For texts; need not be unique here.
    public var id: String
    /// First step in which it lives.
    public var lower: Int
    /// The step behind its last; it never lives where that is `lower` or less.
    public var upper: Int
    /// In units, whatever they are: rows here, bytes in MiniMalloc's files.
    public var size: Int
    /// The offset is a multiple of this.
    public var alignment: Int
    /// An offset to try first; it binds nothing.
    var hint: Int?
    /// Not overlapping, within the lifetime.
    public var gaps: [Gap]
    /// The offset, when it is given and not to be chosen.
    public var fixedOffset: Int?

    public init(
      id: String, lower: Int, upper: Int, size: Int, alignment: Int = 1, hint: Int? = nil, gaps: [Gap] = [],
      fixedOffset: Int? = nil
    ) {
      self.id = id
      self.lower = lower
      self.upper = upper
      self.size = size
      self.alignment = alignment
      self.hint = hint
      self.gaps = gaps
      self.fixedOffset = fixedOffset
    }

    /// Whether no step has a unit of the buffer: then it may be larger than the memory.
    var takesNothing: Bool {
      if size == 0 || lower >= upper { return true }
      // Gaps do not overlap, so that they leave no step when they are as long as the lifetime.
      let empty = gaps.filter { $0.window?.isEmpty ?? true }
      return empty.reduce(0) { $0 + $1.upper - $1.lower } == upper - lower
    }
  }

  /// In units: offsets and sizes stay below it.
  public var capacity: Int
  /// Solutions and results are in this order.
  public var buffers: [Buffer]

  public init(capacity: Int, buffers: [Buffer]) {
    self.capacity = capacity
    self.buffers = buffers
  }
}
