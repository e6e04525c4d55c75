import SpadixKernel
import SpadixPlan
import SpadixSupport

/// Checks a group of a plan, and adds up its rows and bytes: which rows each strip computes is found row by row, and
/// what they move by `NestAccount`.
struct GroupAccount {
  /// Of the group's block.
  private(set) var rows = 0
  /// Per step, through DRAM.
  private(set) var bytes: [(read: Int, written: Int)] = []

  private let group: Plan.Group
  private let plan: Plan
  private let kernels: PreparedKernels
  let range: GroupRange

  /// Throws where a group is of fewer than two steps, or of some that a plan of so many does not have.
  static func checkSteps(of group: Plan.Group, stepCount: Int) throws(PlanViolation) {
    if group.steps.count > 1 && group.steps.upperBound <= stepCount { return }
    throw PlanViolation(
      "plan.group-steps",
      "expected the first and the last of at least two steps, up to \(stepCount - 1); found "
        + "\(group.steps.lowerBound) and \(group.steps.upperBound - 1)", at: .group(group.steps.lowerBound, "steps"))
  }

  init(_ group: Plan.Group, _ plan: Plan, _ kernels: PreparedKernels) throws(PlanViolation) {
    self.group = group
    self.plan = plan
    self.kernels = kernels
    func broken(_ message: String, _ field: String) -> PlanViolation {
      PlanViolation("plan.group-steps", message, at: .group(group.steps.lowerBound, field))
    }
    try Self.checkSteps(of: group, stepCount: plan.steps.count)
    if plan.groups.contains(where: { $0 != group && $0.steps.overlaps(group.steps) })
      || plan.groups.filter({ $0 == group }).count > 1
    {
      throw broken("a step runs in two groups; expected one", "steps")
    }
    do throws(GroupRange.Refusal) {
      range = try GroupRange(group.steps, kernels)
    } catch {
      throw broken("step \(error.step) cannot run in this group: \(error.reason)", "steps")
    }
    for member in range.members { try check(member) }
    let height = kernel(group.steps.count - 1).store.rows
    guard (1...height).contains(group.strips) else {
      throw PlanViolation(
        "plan.strips", "expected 1 to \(height) strips (rows of the last step's result), found \(group.strips)",
        at: .group(group.steps.lowerBound, "strips"))
    }
    let kernelGroup = kernels.kernelGroup(group, plan, range)
    guard let layout = kernels.layout(group, kernelGroup) else {
      var narrow = group
      narrow.room = nil
      let least = kernels.layout(narrow, kernelGroup)
      var plain = narrow
      plain.workingRow = nil
      if let row = group.workingRow, least == nil, kernels.layout(plain, kernelGroup) != nil {
        throw PlanViolation(
          "plan.working",
          "what the steps of the group need during a strip cannot begin at row \(row): expected a row behind the "
            + "constants that stay, from \(group.row) on, with room for image rows",
          at: .group(group.steps.lowerBound, "working"))
      }
      if let room = group.room {
        throw PlanViolation(
          "plan.room",
          "the group cannot use \(room) rows in turn; it needs "
            + (least.map { "\($0.rows) at least" } ?? "more")
            + ", and '\(kernels.target.name)' has \(kernels.target.scratchpadRows)",
          at: .group(group.steps.lowerBound, "room"))
      }
      throw PlanViolation(
        "plan.scratchpad",
        "the group needs more than the \(kernels.target.scratchpadRows) rows of '\(kernels.target.name)'",
        at: .group(group.steps.lowerBound, "strips"))
    }
    rows = layout.rows
    for (index, member) in kernelGroup.members.enumerated() where !member.parts.isEmpty {
      if let section = layout.sections.first(where: { $0.member == index }) { try checkParts(member, section) }
    }
    count()
  }

  private func kernel(_ index: Int) -> TileKernel {
    guard case .tile(let form, _) = plan.steps[group.steps.lowerBound + index].nest,
      case .tile(let forms) = kernels.kernels[group.steps.lowerBound + index]
    else { preconditionFailure("operators of a group run in tiles") }
    return forms[form].byRows
  }

  // MARK: Rules

