/// Which tensors are never there at the same time, whatever the order.
struct TensorLifetimes {
  /// By operator.
  private let ancestors: [Bitset]
  private let producers: [Int?]
  private var touches: [[Int]]
  /// The operator whose result is written over each tensor.
  private var overwriter: [Int?]

  init(_ problem: ScheduleProblem) {
    touches = [[Int]](repeating: [], count: problem.tensors.count)
    overwriter = problem.tensors.map { _ in nil }
    var producers = [Int?](repeating: nil, count: problem.tensors.count)
    for (index, op) in problem.operators.enumerated() {
      for tensor in problem.operands(of: op, in: .all) { touches[tensor.index].append(index) }
      for tensor in op.outputs { producers[tensor.index] = index }
      for tensor in op.overwritten { overwriter[tensor.index] = index }
    }
    self.producers = producers
    ancestors = ScheduleCore(problem, scope: .all).ancestors()
  }

  /// Whether an operator is the last one that touches a tensor, in every order.
  func isLast(_ op: Int, of tensor: Int) -> Bool {
    touches[tensor].allSatisfy { $0 == op || ancestors[op].contains($0) }
  }

  /// Whether one of two tensors has left when the other one comes, or is written over by it.
  func areApart(_ one: Int, _ other: Int) -> Bool { isOver(one, before: other) || isOver(other, before: one) }

  private func isOver(_ tensor: Int, before other: Int) -> Bool {
    guard let beginning = producers[other] else { return false }
    return touches[tensor].allSatisfy {
      ancestors[beginning].contains($0) || ($0 == beginning && overwriter[tensor] == beginning)
    }
  }

  /// An operator is the last one of some tensors, and its result is written over them; or that is taken back.
  mutating func setOverwriter(_ op: Int?, of tensors: [Int]) {
    for tensor in tensors { overwriter[tensor] = op }
  }

  /// Instead of one operator others touch a tensor.
  mutating func replaceTouch(of tensor: Int, by op: Int, with others: [Int]) {
    touches[tensor] = Set(touches[tensor].filter { $0 != op } + others).sorted()
  }
}
