import SpadixSupport

extension KernelGroup {
  /// The group with as many image rows fetched as it takes to have at most `limit` rows for images, and with directions in
  /// which they all have a place. Nil where none was found.
  ///
  /// For groups of one strip, in which each operator runs once.
  public func fetching(_ extents: StripExtents, dim: Int, limit: Int) -> KernelGroup? {
    waiting(extents, dim: dim, limit: limit)?.placed(extents, dim: dim, limit: limit)
  }

  /// Fetches rows of tensors that wait for their last reader, of those that wait longest first.
  private func waiting(_ extents: StripExtents, dim: Int, limit: Int) -> KernelGroup? {
    var group = self
    // Each round fetches rows of one tensor.
    for _ in 0...members.count {
      let flow = GroupFlow(group, extents, dim: dim, limit: limit, keepsPlaces: false, counted: true)
      guard let section = flow.overflow else { return group }
      guard let gap = group.longestGap(across: flow.sections[section].member) else { return nil }
      let size = members[gap.member].rowSize(ofInput: gap.input, dim: dim)
      let rows = ceilDivide(flow.mostInUse - limit, size)
      group.members[gap.member].inputs[gap.input].fetched = min(
        members[gap.member].rowCount(ofInput: gap.input), group.members[gap.member].inputs[gap.input].fetched + rows)
      group = KernelGroup(members: group.members, strips: strips)
    }
    return nil
  }

  /// How many ways to choose directions are tried.
  private static let mostTries = 64

  /// The first directions, of the first operator most slowly, with which image rows leave no holes that others would need.
  private func placed(_ extents: StripExtents, dim: Int, limit: Int) -> KernelGroup? {
    var group = self
    for _ in 0..<Self.mostTries {
      let flow = GroupFlow(group, extents, dim: dim, limit: limit, keepsPlaces: false)
      guard let section = flow.overflow else { return group }
      // The next directions that differ up to there.
      var index = flow.sections[section].member
      for later in members.indices where later > index { group.members[later].isFromTop = false }
      while index >= 0, group.members[index].isFromTop {
        group.members[index].isFromTop = false
        index -= 1
      }
      if index < 0 { return nil }
      group.members[index].isFromTop = true
    }
    return nil
  }

  /// The operand that is not touched by an operator, was made before, is read last after it, and waits longest.
  private func longestGap(across index: Int) -> (member: Int, input: Int)? {
    var longest: (member: Int, input: Int, length: Int)?
    for reader in members.indices where reader > index {
      for (input, operand) in members[reader].inputs.enumerated() {
        guard operand.place == .rows, let producer = operand.producer, producer < index,
          operand.fetched < members[reader].rowCount(ofInput: input)
        else { continue }
        var before = producer
        var isLast = true
        for other in members.indices where members[other].inputs.contains(where: { $0.producer == producer }) {
          if other > reader { isLast = false }
          if other < reader { before = max(before, other) }
        }
        guard isLast, before < index else { continue }
        if longest.map({ reader - before > $0.length }) ?? true { longest = (reader, input, reader - before) }
      }
    }
    return longest.map { ($0.member, $0.input) }
  }
}