  private func check(_ member: GroupRange.Member) throws(PlanViolation) {
    let step = plan.steps[member.step]
    let op = kernels.problem.operators[member.step]
    func wrong(_ rule: String, _ message: String, _ field: String?) -> PlanViolation {
      PlanViolation("plan.\(rule)", message, at: .step(member.step, field))
    }
    guard step.inputs.count == op.inputs.count, step.outputs.count == 1 else {
      throw wrong("places", "expected \(op.inputs.count) places of inputs and one of outputs", nil)
    }
    let possible = PossiblePlaces(member.step, kernels)
    for (position, place) in step.inputs.enumerated() {
      let name = "%\(kernels.problem.tensors[op.inputs[position]].name)"
      if let producer = member.producers[position] {
        let made = plan.steps[group.steps.lowerBound + producer].outputs.first ?? .rows
        let expected: Plan.Place = made == .resident ? .resident : .rows
        if place != expected {
          throw wrong(
            "places", "\(name) is made in the group and is \(expected.rawValue); found \(place.rawValue)", "inputs")
        }
        continue
      }
      if place == .rows {
        throw wrong("places", "\(name) is not made in the group; expected resident or streamed", "inputs")
      }
      if place == .resident, !possible.inputMayReside[position] {
        throw wrong("places", "\(name) cannot be read from the scratchpad by \(op.name)", "inputs")
      }
      for other in group.steps {
        for (index, tensor) in kernels.problem.operators[other].inputs.enumerated()
        where tensor == op.inputs[position] && plan.steps[other].inputs.indices.contains(index)
          && plan.steps[other].inputs[index] != place
        {
          throw wrong("places", "\(name) is both resident and streamed; one tensor has one place", "inputs")
        }
      }
    }
    switch step.outputs[0] {
    case .resident where !possible.outputMayReside:
      throw wrong(
        "places", "the result of \(op.name) cannot stay in the scratchpad of '\(kernels.target.name)'", "outputs")
    case .resident where !member.isNeededOutside:
      throw wrong("places", "nothing behind the group reads the result of \(op.name); expected rows", "outputs")
    case .resident: break
    case .rows where !member.isReadInside:
      throw wrong("places", "nothing in the group reads the result of \(op.name); expected streamed", "outputs")
    case .streamed where member.isReadInside:
      throw wrong("places", "the group reads the result of \(op.name); expected rows", "outputs")
    case .rows, .streamed: break
    }
    try checkFetched(member, step)
    try checkNest(member, step)
  }

  /// What comes back from DRAM is made in the group, in rows.
  private func checkFetched(_ member: GroupRange.Member, _ step: Plan.Step) throws(PlanViolation) {
    if step.fetched.isEmpty { return }
    func wrong(_ message: String) -> PlanViolation {
      PlanViolation("plan.fetched", message, at: .step(member.step, "fetched"))
    }
    guard step.fetched.count == step.inputs.count else {
      throw wrong("expected a number of rows for each of \(step.inputs.count) inputs, found \(step.fetched.count)")
    }
    for (input, rows) in step.fetched.enumerated() where rows > 0 {
      let op = kernels.problem.operators[member.step]
      let name = "%\(kernels.problem.tensors[op.inputs[input]].name)"
      guard step.inputs[input] == .rows, let producer = member.producers[input] else {
        throw wrong("\(name) is \(step.inputs[input].rawValue); only what is in rows is fetched in part")
      }
      let height = kernel(producer).store.rows
      if rows > height { throw wrong("expected up to \(height) rows of \(name), found \(rows)") }
    }
  }

  private func checkNest(_ member: GroupRange.Member, _ step: Plan.Step) throws(PlanViolation) {
    guard case .tile(let form, let tiling) = step.nest, case .tile(let forms) = kernels.kernels[member.step] else {
      throw PlanViolation("plan.nest", "a step of a group runs in tiles", at: .step(member.step, nil))
    }
    guard forms.indices.contains(form) else {
      throw PlanViolation(
        "plan.form", "expected a form from 0 to \(forms.count - 1), found \(form)", at: .step(member.step, "form"))
    }
    let kernel = forms[form].byRows
    if let input = kernel.contraction?.input {
      guard forms[form].serves(step.inputs.map { $0 != .streamed }) else {
        throw PlanViolation(
          "plan.form", "form \(form) is not for an input that is \(step.inputs[input].rawValue)",
          at: .step(member.step, "form"))
      }
    }
    var places = KernelPlaces(
      kernel, inputs: step.inputs.map { $0 == .resident }, output: step.outputs[0] == .resident)
    // Addends in rows go through the array, as resident ones do.
    for (term, identity) in kernel.identities.enumerated() where step.inputs[identity.input] == .rows {
      places.identityIsResident[term] = true
    }
    var rules = NestRules(kernel: kernel, places: places, target: kernels.target, step: member.step)
    rules.isInGroup = true
    try rules.check(tiling)
    let chunks =
      ceilDivide(ceilDivide(kernel.channels, kernels.target.dim), tiling.blocks)
    if let contraction = kernel.contraction {
      let taps = contraction.window.kernelRows * contraction.window.kernelColumns
      let blocks = max(1, NestAccount.inputBlocks(of: kernel, dim: kernels.target.dim).map(\.count).max() ?? 1)
      if step.keepsConstants, tiling.sliceTaps < taps || tiling.sliceBlocks < blocks {
        throw PlanViolation(
          "plan.slice",
          "weights that stay are those of all taps and channels: expected \(blocks) blocks, \(taps) taps",
          at: .step(member.step, "slice"))
      }
    }
    if step.keepsConstants, tiling.chunksPerGroup < chunks || tiling.pinnedChunks + 1 < chunks {
      throw PlanViolation(
        "plan.weights", "weights that stay have a place each: expected group = [\(chunks), \(chunks)]",
        at: .step(member.step, "group"))
    }
    if kernel.store.pooling != nil, step.outputs[0] == .rows, tiling.tileRows > 1 {
      throw PlanViolation(
        "plan.pooling", "a tile that pools into rows of a group has one row; found \(tiling.tileRows)",
        at: .step(member.step, "tile"))
    }
  }

