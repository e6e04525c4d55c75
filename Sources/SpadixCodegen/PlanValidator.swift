import SpadixISA
import SpadixKernel
import SpadixPlan
import SpadixSupport

/// Checks a plan against the kernels that it is for: that its loop nests can run where it says that operands are, that
/// their rows and bytes are what it says, and that tensors are where they are needed. Shares nothing with the search.
public struct PlanValidator {
  private let kernels: PreparedKernels

  public init(_ kernels: PreparedKernels) { self.kernels = kernels }

  /// Throws the first rule that the plan breaks.
  public func validate(_ plan: Plan) throws(PlanViolation) {
    guard plan.steps.count == kernels.problem.operators.count else {
      throw PlanViolation(
        "plan.step-count", "expected \(kernels.problem.operators.count) steps, found \(plan.steps.count)", at: .plan)
    }
    var groups: [Int: GroupAccount] = [:]
    var groupOfStep: [Int: Int] = [:]
    for group in plan.groups {
      let account = try GroupAccount(group, plan, kernels)
      groups[group.steps.lowerBound] = account
      for step in group.steps { groupOfStep[step] = group.steps.lowerBound }
      if account.rows != group.rows {
        throw PlanViolation(
          "plan.rows", "the group needs \(account.rows) rows, the plan says \(group.rows)",
          at: .group(group.steps.lowerBound, nil))
      }
      try kernels.checkContents(of: group, plan)
    }
    for (index, step) in plan.steps.enumerated() {
      if let first = groupOfStep[index], let account = groups[first] {
        let bytes = account.bytes[index - first]
        if (bytes.read, bytes.written) != (step.cost.readBytes, step.cost.writtenBytes) {
          throw PlanViolation(
            "plan.bytes",
            "in its group the step reads \(bytes.read) and writes \(bytes.written) bytes, the plan says "
              + "\(step.cost.readBytes) and \(step.cost.writtenBytes)", at: .step(index, nil))
        }
        continue
      }
      try checkPlaces(index, step)
      try checkNest(index, step)
      let account = account(of: index, step)
      if account.rows != step.workingRows {
        throw PlanViolation(
          "plan.rows", "the step needs \(account.rows) rows of its own, the plan says \(step.workingRows)",
          at: .step(index, nil))
      }
      if (account.readBytes, account.writtenBytes) != (step.cost.readBytes, step.cost.writtenBytes) {
        throw PlanViolation(
          "plan.bytes",
          "the step reads \(account.readBytes) and writes \(account.writtenBytes) bytes, the plan says "
            + "\(step.cost.readBytes) and \(step.cost.writtenBytes)", at: .step(index, nil))
      }
    }
    try checkResidency(plan)
  }

  // MARK: Steps

  /// Whether the operands can be where the step has them, and its nest is one of the operator's.
  func checkPlaces(_ index: Int, _ step: Plan.Step) throws(PlanViolation) {
    let op = kernels.problem.operators[index]
    try count(step.inputs, op.inputs.count, index, "inputs")
    try count(step.outputs, op.outputs.count, index, "outputs")
    let possible = PossiblePlaces(index, kernels)
    if (step.inputs + step.outputs).contains(.rows) {
      throw PlanViolation(
        "plan.places", "only operands and results in a group are in rows; expected resident or streamed",
        at: .step(index, step.inputs.contains(.rows) ? "inputs" : "outputs"))
    }
    if step.keepsConstants {
      throw PlanViolation(
        "plan.weights", "only a step of a group keeps its weights for all strips", at: .step(index, "weights"))
    }
    if step.isFromTop {
      throw PlanViolation(
        "plan.from", "only a step of a group has image rows that could lie high or low", at: .step(index, "from"))
    }
    if !step.fetched.isEmpty {
      throw PlanViolation(
        "plan.fetched", "only a step of a group fetches a part of what is in rows", at: .step(index, "fetched"))
    }
    for (position, place) in step.inputs.enumerated() {
      let name = kernels.problem.tensors[op.inputs[position]].name
      if let first = op.inputs.firstIndex(of: op.inputs[position]), step.inputs[first] != place {
        throw PlanViolation(
          "plan.places", "%\(name) is both resident and streamed; one tensor has one place", at: .step(index, "inputs"))
      }
      if place == .resident, !possible.mayReside(position, of: op.inputs.count) {
        throw PlanViolation(
          "plan.places", "%\(name) cannot be read from the scratchpad by \(op.name)", at: .step(index, "inputs"))
      }
    }
    if step.outputs.contains(.resident) {
      guard possible.outputMayReside else {
        throw PlanViolation(
          "plan.places", "the result of \(op.name) cannot stay in the scratchpad of '\(kernels.target.name)'",
          at: .step(index, "outputs"))
      }
      if step.nest == .copy, step.inputs.contains(.resident) {
        throw PlanViolation(
          "plan.places", "a copy into the scratchpad reads from DRAM; expected streamed inputs",
          at: .step(index, "inputs"))
      }
    }
  }

