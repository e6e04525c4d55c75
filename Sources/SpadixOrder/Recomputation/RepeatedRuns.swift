/// A sequence of runs of operators, some of them repeated, as a problem in which every run is an operator of its own.
///
/// What a run makes is a tensor of its own until the next run of the same operator makes it anew, so that residency and
/// addresses are found as for any problem. Only the store of a tensor counts once for each of these, which is too much where
/// two of them are stored; `restored` counts it once.
struct RepeatedRuns {
  private(set) var problem: ScheduleProblem
  private let whole: ScheduleProblem
  private let runs: [ScheduleProblem.OperatorID]
  /// For each tensor of `problem` the one that it holds.
  private var held: [ScheduleProblem.TensorID] = []

  /// - Precondition: every operator runs, and after those that make its operands.
  init(_ problem: ScheduleProblem, _ runs: [ScheduleProblem.OperatorID]) {
    whole = problem
    self.runs = runs
    self.problem = ScheduleProblem(name: problem.name, tensors: [], operators: [])
    var current = [ScheduleProblem.TensorID?](repeating: nil, count: problem.tensors.count)
    for (step, run) in runs.enumerated() {
      let op = problem.operators[run]
      for tensor in op.inputs where current[tensor.index] == nil { current[tensor.index] = add(tensor) }
      let inputs = op.inputs.compactMap { current[$0.index] }
      for tensor in Set(op.outputs).sorted() { current[tensor.index] = add(tensor) }
      let outputs = op.outputs.compactMap { current[$0.index] }
      self.problem.operators.append(
        ScheduleProblem.Operator(id: step, name: op.name, inputs: inputs, outputs: outputs))
    }
  }

  private mutating func add(_ tensor: ScheduleProblem.TensorID) -> ScheduleProblem.TensorID {
    var copy = whole.tensors[tensor]
    copy.id = problem.tensors.count
    problem.tensors.append(copy)
    held.append(tensor)
    return ScheduleProblem.TensorID(copy.id)
  }

  /// The runs in the order of a plan for `problem`.
  func runs(of plan: ScheduleSolution) -> [ScheduleProblem.OperatorID] { plan.order.map { runs[$0.index] } }

  /// A plan for `problem` that keeps its order, as one of the whole.
  func restored(
    _ plan: ScheduleSolution, _ recomputation: ScheduleSolution.Recomputation
  ) -> ScheduleSolution {
    var result = plan
    result.order = runs
    result.recomputation = recomputation
    for index in result.pieces.indices { result.pieces[index].tensor = held[plan.pieces[index].tensor.index] }
    result.pieces.sort { ($0.first, $0.tensor.index) < ($1.first, $1.tensor.index) }
    result.traffic = PieceTransfers(whole, order: runs, pieces: result.pieces).traffic(whole, result.pieces)
    var hasRun = [Bool](repeating: false, count: whole.operators.count)
    for run in runs {
      if hasRun[run.index] {
        result.traffic.recomputed += recomputation.cyclePrice * whole.operators[run].cycles
      }
      hasRun[run.index] = true
    }
    return result
  }
}
