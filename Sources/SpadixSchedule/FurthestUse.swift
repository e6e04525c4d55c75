/// Replacement by rule for a given order: when room is needed, which tensor goes.
enum FurthestUse {
  enum Policy {
    /// Belady: the one whose next use is furthest away.
    case furthestNextUse
    /// The largest one.
    case largest
  }

  /// The gaps that the rule drops. Ties go to the lower tensor.
  static func drops(
    _ core: ScheduleCore, order: [Int], capacity: Int, policy: Policy
  ) -> [ResidencyModel.Gap] {
    var stepOf = [Int](repeating: 0, count: core.count)
    for (step, op) in order.enumerated() { stepOf[op] = step }
    let steps = core.tensors.map { tensor in tensor.touches.map { stepOf[$0] }.sorted() }
    var nextUse = [Int](repeating: 0, count: core.tensors.count)
    var resident: [Int] = []
    var drops: [ResidencyModel.Gap] = []
    for op in order {
      let operands = core.operators[op].operands
      resident.removeAll { operands.contains($0) }
      var needed = resident.reduce(core.footprints[op]) { $0 + core.tensors[$1].size }
      if needed > capacity {
        let sorted = resident.sorted { left, right in
          let leftKey = policy == .largest ? core.tensors[left].size : steps[left][nextUse[left]]
          let rightKey = policy == .largest ? core.tensors[right].size : steps[right][nextUse[right]]
          return leftKey != rightKey ? leftKey > rightKey : left < right
        }
        for tensor in sorted where needed > capacity {
          needed -= core.tensors[tensor].size
          resident.removeAll { $0 == tensor }
          let last = steps[tensor][nextUse[tensor]]
          drops.append(ResidencyModel.Gap(tensor: tensor, first: steps[tensor][nextUse[tensor] - 1], last: last))
        }
      }
      for tensor in operands {
        nextUse[tensor] += 1
        if nextUse[tensor] < steps[tensor].count { resident.append(tensor) }
      }
    }
    return drops
  }
}
