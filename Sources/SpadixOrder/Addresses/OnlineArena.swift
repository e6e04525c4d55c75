/// Places tensors as they come, like an arena that knows no future, and evicts by rule where no hole is large enough.
struct OnlineArena {
  private struct Resident {
    var tensor: Int
    var first: Int
    var last: Int
    var offset: Int
  }

  private let problem: ScheduleProblem
  private let scope: ScheduleProblem.Scope
  private let operators: [ScheduleProblem.Operator]
  private let budget: Int
  private let rule: FurthestUse.Policy
  private var uses: [[Int]]
  private var isStored: [Bool]

  init(
    _ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ core: ScheduleCore, _ order: [Int], _ budget: Int,
    _ rule: FurthestUse.Policy
  ) {
    self.problem = problem
    self.scope = scope
    self.budget = budget
    self.rule = rule
    operators = order.map { problem.operators[core.operators[$0].original ?? 0] }
    uses = [[Int]](repeating: [], count: problem.tensors.count)
    isStored = [Bool](repeating: false, count: problem.tensors.count)
    for (step, op) in operators.enumerated() {
      for tensor in problem.operands(of: op, in: scope) { uses[tensor.index].append(step) }
    }
  }

  /// Pieces with offsets; there always are some when every operator fits by itself.
  mutating func run() -> [ScheduleSolution.Piece] {
    var residents: [Resident] = []
    var done: [ScheduleSolution.Piece] = []
    func retire(_ resident: Resident) {
      done.append(
        ScheduleSolution.Piece(
          tensor: ScheduleProblem.TensorID(resident.tensor), first: resident.first, last: resident.last,
          offset: resident.offset))
    }
    for (step, op) in operators.enumerated() {
      let operands = problem.operands(of: op, in: scope).map(\.index)
      for tensor in operands where !residents.contains(where: { $0.tensor == tensor }) {
        while true {
          if let offset = hole(problem.tensors[tensor].size, residents) {
            residents.append(Resident(tensor: tensor, first: step, last: step, offset: offset))
            residents.sort { ($0.offset, $0.tensor) < ($1.offset, $1.tensor) }
            break
          }
          guard let victim = victim(among: residents, sparing: operands, at: step) else { break }
          isStored[residents[victim].tensor] = true
          retire(residents.remove(at: victim))
        }
      }
      if operands.contains(where: { tensor in !residents.contains { $0.tensor == tensor } }) {
        for resident in residents where resident.first < step { retire(resident) }
        residents = sideBySide(operands, at: step)
      }
      for index in residents.indices where operands.contains(residents[index].tensor) { residents[index].last = step }
      for resident in residents where uses[resident.tensor].last == step { retire(resident) }
      residents.removeAll { uses[$0.tensor].last == step }
    }
    return done.sorted { ($0.first, $0.tensor.index) < ($1.first, $1.tensor.index) }
  }

  /// What the rule evicts; nil when only the operator's own operands are left.
  private func victim(among residents: [Resident], sparing operands: [Int], at step: Int) -> Int? {
    let ranked = residents.indices.filter { !operands.contains(residents[$0].tensor) }.map {
      index -> (index: Int, rank: FurthestUse.Rank) in
      let number = residents[index].tensor
      let tensor = problem.tensors[number]
      let isDirty = tensor.kind == .activation && !isStored[number]
      // A resident that is not needed again has left already.
      let rank = FurthestUse.Rank(
        rule, size: tensor.size, price: tensor.bytes * (isDirty ? 2 : 1),
        nextUse: uses[number].first { $0 > step } ?? step, step: step)
      return (index, rank)
    }
    return ranked.max { left, right in
      left.rank != right.rank
        ? left.rank < right.rank : residents[left.index].tensor > residents[right.index].tensor
    }?.index
  }

  private func sideBySide(_ operands: [Int], at step: Int) -> [Resident] {
    var end = 0
    return operands.map { tensor in
      defer { end += problem.tensors[tensor].size }
      return Resident(tensor: tensor, first: step, last: step, offset: end)
    }
  }

  private func hole(_ size: Int, _ residents: [Resident]) -> Int? {
    var end = 0
    for resident in residents {
      if resident.offset - end >= size { return end }
      end = max(end, resident.offset + problem.tensors[resident.tensor].size)
    }
    return budget - end >= size ? end : nil
  }
}
