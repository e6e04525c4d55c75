/// Checks a schedule against its problem; quadratic on purpose, and sharing nothing with any solver.
public enum ScheduleValidator {
  /// The first rule that a schedule breaks.
  public enum Violation: Error, Sendable, Equatable, CustomStringConvertible {
    case notAnOrder(reason: String)
    case dependence(op: Int, tensor: Int, step: Int)
    case unknownTensor(piece: Int)
    case unscheduledTensor(tensor: Int)
    case pieceSteps(tensor: Int, first: Int, last: Int)
    case outOfMemory(tensor: Int, offset: Int)
    case misaligned(tensor: Int, offset: Int, alignment: Int)
    case overlap(tensor: Int, other: Int, step: Int)
    case twice(tensor: Int, step: Int)
    case notResident(tensor: Int, op: Int, step: Int)
    case beforeProduction(tensor: Int, step: Int)
    case apart(tensor: Int, other: Int, op: Int, step: Int)
    case neededAfterwards(tensor: Int, op: Int, step: Int)
    case traffic(expected: ScheduleSolution.Traffic, found: ScheduleSolution.Traffic)
    case boundAboveTraffic(bound: Int, traffic: Int)

    public var description: String {
      switch self {
      case .notAnOrder(let reason): "the order is not one of all operators: \(reason)"
      case .dependence(let op, let tensor, let step):
        "operator \(op) runs in step \(step), before tensor \(tensor) that it reads is produced"
      case .unknownTensor(let piece): "piece \(piece) is of a tensor that the problem does not have"
      case .unscheduledTensor(let tensor): "tensor \(tensor) is a parameter, and only activations are scheduled"
      case .pieceSteps(let tensor, let first, let last):
        "the piece of tensor \(tensor) during steps \(first)...\(last) leaves the schedule"
      case .outOfMemory(let tensor, let offset): "tensor \(tensor) at offset \(offset) leaves the budget"
      case .misaligned(let tensor, let offset, let alignment):
        "tensor \(tensor) at offset \(offset) is not at a multiple of \(alignment)"
      case .overlap(let tensor, let other, let step): "tensors \(other) and \(tensor) overlap in step \(step)"
      case .twice(let tensor, let step): "tensor \(tensor) is in the scratchpad twice in step \(step)"
      case .notResident(let tensor, let op, let step):
        "operator \(op) needs tensor \(tensor) in step \(step), and no piece covers it"
      case .beforeProduction(let tensor, let step):
        "a piece of tensor \(tensor) begins in step \(step), which is not where it is produced first"
      case .apart(let tensor, let other, let op, let step):
        "operator \(op) reads tensor \(other) right behind tensor \(tensor) in step \(step), and it lies elsewhere"
      case .neededAfterwards(let tensor, let op, let step):
        "operator \(op) writes its result over tensor \(tensor) in step \(step), and the tensor is used later"
      case .traffic(let expected, let found):
        "the plan spills \(expected.spilled) and fetches \(expected.fetched) bytes, and says "
          + "\(found.spilled) and \(found.fetched)"
          + (expected.recomputed == found.recomputed
            ? "" : "; its repeated cycles count for \(expected.recomputed), and it says \(found.recomputed)")
      case .boundAboveTraffic(let bound, let traffic): "the bound \(bound) is above the traffic \(traffic)"
      }
    }
  }

  /// Throws the first violation found. Tensors and operators are named by their ids in the problem file.
  public static func validate(_ plan: ScheduleSolution, for problem: ScheduleProblem) throws(Violation) {
    try checkOrder(plan, problem)
    try checkPieces(plan, problem)
    var spilled = 0
    var fetched = 0
    for (index, tensor) in problem.tensors.enumerated() {
      let id = ScheduleProblem.TensorID(index)
      if plan.scope == .activations && tensor.kind == .parameter { continue }
      let pieces = plan.pieces.filter { $0.tensor == id }.sorted { $0.first < $1.first }
      var productionSteps: [Int] = []
      for (step, op) in plan.order.enumerated() {
        let isProduced = problem.operators[op].outputs.contains(id)
        if isProduced { productionSteps.append(step) }
        guard isProduced || problem.operators[op].inputs.contains(id) else { continue }
        if !pieces.contains(where: { $0.first <= step && step <= $0.last }) {
          throw .notResident(tensor: tensor.id, op: problem.operators[op].id, step: step)
        }
      }
      guard let firstPiece = pieces.first else { continue }
      if let produced = productionSteps.first, firstPiece.first != produced {
        throw .beforeProduction(tensor: tensor.id, step: firstPiece.first)
      }
      // A piece that begins where the tensor is produced, once more perhaps, is not fetched.
      let fetches = pieces.dropFirst().filter { !productionSteps.contains($0.first) }.count
      fetched += fetches * tensor.bytes
      if tensor.kind == .activation && fetches > 0 { spilled += tensor.bytes }
    }
    try checkSharing(plan, problem)
    var hasRun: Set<ScheduleProblem.OperatorID> = []
    var recomputed = 0
    for op in plan.order where !hasRun.insert(op).inserted {
      recomputed += plan.recomputation.cyclePrice * problem.operators[op].cycles
    }
    let expected = ScheduleSolution.Traffic(spilled: spilled, fetched: fetched, recomputed: recomputed)
    if expected != plan.traffic { throw .traffic(expected: expected, found: plan.traffic) }
    if plan.bound > expected.total { throw .boundAboveTraffic(bound: plan.bound, traffic: expected.total) }
  }

