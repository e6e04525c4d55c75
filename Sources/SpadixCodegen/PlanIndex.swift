import SpadixPlan

/// A plan's pieces by step and by tensor, so that emission asks about each in constant time.
struct PlanIndex: Sendable {
  /// Per step, the pieces that begin there, in the plan's order.
  private(set) var starting: [[Plan.Piece]]
  /// Per tensor, its pieces in the order of their steps; they do not overlap.
  private var ofTensor: [[Plan.Piece]]
  /// Per step, the rows of its working block and of all resident tensors.
  private(set) var rowsInUse: [Int]
  /// Per step, the group that it runs in.
  private(set) var groups: [Plan.Group?]

  init(_ plan: Plan, _ problem: KernelProblem) {
    groups = Array(repeating: nil, count: plan.steps.count)
    for group in plan.groups { for step in group.steps { groups[step] = group } }
    starting = Array(repeating: [], count: plan.steps.count)
    ofTensor = Array(repeating: [], count: problem.tensors.count)
    // Rows that come and go with each step, then their running sum.
    var change = [Int](repeating: 0, count: plan.steps.count + 1)
    for piece in plan.pieces {
      starting[piece.first].append(piece)
      ofTensor[piece.tensor].append(piece)
      change[piece.first] += problem.tensors[piece.tensor].rows
      change[piece.last + 1] -= problem.tensors[piece.tensor].rows
    }
    for tensor in ofTensor.indices where ofTensor[tensor].count > 1 { ofTensor[tensor].sort { $0.first < $1.first } }
    var held = 0
    var rowsInUse: [Int] = []
    for (index, step) in plan.steps.enumerated() {
      held += change[index]
      rowsInUse.append(held + (groups[index]?.rows ?? step.workingRows))
    }
    self.rowsInUse = rowsInUse
  }

  func piece(of tensor: KernelProblem.TensorID, at step: Int) -> Plan.Piece? {
    let pieces = ofTensor[tensor]
    // The last piece that begins no later.
    var (low, high) = (0, pieces.count)
    while low < high {
      let middle = (low + high) / 2
      if pieces[middle].first <= step { low = middle + 1 } else { high = middle }
    }
    return low > 0 && step <= pieces[low - 1].last ? pieces[low - 1] : nil
  }

  func isSpilled(_ tensor: KernelProblem.TensorID) -> Bool { ofTensor[tensor].contains(where: \.spilled) }
}
