/// A core in which operators that some optimal schedule runs one right after the other are one operator.
struct Contraction {
  private let whole: ScheduleCore
  let core: ScheduleCore
  /// For each operator of the contracted core those that it stands for, in order.
  private let members: [[Int]]

  init(_ whole: ScheduleCore) {
    self.whole = whole
    var core = whole
    var members = whole.operators.indices.map { [$0] }
    // Merged operators stand beside others than before, with the needs of all of theirs, so that more can be merged. What is
    // merged again packs worse, so that graphs which can be searched are spared it.
    var countBefore = 0
    repeat {
      countBefore = core.count
      for groups in [ChainContraction.groups, TreeContraction.groups] {
        let merged = Self.members(groups(core), core)
        core = core.replacing(merged)
        members = merged.map { $0.flatMap { members[$0] } }
      }
    } while core.count < countBefore && whole.count > BlockLimits.largestSearched
    self.core = core
    self.members = members
  }

  /// The groups and all other operators, in a legal order: a group stands in the place of its first operator, after
  /// which nothing it needs is produced.
  private static func members(_ groups: [[Int]], _ core: ScheduleCore) -> [[Int]] {
    var groupOf = [Int?](repeating: nil, count: core.count)
    for (number, group) in groups.enumerated() {
      for op in group { groupOf[op] = number }
    }
    return core.operators.indices.compactMap { op in
      guard let group = groupOf[op] else { return [op] }
      return groups[group][0] == op ? groups[group] : nil
    }
  }

  /// A whole order from one of the contracted core.
  func expanded(_ order: [Int]) -> [Int] { order.flatMap { members[$0] } }

  /// Dropped gaps with steps of the expanded order.
  ///
  /// - Parameter drops: with the whole core's tensors, and steps of the contracted order.
  func expanded(_ drops: [ResidencyModel.Gap], order: [Int]) -> [ResidencyModel.Gap] {
    var stepOf = [Int](repeating: 0, count: whole.count)
    for (step, op) in expanded(order).enumerated() { stepOf[op] = step }
    return drops.map { gap in
      func steps(_ step: Int) -> [Int] {
        members[order[step]].filter { whole.operators[$0].operands.contains(gap.tensor) }.map { stepOf[$0] }
      }
      return ResidencyModel.Gap(
        tensor: gap.tensor, first: steps(gap.first).max() ?? 0, last: steps(gap.last).min() ?? 0)
    }
  }
}
