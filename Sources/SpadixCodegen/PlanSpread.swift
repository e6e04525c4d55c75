import SpadixIR
import SpadixISA
import SpadixKernel
import SpadixPlan

extension PreparedKernels {
  /// Array cycles of a step from which on its banks are worth a line of the plan.
  private static let leastCycles = 1 << 12

  /// A plan whose steps and groups have their rows apart by banks, and whose groups have all the room that tensors leave.
  public func spread(_ plan: Plan) -> Plan {
    var plan = plan
    for index in plan.groups.indices {
      giveRoom(to: &plan.groups[index], plan)
      arrange(index, &plan)
    }
    var before: [Range<Int>] = []
    var pieces = plan.pieces[...]
    var present: [Plan.Piece] = []
    for step in plan.steps.indices {
      present.removeAll { $0.last < step }
      while let piece = pieces.first, piece.first <= step {
        present.append(piece)
        pieces.removeFirst()
      }
      if let group = plan.group(of: step) {
        before = [group.row..<group.row + group.rows]
        continue
      }
      guard plan.steps[step].cost.arrayCycles >= Self.leastCycles,
        let nest = kernelNest(step: step, plan)
      else { continue }
      let parts = parts(of: nest, step, plan, present)
      var placement = BankPlacement(
        parts, BankTraffic(nest), occupied: present.map { $0.row..<$0.row + problem.tensors[$0.tensor].rows },
        before: before, target)
      let spread = placement.run()
      let working = (spread ?? parts).filter { !$0.isFixed }.map(\.rows)
      if spread != nil { plan.steps[step].rows = working.map(\.lowerBound) }
      before = working
    }
    return plan
  }

  /// Lets image rows take turns between the tensors that are in the scratchpad beside a group, if there is more room than
  /// they take.
  private func giveRoom(to group: inout Plan.Group, _ plan: Plan) {
    let room = room(around: group, plan)
    guard group.strips > 1, room.count > group.rows else { return }
    var wide = group
    (wide.row, wide.rows, wide.room) = (room.lowerBound, room.count, room.count)
    if layout(wide, kernelGroup(wide, plan, range(of: wide))) != nil { group = wide }
  }

  /// The rows between the tensors that are in the scratchpad beside a group.
  private func room(around group: Plan.Group, _ plan: Plan) -> Range<Int> {
    var (low, high) = (0, target.scratchpadRows)
    for piece in plan.pieces where piece.first <= group.steps.upperBound - 1 && piece.last >= group.steps.lowerBound {
      let end = piece.row + problem.tensors[piece.tensor].rows
      if end <= group.row { low = max(low, end) } else { high = min(high, piece.row) }
    }
    return low..<high
  }

  /// Puts what a group's steps need during a strip, and the image rows of each, where they lose few cycles in banks.
  private func arrange(_ index: Int, _ plan: inout Plan) {
    let group = plan.groups[index]
    guard group.steps.reduce(0, { $0 + plan.steps[$1].cost.arrayCycles }) >= Self.leastCycles else { return }
    let tensors = group.steps.map { step in
      var rows: [TileOperand: Range<Int>] = [:]
      func add(_ tensor: KernelProblem.TensorID, _ operand: TileOperand) {
        let piece = plan.pieces.first { $0.tensor == tensor && $0.first <= step && $0.last >= step }
        rows[operand] = piece.map { $0.row..<$0.row + problem.tensors[tensor].rows }
      }
      for (position, tensor) in problem.operators[step].inputs.enumerated() { add(tensor, .input(position)) }
      for tensor in problem.operators[step].outputs { add(tensor, .output) }
      return rows
    }
    let placement = GroupPlacement(
      group, kernelGroup(group, plan, range(of: group)), constants: nestConstants(of: group), tensors: tensors,
      room: room(around: group, plan), self)
    if let best = placement?.run(group) {
      plan.groups[index] = best.group
      for (step, isFromTop) in zip(group.steps, best.isFromTop) { plan.steps[step].isFromTop = isFromTop }
    }
    let arranged = plan.groups[index]
    let members = kernelGroup(arranged, plan, range(of: group))
    guard let places = layout(arranged, members) else { return }
    let costs = group.steps.map { plan.steps[$0].cost.arrayCycles }
    let parts = GroupParts(
      members, places, constants: nestConstants(of: group), tensors: tensors, row: arranged.row, target
    ).run { costs[$0] >= Self.leastCycles }
    for (step, rows) in zip(group.steps, parts) { plan.steps[step].rows = rows }
  }

  /// The slots of a step's buffers in the scratchpad: of its block one behind the other, tensors where they are.
  private func parts(
    of nest: KernelNest, _ step: Int, _ plan: Plan, _ present: [Plan.Piece]
  ) -> [BankPlacement.Part] {
    var parts: [BankPlacement.Part] = []
    var next = plan.steps[step].workingRow
    for (index, buffer) in nest.localBuffers.enumerated() {
      if buffer.isWorking {
        for slot in 0..<buffer.slots {
          parts.append(
            BankPlacement.Part(buffer: index, slot: slot, rows: next..<next + buffer.rows, isFixed: false))
          next += buffer.rows
        }
        continue
      }
      let value: ValueID
      switch buffer.tensor {
      case .input(let position): value = inputs[step][position]
      case .output: value = graph.operations[operations[step]].result
      case .constant, nil: continue
      }
      guard let row = present.first(where: { tensorID(value) == $0.tensor })?.row else { continue }
      parts.append(BankPlacement.Part(buffer: index, slot: 0, rows: row..<row + buffer.rows, isFixed: true))
    }
    return parts
  }

  /// The buffers of a step that runs in tiles.
  func workingBuffers(of step: Int, _ plan: Plan) -> [LocalBuffer]? { kernelNest(step: step, plan)?.localBuffers }

  /// The rows that a step has for itself, part by part.
  public func workingRows(of step: Int, _ plan: Plan) -> [Range<Int>] {
    if let group = plan.group(of: step) { return [group.row..<group.row + group.rows] }
    let it = plan.steps[step]
    if it.workingRows == 0 { return [] }
    guard let rows = it.rows, let buffers = workingBuffers(of: step, plan) else {
      return [it.workingRow..<it.workingRow + it.workingRows]
    }
    let sizes = buffers.filter(\.isWorking).flatMap { Array(repeating: $0.rows, count: $0.slots) }
    return zip(rows, sizes).map { $0..<$0 + $1 }
  }
}
