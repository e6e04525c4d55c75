/// Where everything of a group lies: constants that stay, then a block for what operators need during a strip, then image
/// rows, each where it fits lowest from where it is made to behind its last use.
public struct GroupLayout {
  public struct Section {
    public var member: Int
    public var strip: KernelStrip
  }

  /// In the order in which they run. Operators that have nothing to do in a strip have none.
  public private(set) var sections: [Section] = []
  /// Rows of the group's block.
  public private(set) var rows = 0

  private let group: KernelGroup
  private let dim: Int
  private let sizes: GroupSizes
  /// Where image rows are: results by operator, then contraction inputs that come from DRAM.
  private var starts: [[Int]]
  /// The section after which nobody reads a row; -1 for nobody.
  private var lastUse: [[Int]]
  /// Per section, the image rows that are read for the last time.
  private var dying: [[(image: Int, row: Int)]] = []
  private var arena = RowArena()

  /// Nil where more rows are needed than `limit`.
  public init?(_ group: KernelGroup, dim: Int, accumulatorRows: Int, limit: Int) {
    self.init(
      group, StripExtents(group),
      GroupSizes(group.members.map { GroupSizes.Member($0, dim: dim, accumulatorRows: accumulatorRows) }), dim: dim,
      limit: limit)
  }

  public init?(_ group: KernelGroup, _ extents: StripExtents, _ sizes: GroupSizes, dim: Int, limit: Int) {
    self.group = group
    self.dim = dim
    self.sizes = sizes
    let members = group.members
    starts = members.map { [Int](repeating: -1, count: $0.kernel.store.rows) }
    starts += members.map { [Int](repeating: -1, count: $0.kernel.contraction?.window.inputRows ?? 0) }
    lastUse = starts
    var order: [(strip: Int, member: Int)] = []
    for strip in extents.rows.indices {
      for member in members.indices where !extents.rows[strip][member].isEmpty { order.append((strip, member)) }
    }
    for (index, section) in order.enumerated() {
      let stored = extents.rows[section.strip][section.member]
      if members[section.member].output == .rows {
        for row in stored { lastUse[section.member][row] = index }
      }
      for (input, _) in members[section.member].inputs.enumerated() {
        guard let image = image(of: input, section.member) else { continue }
        for row in members[section.member].reads(input, for: stored) { lastUse[image][row] = index }
      }
    }
    dying = Array(repeating: [], count: order.count)
    for image in lastUse.indices {
      for row in lastUse[image].indices where lastUse[image][row] >= 0 {
        dying[lastUse[image][row]].append((image, row))
      }
    }
    var constantsStart: [Int] = []
    for member in members.indices { constantsStart.append(arena.take(sizes.members[member].constants)) }
    let working = workingBlock(order)
    let workingStart = arena.take(working)
    if arena.end > limit { return nil }
    var loaded = [Int](repeating: 0, count: members.count)
    var hasBegun = [Bool](repeating: false, count: members.count)
    for (index, section) in order.enumerated() {
      let member = members[section.member]
      let stored = extents.rows[section.strip][section.member]
      var strip = KernelStrip(
        rows: stored, constants: member.keepsConstants ? hasBegun[section.member] ? .kept : .begin : .loaded,
        input: nil, loads: 0..<0, identities: member.kernel.identities.map { _ in nil }, output: nil,
        storesToMemory: member.output == .streamed || (member.output == .rows && member.isStored), groupRows: 0,
        constantsStart: constantsStart[section.member])
      hasBegun[section.member] = true
      // Neighbours at the two ends of the block: the constants of one are loaded while the other still computes.
      let needed = sizes.working(section.member, strip.constants)
      strip.workingStart = workingStart + (index % 2 == 0 ? 0 : working - needed)
      if let contraction = member.kernel.contraction, let image = image(of: contraction.input, section.member) {
        let reads = member.reads(contraction.input, for: stored)
        if image >= members.count {
          strip.loads = max(loaded[section.member], reads.lowerBound)..<max(loaded[section.member], reads.upperBound)
          loaded[section.member] = strip.loads.upperBound
          let size = member.rowSize(ofInput: contraction.input, dim: dim)
          for row in strip.loads { starts[image][row] = arena.take(size) }
        }
        strip.input = ImageRows(first: reads.lowerBound, starts: Array(starts[image][reads]))
      }
      for (term, identity) in member.kernel.identities.enumerated() {
        guard let image = image(of: identity.input, section.member) else { continue }
        let reads = member.reads(identity.input, for: stored)
        strip.identities[term] = ImageRows(first: reads.lowerBound, starts: Array(starts[image][reads]))
      }
      if member.output == .rows {
        for row in stored {
          starts[section.member][row] =
            inherited(row, section.member, index) ?? arena.take(member.rowSize(dim: dim))
        }
        strip.output = ImageRows(first: stored.lowerBound, starts: Array(starts[section.member][stored]))
      }
      if arena.end > limit { return nil }
      for (image, row) in dying[index] where starts[image][row] >= 0 {
        let size =
          image < members.count
          ? members[image].rowSize(dim: dim)
          : members[image - members.count].rowSize(
            ofInput: members[image - members.count].kernel.contraction!.input, dim: dim)
        arena.give(starts[image][row]..<starts[image][row] + size)
        starts[image][row] = -1
      }
      sections.append(Section(member: section.member, strip: strip))
    }
    rows = arena.end
    for index in sections.indices { sections[index].strip.groupRows = rows }
  }

  /// The image whose rows an input is read from; nil for one that is resident, or streams through tiles.
  private func image(of input: Int, _ member: Int) -> Int? {
    let operand = group.members[member].inputs[input]
    switch operand.place {
    case .resident: return nil
    case .rows: return operand.producer
    case .streamed:
      return group.members[member].kernel.contraction?.input == input ? group.members.count + member : nil
    }
  }

  /// A sum takes the place of its addend, row by row, where nobody else reads it any more.
  private mutating func inherited(_ row: Int, _ index: Int, _ section: Int) -> Int? {
    let member = group.members[index]
    if member.kernel.store.pooling != nil { return nil }
    for identity in member.kernel.identities {
      guard let image = image(of: identity.input, index), lastUse[image][row] == section, starts[image][row] >= 0
      else { continue }
      if let contraction = member.kernel.contraction, self.image(of: contraction.input, index) == image { continue }
      let start = starts[image][row]
      starts[image][row] = -1
      return start
    }
    return nil
  }

  /// What two sections that follow each other need at most.
  private func workingBlock(_ order: [(strip: Int, member: Int)]) -> Int {
    var hasBegun = [Bool](repeating: false, count: group.members.count)
    var most = 0
    var last = 0
    for section in order {
      let keeps = group.members[section.member].keepsConstants
      let needed = sizes.working(
        section.member, keeps ? hasBegun[section.member] ? .kept : .begin : .loaded)
      hasBegun[section.member] = true
      most = max(most, last + needed)
      last = needed
    }
    return most
  }
}

/// Rows that the operators of a group need beside image rows.
public struct GroupSizes {
  public struct Member {
    /// Constants that stay for all strips.
    public var constants: Int
    /// Everything else in the first strip, and in others.
    public var first: Int
    public var others: Int

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
      output: output == .rows ? none : nil, storesToMemory: output == .streamed || isStored, groupRows: 0)
  }
}