  private func count(_ places: [Plan.Place], _ expected: Int, _ index: Int, _ field: String) throws(PlanViolation) {
    if places.count == expected { return }
    throw PlanViolation(
      "plan.places", "expected \(expected) places of \(field), found \(places.count)", at: .step(index, field))
  }

  func checkNest(_ index: Int, _ step: Plan.Step) throws(PlanViolation) {
    switch (kernels.kernels[index], step.nest) {
    case (.tile(let forms), .tile(let form, let tiling)):
      guard forms.indices.contains(form) else {
        throw PlanViolation(
          "plan.form", "expected a form from 0 to \(forms.count - 1), found \(form)", at: .step(index, "form"))
      }
      let inputs = step.inputs.map { $0 == .resident }
      guard forms[form].serves(inputs) else {
        throw PlanViolation(
          "plan.form", "form \(form) is for an input that is \(forms[form].input)", at: .step(index, "form"))
      }
      let places = KernelPlaces(forms[form].kernel, inputs: inputs, output: step.outputs.first == .resident)
      try NestRules(kernel: forms[form].kernel, places: places, target: kernels.target, step: index).check(tiling)
    case (.copy, .copy), (.host, .host), (.alias, .host): break
    case (.tile, _), (.copy, _), (.host, _), (.alias, _):
      throw PlanViolation(
        "plan.nest", "\(kernels.problem.operators[index].name) does not run in such a loop nest", at: .step(index, nil))
    }
  }

  /// Rows and bytes of a legal step.
  func account(of index: Int, _ step: Plan.Step) -> (rows: Int, readBytes: Int, writtenBytes: Int) {
    let inputs = step.inputs.map { $0 == .resident }
    let output = step.outputs.first == .resident
    switch (kernels.kernels[index], step.nest) {
    case (.tile(let forms), .tile(let form, let tiling)):
      let kernel = forms[form].kernel
      let account = NestAccount(
        kernel, tiling, KernelPlaces(kernel, inputs: inputs, output: output), dim: kernels.target.dim)
      return (account.rows, account.readBytes, account.writtenBytes)
    case (.copy(let kernel), _):
      var read = 0
      var written = 0
      for block in kernel.blocks {
        switch block.source {
        case .input(let input): read += inputs[input] ? 0 : block.rows * block.bytes
        // One repeated row for every load.
        case .fill: read += ceilDivide(block.rows, kernels.target.dim) * block.bytes
        }
        written += block.rows * block.bytes
      }
      return (output || written == 0 ? 0 : bounceRows, read, output ? 0 : written)
    case (.tile, _), (.host, _), (.alias, _): return (0, 0, 0)
    }
  }

  /// Slots that a copy fills and empties in turn: as many columns as a move takes, in an eighth of the scratchpad each at
  /// most; four of them in a quarter of it, or else two.
  private var bounceRows: Int {
    let target = kernels.target
    let blocks = min(target.maxBlockLength, target.scratchpadRows / 8 / target.dim)
    let slot = max(1, blocks) * target.dim
    return 4 * slot <= target.scratchpadRows / 4 ? 4 * slot : 2 * slot
  }

  // MARK: Residency

  /// Pieces, rows and what is in DRAM, as the validator of the scheduler's problem replays them: with one alternative for
  /// each operator, the plan's own.
  func checkResidency(_ plan: Plan) throws(PlanViolation) {
    var problem = kernels.problem
    problem.objective = plan.objective ?? .time
    func place(_ place: Plan.Place) -> KernelProblem.Place { place == .resident ? .resident : .streamed }
    for (index, step) in plan.steps.enumerated() {
      problem.operators[index].alternatives = [
        KernelProblem.Alternative(
          inputs: step.inputs.map(place), outputs: step.outputs.map(place), rows: step.workingRows, cost: step.cost)
      ]
    }
    var steps = plan.steps.map { KernelSolution.Step(alternative: 0, workingRow: $0.workingRow) }
    for (number, group) in plan.groups.enumerated() {
      let border = GroupBorder(group.steps, problem)
      func placeOf(_ tensor: KernelProblem.TensorID) -> KernelProblem.Place {
        for step in group.steps {
          let op = problem.operators[step]
          for (other, place) in zip(op.inputs + op.outputs, plan.steps[step].inputs + plan.steps[step].outputs)
          where other == tensor && place == .resident { return .resident }
        }
        return .streamed
      }
      problem.groups.append(
        KernelProblem.Group(
          operators: group.steps, inputs: border.inputs, outputs: border.outputs,
          alternatives: [
            KernelProblem.Alternative(
              inputs: border.inputs.map(placeOf), outputs: border.outputs.map(placeOf), rows: group.rows,
              cost: group.steps.reduce(.zero) { $0 + plan.steps[$1].cost })
          ]))
      for step in group.steps {
        steps[step] = KernelSolution.Step(alternative: 0, workingRow: group.row, group: number)
      }
    }
    let solution = KernelSolution(
      steps: steps, pieces: plan.pieces, cost: plan.cost, bound: plan.bounds.objective ?? 0,
      certificate: plan.certificate)
    do throws(KernelValidator.Violation) {
      try KernelValidator.validate(solution, for: problem)
    } catch {
      throw PlanViolation(error.rule, "\(error)", at: self.place(error, plan))
    }
    for index in plan.steps.indices { try checkRows(index, plan) }
  }

