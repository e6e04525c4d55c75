/// Rows of an image in the scratchpad, each by itself: its channel blocks one after the other.
public struct ImageRows: Hashable, Sendable {
  /// The first image row that is known.
  public var first: Int
  /// Where each row from there on begins.
  public var starts: [Int]

  public init(first: Int, starts: [Int]) {
    self.first = first
    self.starts = starts
  }

  /// Row of the group's block at which an image row begins; the row must be known.
  public func start(of row: Int) -> Int { starts[row - first] }

  /// How the rows of `range` that are known lie.
  func plane(_ range: Range<Int>, pitch: Int) -> PlaneLayout {
    let rows = range.clamped(to: first..<first + starts.count)
    // Of a tile that sees only padding nothing is read; it still needs a plane.
    if rows.isEmpty { return PlaneLayout(pitch: pitch) }
    return PlaneLayout(pitch: pitch, firstRow: rows.lowerBound, starts: rows.map(start))
  }
}

/// The part of an operator that runs at a time in a group: some rows of its result, from and to image rows in the
/// scratchpad.
public struct KernelStrip: Hashable, Sendable {
  /// Where weights and small matrices come from.
  public enum Constants: Hashable, Sendable {
    /// Loaded for the strip.
    case loaded
    /// Loaded with the first strip, and stay.
    case begin
    /// There since the first strip.
    case kept
  }

  /// Rows of the stored image.
  public var rows: Range<Int>
  /// Decides whether the strip loads weights, and where they lie.
  public var constants: Constants
  /// Where the rows of the contraction's input are; nil for one that is in the scratchpad as a whole.
  public var input: ImageRows?
  /// Of these, the rows that the strip loads from DRAM first.
  public var loads: Range<Int>
  /// Per identity term, where rows of the addend are; nil for one that is resident or streams through tiles.
  public var identities: [ImageRows?]
  /// Of these, the rows that the strip loads from DRAM first.
  public var identityLoads: [Range<Int>]
  /// Where rows of the result go; nil for one that nothing in the group reads as rows.
  public var output: ImageRows?
  /// Whether the result goes to DRAM, alone or as well.
  public var storesToMemory: Bool
  /// Rows of the result that go from the scratchpad to DRAM behind the strip.
  public var spills: Range<Int>
  /// Rows of the group's block, in which all starts are: of image rows, of constants that stay, and of everything else.
  public var groupRows: Int
  /// Where its constants that stay begin, in the group's block.
  public var constantsStart: Int
  /// Where everything else of it begins, in the group's block.
  public var workingStart: Int
  /// First rows of everything else, slot by slot of the buffers, where each lies by itself; empty where they lie behind one
  /// another from `workingStart`.
  public var parts: [Int] = []
  /// The slot of sums that was used last.
  public var firstSlot: Int

  public init(
    rows: Range<Int>, constants: Constants, input: ImageRows?, loads: Range<Int>, identities: [ImageRows?],
    identityLoads: [Range<Int>], output: ImageRows?, storesToMemory: Bool, spills: Range<Int> = 0..<0, groupRows: Int,
    constantsStart: Int = 0, workingStart: Int = 0, firstSlot: Int = 0
  ) {
    self.rows = rows
    self.constants = constants
    self.input = input
    self.loads = loads
    self.identities = identities
    self.identityLoads = identityLoads
    self.spills = spills
    self.output = output
    self.storesToMemory = storesToMemory
    self.groupRows = groupRows
    self.constantsStart = constantsStart
    self.workingStart = workingStart
    self.firstSlot = firstSlot
  }
}