  /// Parts of what a step needs during a strip that lie by themselves: all of them, in the group's block, apart from each
  /// other. That no image needs their rows meanwhile is seen when the strips are replayed.
  private func checkParts(_ member: KernelGroup.Member, _ section: GroupLayout.Section) throws(PlanViolation) {
    let step = group.steps.lowerBound + section.member
    func violation(_ rule: String, _ message: String) -> PlanViolation {
      PlanViolation(rule, message, at: .step(step, "rows"))
    }
    if member.keepsConstants {
      throw violation("plan.rows", "weights that stay have no rows by themselves; expected weights for each strip")
    }
    let nest = KernelNest(
      member, section.strip, constants: kernels.nestConstants(of: group)[section.member], dim: kernels.target.dim,
      accumulatorRows: kernels.target.accumulatorRows)
    let sizes = nest.stripBuffers.flatMap { Array(repeating: $0.buffer.rows, count: $0.buffer.slots) }
    guard member.parts.count == sizes.count else {
      throw violation(
        "plan.rows",
        "expected the first rows of the \(sizes.count) parts that the step needs during a strip, found "
          + "\(member.parts.count)")
    }
    var taken: [Range<Int>] = []
    for (part, (row, size)) in zip(member.parts, sizes).enumerated() {
      guard row >= 0, row <= rows - size else {
        throw violation(
          "plan.scratchpad",
          "part \(part), \(size) rows from \(group.row + row), leaves the group's rows, "
            + "\(group.row) to \(group.row + rows - 1)")
      }
      let range = row..<row + size
      if let other = taken.firstIndex(where: { $0.overlaps(range) }) {
        throw violation(
          "plan.overlap", "part \(part), \(size) rows from \(group.row + row), overlaps part \(other)")
      }
      taken.append(range)
    }
  }

  // MARK: Bytes

