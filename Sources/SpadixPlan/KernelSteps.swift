/// The steps of a kernel problem as the dynamic program takes them: what each touches, and its ways to run by places.
struct KernelSteps {
  struct Touched {
    var tensor: Int
    var rows: Int
    /// What it costs to bring the tensor from DRAM as a whole, or to write it there.
    var fetch: Objective.Rank
    var spill: Objective.Rank
    var isProduction: Bool
    /// What it costs that the tensor does not stay: the spill of a result, the fetch of an operand.
    var move: Objective.Rank { isProduction ? spill : fetch }
    /// Whether a later step touches the tensor too.
    var hasNext: Bool
    /// The next step that does; the number of steps where there is none.
    var next: Int
    /// Whether DRAM must hold the tensor at the end.
    var isOutput: Bool
  }

  struct Alternative {
    var index: Int
    var rows: Int
    var rank: Objective.Rank
  }

  /// Alternatives that agree on what is in the scratchpad as a whole.
  struct Group {
    /// Per touched tensor.
    var isResident: [Bool]
    /// Cheapest first, each with fewer rows than the last.
    var alternatives: [Alternative]
  }

  struct Step {
    /// Each tensor once, inputs first.
    var touched: [Touched]
    var groups: [Group]
  }

  /// Operators that run together.
  struct GroupStep {
    /// Of the problem.
    var index: Int
    /// The step behind the last.
    var end: Int
    var step: Step
  }

  let steps: [Step]
  /// By first step.
  let groupSteps: [[GroupStep]]
  /// By step, whether the operator runs in a group only.
  let isForced: [Bool]
  let tensorCount: Int
  let capacity: Int

  init(_ problem: KernelProblem, _ touches: KernelTouches) {
    capacity = problem.capacity
    tensorCount = problem.tensors.count
    // How many touches of each tensor are behind.
    var done = [Int](repeating: 0, count: problem.tensors.count)
    var steps: [Step] = []
    steps.reserveCapacity(problem.operators.count)
    for (step, op) in problem.operators.enumerated() {
      var touched: [Touched] = []
      var all: [KernelTouches.Touch] = []
      for tensor in op.inputs + op.outputs {
        let list = touches.touches[tensor]
        let position = done[tensor.index]
        guard position < list.count, list[position].step == step else { continue }
        done[tensor.index] += 1
        all.append(list[position])
        let next = position + 1 < list.count ? list[position + 1].step : problem.operators.count
        let record = problem.tensors[tensor]
        touched.append(
          Touched(
            tensor: tensor.index, rows: record.rows, fetch: problem.objective.rank(record.fetch),
            spill: problem.objective.rank(record.spill), isProduction: list[position].isProduction,
            hasNext: position + 1 < list.count, next: next, isOutput: record.kind == .output))
      }
      steps.append(Step(touched: touched, groups: Self.groups(op.alternatives, all, problem.objective)))
    }
    self.steps = steps
    var groupSteps = [[GroupStep]](repeating: [], count: problem.operators.count)
    for (index, group) in problem.groups.enumerated() {
      groupSteps[group.operators.lowerBound].append(
        GroupStep(index: index, end: group.operators.upperBound, step: Self.step(group, problem, touches)))
    }
    self.groupSteps = groupSteps
    var isForced = [Bool](repeating: false, count: problem.operators.count)
    for group in problem.groups where group.isForced {
      for step in group.operators { isForced[step] = true }
    }
    self.isForced = isForced
  }

  private static func step(_ group: KernelProblem.Group, _ problem: KernelProblem, _ touches: KernelTouches) -> Step {
    var touched: [Touched] = []
    var all: [KernelTouches.Touch] = []
    for (tensors, isProduction) in [(group.inputs, false), (group.outputs, true)] {
      for (position, tensor) in tensors.enumerated() {
        let next = touches.touches[tensor].first { $0.step >= group.operators.upperBound }
        let record = problem.tensors[tensor]
        touched.append(
          Touched(
            tensor: tensor.index, rows: record.rows, fetch: problem.objective.rank(record.fetch),
            spill: problem.objective.rank(record.spill), isProduction: isProduction, hasNext: next != nil,
            next: next?.step ?? problem.operators.count, isOutput: record.kind == .output))
        all.append(
          KernelTouches.Touch(step: group.operators.lowerBound, position: position, isProduction: isProduction))
      }
    }
    return Step(touched: touched, groups: groups(group.alternatives, all, problem.objective))
  }

  private static func groups(
    _ alternatives: [KernelProblem.Alternative], _ touches: [KernelTouches.Touch], _ objective: Objective
  ) -> [Group] {
    var positions: [[KernelProblem.Place]: Int] = [:]
    var members: [[Int]] = []
    for (index, alternative) in alternatives.enumerated() {
      let places = alternative.inputs + alternative.outputs
      if let known = positions[places] {
        members[known].append(index)
      } else {
        positions[places] = members.count
        members.append([index])
      }
    }
    return members.map { group in
      let sorted = group.map { index -> Alternative in
        let alternative = alternatives[index]
        return Alternative(index: index, rows: alternative.rows, rank: objective.rank(alternative.cost))
      }.sorted { ($0.rank, $0.rows, $0.index) < ($1.rank, $1.rows, $1.index) }
      var kept: [Alternative] = []
      for alternative in sorted where kept.last.map({ alternative.rows < $0.rows }) ?? true { kept.append(alternative) }
      let pattern = alternatives[group[0]]
      return Group(
        isResident: touches.map {
          ($0.isProduction ? pattern.outputs[$0.position] : pattern.inputs[$0.position]) == .resident
        },
        alternatives: kept)
    }
  }
}