  /// Parts of a working block that lie by themselves: inside, apart from each other and from all tensors.
  private func checkRows(_ index: Int, _ plan: Plan) throws(PlanViolation) {
    let step = plan.steps[index]
    // Those of a step in a group are checked with the group.
    guard let rows = step.rows, plan.group(of: index) == nil else { return }
    func violation(_ rule: String, _ message: String) -> PlanViolation {
      PlanViolation(rule, message, at: .step(index, "rows"))
    }
    var sizes: [Int] = []
    if case .tile(let form, let tiling) = step.nest, case .tile(let forms) = kernels.kernels[index] {
      let kernel = forms[form].kernel
      let places = KernelPlaces(
        kernel, inputs: step.inputs.map { $0 == .resident }, output: step.outputs.first == .resident)
      sizes = NestAccount(kernel, tiling, places, dim: kernels.target.dim).parts
    }
    guard rows.count == sizes.count, sizes.reduce(0, +) == step.workingRows else {
      throw violation(
        "plan.rows", "expected the first rows of the \(sizes.count) parts of the step's own rows, found \(rows.count)")
    }
    var taken: [(name: String, rows: Range<Int>)] = plan.pieces.filter { $0.first <= index && index <= $0.last }.map {
      let tensor = kernels.problem.tensors[$0.tensor]
      return ("%\(tensor.name)", $0.row..<$0.row + tensor.rows)
    }
    for (part, (row, size)) in zip(rows, sizes).enumerated() {
      guard row >= 0, row <= kernels.target.scratchpadRows - size else {
        throw violation(
          "plan.scratchpad", "part \(part), \(size) rows from \(row), leaves the \(kernels.target.scratchpadRows) rows")
      }
      let range = row..<row + size
      if let other = taken.first(where: { $0.rows.overlaps(range) }) {
        throw violation("plan.overlap", "part \(part), \(size) rows from \(row), overlaps \(other.name)")
      }
      taken.append(("part \(part)", range))
    }
  }

  private func place(_ violation: KernelValidator.Violation, _ plan: Plan) -> PlanViolation.Place {
    func piece(_ name: String, _ step: Int?) -> PlanViolation.Place {
      let index = plan.pieces.firstIndex {
        kernels.problem.tensors[$0.tensor].name == name && (step == nil || $0.first <= step! && step! <= $0.last)
      }
      return index.map { .piece($0) } ?? step.map { .step($0, nil) } ?? .plan
    }
    func step(_ index: Int, _ field: String?) -> PlanViolation.Place {
      if let group = plan.group(of: index) { return .group(group.steps.lowerBound, field == "row" ? field : nil) }
      return .step(index, field)
    }
    switch violation {
    case .brokenGroup(let step): return .group(step, nil)
    case .pieceInsideGroup(let index): return .piece(index)
    case .stepCount, .cost, .boundAboveCost: return .plan
    case .unknownAlternative(let index, _): return step(index, nil)
    case .workingBlockOutOfScratchpad(let index, _): return step(index, "row")
    case .unknownTensor(let index), .pieceSteps(let index): return .piece(index)
    case .outOfScratchpad(let tensor, let row):
      let index = plan.pieces.firstIndex { kernels.problem.tensors[$0.tensor].name == tensor && $0.row == row }
      return index.map { .piece($0) } ?? .plan
    case .overlap(let first, _, let index), .sameTensorTwice(let first, let index): return piece(first, index)
    case .notProducedHere(let tensor, let index), .spillOfFetched(let tensor, let index): return piece(tensor, index)
    case .notInMemory(_, let index), .notResident(_, let index): return step(index, "inputs")
    case .resultNotResident(_, let index): return step(index, "outputs")
    case .outputNotStored(let tensor): return piece(tensor, nil)
    }
  }
}

extension PossiblePlaces {
  /// Host steps have fewer int8 operands than operands.
  fileprivate func mayReside(_ position: Int, of count: Int) -> Bool {
    inputMayReside.count == count && inputMayReside[position]
  }
}

extension KernelValidator.Violation {
  fileprivate var rule: String {
    switch self {
    case .stepCount: "plan.step-count"
    case .unknownAlternative: "plan.nest"
    case .unknownTensor: "plan.unknown-tensor"
    case .brokenGroup, .pieceInsideGroup: "plan.group-steps"
    case .pieceSteps: "plan.piece-steps"
    case .outOfScratchpad, .workingBlockOutOfScratchpad: "plan.scratchpad"
    case .overlap: "plan.overlap"
    case .sameTensorTwice: "plan.piece-twice"
    case .notProducedHere: "plan.piece-origin"
    case .notInMemory: "plan.not-in-dram"
    case .notResident: "plan.not-resident"
    case .resultNotResident: "plan.result-piece"
    case .spillOfFetched: "plan.spill"
    case .outputNotStored: "plan.output"
    case .cost: "plan.cost"
    case .boundAboveCost: "plan.bound"
    }
  }
}
