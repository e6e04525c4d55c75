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

  /// Of each step, large tensors first, since holes for them are rare; what lies together one after the other.
  let touches: [[Touch]]
  /// Of each step whose operands lie together; empty for the others.
  let groups: [[OperandGroup]]
  /// Number of each tensor's family, and what the family takes.
  let family: [Int]
  let extents: [Range<Int>?]
  let sizes: [Int]
  let displacements: [Int]
  let bytes: [Int]
  /// Whether leaving costs no store that is not paid for anyway: DRAM has it, or the residency stores it.
  let isStoreFree: [Bool]

  /// - Parameter ends: for each tensor the steps after which it leaves.
  init(
    _ problem: ScheduleProblem, _ operators: [ScheduleProblem.Operator], _ scope: ScheduleProblem.Scope,
    ends: [Set<Int>]
  ) {
    sizes = problem.tensors.map(\.size)
    displacements = problem.tensors.map(\.displacement)
    bytes = problem.tensors.map(\.bytes)
    isStoreFree = problem.tensors.indices.map { problem.tensors[$0].kind != .activation || !ends[$0].isEmpty }
    var isUsedLater = [Bool](repeating: false, count: sizes.count)
    var end = [Int](repeating: 0, count: sizes.count)
    let groups = operators.map { [sizes] op in
      OperandGroup.groups(
        of: op, problem,
        operands: problem.operands(of: op, in: scope).map(\.index).sorted { (sizes[$0], $1) > (sizes[$1], $0) })
    }
    let origins = CommonOrigins(problem)
    family = origins.family
    extents = origins.extents()
    self.groups = groups.map { list in list.allSatisfy { $0.tensors.count == 1 } ? [] : list }
    var touches: [[Touch]] = groups.map { list in list.flatMap(\.tensors).map { Touch(tensor: $0) } }
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

  /// First unit and end, from its origin.
  func extent(of tensor: Int) -> Range<Int> { displacements[tensor]..<displacements[tensor] + sizes[tensor] }

  /// What a tensor lies together with during a step.
  func group(of tensor: Int, at step: Int) -> OperandGroup {
    groups[step].first { $0.tensors.contains(tensor) } ?? OperandGroup(tensors: [tensor], extent: extent(of: tensor))
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
