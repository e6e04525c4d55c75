/// The image rows of a group: in which order its operators run, strip by strip, which rows they read and make, and
/// where these lie. None of it depends on tilings.
struct GroupFlow {
  /// What an operator does in one strip.
  struct Section {
    var member: Int
    /// Of its result.
    var rows: Range<Int>
    /// Per input, the rows that come from DRAM.
    var loads: [Range<Int>] = []
    /// Per input, where the rows that it reads are; nil for inputs that are in no rows.
    var inputs: [ImageRows?] = []
    var output: ImageRows?
    /// Rows that are for no image then.
    var free: [Range<Int>] = []
  }

  /// In the order in which they run. Operators that have nothing to do in a strip have none.
  private(set) var sections: [Section] = []
  /// Rows that are needed, from the first to the last, and the most that are in use at once.
  private(set) var rows = 0
  private(set) var mostInUse = 0
  /// The first section with more rows than the limit; nothing behind it is known.
  private(set) var overflow: Int?

  private let members: [KernelGroup.Member]
  /// Per image its local rows for each of its own: results by operator, then inputs that come from DRAM.
  private var sizes: [Int]
  private var starts: [[Int]]
  /// The section after which nobody reads a row; -1 for nobody.
  private var lastUse: [[Int32]]
  private var arena = RowArena(ceiling: 0)
  /// The first rows, where they are for image rows from DRAM only, and their end.
  private var loads: RowArena?
  private var loadsEnd = 0

  /// Where an operand's image rows are: up to one of them what an operator of the group made, from there on what came from
  /// DRAM.
  private struct Images {
    var made: Int?
    var loaded: Int?
    var firstLoaded: Int

    func callAsFunction(_ row: Int) -> Int { row < firstLoaded ? made! : loaded! }
  }

  /// - Parameters:
  ///   - limit: of the rows from the first to the last; of those in use where only these are `counted`.
  ///   - room: rows that images take in turn; nil for as few as it takes, each as low or as high as it can.
  ///   - loadsApart: with `room`, whether image rows from DRAM take rows of their own in turn, as many as two strips
  ///     need. Those of the next strip then come while this one still runs.
  ///   - taken: rows that are not for images.
  ///   - keepsPlaces: whether sections say where rows are; without, only `rows` is found.
  init(
    _ group: KernelGroup, _ extents: StripExtents, dim: Int, limit: Int, room: Int? = nil, loadsApart: Bool = false,
    taken: Range<Int> = 0..<0, keepsPlaces: Bool, counted: Bool = false
  ) {
    members = group.members
    if let room {
      arena = RowArena(ceiling: room, givesInTurn: true)
    } else if !counted, members.contains(where: \.isFromTop) {
      let flow = GroupFlow(group, extents, dim: dim, limit: Int.max, keepsPlaces: false, counted: true)
      arena = RowArena(ceiling: flow.mostInUse + taken.count)
    }
    arena.reserve(taken)
    sizes = members.map { $0.rowSize(dim: dim) }
    starts = members.map { [Int](repeating: -1, count: $0.kernel.store.rows) }
    var images: [[Images?]] = []
    for member in members {
      images.append([])
      for (input, operand) in member.inputs.enumerated() {
        let fetched = member.fetchedRows(ofInput: input)
        let made = operand.place == .rows ? operand.producer : nil
        if fetched.isEmpty {
          images[images.count - 1].append(made.map { Images(made: $0, firstLoaded: fetched.lowerBound) })
          continue
        }
        images[images.count - 1].append(Images(made: made, loaded: starts.count, firstLoaded: fetched.lowerBound))
        sizes.append(member.rowSize(ofInput: input, dim: dim))
        starts.append([Int](repeating: -1, count: fetched.upperBound))
      }
    }
    lastUse = starts.map { [Int32](repeating: -1, count: $0.count) }
    for strip in extents.rows.indices {
      for member in members.indices where !extents.rows[strip][member].isEmpty {
        sections.append(Section(member: member, rows: extents.rows[strip][member]))
      }
    }
    let inherits = members.indices.map { index in inheritedImages(index, images[index]) }
    let reads = sections.map { section in
      images[section.member].indices.map { input in
        images[section.member][input] == nil ? 0..<0 : members[section.member].reads(input, for: section.rows)
      }
    }
    for (number, section) in sections.enumerated() {
      if members[section.member].output == .rows {
        for row in section.rows { lastUse[section.member][row] = Int32(number) }
      }
      for (input, image) in images[section.member].enumerated() {
        guard let image else { continue }
        for row in reads[number][input] { lastUse[image(row)][row] = Int32(number) }
      }
    }
    if loadsApart { reserveLoads(images, reads, below: taken.isEmpty ? room ?? 0 : taken.lowerBound) }
    var dying = [[(image: Int, row: Int)]](repeating: [], count: sections.count)
    for image in lastUse.indices {
      for row in lastUse[image].indices where lastUse[image][row] >= 0 {
        dying[Int(lastUse[image][row])].append((image, row))
      }
    }
    var loaded = images.map { $0.map { $0?.firstLoaded ?? 0 } }
    for number in sections.indices {
      let index = sections[number].member
      for (input, images) in images[index].enumerated() {
        sections[number].loads.append(0..<0)
        guard let image = images?.loaded else { continue }
        let needed = reads[number][input]
        let loads = max(loaded[index][input], needed.lowerBound)..<max(loaded[index][input], needed.upperBound)
        sections[number].loads[input] = loads
        loaded[index][input] = loads.upperBound
        for row in loads { starts[image][row] = takeLoaded(sizes[image], fromTop: members[index].isFromTop) }
      }
      if keepsPlaces {
        sections[number].inputs = images[index].enumerated().map { input, image in
          image.map { image in
            ImageRows(
              first: reads[number][input].lowerBound, starts: reads[number][input].map { starts[image($0)][$0] })
          }
        }
      }
      if members[index].output == .rows {
        for row in sections[number].rows {
          starts[index][row] =
            inherited(row, inherits[index], number)
            ?? arena.take(sizes[index], fromTop: members[index].isFromTop)
        }
        if keepsPlaces {
          sections[number].output = ImageRows(
            first: sections[number].rows.lowerBound, starts: Array(starts[index][sections[number].rows]))
        }
      }
      if keepsPlaces { sections[number].free = arena.free }
      if (counted ? arena.most : arena.end) > limit {
        overflow = number
        break
      }
      for (image, row) in dying[number] where starts[image][row] >= 0 {
        let rows = starts[image][row]..<starts[image][row] + sizes[image]
        if rows.lowerBound < loadsEnd { self.loads!.give(rows) } else { arena.give(rows) }
        starts[image][row] = -1
      }
    }
    rows = arena.end
    mostInUse = arena.most
  }

