import SpadixMIP

/// The kernel problem as a mixed integer program: alternatives, residency and spills for the fixed order.
///
/// Columns: `x[o, v]` operator o runs as alternative v; `k[t, g]` tensor t is kept during the gap g between two of its
/// touches; `p[t, s]` t is in the scratchpad during touch s; `f[t, s]` t is fetched there; `y[t]` t is spilled.
/// The last three follow from the first two, so they are continuous.
struct KernelModel {
  private let problem: KernelProblem
  private let touches: KernelTouches
  private(set) var model: Model
  /// Per operator the alternatives that are offered, with their columns.
  private var alternativeColumns: [[(alternative: Int, column: Model.ColumnID)]] = []
  /// Per tensor, one per gap between consecutive touches.
  private var keptColumns: [[Model.ColumnID]]
  /// Per tensor, one per touch.
  private var presentColumns: [[Model.ColumnID]]

  init(_ problem: KernelProblem, _ touches: KernelTouches) {
    self.problem = problem
    self.touches = touches
    model = Model(name: "kernel residency of \(problem.name)")
    keptColumns = [[Model.ColumnID]](repeating: [], count: problem.tensors.count)
    presentColumns = keptColumns
    addAlternatives()
    for index in problem.tensors.indices { addTensor(KernelProblem.TensorID(index)) }
    addCapacities()
  }

  /// About how many terms the rows have, counted without building them.
  static func termCount(_ problem: KernelProblem, _ touches: KernelTouches) -> Int {
    var count = 0
    for all in touches.touches {
      for touch in all { count += 4 + problem.operators[touch.step].alternatives.count }
      if let first = all.first, let last = all.last { count += last.step - first.step }
    }
    return count
  }

  private mutating func addAlternatives() {
    for op in problem.operators {
      let offered = op.alternatives.indices.filter { index in
        let alternative = op.alternatives[index]
        if alternative.rows > problem.capacity { return false }
        return !op.alternatives.indices.contains { other in
          other != index && op.alternatives[other].dominates(alternative, problem.objective)
            && (!alternative.dominates(op.alternatives[other], problem.objective) || other < index)
        }
      }
      // The cheapest alternative of all is paid in any case; columns carry what is beyond.
      let least = offered.map { problem.objective.value(op.alternatives[$0].cost) }.min() ?? 0
      model.constantCost += least
      let columns = offered.map { index in
        (
          alternative: index,
          column: model.addColumn(
            "x_\(op.name)_\(index)", .binary, cost: problem.objective.value(op.alternatives[index].cost) - least)
        )
      }
      model.addRow("one_\(op.name)", columns.map { Model.Term(1, $0.column) }, lower: 1, upper: 1)
      alternativeColumns.append(columns)
    }
  }

  /// The alternatives of a touch's operator in which the tensor has the given place, as a sum.
  private func places(_ touch: KernelTouches.Touch, _ place: KernelProblem.Place, times: Int) -> [Model.Term] {
    let alternatives = problem.operators[touch.step].alternatives
    return alternativeColumns[touch.step].compactMap { item in
      let alternative = alternatives[item.alternative]
      let found = touch.isProduction ? alternative.outputs[touch.position] : alternative.inputs[touch.position]
      return found == place ? Model.Term(times, item.column) : nil
    }
  }

  private mutating func addTensor(_ id: KernelProblem.TensorID) {
    let tensor = problem.tensors[id]
    let all = touches.touches[id]
    guard let first = all.first else { return }
    for gap in all.indices.dropLast() {
      keptColumns[id].append(
        model.addColumn("k_\(tensor.name)_\(all[gap].step)_\(all[gap + 1].step)", .binary))
    }
    let production = first.isProduction ? first : nil
    var spilled: Model.ColumnID?
    if let production {
      let column = model.addColumn(
        "y_\(tensor.name)", .continuous, upper: 1, cost: problem.objective.value(tensor.spill))
      spilled = column
      if tensor.kind == .output {
        model.addRow(
          "stored_\(tensor.name)", [Model.Term(1, column)] + places(production, .resident, times: -1), lower: 0)
      }
    }
    for (number, touch) in all.enumerated() {
      let before = number > 0 ? keptColumns[id][number - 1] : nil
      let after = number < all.count - 1 ? keptColumns[id][number] : nil
      let name = "\(tensor.name)_\(touch.step)"
      let present = model.addColumn("p_\(name)", .continuous, upper: 1)
      presentColumns[id].append(present)
      model.addRow("resident_\(name)", [Model.Term(1, present)] + places(touch, .resident, times: -1), lower: 0)
      for kept in [before, after].compactMap({ $0 }) {
        if touch.isProduction {
          model.addRow("begin_\(name)", [Model.Term(-1, kept)] + places(touch, .resident, times: 1), lower: 0)
        } else {
          model.addRow("cover_\(name)", [Model.Term(1, present), Model.Term(-1, kept)], lower: 0)
        }
      }
      if touch.isProduction { continue }
      let fetched = model.addColumn("f_\(name)", .continuous, upper: 1, cost: problem.objective.value(tensor.fetch))
      let keptTerm = before.map { [Model.Term(1, $0)] } ?? []
      model.addRow("fetch_\(name)", [Model.Term(1, fetched), Model.Term(-1, present)] + keptTerm, lower: 0)
      if let production, let spilled {
        let inMemory = [Model.Term(1, spilled)] + places(production, .streamed, times: 1)
        model.addRow("readable_\(name)", inMemory + [Model.Term(-1, fetched)], lower: 0)
        let streamed = places(touch, .streamed, times: -1)
        if !streamed.isEmpty { model.addRow("streamable_\(name)", inMemory + streamed, lower: 0) }
      }
    }
  }

