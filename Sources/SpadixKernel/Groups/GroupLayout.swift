/// Where everything of a group lies: constants that stay, then a block for what operators need during a strip, then image
/// rows from where each is made to behind its last use: where it fits lowest, or, with more room than that takes, in turn,
/// so that those of the next strip come while those of this one are still read.
public struct GroupLayout {
  /// What one operator of the group does in one strip.
  public struct Section {
    /// Index into the group's members.
    public var member: Int
    /// With all rows in their places.
    public var strip: KernelStrip
    /// Rows of the group's block that hold no image and no constants that stay while the operator runs, ascending; those of
    /// the block for a strip are not among them.
    public var free: [Range<Int>]
  }

  /// In the order in which they run. Operators that have nothing to do in a strip have none.
  public private(set) var sections: [Section] = []
  /// Rows of the group's block.
  public private(set) var rows = 0
  /// Rows of the block for what operators need during a strip.
  public let workingRows: Int

  /// Nil where more rows are needed than `limit`, or than `room`.
  ///
  /// - Parameters:
  ///   - room: rows of the block, to be used in turn by image rows; nil for as few as it takes.
  ///   - workingStart: where the block for what operators need during a strip begins; nil for behind the constants.
  public init?(
    _ group: KernelGroup, dim: Int, accumulatorRows: Int, limit: Int, room: Int? = nil, workingStart: Int? = nil
  ) {
    let sizes = GroupSizes(
      group.members.map { GroupSizes.Member($0, dim: dim, accumulatorRows: accumulatorRows) })
    let members = group.members
    let keeps = members.map(\.keepsConstants)
    let extents = StripExtents(group)
    var flow = GroupFlow(group, extents, dim: dim, limit: limit, keepsPlaces: true)
    if flow.overflow != nil { return nil }
    var constantsStart: [Int] = []
    var next = 0
    for member in sizes.members {
      constantsStart.append(next)
      next += member.constants
    }
    let working = GroupOrder(flow).workingRows(sizes, keeps)
    workingRows = working
    var first = next + working
    var taken = 0..<0
    if let workingStart {
      first = next
      if workingStart < first || workingStart + working > limit { return nil }
      taken = workingStart - first..<workingStart - first + working
      flow = GroupFlow(group, extents, dim: dim, limit: limit - first, taken: taken, keepsPlaces: true)
      if flow.overflow != nil { return nil }
    }
    rows = first + flow.rows
    if rows > limit { return nil }
    if let room {
      if room < rows || room > limit { return nil }
      for loadsApart in [true, false] {
        flow = GroupFlow(
          group, extents, dim: dim, limit: room - first, room: room - first, loadsApart: loadsApart, taken: taken,
          keepsPlaces: true)
        if flow.overflow == nil { break }
      }
      if flow.overflow != nil { return nil }
      rows = room
    }
    let strips = workingStart ?? next
    func moved(_ image: ImageRows?) -> ImageRows? {
      image.map { ImageRows(first: $0.first, starts: $0.starts.map { $0 + first }) }
    }
    var hasBegun = [Bool](repeating: false, count: members.count)
    for (number, section) in flow.sections.enumerated() {
      let member = members[section.member]
      var strip = KernelStrip(
        rows: section.rows,
        constants: member.keepsConstants ? hasBegun[section.member] ? .kept : .begin : .loaded,
        input: member.kernel.contraction?.input.flatMap { moved(section.inputs[$0]) },
        loads: member.kernel.contraction?.input.map { section.loads[$0] } ?? 0..<0,
        identities: member.kernel.identities.map { moved(section.inputs[$0.input]) },
        identityLoads: member.kernel.identities.map { section.loads[$0.input] }, output: moved(section.output),
        storesToMemory: member.output == .streamed || (member.output == .rows && member.isStored),
        spills: section.rows.clamped(to: member.spilledRows), groupRows: rows,
        constantsStart: constantsStart[section.member])
      hasBegun[section.member] = true
      // Neighbours at the two ends of the block: the constants of one are loaded while the other still computes.
      let needed = sizes.working(section.member, strip.constants)
      strip.workingStart = strips + (number % 2 == 0 ? 0 : working - needed)
      strip.parts = member.parts
      let free = section.free.map { $0.clamped(to: 0..<rows - first) }.filter { !$0.isEmpty }
      sections.append(
        Section(
          member: section.member, strip: strip, free: free.map { $0.lowerBound + first..<$0.upperBound + first }))
    }
  }
}

