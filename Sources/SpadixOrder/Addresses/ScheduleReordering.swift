/// Other schedules of the same traffic, by giving the operators to the scheduler in another order.
struct ScheduleReordering {
  /// The problem with its operators in another legal order.
  let problem: ScheduleProblem
  /// For each of its operators the one of the original problem.
  private let original: [ScheduleProblem.OperatorID]

  /// - Parameter number: chooses the order; of the operators that could run, a scrambled ranking takes the next.
  init(_ problem: ScheduleProblem, number: Int) {
    let operators = problem.operators
    // Multiples of an odd number modulo a power of two are all different: a ranking without ties.
    let factor = UInt32(truncatingIfNeeded: 0x9E37_79B1 &+ 2 * number * 0x3C6E_F35F)
    let rank = operators.indices.map { UInt32(truncatingIfNeeded: $0 + 1) &* factor }
    var producer: [ScheduleProblem.TensorID: Int] = [:]
    for (index, op) in operators.enumerated() {
      for tensor in op.outputs { producer[tensor] = index }
    }
    var waiting = operators.map { op in Set(op.inputs.compactMap { producer[$0] }).count }
    var readers = [[Int]](repeating: [], count: operators.count)
    for (index, op) in operators.enumerated() {
      for source in Set(op.inputs.compactMap { producer[$0] }) { readers[source].append(index) }
    }
    var ready = operators.indices.filter { waiting[$0] == 0 }
    var order: [Int] = []
    while let next = ready.indices.min(by: { rank[ready[$0]] < rank[ready[$1]] }) {
      let op = ready.remove(at: next)
      order.append(op)
      for reader in readers[op] {
        waiting[reader] -= 1
        if waiting[reader] == 0 { ready.append(reader) }
      }
    }
    var reordered = problem
    reordered.operators = order.map { operators[$0] }
    self.problem = reordered
    original = order.map(ScheduleProblem.OperatorID.init)
  }

  /// An order of the reordered problem as one of the original.
  func restored(_ order: [Int]) -> [Int] { order.map { original[$0].index } }
}
