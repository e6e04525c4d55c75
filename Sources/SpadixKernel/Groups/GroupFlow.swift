/// The image rows of a group: in which order its operators run, strip by strip, which rows they read and make, and
/// where these lie. None of it depends on tilings.
struct GroupFlow {
  /// What an operator does in one strip.
  struct Section {
    var member: Int
    /// Of its result.
    var rows: Range<Int>
    /// Rows of the contraction's input that come from DRAM.
    var loads = 0..<0
    /// Per input, where the rows that it reads are; nil for inputs that are in no rows.
    var inputs: [ImageRows?] = []
    var output: ImageRows?
  }

  /// In the order in which they run. Operators that have nothing to do in a strip have none.
  private(set) var sections: [Section] = []
  /// Rows in use at most, from the first to the last.
  private(set) var rows = 0

  private let members: [KernelGroup.Member]
  /// Per image its local rows for each of its own: results by operator, then contraction inputs that come from DRAM.
  private var sizes: [Int]
  private var starts: [[Int]]
  /// The section after which nobody reads a row; -1 for nobody.
  private var lastUse: [[Int32]]
  private var arena = RowArena()

  /// - Parameter keepsPlaces: whether sections say where rows are; without, only `rows` is found.
  ///
  /// Nil where more rows are needed than `limit`.
  init?(_ group: KernelGroup, _ extents: StripExtents, dim: Int, limit: Int, keepsPlaces: Bool) {
    members = group.members
    sizes = members.map { $0.rowSize(dim: dim) }
    sizes += members.map { member in member.kernel.contraction.map { member.rowSize(ofInput: $0.input, dim: dim) } ?? 0
    }
    starts = members.map { [Int](repeating: -1, count: $0.kernel.store.rows) }
    starts += members.map { [Int](repeating: -1, count: $0.kernel.contraction?.window.inputRows ?? 0) }
    lastUse = starts.map { [Int32](repeating: -1, count: $0.count) }
    for strip in extents.rows.indices {
      for member in members.indices where !extents.rows[strip][member].isEmpty {
        sections.append(Section(member: member, rows: extents.rows[strip][member]))
      }
    }
    let images = members.indices.map { index in members[index].inputs.indices.map { image(of: $0, index) } }
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
        for row in reads[number][input] { lastUse[image][row] = Int32(number) }
      }
    }
    var dying = [[(image: Int, row: Int)]](repeating: [], count: sections.count)
    for image in lastUse.indices {
      for row in lastUse[image].indices where lastUse[image][row] >= 0 {
        dying[Int(lastUse[image][row])].append((image, row))
      }
    }
    var loaded = [Int](repeating: 0, count: members.count)
    for number in sections.indices {
      let index = sections[number].member
      for (input, image) in images[index].enumerated() {
        guard let image, image >= members.count else { continue }
        let needed = reads[number][input]
        sections[number].loads = max(loaded[index], needed.lowerBound)..<max(loaded[index], needed.upperBound)
        loaded[index] = sections[number].loads.upperBound
        for row in sections[number].loads { starts[image][row] = arena.take(sizes[image]) }
      }
      if keepsPlaces {
        sections[number].inputs = images[index].enumerated().map { input, image in
          image.map {
            ImageRows(first: reads[number][input].lowerBound, starts: Array(starts[$0][reads[number][input]]))
          }
        }
      }
      if members[index].output == .rows {
        for row in sections[number].rows {
          starts[index][row] = inherited(row, inherits[index], number) ?? arena.take(sizes[index])
        }
        if keepsPlaces {
          sections[number].output = ImageRows(
            first: sections[number].rows.lowerBound, starts: Array(starts[index][sections[number].rows]))
        }
      }
      if arena.end > limit { return nil }
      for (image, row) in dying[number] where starts[image][row] >= 0 {
        arena.give(starts[image][row]..<starts[image][row] + sizes[image])
        starts[image][row] = -1
      }
    }
    rows = arena.end
  }

  /// The image whose rows an input is read from; nil for one that is resident, or streams through tiles.
  private func image(of input: Int, _ member: Int) -> Int? {
    let operand = members[member].inputs[input]
    switch operand.place {
    case .resident: return nil
    case .rows: return operand.producer
    case .streamed: return members[member].kernel.contraction?.input == input ? members.count + member : nil
    }
  }

  /// Addends whose place a sum may take, row by row.
  private func inheritedImages(_ index: Int, _ images: [Int?]) -> [Int] {
    let kernel = members[index].kernel
    if kernel.store.pooling != nil || members[index].output != .rows { return [] }
    let contracted = kernel.contraction.flatMap { images[$0.input] }
    return kernel.identities.compactMap { images[$0.input] }.filter { $0 != contracted }
  }

  /// The place of an addend that nobody else reads any more.
  private mutating func inherited(_ row: Int, _ images: [Int], _ section: Int) -> Int? {
    for image in images where lastUse[image][row] == section && starts[image][row] >= 0 {
      let start = starts[image][row]
      starts[image][row] = -1
      return start
    }
    return nil
  }
}
