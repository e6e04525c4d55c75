import SpadixSupport

/// Checks a kernel plan against its problem, by running through the steps with what the scratchpad and DRAM hold;
/// shares nothing with the solver.
public enum KernelValidator {
  /// The first rule that a plan breaks.
  public enum Violation: Error, Sendable, Equatable, CustomStringConvertible {
    case stepCount(expected: Int, found: Int)
    case unknownAlternative(step: Int, alternative: Int)
    case brokenGroup(step: Int)
    case pieceInsideGroup(piece: Int)
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
    case cost(expected: Cost, found: Cost)
    case boundAboveCost(bound: Int, value: Int)

    public var description: String {
      switch self {
      case .stepCount(let expected, let found): "expected \(expected) steps, found \(found)"
      case .unknownAlternative(let step, let alternative): "step \(step) has no alternative \(alternative)"
      case .brokenGroup(let step): "the group of step \(step) does not run as a whole"
      case .pieceInsideGroup(let piece): "piece \(piece) begins or ends inside a group"
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
      case .cost(let expected, let found): "the plan costs \(expected) and says \(found)"
      case .boundAboveCost(let bound, let value): "the bound \(bound) is above the cost \(value)"
      }
    }
  }

  /// Throws the first violation found, in time linear in steps, operands and pieces.
  public static func validate(_ plan: KernelSolution, for problem: KernelProblem) throws(Violation) {
    let units = try units(plan, problem)
    try checkPieces(plan, problem, units)
    try checkRows(plan, problem, units)
    var beginning = [[KernelSolution.Piece]](repeating: [], count: problem.operators.count)
    for piece in plan.pieces { beginning[piece.first].append(piece) }
    /// By tensor: the last step of the piece that is in the scratchpad, and whether DRAM holds it.
    var residentUntil = [Int](repeating: -1, count: problem.tensors.count)
    var isInMemory = problem.tensors.map { $0.kind == .input }
    var cost = Cost.zero
    for unit in units {
      let alternative = unit.alternative
      let step = unit.steps.lowerBound
      cost += alternative.cost
      for piece in beginning[step] where piece.origin == .fetched {
        let tensor = problem.tensors[piece.tensor]
        if piece.spilled { throw .spillOfFetched(tensor: tensor.name, step: step) }
        if !isInMemory[piece.tensor.index] { throw .notInMemory(tensor: tensor.name, step: step) }
        residentUntil[piece.tensor.index] = piece.last
        cost += tensor.fetch
      }
      for (tensor, place) in zip(unit.inputs, alternative.inputs) {
        switch place {
        case .streamed:
          if !isInMemory[tensor.index] { throw .notInMemory(tensor: problem.tensors[tensor].name, step: step) }
        case .resident:
          if residentUntil[tensor.index] < unit.steps.upperBound - 1 {
            throw .notResident(tensor: problem.tensors[tensor].name, step: step)
          }
        }
      }
      try produce(unit, beginning[step], problem, &residentUntil, &isInMemory, &cost)
    }
    for (index, tensor) in problem.tensors.enumerated() where tensor.kind == .output && !isInMemory[index] {
      throw .outputNotStored(tensor: tensor.name)
    }
    if cost != plan.cost { throw .cost(expected: cost, found: plan.cost) }
    let value = problem.objective.value(cost)
    if plan.bound > value { throw .boundAboveCost(bound: plan.bound, value: value) }
  }

  /// Operators that run at a time: one, or a group.
  private struct Unit {
    var steps: Range<Int>
    var inputs: [KernelProblem.TensorID]
    var outputs: [KernelProblem.TensorID]
    var alternative: KernelProblem.Alternative
    var workingRow: Int
    var name: String
  }

  private static func units(_ plan: KernelSolution, _ problem: KernelProblem) throws(Violation) -> [Unit] {
    guard plan.steps.count == problem.operators.count else {
      throw .stepCount(expected: problem.operators.count, found: plan.steps.count)
    }
    var units: [Unit] = []
    var step = 0
    while step < plan.steps.count {
      let choice = plan.steps[step]
      var unit: Unit
      if let index = choice.group {
        guard problem.groups.indices.contains(index), problem.groups[index].operators.lowerBound == step else {
          throw .brokenGroup(step: step)
        }
        let group = problem.groups[index]
        for other in group.operators {
          let it = plan.steps[other]
          if (it.group, it.alternative, it.workingRow) != (index, choice.alternative, choice.workingRow) {
            throw .brokenGroup(step: step)
          }
        }
        guard group.alternatives.indices.contains(choice.alternative) else {
          throw .unknownAlternative(step: step, alternative: choice.alternative)
        }
        unit = Unit(
          steps: group.operators, inputs: group.inputs, outputs: group.outputs,
          alternative: group.alternatives[choice.alternative], workingRow: choice.workingRow,
          name: "the group of \(problem.operators[step].name)")
      } else {
        let op = problem.operators[step]
        guard op.alternatives.indices.contains(choice.alternative) else {
          throw .unknownAlternative(step: step, alternative: choice.alternative)
        }
        unit = Unit(
          steps: step..<step + 1, inputs: op.inputs, outputs: op.outputs,
          alternative: op.alternatives[choice.alternative], workingRow: choice.workingRow, name: op.name)
      }
      units.append(unit)
      step = unit.steps.upperBound
    }
    return units
  }

