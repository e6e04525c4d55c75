/// Turns dropped gaps into pieces, and pieces into rectangles and traffic.
struct PieceBuilder {
  private let problem: ScheduleProblem
  private let core: ScheduleCore
  private let scope: ScheduleProblem.Scope
  /// For each tensor of the problem the steps that touch it, ascending; empty when it is not scheduled.
  private var steps: [[Int]]
  private let operators: [ScheduleProblem.Operator]

  var stepCount: Int { operators.count }

  init(_ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ core: ScheduleCore, _ order: [Int]) {
    self.problem = problem
    self.core = core
    self.scope = scope
    operators = order.map { problem.operators[core.operators[$0].original ?? 0] }
    steps = [[Int]](repeating: [], count: problem.tensors.count)
    for (step, op) in operators.enumerated() {
      for tensor in problem.operands(of: op, in: scope) { steps[tensor.index].append(step) }
    }
  }

  /// When the tensors are used, and leave.
  ///
  /// - Parameter ends: for each tensor the steps after which it leaves.
  func timetable(endingAfter ends: [Set<Int>]) -> SweepTimetable {
    SweepTimetable(problem, operators, scope, ends: ends)
  }

  /// The problem's number of a tensor of the core.
  func original(_ tensor: Int) -> Int { core.tensors[tensor].original }

  /// Pieces without addresses yet, sorted by first step, then tensor.
  func pieces(_ drops: [ResidencyModel.Gap]) -> [ScheduleSolution.Piece] { pieces(endingAfter: ends(drops)) }

  /// For each tensor of the problem the steps after which a dropped gap begins.
  func ends(_ drops: [ResidencyModel.Gap]) -> [Set<Int>] {
    var ends = [Set<Int>](repeating: [], count: problem.tensors.count)
    for gap in drops { ends[original(gap.tensor)].insert(gap.first) }
    return ends
  }

  /// What ending a piece of a tensor earlier moves, where it ends at some steps already.
  func price(ofCutting tensor: Int, _ cuts: [Set<Int>]) -> Int {
    let paysStore = problem.tensors[tensor].kind == .activation && cuts[tensor].isEmpty
    return problem.tensors[tensor].bytes * (paysStore ? 2 : 1)
  }

  /// The use within one of the pieces after which ending the tensor's piece costs least.
  func cheapestCut(_ pieces: [ScheduleSolution.Piece], _ cuts: [Set<Int>]) -> (tensor: Int, step: Int)? {
    var best: (cost: Int, tensor: Int, step: Int)?
    for piece in pieces {
      let index = piece.tensor.index
      let cost = price(ofCutting: index, cuts)
      for step in steps[index] where piece.first <= step && step < piece.last {
        if best.map({ (cost, index, step) < ($0.cost, $0.tensor, $0.step) }) ?? true { best = (cost, index, step) }
      }
    }
    return best.map { ($0.tensor, $0.step) }
  }

  /// Pieces that end after the given steps of each tensor, and at last uses.
  func pieces(endingAfter ends: [Set<Int>]) -> [ScheduleSolution.Piece] {
    pieces { tensor, step in ends[tensor].contains(step) }
  }

  private func pieces(endsAfter: (Int, Int) -> Bool) -> [ScheduleSolution.Piece] {
    var result: [ScheduleSolution.Piece] = []
    for (tensor, uses) in steps.enumerated() {
      var first: Int?
      for (number, step) in uses.enumerated() {
        let start = first ?? step
        if number + 1 == uses.count || endsAfter(tensor, step) {
          result.append(
            ScheduleSolution.Piece(
              tensor: ScheduleProblem.TensorID(tensor), first: start, last: step, offset: 0))
          first = nil
        } else {
          first = start
        }
      }
    }
    return result.sorted { ($0.first, $0.tensor.index) < ($1.first, $1.tensor.index) }
  }

  /// - Parameter inPlace: whether results are written over operands also where the budget has room for both.
  func allocation(_ pieces: [ScheduleSolution.Piece], _ budget: Int, inPlace: Bool = true) -> PieceAllocation {
    var ties = operators.map(\.tied)
    if !inPlace {
      for (step, need) in needs(pieces).enumerated() where need <= budget { ties[step] = operators[step].adjacent }
    }
    return PieceAllocation(problem, ties: ties, pieces, budget: budget)
  }

  /// What the pieces take during each step, each by itself.
  private func needs(_ pieces: [ScheduleSolution.Piece]) -> [Int] {
    var changes = [Int](repeating: 0, count: operators.count + 1)
    for piece in pieces {
      changes[piece.first] += problem.tensors[piece.tensor].size
      changes[piece.last + 1] -= problem.tensors[piece.tensor].size
    }
    var need = 0
    return changes.dropLast().map { change in
      need += change
      return need
    }
  }

  func traffic(_ pieces: [ScheduleSolution.Piece]) -> ScheduleSolution.Traffic {
    var count = [Int](repeating: 0, count: problem.tensors.count)
    for piece in pieces { count[piece.tensor.index] += 1 }
    var traffic = ScheduleSolution.Traffic(spilled: 0, fetched: 0)
    for (index, tensor) in problem.tensors.enumerated() where count[index] > 1 {
      traffic.fetched += (count[index] - 1) * tensor.bytes
      if tensor.kind == .activation { traffic.spilled += tensor.bytes }
    }
    return traffic
  }
}
