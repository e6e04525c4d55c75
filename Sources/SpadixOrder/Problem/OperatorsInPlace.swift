extension ScheduleProblem {
  /// The same problem where operators that may (`Operator.mayOverwrite`) write their results over an operand, or over
  /// operands that lie together, of the same size.
  ///
  /// Only over what nothing needs afterwards in any order: every other operator that touches it is an ancestor. So the orders
  /// remain, no store or fetch becomes another, and the operator needs less room.
  func withOperatorsInPlace() -> ScheduleProblem {
    var pass = OperatorsInPlace(self)
    pass.run()
    return pass.problem
  }
}

private struct OperatorsInPlace {
  private(set) var problem: ScheduleProblem
  private var origins: CommonOrigins
  private let ancestors: [Bitset]
  private var touches: [[Int]]
  private let producers: [Int?]
  /// The operator whose result is written over each tensor.
  private var overwriter: [Int?]

  init(_ problem: ScheduleProblem) {
    self.problem = problem
    origins = CommonOrigins(problem)
    touches = [[Int]](repeating: [], count: problem.tensors.count)
    var producers = [Int?](repeating: nil, count: problem.tensors.count)
    for (index, op) in problem.operators.enumerated() {
      for tensor in problem.operands(of: op, in: .all) { touches[tensor.index].append(index) }
      for tensor in op.outputs { producers[tensor.index] = index }
    }
    self.producers = producers
    ancestors = ScheduleCore(problem, scope: .all).ancestors()
    overwriter = problem.tensors.map { _ in nil }
  }

  mutating func run() {
    for index in problem.operators.indices where problem.operators[index].mayOverwrite {
      let op = problem.operators[index]
      guard let result = op.outputs.first, op.outputs.count == 1, problem.tensors[result].size > 0 else { continue }
      let inGroups = Set(op.adjacent.flatMap { $0 })
      for group in op.adjacent + op.inputs.filter({ !inGroups.contains($0) }).map({ [$0] })
      where canOverwrite(group, with: result, index) && join(group, result, index) {
        problem.operators[index].overwritten = group
        break
      }
    }
    for index in problem.tensors.indices { problem.tensors[index].displacement = origins.displacements[index] }
    problem.sharing.insert(.inPlace)
  }

  private func canOverwrite(
    _ group: [ScheduleProblem.TensorID], with result: ScheduleProblem.TensorID, _ op: Int
  ) -> Bool {
    group.reduce(0) { $0 + problem.tensors[$1].size } == problem.tensors[result].size
      && group.allSatisfy { tensor in
        problem.tensors[tensor].kind != .parameter
          && touches[tensor.index].allSatisfy { $0 == op || ancestors[op].contains($0) }
      }
  }

  private mutating func join(
    _ group: [ScheduleProblem.TensorID], _ result: ScheduleProblem.TensorID, _ op: Int
  ) -> Bool {
    for tensor in group { overwriter[tensor.index] = op }
    let tensors = group.map(\.index) + [result.index]
    let places = tensors.map { $0 == result.index ? origins.displacements[tensors[0]] : origins.displacements[$0] }
    let overlaps = origins.overlaps(tensors, at: places)
    guard let overlaps, overlaps.allSatisfy({ isOver($0.one, before: $0.other) || isOver($0.other, before: $0.one) })
    else {
      for tensor in group { overwriter[tensor.index] = nil }
      return false
    }
    origins.join(tensors, at: places)
    return true
  }

  /// Whether in every order a tensor has left when another one comes, or is written over by it.
  private func isOver(_ tensor: Int, before other: Int) -> Bool {
    (producers[other].map { [$0] } ?? touches[other]).allSatisfy { beginning in
      touches[tensor].allSatisfy {
        ancestors[beginning].contains($0) || ($0 == beginning && overwriter[tensor] == beginning)
      }
    }
  }
}
