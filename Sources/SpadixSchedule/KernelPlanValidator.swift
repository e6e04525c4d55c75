/// Checks a kernel plan against its problem; quadratic on purpose, and sharing nothing with the solver.
public enum KernelPlanValidator {
  public enum Violation: Error, Sendable, Equatable, CustomStringConvertible {
    case stepCount(expected: Int, found: Int)
    case unknownVariant(step: Int, variant: Int)
    case unknownTensor(piece: Int)
    case pieceSteps(piece: Int)
    case outOfScratchpad(tensor: String, row: Int)
    case workingBlockOutOfScratchpad(step: Int, row: Int)
    case overlap(first: String, second: String, step: Int)
    case sameTensorTwice(tensor: String, step: Int)
    case notProducedHere(tensor: String, step: Int)
    case notInMemory(tensor: String, step: Int)
    case notResident(tensor: String, step: Int)
    case resultNotResident(tensor: String, step: Int)
    case spillOfFetched(tensor: String, step: Int)
    case outputNotStored(tensor: String)
    case traffic(expected: Int, found: Int)
    case boundAboveTraffic(bound: Int, traffic: Int)

    public var description: String {
      switch self {
      case .stepCount(let expected, let found): "expected \(expected) steps, found \(found)"
      case .unknownVariant(let step, let variant): "step \(step) has no variant \(variant)"
      case .unknownTensor(let piece): "piece \(piece) is of an unknown tensor"
      case .pieceSteps(let piece): "piece \(piece) is not a range of steps of the problem"
      case .outOfScratchpad(let tensor, let row): "tensor \(tensor) at row \(row) leaves the scratchpad"
      case .workingBlockOutOfScratchpad(let step, let row):
        "the working block of step \(step) at row \(row) leaves the scratchpad"
      case .overlap(let first, let second, let step): "\(first) and \(second) share rows in step \(step)"
      case .sameTensorTwice(let tensor, let step): "tensor \(tensor) is in the scratchpad twice in step \(step)"
      case .notProducedHere(let tensor, let step):
        "the piece of \(tensor) from step \(step) is not the result of that step's operator kept in place"
      case .notInMemory(let tensor, let step): "step \(step) reads \(tensor) from DRAM, which does not hold it"
      case .notResident(let tensor, let step): "step \(step) needs \(tensor) in the scratchpad"
      case .resultNotResident(let tensor, let step): "step \(step) leaves \(tensor) in the scratchpad without a piece"
      case .spillOfFetched(let tensor, let step): "the fetched piece of \(tensor) from step \(step) cannot be spilled"
      case .outputNotStored(let tensor): "output \(tensor) is not in DRAM at the end"
      case .traffic(let expected, let found): "the plan moves \(expected) bytes and says \(found)"
      case .boundAboveTraffic(let bound, let traffic): "the bound \(bound) is above the traffic \(traffic)"
      }
    }
  }

  /// Throws the first violation found.
  public static func validate(_ plan: KernelPlan, for problem: KernelProblem) throws(Violation) {
    try checkShape(plan, problem)
    try checkRows(plan, problem)
    var traffic = 0
    for piece in plan.pieces {
      let tensor = problem.tensors[piece.tensor]
      switch piece.origin {
      case .produced:
        guard resultPlace(piece.tensor, piece.first, plan, problem) == .resident else {
          throw .notProducedHere(tensor: tensor.name, step: piece.first)
        }
        if piece.spilled { traffic += tensor.bytes }
      case .fetched:
        if piece.spilled { throw .spillOfFetched(tensor: tensor.name, step: piece.first) }
        guard isInMemory(piece.tensor, before: piece.first, plan, problem) else {
          throw .notInMemory(tensor: tensor.name, step: piece.first)
        }
        traffic += tensor.bytes
      }
    }
    for (step, op) in problem.operators.enumerated() {
      let variant = op.variants[plan.steps[step].variant]
      traffic += variant.readBytes + variant.writtenBytes
      for (tensor, place) in zip(op.inputs, variant.inputs) {
        switch place {
        case .streamed:
          if !isInMemory(tensor, before: step, plan, problem) {
            throw .notInMemory(tensor: problem.tensors[tensor].name, step: step)
          }
        case .resident:
          let covered = plan.pieces.contains { $0.tensor == tensor && $0.first <= step && step <= $0.last }
          if !covered { throw .notResident(tensor: problem.tensors[tensor].name, step: step) }
        }
      }
      for (tensor, place) in zip(op.outputs, variant.outputs) where place == .resident {
        let begun = plan.pieces.contains { $0.tensor == tensor && $0.first == step && $0.origin == .produced }
        if !begun { throw .resultNotResident(tensor: problem.tensors[tensor].name, step: step) }
      }
    }
    for (index, tensor) in problem.tensors.enumerated() where tensor.kind == .output {
      if !isInMemory(KernelProblem.TensorID(index), before: problem.operators.count, plan, problem) {
        throw .outputNotStored(tensor: tensor.name)
      }
    }
    if traffic != plan.trafficBytes { throw .traffic(expected: traffic, found: plan.trafficBytes) }
    if plan.boundBytes > traffic { throw .boundAboveTraffic(bound: plan.boundBytes, traffic: traffic) }
  }