  private mutating func addCapacities() {
    var terms = [[Model.Term]](repeating: [], count: problem.operators.count)
    for (step, op) in problem.operators.enumerated() {
      for item in alternativeColumns[step] {
        terms[step].append(Model.Term(op.alternatives[item.alternative].rows, item.column))
      }
    }
    for index in problem.tensors.indices {
      let rows = problem.tensors[index].rows
      let all = touches.touches[index]
      for (number, touch) in all.enumerated() {
        terms[touch.step].append(Model.Term(rows, presentColumns[index][number]))
        guard number + 1 < all.count else { continue }
        for step in (touch.step + 1)..<max(touch.step + 1, all[number + 1].step) {
          terms[step].append(Model.Term(rows, keptColumns[index][number]))
        }
      }
    }
    for (step, op) in problem.operators.enumerated() {
      model.addRow("capacity_\(op.name)", terms[step], upper: problem.capacity)
    }
  }

  /// Forbids every decision that contains all of the given rectangles of one that could not be packed.
  mutating func forbid(_ decision: KernelDecision, spans: [KernelDecision.Span], steps: [Int]) {
    var terms: [Model.Term] = []
    var literals = 0
    for span in spans {
      let all = touches.touches[span.tensor]
      let covered = all.indices.filter { span.first <= all[$0].step && all[$0].step <= span.last }
      if covered.count == 1 {
        // Not the continuous column: the solver may leave that one fractional at no cost.
        terms += places(all[covered[0]], .resident, times: 1)
        literals += 1
      }
      for number in covered.dropLast() {
        terms.append(Model.Term(1, keptColumns[span.tensor][number]))
        literals += 1
      }
    }
    for step in steps {
      let alternatives = problem.operators[step].alternatives
      let rows = alternatives[decision.units[step].alternative].rows
      for item in alternativeColumns[step] where alternatives[item.alternative].rows >= rows {
        terms.append(Model.Term(1, item.column))
      }
      literals += 1
    }
    model.addRow("unpackable_\(model.rows.count)", terms, upper: literals - 1)
  }

  /// The decision that a solution of the model stands for.
  func decision(_ values: [Int]) -> KernelDecision {
    let alternatives = alternativeColumns.map { items in
      items.first { values[$0.column.index] == 1 }?.alternative ?? 0
    }
    var spans: [KernelDecision.Span] = []
    for index in problem.tensors.indices {
      let id = KernelProblem.TensorID(index)
      let all = touches.touches[index]
      var first: Int?
      for (number, touch) in all.enumerated() {
        let alternative = problem.operators[touch.step].alternatives[alternatives[touch.step]]
        let place = touch.isProduction ? alternative.outputs[touch.position] : alternative.inputs[touch.position]
        let keptAfter = number + 1 < all.count && values[keptColumns[index][number].index] == 1
        if first == nil, place == .resident || keptAfter { first = number }
        guard let start = first, !keptAfter else { continue }
        // A piece ends at its last resident touch; a gap kept beyond that is idle.
        var last = number
        while last > start, !isResident(all[last], alternatives) { last -= 1 }
        spans.append(
          KernelDecision.Span(
            tensor: id, first: all[start].step, last: all[last].step,
            origin: all[start].isProduction ? .produced : .fetched, spilled: false))
        first = nil
      }
    }
    spans.sort { ($0.first, $0.tensor.index) < ($1.first, $1.tensor.index) }
    for position in spans.indices where spans[position].origin == .produced {
      spans[position].spilled = mustSpill(spans[position], spans, alternatives)
    }
    return KernelDecision(alternatives: alternatives, spans: spans)
  }

  private func isResident(_ touch: KernelTouches.Touch, _ alternatives: [Int]) -> Bool {
    let alternative = problem.operators[touch.step].alternatives[alternatives[touch.step]]
    return (touch.isProduction ? alternative.outputs[touch.position] : alternative.inputs[touch.position]) == .resident
  }

  private func mustSpill(
    _ span: KernelDecision.Span, _ spans: [KernelDecision.Span], _ alternatives: [Int]
  ) -> Bool {
    if problem.tensors[span.tensor].kind == .output { return true }
    if spans.contains(where: { $0.tensor == span.tensor && $0.origin == .fetched }) { return true }
    return touches.touches[span.tensor].contains { !$0.isProduction && !isResident($0, alternatives) }
  }
}