/// Which operators of a group follow each other, in which of their strips: all that the block for a strip depends on.
struct GroupOrder {
  private struct Turn: Hashable {
    var member: Int
    var isFirst: Bool
  }

  private struct Pair: Hashable {
    var one: Turn
    var other: Turn
  }

  private var pairs: [Pair] = []

  init(_ flow: GroupFlow) {
    var hasBegun: Set<Int> = []
    var last: Turn?
    var seen: Set<Pair> = []
    for section in flow.sections {
      let turn = Turn(member: section.member, isFirst: hasBegun.insert(section.member).inserted)
      let pair = Pair(one: last ?? turn, other: turn)
      if seen.insert(pair).inserted { pairs.append(pair) }
      last = turn
    }
  }

  /// What two sections that follow each other need at most.
  ///
  /// - Parameter keeps: per operator, whether constants stay.
  func workingRows(_ sizes: GroupSizes, _ keeps: [Bool]) -> Int {
    func rows(_ turn: Turn) -> Int {
      sizes.working(turn.member, keeps[turn.member] ? turn.isFirst ? .begin : .kept : .loaded)
    }
    return pairs.reduce(0) { max($0, $1.one == $1.other ? rows($1.one) : rows($1.one) + rows($1.other)) }
  }
}

/// What all ways to run a group with the same places and strips have in common: rows beside constants.
public struct GroupFootprint {
  private let order: GroupOrder
  /// Of image rows.
  private let imageRows: Int

  /// Nil where more rows are needed than `limit`.
  public init?(_ group: KernelGroup, _ extents: StripExtents, dim: Int, limit: Int) {
    let flow = GroupFlow(group, extents, dim: dim, limit: limit, keepsPlaces: false)
    if flow.overflow != nil { return nil }
    order = GroupOrder(flow)
    imageRows = flow.rows
  }

  /// What the group's constants and a strip leave of some rows for images.
  ///
  /// - Parameter keeps: per operator, whether constants stay.
  public func room(_ sizes: GroupSizes, keeps: [Bool], of limit: Int) -> Int {
    limit - sizes.members.reduce(0) { $0 + $1.constants } - order.workingRows(sizes, keeps)
  }

  /// Rows of the group's block.
  ///
  /// - Parameter keeps: per operator, whether constants stay.
  public func rows(_ sizes: GroupSizes, keeps: [Bool]) -> Int {
    sizes.members.reduce(imageRows) { $0 + $1.constants } + order.workingRows(sizes, keeps)
  }
}

/// Rows that the operators of a group need beside image rows.
public struct GroupSizes: Sendable {
  /// Scratchpad rows of one operator.
  public struct Member: Sendable {
    /// Constants that stay for all strips.
    public var constants: Int
    /// Everything else in the first strip, and in others.
    public var first: Int
    /// Everything else in the other strips.
    public var others: Int

    /// Counts the buffers that the nest of the operator would have.
    public init(_ member: KernelGroup.Member, dim: Int, accumulatorRows: Int) {
      let geometry = KernelGeometry(kernel: member.kernel, tiling: member.tiling, dim: dim)
      func buffers(_ constants: KernelStrip.Constants) -> KernelBuffers {
        KernelBuffers(
          geometry, places: member.places, accumulatorRows: accumulatorRows, strip: member.blankStrip(constants))
      }
      let begin = buffers(member.keepsConstants ? .begin : .loaded)
      constants = begin.constantRows
      first = begin.stripRows
      others = member.keepsConstants ? buffers(.kept).stripRows : begin.stripRows
    }
  }

  let members: [Member]

  public init(_ members: [Member]) { self.members = members }

  func working(_ member: Int, _ constants: KernelStrip.Constants) -> Int {
    constants == .kept ? members[member].others : members[member].first
  }
}

extension KernelGroup.Member {
  /// A strip of which only the sizes of buffers matter.
  func blankStrip(_ constants: KernelStrip.Constants) -> KernelStrip {
    let none = ImageRows(first: 0, starts: [])
    return KernelStrip(
      rows: 0..<1, constants: constants, input: contractionPlace.flatMap { $0 == .resident ? nil : none }, loads: 0..<0,
      identities: kernel.identities.map { inputs[$0.input].place == .rows ? none : nil },
      identityLoads: kernel.identities.map { _ in 0..<0 }, output: output == .rows ? none : nil,
      storesToMemory: output == .streamed || isStored, groupRows: 0)
  }
}