  /// The results of a step: pieces begin with those that stay in the scratchpad, and only with those.
  private static func produce(
    _ unit: Unit, _ beginning: [KernelSolution.Piece],
    _ problem: KernelProblem, _ residentUntil: inout [Int], _ isInMemory: inout [Bool], _ cost: inout Cost
  ) throws(Violation) {
    let step = unit.steps.lowerBound
    var isStored: [Bool] = []
    for (tensor, place) in zip(unit.outputs, unit.alternative.outputs) {
      switch place {
      case .streamed: isStored.append(true)
      case .resident:
        let piece = beginning.first { $0.tensor == tensor && $0.origin == .produced }
        guard let piece else { throw .resultNotResident(tensor: problem.tensors[tensor].name, step: step) }
        residentUntil[tensor.index] = piece.last
        isStored.append(piece.spilled)
        if piece.spilled { cost += problem.tensors[tensor].spill }
      }
    }
    for piece in beginning where piece.origin == .produced {
      let position = unit.outputs.firstIndex(of: piece.tensor)
      if position.map({ unit.alternative.outputs[$0] }) != .resident {
        throw .notProducedHere(tensor: problem.tensors[piece.tensor].name, step: step)
      }
    }
    // What the step stores can be read from DRAM from the next step on.
    for (tensor, stored) in zip(unit.outputs, isStored) where stored { isInMemory[tensor.index] = true }
  }

  private static func checkPieces(
    _ plan: KernelSolution, _ problem: KernelProblem, _ units: [Unit]
  ) throws(Violation) {
    let first = Set(units.map(\.steps.lowerBound))
    let last = Set(units.map { $0.steps.upperBound - 1 })
    for (index, piece) in plan.pieces.enumerated() {
      guard problem.tensors.indices.contains(piece.tensor.index) else { throw .unknownTensor(piece: index) }
      guard piece.first >= 0, piece.first <= piece.last, piece.last < problem.operators.count else {
        throw .pieceSteps(piece: index)
      }
      if !first.contains(piece.first) || !last.contains(piece.last) { throw .pieceInsideGroup(piece: index) }
    }
  }

  private static func checkRows(
    _ plan: KernelSolution, _ problem: KernelProblem, _ units: [Unit]
  ) throws(Violation) {
    for piece in plan.pieces {
      let tensor = problem.tensors[piece.tensor]
      if piece.row < 0 || piece.row > problem.capacity - tensor.rows {
        throw .outOfScratchpad(tensor: tensor.name, row: piece.row)
      }
    }
    for unit in units where unit.workingRow < 0 || unit.workingRow > problem.capacity - unit.alternative.rows {
      throw .workingBlockOutOfScratchpad(step: unit.steps.lowerBound, row: unit.workingRow)
    }
    try checkOverlaps(plan, problem, units)
  }

  /// Steps through the plan with the pieces in the scratchpad sorted by row: each may only meet its neighbours.
  private static func checkOverlaps(
    _ plan: KernelSolution, _ problem: KernelProblem, _ units: [Unit]
  ) throws(Violation) {
    var beginning = [[Int]](repeating: [], count: plan.steps.count)
    var ending = beginning
    for (index, piece) in plan.pieces.enumerated() {
      beginning[piece.first].append(index)
      ending[piece.last].append(index)
    }
    func rows(_ index: Int) -> Range<Int> {
      let piece = plan.pieces[index]
      return piece.row..<piece.row + problem.tensors[piece.tensor].rows
    }
    func name(_ index: Int) -> String { problem.tensors[plan.pieces[index].tensor].name }
    /// The position in `held` before which all pieces begin below a row.
    func position(_ row: Int, _ held: [Int]) -> Int {
      var (low, high) = (0, held.count)
      while low < high {
        let middle = (low + high) / 2
        if plan.pieces[held[middle]].row < row { low = middle + 1 } else { high = middle }
      }
      return low
    }
    var held: [Int] = []
    var isHeld = [Bool](repeating: false, count: problem.tensors.count)
    for unit in units {
      let step = unit.steps.lowerBound
      for index in beginning[step] {
        let tensor = plan.pieces[index].tensor
        if isHeld[tensor.index] { throw .sameTensorTwice(tensor: name(index), step: step) }
        isHeld[tensor.index] = true
        if rows(index).isEmpty { continue }
        let at = position(plan.pieces[index].row, held)
        for other in held[max(0, at - 1)..<min(held.count, at + 1)] where rows(other).overlaps(rows(index)) {
          throw .overlap(first: name(min(index, other)), second: name(max(index, other)), step: step)
        }
        held.insert(index, at: at)
      }
      let block = unit.workingRow..<unit.workingRow + unit.alternative.rows
      // The first piece that ends above the block's first row.
      let at = max(0, position(block.lowerBound, held) - 1)
      for index in held[at..<min(held.count, at + 2)] where rows(index).overlaps(block) {
        throw .overlap(
          first: name(index), second: "the working block of \(unit.name)", step: step)
      }
      for index in ending[unit.steps.upperBound - 1] {
        isHeld[plan.pieces[index].tensor.index] = false
        if rows(index).isEmpty { continue }
        held.remove(at: position(plan.pieces[index].row, held))
      }
    }
  }
}
