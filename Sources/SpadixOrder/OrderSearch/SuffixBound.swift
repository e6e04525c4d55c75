/// Lower bounds on what is still to come, along a reference order.
struct SuffixBound {
  let order: [Int]
  /// Position of each operator in the order.
  let position: [Int]
  /// For each position, and the end, what the operators from there on cost at least by themselves; never increasing.
  private(set) var fromPosition: [Int]

  init(order: [Int]) {
    self.order = order
    var position = [Int](repeating: 0, count: order.count)
    for (number, op) in order.enumerated() { position[op] = number }
    self.position = position
    fromPosition = [Int](repeating: 0, count: order.count + 1)
  }

  /// The bound for the whole order.
  var total: Int { fromPosition[0] }

  /// Raises the bounds of the positions up to one to at least a value.
  mutating func raise(through last: Int, to value: Int) {
    for index in 0...last where fromPosition[index] < value { fromPosition[index] = value }
  }

  /// What the operators that have not run cost at least.
  ///
  /// From a position on, some may have run ahead of their turn. A schedule for the others becomes one for all from there
  /// on when those run first, in order, with nothing in the scratchpad but their operands. So the others cost at least
  /// what all do, less what running those first adds.
  ///
  /// - Parameter frontier: one past the last position that has run.
  func bound(_ core: ScheduleCore, frontier: Int, hasRun: (Int) -> Bool) -> Int {
    var best = fromPosition[frontier]
    var added = 0
    var number = frontier
    var following: Int?
    while number > 0, total - added > best {
      number -= 1
      let op = order[number]
      if hasRun(op) {
        added += costAhead(op, before: following, core, hasRun)
        following = op
      }
      best = max(best, fromPosition[number] - added)
    }
    return best
  }

  /// What running an operator ahead adds when those of later positions that have run do so already.
  ///
  /// An operand of the next one stays. Others come back when they are needed, which costs a fetch, and a store if the
  /// operator produces them.
  private func costAhead(_ op: Int, before next: Int?, _ core: ScheduleCore, _ hasRun: (Int) -> Bool) -> Int {
    var cost = 0
    for operand in core.operators[op].operands {
      let tensor = core.tensors[operand]
      guard tensor.touches.contains(where: { !hasRun($0) || position[$0] > position[op] }) else { continue }
      if tensor.producer == op { cost += tensor.bytes }
      if next.map({ !tensor.touches.contains($0) }) ?? true { cost += tensor.bytes }
    }
    return cost
  }
}
