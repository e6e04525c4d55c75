/// Buffers with known lifetimes to be placed in a memory of fixed capacity.
///
/// The vocabulary is MiniMalloc's (Moffitt, ASPLOS 2023): a buffer lives during half-open steps `lower ..< upper`, takes
/// `size` units, and may have gaps, steps during which it takes only a window of its units or none.
public struct AllocationProblem: Sendable, Equatable {
  /// Steps `lower ..< upper` during which the buffer takes only `window` of its units, or nothing.
  public struct Gap: Sendable, Equatable {
    public var lower: Int
    public var upper: Int
    /// Relative to the buffer's offset; nil when the buffer takes nothing.
    public var window: Range<Int>?

    public init(lower: Int, upper: Int, window: Range<Int>? = nil) {
      self.lower = lower
      self.upper = upper
      self.window = window
    }
  }

  public struct Buffer: Sendable, Equatable {
    public var id: String
    public var lower: Int
    public var upper: Int
    public var size: Int
    /// The offset is a multiple of this.
    public var alignment: Int
    /// An offset to try first; it binds nothing.
    public var hint: Int?
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
    public var takesNothing: Bool {
      if size == 0 || lower >= upper { return true }
      // Gaps do not overlap, so that they leave no step when they are as long as the lifetime.
      let empty = gaps.filter { $0.window?.isEmpty ?? true }
      return empty.reduce(0) { $0 + $1.upper - $1.lower } == upper - lower
    }
  }

  public var capacity: Int
  public var buffers: [Buffer]

  public init(capacity: Int, buffers: [Buffer]) {
    self.capacity = capacity
    self.buffers = buffers
  }
}
