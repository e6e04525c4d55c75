import SpadixMIP

/// COSMA's own formulation: order, residency and addresses in one program, one operator a step.
///
/// Kept as a reference for small graphs. Against the paper: one operator a step is a row of its own, and parameters are
/// ordinary tensors. Columns: `run[o, s]`, `in[t, s]`, `load[t, s]` (the free first load), `fetch[t, s]`, `spill[t]`,
/// `at[t, s]` the address, `under[t, u, s]` which of two lies lower.
struct JointModel {
  private(set) var model: Model
  private let problem: ScheduleProblem
  private let scheduled: [Int]
  private var run: [[Model.ColumnID]] = []
  private var inside: [[Model.ColumnID]] = []
  private var fetched: [[Model.ColumnID]] = []

  /// The number of columns that a problem would need; addresses make it quadratic in the tensors.
  static func columnCount(_ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope) -> Int {
    let steps = problem.operators.count
    let tensors = problem.tensors.indices.filter {
      problem.isScheduled(ScheduleProblem.TensorID($0), in: scope)
    }.count
    return steps * (steps + 4 * tensors + tensors * tensors / 2)
  }

  init(_ problem: ScheduleProblem, scope: ScheduleProblem.Scope, budget: Int) {
    self.problem = problem
    let steps = problem.operators.indices
    var isUsed = [Bool](repeating: false, count: problem.tensors.count)
    for op in problem.operators {
      for tensor in problem.operands(of: op, in: scope) { isUsed[tensor.index] = true }
    }
    scheduled = problem.tensors.indices.filter { isUsed[$0] }
    model = Model(name: "joint order, residency and addresses of \(problem.name)")
    for op in problem.operators {
      run.append(steps.map { model.addColumn("run_\(op.id)_\($0)", .binary) })
    }
    for (op, columns) in zip(problem.operators, run) {
      model.addRow("once_\(op.id)", columns.map { Model.Term(1, $0) }, lower: 1, upper: 1)
    }
    for step in steps {
      model.addRow("one_\(step)", run.map { Model.Term(1, $0[step]) }, lower: 1, upper: 1)
    }
    inside = [[Model.ColumnID]](repeating: [], count: problem.tensors.count)
    fetched = inside
    for tensor in scheduled { addTensor(tensor) }
    for step in steps {
      model.addRow(
        "capacity_\(step)", scheduled.map { Model.Term(problem.tensors[$0].size, inside[$0][step]) }, upper: budget)
    }
    addAddresses(budget)
  }

  private mutating func addTensor(_ index: Int) {
    let tensor = problem.tensors[index]
    let id = ScheduleProblem.TensorID(index)
    let steps = problem.operators.indices
    let producer = problem.operators.firstIndex { $0.outputs.contains(id) }
    let readers = problem.operators.indices.filter { problem.operators[$0].inputs.contains(id) && $0 != producer }
    inside[index] = steps.map { model.addColumn("in_\(tensor.id)_\($0)", .binary) }
    fetched[index] = steps.map { model.addColumn("fetch_\(tensor.id)_\($0)", .binary, cost: tensor.bytes) }
    // What makes it available without a fetch: its production, or one free load.
    let arrivals =
      producer.map { run[$0] } ?? steps.map { model.addColumn("load_\(tensor.id)_\($0)", .binary) }
    if producer == nil {
      model.addRow("first_\(tensor.id)", arrivals.map { Model.Term(1, $0) }, upper: 1)
    }
    for op in readers + (producer.map { [$0] } ?? []) {
      for step in steps {
        model.addRow(
          "needs_\(problem.operators[op].id)_\(tensor.id)_\(step)",
          [Model.Term(1, inside[index][step]), Model.Term(-1, run[op][step])], lower: 0)
      }
    }
    for step in steps {
      var terms = [Model.Term(1, inside[index][step]), Model.Term(-1, fetched[index][step])]
      terms.append(Model.Term(-1, arrivals[step]))
      if step > 0 { terms.append(Model.Term(-1, inside[index][step - 1])) }
      model.addRow("stays_\(tensor.id)_\(step)", terms, upper: 0)
      if let producer {
        let until = (0...step).map { Model.Term(-1, run[producer][$0]) }
        model.addRow("exists_\(tensor.id)_\(step)", [Model.Term(1, inside[index][step])] + until, upper: 0)
        let before = (0..<step).map { Model.Term(-1, run[producer][$0]) }
        for reader in readers {
          model.addRow(
            "after_\(problem.operators[reader].id)_\(tensor.id)_\(step)",
            (0...step).map { Model.Term(1, run[reader][$0]) } + before, upper: 0)
        }
      }
    }
    if tensor.kind == .activation {
      let spilled = model.addColumn("spill_\(tensor.id)", .continuous, upper: 1, cost: tensor.bytes)
      for step in steps {
        model.addRow(
          "spilled_\(tensor.id)_\(step)", [Model.Term(1, spilled), Model.Term(-1, fetched[index][step])], lower: 0)
      }
    }
  }

