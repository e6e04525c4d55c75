/// Orders to begin with, each made in one go.
enum ConstructedOrders {
  enum Rule: CaseIterable {
    /// What became possible last: depth first.
    case latest
    /// What leaves least behind; of equals, what became possible last.
    case leastGrowth
    /// The same, with what became possible first.
    case leastGrowthEarliest
    /// Everything that an operator waits for right before it, what needs the most for what it leaves first (Liu 1986):
    /// the smallest peak of such orders for a tree of operands.
    case operandsFirst
    /// The same backwards: what waits for an operator right behind it, for a tree of results.
    case resultsFirst

    /// Rules for the start of a search. Depth-first orders keep tensors long that are read again far away, which may not pack:
    /// only graphs that are too large to be searched need them.
    static func worthTrying(_ core: ScheduleCore) -> [Rule] {
      core.count > BlockLimits.largestSearched ? allCases : [.latest, .leastGrowth, .leastGrowthEarliest]
    }
  }

  static func order(_ core: ScheduleCore, by rule: Rule) -> [Int] {
    switch rule {
    case .latest, .leastGrowth, .leastGrowthEarliest: byReadiness(core, rule)
    case .operandsFirst: postorder(core, Array(core.operators.indices), core.operators.map(\.predecessors))
    case .resultsFirst:
      postorder(core, core.operators.indices.reversed(), core.operators.map(\.successors)).reversed()
    }
  }

  /// Operators behind all that they follow, depth first.
  ///
  /// - Parameters:
  ///   - order: one in which that is so.
  ///   - followed: by each operator, directly.
  private static func postorder(_ core: ScheduleCore, _ order: [Int], _ followed: [[Int]]) -> [Int] {
    // As if all were trees: what an operator leaves, and the peak until it has run.
    let left = core.operators.enumerated().map { op, node in
      node.operands.reduce(0) { sum, tensor in
        let touches = core.tensors[tensor].touches
        // Of a tensor that is passed on to several operators, a part for each.
        let isFollowed = followed[op].contains { touches.contains($0) }
        return isFollowed ? sum : sum + core.tensors[tensor].size / (touches.count - 1)
      }
    }
    var peak = core.footprints
    var sorted = followed
    for op in order {
      sorted[op].sort { (peak[$0] - left[$0], $1) > (peak[$1] - left[$1], $0) }
      var held = 0
      for other in sorted[op] {
        peak[op] = max(peak[op], held + peak[other])
        held += left[other]
      }
    }
    var result: [Int] = []
    var isDone = [Bool](repeating: false, count: core.count)
    var path: [(op: Int, next: Int)] = []
    var isFollowed = [Bool](repeating: false, count: core.count)
    for list in followed { for op in list { isFollowed[op] = true } }
    let ends = order.filter { !isFollowed[$0] }
    for end in ends.sorted(by: { (peak[$0] - left[$0], $1) > (peak[$1] - left[$1], $0) }) where !isDone[end] {
      path.append((end, 0))
      while let (op, next) = path.last {
        if next < sorted[op].count {
          path[path.count - 1].next += 1
          if !isDone[sorted[op][next]] { path.append((sorted[op][next], 0)) }
          continue
        }
        path.removeLast()
        if !isDone[op] { result.append(op) }
        isDone[op] = true
      }
    }
    return result
  }

  private static func byReadiness(_ core: ScheduleCore, _ rule: Rule) -> [Int] {
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
        default: key = (growth(op), since[op], op)
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