  private static func checkShape(_ plan: KernelPlan, _ problem: KernelProblem) throws(Violation) {
    guard plan.steps.count == problem.operators.count else {
      throw .stepCount(expected: problem.operators.count, found: plan.steps.count)
    }
    for (step, choice) in plan.steps.enumerated() {
      guard problem.operators[step].variants.indices.contains(choice.variant) else {
        throw .unknownVariant(step: step, variant: choice.variant)
      }
    }
    for (index, piece) in plan.pieces.enumerated() {
      guard problem.tensors.indices.contains(piece.tensor.index) else { throw .unknownTensor(piece: index) }
      guard piece.first >= 0, piece.first <= piece.last, piece.last < problem.operators.count else {
        throw .pieceSteps(piece: index)
      }
    }
  }

  private static func checkRows(_ plan: KernelPlan, _ problem: KernelProblem) throws(Violation) {
    for piece in plan.pieces {
      let tensor = problem.tensors[piece.tensor]
      if piece.row < 0 || piece.row > problem.capacity - tensor.rows {
        throw .outOfScratchpad(tensor: tensor.name, row: piece.row)
      }
    }
    for (step, choice) in plan.steps.enumerated() {
      let rows = problem.operators[step].variants[choice.variant].workingRows
      if choice.workingRow < 0 || choice.workingRow > problem.capacity - rows {
        throw .workingBlockOutOfScratchpad(step: step, row: choice.workingRow)
      }
    }
    for (number, piece) in plan.pieces.enumerated() {
      let rows = piece.row..<piece.row + problem.tensors[piece.tensor].rows
      for other in plan.pieces[..<number] {
        let step = max(piece.first, other.first)
        guard step <= piece.last, step <= other.last else { continue }
        let name = problem.tensors[piece.tensor].name
        if piece.tensor == other.tensor { throw .sameTensorTwice(tensor: name, step: step) }
        if rows.overlaps(other.row..<other.row + problem.tensors[other.tensor].rows) {
          throw .overlap(first: problem.tensors[other.tensor].name, second: name, step: step)
        }
      }
      for step in piece.first...piece.last {
        let choice = plan.steps[step]
        let working = problem.operators[step].variants[choice.variant].workingRows
        if rows.overlaps(choice.workingRow..<choice.workingRow + working) {
          throw .overlap(
            first: problem.tensors[piece.tensor].name, second: "the working block of \(problem.operators[step].name)",
            step: step)
        }
      }
    }
  }

  /// The place of a tensor among the results of a step, nil when it is none of them.
  private static func resultPlace(
    _ tensor: KernelProblem.TensorID, _ step: Int, _ plan: KernelPlan, _ problem: KernelProblem
  ) -> KernelProblem.Place? {
    let op = problem.operators[step]
    guard let position = op.outputs.firstIndex(of: tensor) else { return nil }
    return op.variants[plan.steps[step].variant].outputs[position]
  }

  /// Whether DRAM holds a tensor when a step begins.
  private static func isInMemory(
    _ tensor: KernelProblem.TensorID, before step: Int, _ plan: KernelPlan, _ problem: KernelProblem
  ) -> Bool {
    if problem.tensors[tensor].kind == .input { return true }
    for earlier in 0..<step where resultPlace(tensor, earlier, plan, problem) == .streamed { return true }
    return plan.pieces.contains {
      $0.tensor == tensor && $0.origin == .produced && $0.spilled && $0.first < step
    }
  }
}