  private static func checkOrder(_ plan: ScheduleSolution, _ problem: ScheduleProblem) throws(Violation) {
    let most = problem.operators.count + plan.recomputation.limit
    if plan.order.count < problem.operators.count || plan.order.count > most {
      let expected = most > problem.operators.count ? "\(problem.operators.count) to \(most)" : "\(most)"
      throw .notAnOrder(reason: "expected \(expected) operators, found \(plan.order.count)")
    }
    // The first run of each.
    var stepOf = [Int?](repeating: nil, count: problem.operators.count)
    for (step, op) in plan.order.enumerated() {
      guard problem.operators.indices.contains(op.index) else {
        throw .notAnOrder(reason: "step \(step) names an operator that does not exist")
      }
      if stepOf[op.index] != nil, plan.recomputation.limit == 0 {
        throw .notAnOrder(reason: "operator \(problem.operators[op].id) stands there twice")
      }
      if stepOf[op.index] == nil { stepOf[op.index] = step }
    }
    if let missing = stepOf.firstIndex(of: nil) {
      throw .notAnOrder(reason: "operator \(problem.operators[missing].id) does not run")
    }
    var producer = [Int?](repeating: nil, count: problem.tensors.count)
    for (index, op) in problem.operators.enumerated() {
      for tensor in op.outputs { producer[tensor.index] = index }
    }
    for (index, op) in problem.operators.enumerated() {
      for tensor in op.inputs {
        guard let source = producer[tensor.index], let producedAt = stepOf[source], let readAt = stepOf[index] else {
          continue
        }
        if producedAt >= readAt { throw .dependence(op: op.id, tensor: problem.tensors[tensor].id, step: readAt) }
      }
    }
  }

  private static func checkPieces(_ plan: ScheduleSolution, _ problem: ScheduleProblem) throws(Violation) {
    for (number, piece) in plan.pieces.enumerated() {
      guard problem.tensors.indices.contains(piece.tensor.index) else { throw .unknownTensor(piece: number) }
      let tensor = problem.tensors[piece.tensor]
      if plan.scope == .activations && tensor.kind == .parameter { throw .unscheduledTensor(tensor: tensor.id) }
      if piece.first < 0 || piece.last < piece.first || piece.last >= plan.order.count {
        throw .pieceSteps(tensor: tensor.id, first: piece.first, last: piece.last)
      }
      if piece.offset < 0 || tensor.size > plan.budget || piece.offset > plan.budget - tensor.size {
        throw .outOfMemory(tensor: tensor.id, offset: piece.offset)
      }
      if piece.offset % problem.alignment != 0 {
        throw .misaligned(tensor: tensor.id, offset: piece.offset, alignment: problem.alignment)
      }
      for other in plan.pieces[..<number] {
        let step = max(piece.first, other.first)
        guard step <= piece.last, step <= other.last else { continue }
        let otherTensor = problem.tensors[other.tensor]
        if piece.tensor == other.tensor { throw .twice(tensor: tensor.id, step: step) }
        let isBelow = piece.offset + tensor.size <= other.offset
        let isAbove = other.offset + otherTensor.size <= piece.offset
        let isTaken = !isBelow && !isAbove && tensor.size > 0 && otherTensor.size > 0
        if isTaken, !isWritten(piece, over: other, plan, problem), !isWritten(other, over: piece, plan, problem) {
          throw .overlap(tensor: tensor.id, other: otherTensor.id, step: step)
        }
      }
    }
  }

  /// Whether one piece begins in the step in which the other ends, at its place in it, with an operator that may write its
  /// result over the other.
  private static func isWritten(
    _ piece: ScheduleSolution.Piece, over other: ScheduleSolution.Piece, _ plan: ScheduleSolution,
    _ problem: ScheduleProblem
  ) -> Bool {
    let op = problem.operators[plan.order[piece.first]]
    guard piece.first == other.last, op.outputs == [piece.tensor],
      let number = op.overwritten.firstIndex(of: other.tensor)
    else { return false }
    // One behind the other they are what the result takes.
    let before = op.overwritten[..<number].reduce(0) { $0 + problem.tensors[$1].size }
    return piece.offset + before == other.offset
  }

  /// What is adjacent lies so, and nothing is read that may have been written over.
  private static func checkSharing(_ plan: ScheduleSolution, _ problem: ScheduleProblem) throws(Violation) {
    for (step, run) in plan.order.enumerated() {
      let op = problem.operators[run]
      for tensor in op.overwritten {
        let isLater = plan.order[(step + 1)...].contains { problem.operators[$0].inputs.contains(tensor) }
        if isLater || !op.inputs.contains(tensor) {
          throw .neededAfterwards(tensor: problem.tensors[tensor].id, op: op.id, step: step)
        }
      }
      for group in op.adjacent {
        for (tensor, next) in zip(group, group.dropFirst()) {
          let places = [tensor, next].map { operand in
            plan.pieces.first { $0.tensor == operand && $0.first <= step && step <= $0.last }?.offset
          }
          // That they are there was checked.
          guard let place = places[0], let following = places[1] else { continue }
          if place + problem.tensors[tensor].size != following {
            throw .apart(
              tensor: problem.tensors[tensor].id, other: problem.tensors[next].id, op: op.id, step: step)
          }
        }
      }
    }
  }
}
