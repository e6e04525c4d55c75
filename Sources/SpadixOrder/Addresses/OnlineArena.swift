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
  /// Number of each tensor's family, and what the family takes.
  private let family: [Int]
  private let extents: [Range<Int>?]
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
    let origins = CommonOrigins(problem)
    family = origins.family
    extents = origins.extents()
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
      let groups = OperandGroup.groups(of: op, problem, operands: operands)
      for group in groups {
        while true {
          let missing = group.tensors.filter { tensor in !residents.contains { $0.tensor == tensor } }
          if missing.isEmpty { break }
          let origin = origin(for: group, residents)
          let blocking = origin.map { self.blocking(missing, from: $0, group, residents) } ?? Array(residents.indices)
          if let origin, blocking.isEmpty {
            residents += missing.map { tensor in
              Resident(
                tensor: tensor, first: step, last: step, offset: origin + problem.tensors[tensor].displacement)
            }
            residents.sort { ($0.offset, $0.tensor) < ($1.offset, $1.tensor) }
            break
          }
          guard let victim = victim(blocking, among: residents, sparing: operands, at: step) else { break }
          isStored[residents[victim].tensor] = true
          retire(residents.remove(at: victim))
        }
      }
      if groups.contains(where: { !isTogether($0, residents) }) {
        for resident in residents where resident.first < step { retire(resident) }
        residents = sideBySide(groups, at: step)
      }
      for index in residents.indices where operands.contains(residents[index].tensor) { residents[index].last = step }
      for resident in residents where uses[resident.tensor].last == step { retire(resident) }
      residents.removeAll { uses[$0.tensor].last == step }
    }
    return done.sorted { ($0.first, $0.tensor.index) < ($1.first, $1.tensor.index) }
  }

  /// The origin that a group has, or could have without an eviction.
  private func origin(for group: OperandGroup, _ residents: [Resident]) -> Int? {
    func origin(of resident: Resident) -> Int { resident.offset - problem.tensors[resident.tensor].displacement }
    if let present = residents.first(where: { group.tensors.contains($0.tensor) }) { return origin(of: present) }
    // What will lie together with others had better be there from the start.
    if let extent = extents[group.tensors[0]] {
      if let relative = residents.first(where: { family[$0.tensor] == family[group.tensors[0]] }) {
        let origin = origin(of: relative)
        if blocking(group.tensors, from: origin, group, residents).isEmpty,
          group.extent.lowerBound + origin >= 0, group.extent.upperBound + origin <= budget
        {
          return origin
        }
      } else if let hole = hole(extent.count, residents) {
        return hole - extent.lowerBound
      }
    }
    return hole(group.extent.count, residents).map { $0 - group.extent.lowerBound }
  }

  /// The residents, other than those of the group, where tensors would be.
  private func blocking(
    _ tensors: [Int], from origin: Int, _ group: OperandGroup, _ residents: [Resident]
  ) -> [Int] {
    residents.indices.filter { index in
      let other = residents[index]
      if group.tensors.contains(other.tensor) { return false }
      return tensors.contains {
        let start = origin + problem.tensors[$0].displacement
        return start < other.offset + problem.tensors[other.tensor].size
          && other.offset < start + problem.tensors[$0].size
      }
    }
  }

  /// Whether a group is in the scratchpad, with one origin.
  private func isTogether(_ group: OperandGroup, _ residents: [Resident]) -> Bool {
    let members = residents.filter { group.tensors.contains($0.tensor) }
    let origins = Set(members.map { $0.offset - problem.tensors[$0.tensor].displacement })
    return members.count == group.tensors.count && origins.count == 1
      && members.allSatisfy { $0.offset >= 0 && $0.offset + problem.tensors[$0.tensor].size <= budget }
  }

  /// Which of some residents the rule evicts; nil when only the operator's own operands are left.
  private func victim(
    _ candidates: [Int], among residents: [Resident], sparing operands: [Int], at step: Int
  ) -> Int? {
    let ranked = candidates.filter { !operands.contains(residents[$0].tensor) }.map {
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

  private func sideBySide(_ groups: [OperandGroup], at step: Int) -> [Resident] {
    var end = 0
    return groups.flatMap { group in
      let origin = end - group.extent.lowerBound
      end += group.extent.count
      return group.tensors.map { tensor in
        Resident(
          tensor: tensor, first: step, last: step, offset: origin + problem.tensors[tensor].displacement)
      }
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
