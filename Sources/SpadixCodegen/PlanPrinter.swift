import SpadixKernel
import SpadixPlan
import SpadixSupport

/// The textual form of a plan, below the npu graph it belongs to:
///
///     plan @digits {
///       objective = time
///       cost = {read = 41000, written = 234, array = 10112, time = 12003, commands = 1890}
///       bound = {objective = 12003, time = 12003, bytes = 40800}
///       // %1 = npu.conv2d: 160 rows, 1300 bytes, 2100 cycles
///       step 0 {inputs = [streamed], outputs = [resident], row = 0, tile = [8, 8, 1], group = [1, 1], window = 8, slice = [1, 9]}
///       piece %3 {steps = [0, 2], row = 160, origin = produced}
///       group {steps = [4, 7], strips = 7, row = 0}
///     }
///
/// A step is a loop nest: `tile` is rows, columns and blocks of `dim` channels of the accumulator tile; `group` the
/// chunks of so many blocks whose weights are used in turn for every tile, and how many of these have a place of their
/// own; `window` the rows of the input that are kept; `slice` the blocks of input channels and the taps that are summed
/// at a time;
/// `form = 1` the second form of a kernel that has two; `matrices = streamed` loads diagonal matrices for every tile.
/// A group runs its steps strip by strip; places inside it are `rows`, and `weights = kept` loads a step's weights and
/// small matrices once for all strips. `fetched` says of how many image rows of each input, the last ones, DRAM keeps a
/// copy until the step reads them again; with `from = top` the image rows of a step lie as high as they can.
/// With `room` a group has more rows than it needs: image rows take them in turn. `working` is the first row of what its
/// steps need during a strip.
/// `row` is where the step's own rows begin. A piece is a tensor that stays; `spilled` writes it to DRAM as well.
///
/// `cost` and `bound` may be left out: they follow from the rest, or from a search.
extension PreparedKernels {
  /// The plan as text, which parses back to the same plan.
  public func planText(_ plan: Plan) -> String {
    var text = "plan \(graph.symbolText) {\n"
    if let objective = plan.objective { text += "  objective = \(objective.text)\n" }
    text += "  cost = \(Self.text(plan.cost))\n"
    if let bound = Self.text(plan.bounds) { text += "  bound = \(bound)\n" }
    if let objective = plan.objective, !plan.isProven, let bound = plan.bounds.objective {
      let gap = objective.text(objective.value(plan.cost) - bound)
      text += "  // not proven optimal: a better plan could save up to \(gap)\n"
    }
    for reason in plan.certificate.whyOpen { text += "  // \(reason)\n" }
    for (index, step) in plan.steps.enumerated() {
      let group = plan.group(of: index)
      if let group, group.steps.lowerBound == index { text += groupText(group, plan) }
      text += "  // \(problem.operators[index].name)"
      if step.nest != .host {
        let rows = group == nil ? "\(step.workingRows) rows, " : ""
        text += ": \(rows)\(step.cost.bytes) bytes, \(step.cost.time) cycles"
      }
      text += "\n  step \(index) \(Self.text(step, isInGroup: group != nil))\n"
    }
    for piece in plan.pieces {
      text +=
        "  piece \(self.text(tensors[piece.tensor])) {steps = [\(piece.first), \(piece.last)], row = \(piece.row), "
        + "origin = \(piece.origin.rawValue)\(piece.spilled ? ", spilled = true" : "")}\n"
    }
    return text + "}\n"
  }

  private func groupText(_ group: Plan.Group, _ plan: Plan) -> String {
    let cost = group.steps.reduce(Cost.zero) { $0 + plan.steps[$1].cost }
    return "  // \(group.steps.count) operators: \(group.rows) rows, \(cost.bytes) bytes, \(cost.time) cycles\n"
      + "  group {steps = [\(group.steps.lowerBound), \(group.steps.upperBound - 1)], strips = \(group.strips), "
      + "row = \(group.row)\(group.room.map { ", room = \($0)" } ?? "")"
      + "\(group.workingRow.map { ", working = \($0)" } ?? "")}\n"
  }

  private static func text(_ cost: Cost) -> String {
    "{read = \(cost.readBytes), written = \(cost.writtenBytes), array = \(cost.arrayCycles), time = \(cost.time), "
      + "commands = \(cost.commands)}"
  }

  private static func text(_ bounds: Plan.Bounds) -> String? {
    let known = [("objective", bounds.objective), ("time", bounds.time), ("bytes", bounds.bytes)]
      .compactMap { name, value in value.map { "\(name) = \($0)" } }
    return known.isEmpty ? nil : "{\(known.joined(separator: ", "))}"
  }

  private static func text(_ step: Plan.Step, isInGroup: Bool) -> String {
    func list(_ places: [Plan.Place]) -> String { "[" + places.map(\.rawValue).joined(separator: ", ") + "]" }
    var fields = ["inputs = \(list(step.inputs))", "outputs = \(list(step.outputs))"]
    switch step.nest {
    case .host: break
    case .copy: fields.append("row = \(step.workingRow)")
    case .tile(let form, let tiling):
      if !isInGroup { fields.append("row = \(step.workingRow)") }
      if let rows = step.rows { fields.append("rows = [\(rows.map(String.init).joined(separator: ", "))]") }
      if form > 0 { fields.append("form = \(form)") }
      fields += [
        "tile = [\(tiling.tileRows), \(tiling.tileColumns), \(tiling.blocks)]",
        "group = [\(tiling.chunksPerGroup), \(tiling.pinnedChunks)]",
      ]
      if tiling.sparePlaces > 0 { fields.append("spare = \(tiling.sparePlaces)") }
      if !isInGroup { fields.append("window = \(tiling.windowRows)") }
      if tiling.windowParts > 1 { fields.append("parts = \(tiling.windowParts)") }
      if tiling.windowCopies > 1 { fields.append("copies = \(tiling.windowCopies)") }
      fields.append("slice = [\(tiling.sliceBlocks), \(tiling.sliceTaps)]")
      if step.keepsConstants { fields.append("weights = kept") }
      if step.isFromTop { fields.append("from = top") }
      if !step.fetched.isEmpty { fields.append("fetched = [\(step.fetched.map(String.init).joined(separator: ", "))]") }
      if tiling.multipliesPadding { fields.append("padding = multiplied") }
      if tiling.streamsMatrices { fields.append("matrices = streamed") }
    }
    return "{\(fields.joined(separator: ", "))}"
  }
}
