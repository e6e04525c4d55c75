import SpadixISA
import SpadixKernel
import SpadixPlan
import SpadixSupport

extension PreparedKernels {
  /// Reads a plan, as a search or a person has written it, and works out what follows from it: rows, bytes and cycles.
  ///
  /// A plan that says another cost than it has is taken with a warning, and loses its bounds: they were another plan's.
  ///
  /// Throws a diagnostic with the rule that is broken, at its place.
  public func readPlan(_ source: SourceText, from offset: Int = 0) throws -> (plan: Plan, warnings: [Diagnostic]) {
    var parser = try PlanParser(source, from: offset, self)
    let parsed = try parser.run()
    do throws(PlanViolation) {
      return try plan(parsed)
    } catch {
      throw parsed.diagnostic(error)
    }
  }

  private func plan(_ parsed: ParsedPlan) throws(PlanViolation) -> (plan: Plan, warnings: [Diagnostic]) {
    guard parsed.steps.count == problem.operators.count else {
      throw PlanViolation(
        "plan.step-count", "expected \(problem.operators.count) steps, found \(parsed.steps.count)", at: .plan)
    }
    let validator = PlanValidator(self)
    var time = KernelTime(target)
    var steps: [Plan.Step] = []
    let (groups, ofGroups) = try self.groups(parsed)
    for (index, step) in parsed.steps.enumerated() {
      var it = Plan.Step(
        inputs: step.inputs, outputs: step.outputs, nest: try nest(index, step), workingRow: step.row, workingRows: 0,
        cost: .zero, keepsConstants: step.keepsConstants, fetched: step.fetched, isFromTop: step.isFromTop)
      if let known = ofGroups[index] {
        steps.append(known)
        continue
      }
      try validator.checkPlaces(index, it)
      try validator.checkNest(index, it)
      let account = validator.account(of: index, it)
      it.workingRows = account.rows
      it.rows = step.rows
      it.cost = cost(index, it, &time)
      it.cost.readBytes = account.readBytes
      it.cost.writtenBytes = account.writtenBytes
      steps.append(it)
    }
    var plan = Plan(
      objective: parsed.objective, steps: steps, pieces: parsed.pieces.map(\.piece), cost: .zero,
      bounds: parsed.bounds,
      certificate: Plan.Certificate(closedBy: "read from a file", rows: 0, columns: 0, nodes: 0))
    plan.groups = groups
    plan.pieces.sort { ($0.first, $0.tensor.index) < ($1.first, $1.tensor.index) }
    plan.cost = steps.reduce(.zero) { $0 + $1.cost }
    for piece in plan.pieces {
      if piece.origin == .fetched { plan.cost += problem.tensors[piece.tensor].fetch }
      if piece.spilled { plan.cost += problem.tensors[piece.tensor].spill }
    }
    var warnings: [Diagnostic] = []
    if let (cost, range) = parsed.cost, cost != plan.cost {
      warnings.append(
        Diagnostic(
          "plan.cost", "the plan costs \(plan.cost); it says \(cost)", at: range, severity: .warning,
          help: "its bounds are left out: a search has to find them again"))
      plan.bounds = Plan.Bounds()
    }
    if let objective = plan.objective, let bound = plan.bounds.objective, bound > objective.value(plan.cost) {
      plan.bounds = Plan.Bounds()
    }
    try validator.checkResidency(plan)
    return (plan, warnings)
  }