  /// Sets the first rows apart, as many as what comes from DRAM takes in two strips; none where they do not fit.
  private mutating func reserveLoads(_ images: [[Images?]], _ reads: [[Range<Int>]], below: Int) {
    var strips = [Int](repeating: 0, count: starts.count)
    for (number, section) in sections.enumerated() {
      for (input, image) in images[section.member].enumerated() {
        guard let image = image?.loaded else { continue }
        strips[image] = max(strips[image], reads[number][input].count)
      }
    }
    let end = 2 * zip(strips, sizes).reduce(0) { $0 + $1.0 * $1.1 }
    if end == 0 || end > below { return }
    loadsEnd = end
    loads = RowArena(ceiling: end, givesInTurn: true)
    arena.reserve(0..<end)
  }

  private mutating func takeLoaded(_ count: Int, fromTop: Bool) -> Int {
    loads?.takeBelow(count) ?? arena.take(count, fromTop: fromTop)
  }

  /// Addends whose place a sum may take, row by row.
  private func inheritedImages(_ index: Int, _ images: [Images?]) -> [Images] {
    let kernel = members[index].kernel
    if kernel.store.pooling != nil || members[index].output != .rows { return [] }
    let contracted = kernel.contraction?.input.flatMap { images[$0] }
    return kernel.identities.compactMap { images[$0.input] }.filter { image in
      guard let contracted else { return true }
      return (image.made == nil || image.made != contracted.made)
        && (image.loaded == nil || image.loaded != contracted.loaded)
    }
  }

  /// The place of an addend that nobody else reads any more.
  private mutating func inherited(_ row: Int, _ addends: [Images], _ section: Int) -> Int? {
    for addend in addends {
      let image = addend(row)
      guard lastUse[image][row] == section, starts[image][row] >= 0 else { continue }
      let start = starts[image][row]
      starts[image][row] = -1
      return start
    }
    return nil
  }
}
