/// When the tensors of a planned residency are used and leave, by touch: an operand of an operator, numbered in their order.
struct SweepTimetable {
  struct Touch {
    var tensor: Int
    /// Whether the tensor leaves after this step, for good or until it is fetched.
    var leaves = true
    /// Whether it is never used again.
    var isLast = true
    /// The step after which it leaves.
    var end = 0
  }

  /// Of each step, large tensors first, since holes for them are rare.
  let touches: [[Touch]]
  let sizes: [Int]
  let bytes: [Int]
  /// Whether leaving costs no store that is not paid for anyway: DRAM has it, or the residency stores it.
  let isStoreFree: [Bool]

  /// - Parameter ends: for each tensor the steps after which it leaves.
  init(_ problem: ScheduleProblem, operands: [[Int]], ends: [Set<Int>]) {
    sizes = problem.tensors.map(\.size)
    bytes = problem.tensors.map(\.bytes)
    isStoreFree = problem.tensors.indices.map { problem.tensors[$0].kind != .activation || !ends[$0].isEmpty }
    var isUsedLater = [Bool](repeating: false, count: sizes.count)
    var end = [Int](repeating: 0, count: sizes.count)
    var touches: [[Touch]] = operands.map { [sizes] list in
      list.sorted { (sizes[$0], $1) > (sizes[$1], $0) }.map { Touch(tensor: $0) }
    }
    for step in touches.indices.reversed() {
      for number in touches[step].indices {
        let tensor = touches[step][number].tensor
        let leaves = !isUsedLater[tensor] || ends[tensor].contains(step)
        if leaves { end[tensor] = step }
        touches[step][number].leaves = leaves
        touches[step][number].isLast = !isUsedLater[tensor]
        touches[step][number].end = end[tensor]
        isUsedLater[tensor] = true
      }
    }
    self.touches = touches
  }

  /// How many tensors are live at once, on average.
  var meanLive: Int {
    var live = 0
    var total = 0
    var isLive = [Bool](repeating: false, count: sizes.count)
    for list in touches {
      for touch in list where !isLive[touch.tensor] {
        isLive[touch.tensor] = true
        live += 1
      }
      total += live
      for touch in list where touch.leaves {
        isLive[touch.tensor] = false
        live -= 1
      }
    }
    return total / max(1, touches.count)
  }
}
