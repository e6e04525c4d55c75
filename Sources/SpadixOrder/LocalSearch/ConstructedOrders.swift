/// Orders to begin with, each made in one go.
enum ConstructedOrders {
  enum Rule: CaseIterable {
    /// What became possible last: depth first.
    case latest
    /// What leaves least behind; of equals, what became possible last.
    case leastGrowth
    /// The same, with what became possible first.
    case leastGrowthEarliest
  }

  static func order(_ core: ScheduleCore, by rule: Rule) -> [Int] {
    var waiting = core.operators.map(\.predecessors.count)
    var touchesLeft = core.tensors.map(\.touches.count)
    var since = [Int](repeating: 0, count: core.count)
    var ready = core.operators.indices.filter { waiting[$0] == 0 }
    var order: [Int] = []
    func growth(_ op: Int) -> Int {
      core.operators[op].operands.reduce(0) { sum, tensor in
        let isNew = touchesLeft[tensor] == core.tensors[tensor].touches.count
        let isLast = touchesLeft[tensor] == 1
        return sum + (isNew == isLast ? 0 : isNew ? core.tensors[tensor].size : -core.tensors[tensor].size)
      }
    }
    while !ready.isEmpty {
      var chosen = 0
      var least = (Int.max, Int.max, Int.max)
      for (index, op) in ready.enumerated() {
        let key: (Int, Int, Int)
        switch rule {
        case .latest: key = (-since[op], op, 0)
        case .leastGrowth: key = (growth(op), -since[op], op)
        case .leastGrowthEarliest: key = (growth(op), since[op], op)
        }
        if key < least {
          least = key
          chosen = index
        }
      }
      let op = ready.remove(at: chosen)
      order.append(op)
      for tensor in core.operators[op].operands { touchesLeft[tensor] -= 1 }
      for successor in core.operators[op].successors {
        waiting[successor] -= 1
        if waiting[successor] == 0 {
          since[successor] = order.count
          ready.append(successor)
        }
      }
    }
    return order
  }
}