  private mutating func addAddresses(_ budget: Int) {
    let steps = problem.operators.indices
    let placed = scheduled.filter { problem.tensors[$0].size > 0 }
    var at = [[Model.ColumnID]](repeating: [], count: problem.tensors.count)
    for tensor in placed {
      let size = problem.tensors[tensor].size
      at[tensor] = steps.map {
        model.addColumn("at_\(problem.tensors[tensor].id)_\($0)", .continuous, upper: max(0, budget - size))
      }
      for step in steps.dropFirst() {
        let now = at[tensor][step]
        let before = at[tensor][step - 1]
        // Fixed while it stays, unless it goes out and comes back.
        let free = [
          Model.Term(budget, inside[tensor][step]), Model.Term(budget, inside[tensor][step - 1]),
          Model.Term(-budget, fetched[tensor][step]),
        ]
        for (sign, name) in [(1, "up"), (-1, "down")] {
          model.addRow(
            "\(name)_\(problem.tensors[tensor].id)_\(step)",
            [Model.Term(sign, now), Model.Term(-sign, before)] + free, upper: 2 * budget)
        }
      }
    }
    for (number, upper) in placed.enumerated() {
      for lower in placed[..<number] {
        for step in steps {
          let name = "\(problem.tensors[lower].id)_\(problem.tensors[upper].id)_\(step)"
          let under = model.addColumn("under_\(name)", .binary)
          let both = [Model.Term(budget, inside[lower][step]), Model.Term(budget, inside[upper][step])]
          model.addRow(
            "below_\(name)",
            [Model.Term(1, at[lower][step]), Model.Term(-1, at[upper][step]), Model.Term(budget, under)] + both,
            upper: 3 * budget - problem.tensors[lower].size)
          model.addRow(
            "above_\(name)",
            [Model.Term(1, at[upper][step]), Model.Term(-1, at[lower][step]), Model.Term(-budget, under)] + both,
            upper: 2 * budget - problem.tensors[upper].size)
        }
      }
    }
  }

  /// The order and, for each tensor, the last steps of its pieces but the final one.
  func decision(_ values: [Int]) -> (order: [Int], ends: [Set<Int>]) {
    let order = problem.operators.indices.map { step in
      run.firstIndex { values[$0[step].index] == 1 } ?? 0
    }
    let ends = problem.tensors.indices.map { tensor -> Set<Int> in
      // Tensors outside the scope have no columns.
      if inside[tensor].isEmpty { return [] }
      var last: Int?
      var result: Set<Int> = []
      for (step, op) in order.enumerated() {
        let operands = problem.operators[op].inputs + problem.operators[op].outputs
        guard operands.contains(ScheduleProblem.TensorID(tensor)) else { continue }
        if let last {
          let isBroken = (last + 1...step).contains {
            values[fetched[tensor][$0].index] == 1 || values[inside[tensor][$0].index] == 0
          }
          if isBroken { result.insert(last) }
        }
        last = step
      }
      return result
    }
    return (order, ends)
  }
}
