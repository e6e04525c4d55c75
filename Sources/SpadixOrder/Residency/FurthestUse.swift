/// Replacement by rule for a given order: when room is needed, which tensor goes.
enum FurthestUse {
  enum Policy: CaseIterable {
    /// Belady: the one whose next use is furthest away.
    case furthestNextUse
    /// The largest one.
    case largest
    /// The one that is away longest for what its eviction costs: steps until its next use, times its size, by the bytes
    /// that it moves.
    case longestForItsPrice
  }

  /// A tensor that leaves after an operator, whatever the rule thinks.
  struct Drop: Hashable {
    var tensor: Int
    var after: Int
  }

  /// What a rule thinks of evicting a tensor: the greatest goes first.
  struct Rank: Comparable {
    private var value: Int
    private var divisor: Int

    /// - Parameter price: bytes moved by evicting it.
    init(_ policy: Policy, size: Int, price: Int, nextUse: Int, step: Int) {
      divisor = 1
      switch policy {
      case .furthestNextUse: value = nextUse
      case .largest: value = size
      case .longestForItsPrice:
        value = (nextUse - step) * size
        divisor = max(1, price)
      }
    }

    static func == (left: Rank, right: Rank) -> Bool { !(left < right) && !(right < left) }

    static func < (left: Rank, right: Rank) -> Bool {
      let one = left.value.multipliedFullWidth(by: right.divisor)
      let other = right.value.multipliedFullWidth(by: left.divisor)
      return one.high != other.high ? one.high < other.high : one.low < other.low
    }
  }

  /// The gaps that the rule drops. Ties go to the lower tensor.
  ///
  /// - Parameter leaving: what leaves in any case.
  static func drops(
    _ core: ScheduleCore, order: [Int], capacity: Int, policy: Policy, leaving: Set<Drop> = []
  ) -> [ResidencyModel.Gap] {
    var stepOf = [Int](repeating: 0, count: core.count)
    for (step, op) in order.enumerated() { stepOf[op] = step }
    let steps = core.tensors.map { tensor in tensor.touches.map { stepOf[$0] }.sorted() }
    var nextUse = [Int](repeating: 0, count: core.tensors.count)
    var isStored = [Bool](repeating: false, count: core.tensors.count)
    var resident: [Int] = []
    var drops: [ResidencyModel.Gap] = []
    for op in order {
      let operands = core.operators[op].operands
      resident.removeAll { operands.contains($0) }
      let capacity = max(capacity, core.footprints[op])
      var needed = resident.reduce(core.footprints[op]) { $0 + core.tensors[$1].size }
      if needed > capacity {
        let sorted = resident.map { tensor -> (tensor: Int, rank: Rank) in
          let isDirty = !isStored[tensor] && !core.tensors[tensor].isClean
          let rank = Rank(
            policy, size: core.tensors[tensor].size, price: core.tensors[tensor].bytes * (isDirty ? 2 : 1),
            nextUse: steps[tensor][nextUse[tensor]], step: stepOf[op])
          return (tensor, rank)
        }.sorted { $0.rank != $1.rank ? $0.rank > $1.rank : $0.tensor < $1.tensor }.map(\.tensor)
        for tensor in sorted where needed > capacity {
          needed -= core.tensors[tensor].size
          resident.removeAll { $0 == tensor }
          let last = steps[tensor][nextUse[tensor]]
          isStored[tensor] = true
          drops.append(ResidencyModel.Gap(tensor: tensor, first: steps[tensor][nextUse[tensor] - 1], last: last))
        }
      }
      for tensor in operands {
        nextUse[tensor] += 1
        guard nextUse[tensor] < steps[tensor].count else { continue }
        let gap = ResidencyModel.Gap(
          tensor: tensor, first: stepOf[op], last: steps[tensor][nextUse[tensor]])
        if gap.last > gap.first + 1, leaving.contains(Drop(tensor: tensor, after: op)) {
          isStored[tensor] = true
          drops.append(gap)
        } else {
          resident.append(tensor)
        }
      }
    }
    return drops
  }
}