  /// What each strip computes, found row by row from the last operator back.
  private mutating func count() {
    let members = range.members
    let kernels = members.indices.map { kernel($0) }
    var isMade = kernels.map { [Bool](repeating: false, count: $0.store.rows) }
    var hasBegun = [Bool](repeating: false, count: members.count)
    bytes = Array(repeating: (0, 0), count: members.count)
    // By step and input, the image rows that have come from DRAM.
    var isLoaded = members.map { member in
      member.producers.indices.map { input in
        [Bool](repeating: false, count: inputRows(member.step - group.steps.lowerBound, input))
      }
    }
    for strip in 0..<group.strips {
      var isWanted = kernels.map { [Bool](repeating: false, count: $0.store.rows) }
      for index in members.indices.reversed() {
        let height = kernels[index].store.rows
        let isRead = members.contains { member in member.producers.contains(index) }
        let isLast = strip == group.strips - 1
        if isLast {
          for row in 0..<height { isWanted[index][row] = true }
        } else if !isRead || !anyReaderRuns(index, isWanted, isMade) {
          for row in 0..<(height * (strip + 1) / group.strips) { isWanted[index][row] = true }
        }
        // Rows are made in order.
        if let last = isWanted[index].lastIndex(of: true) { for row in 0...last { isWanted[index][row] = true } }
        for row in 0..<height where isWanted[index][row] && !isMade[index][row] {
          for (input, producer) in members[index].producers.enumerated() {
            guard let producer else { continue }
            let all = kernels[producer].store.rows
            // Up to the last tap: what lies between it and the border is made with the rest.
            if let last = Self.reads(kernels[index], input, row).max(), last >= 0, all > 0 {
              isWanted[producer][min(last, all - 1)] = true
            }
          }
        }
      }
      for index in members.indices {
        let new = isMade[index].indices.filter { isWanted[index][$0] && !isMade[index][$0] }
        guard let first = new.first, let last = new.last else { continue }
        for row in new { isMade[index][row] = true }
        let step = plan.steps[members[index].step]
        let loads = step.inputs.indices.map { input in
          load(index, input, new, step, &isLoaded[index][input])
        }
        let spilled = spilledRows(index)
        let part =
          NestAccount.Part(
            rows: first..<last + 1, loads: kernels[index].contraction?.input.map { loads[$0].count } ?? 0,
            identityIsInRows: kernels[index].identities.map { step.inputs[$0.input] == .rows },
            identityLoads: kernels[index].identities.map { loads[$0.input].count },
            spills: new.count { $0 >= kernels[index].store.rows - spilled },
            stores: step.outputs[0] == .streamed || (step.outputs[0] == .rows && members[index].isNeededOutside),
            isInRows: step.outputs[0] == .rows, constantsStay: step.keepsConstants,
            constantsAreThere: step.keepsConstants && hasBegun[index])
        hasBegun[index] = true
        guard case .tile(_, let tiling) = step.nest else { continue }
        let places = KernelPlaces(
          kernels[index], inputs: step.inputs.map { $0 == .resident }, output: step.outputs[0] == .resident)
        let account = NestAccount(kernels[index], tiling, places, dim: self.kernels.target.dim, part: part)
        bytes[index].read += account.readBytes
        bytes[index].written += account.writtenBytes
      }
    }
  }

  private func inputRows(_ index: Int, _ input: Int) -> Int {
    let kernel = kernel(index)
    if let contraction = kernel.contraction, contraction.input == input { return contraction.window.inputRows }
    return kernel.rows
  }

  /// The image rows of an input, which some rows of the result are made of, that come from DRAM now.
  private func load(
    _ index: Int, _ input: Int, _ new: [Int], _ step: Plan.Step, _ isLoaded: inout [Bool]
  ) -> Range<Int> {
    let kernel = kernel(index)
    let limit = isLoaded.count
    let firstFetched: Int
    switch step.inputs[input] {
    case .resident: return 0..<0
    case .streamed:
      // Addends stream through tiles.
      guard kernel.contraction?.input == input else { return 0..<0 }
      firstFetched = 0
    case .rows: firstFetched = limit - (step.fetched.isEmpty ? 0 : step.fetched[input])
    }
    // Rows are loaded in order as well; those that no tap sees only between others that one does.
    let read = new.flatMap { Self.reads(kernel, input, $0) }
    guard let low = read.min(), let high = read.max() else { return 0..<0 }
    let begin = max(min(max(low, firstFetched), limit), (isLoaded.lastIndex(of: true) ?? -1) + 1)
    let loads = begin..<max(begin, min(limit, high + 1))
    for row in loads { isLoaded[row] = true }
    return loads
  }

  /// How many rows of a result go from rows to DRAM, because a step fetches them.
  private func spilledRows(_ index: Int) -> Int {
    if range.members[index].isNeededOutside { return 0 }
    var most = 0
    for member in range.members {
      let fetched = plan.steps[member.step].fetched
      for (input, producer) in member.producers.enumerated() where producer == index && !fetched.isEmpty {
        most = max(most, fetched[input])
      }
    }
    return most
  }

  /// Whether an operator that reads a result has anything to compute in this strip.
  private func anyReaderRuns(_ index: Int, _ isWanted: [[Bool]], _ isMade: [[Bool]]) -> Bool {
    range.members.indices.contains { reader in
      range.members[reader].producers.contains(index)
        && isWanted[reader].indices.contains { isWanted[reader][$0] && !isMade[reader][$0] }
    }
  }

  /// Image rows of an input that one stored row is made of, also those that taps see beyond the image.
  private static func reads(_ kernel: TileKernel, _ input: Int, _ stored: Int) -> [Int] {
    var sums = [stored]
    if let pooling = kernel.store.pooling {
      sums = (0..<pooling.window).map { stored * pooling.stride - pooling.top + $0 }.filter {
        (0..<kernel.rows).contains($0)
      }
    }
    guard let contraction = kernel.contraction, contraction.input == input else { return sums }
    let window = contraction.window
    return sums.flatMap { row in
      (0..<window.kernelRows).map { row * window.strideRows + $0 * window.dilationRows - window.paddingTop }
    }
  }
}