  /// The groups, with rows, and their steps, with costs.
  private func groups(_ parsed: ParsedPlan) throws(PlanViolation) -> ([Plan.Group], [Int: Plan.Step]) {
    var raw = Plan(
      objective: nil, steps: [], pieces: [], cost: .zero, bounds: Plan.Bounds(),
      certificate: Plan.Certificate(closedBy: "", rows: 0, columns: 0, nodes: 0))
    raw.groups = parsed.groups.map(\.group).sorted { $0.steps.lowerBound < $1.steps.lowerBound }
    if raw.groups.isEmpty { return ([], [:]) }
    for group in raw.groups { try GroupAccount.checkSteps(of: group, stepCount: parsed.steps.count) }
    let grouped = Set(raw.groups.flatMap(\.steps))
    for (index, step) in parsed.steps.enumerated() {
      if grouped.contains(index), step.fields["row"] != nil {
        throw PlanViolation(
          "plan.group-steps", "rows of a step in a group are the group's; expected no row", at: .step(index, "row"))
      }
      var it = Plan.Step(
        inputs: step.inputs, outputs: step.outputs, nest: try nest(index, step), workingRow: 0, workingRows: 0,
        cost: .zero, keepsConstants: step.keepsConstants, fetched: step.fetched, isFromTop: step.isFromTop)
      it.rows = step.rows
      raw.steps.append(it)
    }
    var time = GroupTime(KernelTime(target))
    var steps: [Int: Plan.Step] = [:]
    for index in raw.groups.indices {
      let group = raw.groups[index]
      let account = try GroupAccount(group, raw, self)
      raw.groups[index].rows = account.rows
      if group.steps.contains(where: { raw.steps[$0].rows != nil }) { try checkContents(of: raw.groups[index], raw) }
      for (position, cost) in time.costs(of: kernelGroup(group, raw, account.range)).enumerated() {
        var step = raw.steps[group.steps.lowerBound + position]
        step.cost = cost
        step.cost.readBytes = account.bytes[position].read
        step.cost.writtenBytes = account.bytes[position].written
        steps[group.steps.lowerBound + position] = step
      }
    }
    return (raw.groups, steps)
  }

  private func nest(_ index: Int, _ step: ParsedPlan.Step) throws(PlanViolation) -> Plan.Nest {
    switch kernels[index] {
    case .tile:
      for (field, values) in [("tile", step.tile), ("group", step.group), ("slice", step.slice)] where values.isEmpty {
        throw PlanViolation(
          "plan.\(field)", "expected \(field) = [...]: \(problem.operators[index].name) runs in tiles",
          at: .step(index, nil))
      }
      return .tile(
        form: step.form,
        tiling: Tiling(
          tileRows: step.tile[0], tileColumns: step.tile[1], blocks: step.tile[2], chunksPerGroup: step.group[0],
          pinnedChunks: step.group[1], sparePlaces: step.spare, windowRows: step.window, windowCopies: step.copies,
          windowParts: step.parts,
          sliceBlocks: step.slice[0], sliceTaps: step.slice[1], streamsMatrices: step.streamsMatrices,
          multipliesPadding: step.multipliesPadding))
    case .copy, .host, .alias:
      if let field = step.fields.keys.sorted().first(where: { !["inputs", "outputs", "row"].contains($0) }) {
        throw PlanViolation(
          "plan.nest", "\(problem.operators[index].name) does not run in tiles; expected no \(field)",
          at: .step(index, field))
      }
      if case .copy = kernels[index] { return .copy }
      return .host
    }
  }

  /// Cycles and commands of a legal step.
  private func cost(_ index: Int, _ step: Plan.Step, _ time: inout KernelTime) -> Cost {
    let inputs = step.inputs.map { $0 == .resident }
    let output = step.outputs.first == .resident
    switch (kernels[index], step.nest) {
    case (.tile(let forms), .tile(let form, let tiling)):
      let kernel = forms[form].kernel
      let places = KernelPlaces(kernel, inputs: inputs, output: output)
      let nest = KernelNest(
        KernelGeometry(kernel: kernel, tiling: tiling, dim: target.dim), places: places,
        constants: NestConstants(identity: identityMatrix, diagonals: identityMatrices[index]),
        accumulatorRows: target.accumulatorRows)
      return time.cost(of: nest)
    case (.copy(let kernel), _):
      return time.cost(
        of: CopyNest(kernel, inputIsResident: inputs, outputIsResident: output, target: target).program())
    case (.tile, _), (.host, _), (.alias, _): return .zero
    }
  }
}

extension ParsedPlan {
  fileprivate func diagnostic(_ violation: PlanViolation) -> Diagnostic {
    Diagnostic(violation.rule, violation.message, at: range(violation.place))
  }

  private func range(_ place: PlanViolation.Place) -> SourceRange {
    switch place {
    case .plan: range
    case .group(let first, let field):
      groups.first { $0.group.steps.lowerBound == first }.map { group in
        field.flatMap { group.fields[$0] } ?? group.range
      } ?? range
    case .step(let index, let field):
      steps.indices.contains(index) ? field.flatMap { steps[index].fields[$0] } ?? steps[index].range : range
    // Pieces are checked in the order of their steps.
    case .piece(let index): sortedPieces.indices.contains(index) ? sortedPieces[index].range : range
    }
  }

  private var sortedPieces: [Piece] {
    pieces.sorted { ($0.piece.first, $0.piece.tensor.index) < ($1.piece.first, $1.piece.tensor.index) }
  }
}
