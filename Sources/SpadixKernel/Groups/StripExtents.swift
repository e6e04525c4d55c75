/// The rows of each result that each strip of a group computes: those that operators behind it need for theirs, and of the
/// last result an equal share. What neighbouring strips both need is computed once, and kept.
public struct StripExtents {
  /// By strip, then operator.
  public let rows: [[Range<Int>]]

  /// Goes through the strips from the last operator to the first.
  public init(_ group: KernelGroup) {
    let members = group.members
    var rows: [[Range<Int>]] = []
    var done = [Int](repeating: 0, count: members.count)
    for strip in 0..<group.strips {
      var ends = [Int?](repeating: nil, count: members.count)
      for index in members.indices.reversed() {
        let height = members[index].kernel.store.rows
        let share = height * (strip + 1) / group.strips
        // A result that nothing in the group needs goes on in equal shares, as the last one does.
        let end = strip == group.strips - 1 ? height : max(done[index], ends[index] ?? share)
        ends[index] = end
        let computed = done[index]..<end
        if computed.isEmpty { continue }
        for (input, operand) in members[index].inputs.enumerated() {
          guard let producer = operand.producer else { continue }
          ends[producer] = max(ends[producer] ?? 0, members[index].reads(input, for: computed).upperBound)
        }
      }
      rows.append(members.indices.map { done[$0]..<ends[$0]! })
      for index in members.indices { done[index] = ends[index]! }
    }
    self.rows = rows
  }

  private init(rows: [[Range<Int>]]) { self.rows = rows }

  /// Of the operators behind the first ones: theirs do not depend on what is before them.
  public func dropping(_ count: Int) -> StripExtents { StripExtents(rows: rows.map { Array($0.dropFirst(count)) }) }
}
