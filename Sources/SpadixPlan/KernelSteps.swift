/// The steps of a kernel problem as the dynamic program takes them: what each touches, and its ways to run by places.
struct KernelSteps {
  struct Touched {
    var tensor: Int
    var rows: Int
    var bytes: Int
    var isProduction: Bool
    /// Whether a later step touches the tensor too.
    var hasNext: Bool
    /// The next step that does; the number of steps where there is none.
    var next: Int
    /// Whether DRAM must hold the tensor at the end.
    var isOutput: Bool
  }

  struct Variant {
    var index: Int
    var rows: Int
    var traffic: Int
    var cycles: Int
  }

  /// Variants that agree on what is in the scratchpad as a whole.
  struct Group {
    /// Per touched tensor.
    var isResident: [Bool]
    /// Cheapest first, each with fewer rows than the last.
    var variants: [Variant]
  }

  struct Step {
    /// Each tensor once, inputs first.
    var touched: [Touched]
    var groups: [Group]
  }

  let steps: [Step]
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
            tensor: tensor.index, rows: record.rows, bytes: record.bytes, isProduction: list[position].isProduction,
            hasNext: position + 1 < list.count, next: next, isOutput: record.kind == .output))
      }
      steps.append(Step(touched: touched, groups: Self.groups(op, all)))
    }
    self.steps = steps
  }

  private static func groups(_ op: KernelProblem.Operator, _ touches: [KernelTouches.Touch]) -> [Group] {
    var positions: [[KernelProblem.Place]: Int] = [:]
    var members: [[Int]] = []
    for (index, variant) in op.variants.enumerated() {
      let places = variant.inputs + variant.outputs
      if let known = positions[places] {
        members[known].append(index)
      } else {
        positions[places] = members.count
        members.append([index])
      }
    }
    return members.map { group in
      let sorted = group.map { index -> Variant in
        let variant = op.variants[index]
        return Variant(index: index, rows: variant.workingRows, traffic: variant.traffic, cycles: variant.cycles)
      }.sorted { ($0.traffic, $0.cycles, $0.rows, $0.index) < ($1.traffic, $1.cycles, $1.rows, $1.index) }
      var kept: [Variant] = []
      for variant in sorted where kept.last.map({ variant.rows < $0.rows }) ?? true { kept.append(variant) }
      let pattern = op.variants[group[0]]
      return Group(
        isResident: touches.map {
          ($0.isProduction ? pattern.outputs[$0.position] : pattern.inputs[$0.position]) == .resident
        },
        variants: kept)
    }
  }
}
