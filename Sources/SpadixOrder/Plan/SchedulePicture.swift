import SpadixSupport

/// Address against time as SVG: a rectangle per piece, with spills and fetches marked.
public enum SchedulePicture {
  private static let height = 640.0
  private static let left = 96.0
  private static let top = 64.0

  public static func svg(_ plan: ScheduleSolution, for problem: ScheduleProblem) -> String {
    let steps = max(1, plan.order.count)
    // Wide enough to tell steps apart, and no wider than a browser scrolls well.
    let stepWidth = min(24.0, max(3.0, 1600.0 / Double(steps)))
    let width = stepWidth * Double(steps)
    let every = max(1, Int((14.0 / stepWidth).rounded(.up)))
    let names: [String] = plan.order.map { name(problem.operators[$0]) }
    // Names hang from the axis at 60 degrees; the last ones reach beyond its end.
    let longest = names.map { Drawing.width(of: $0, small: true) }.max() ?? 0
    let state = plan.isProven ? "proven optimal" : "bound \(plan.bound)"
    let title = "\(problem.name): budget \(plan.budget), traffic \(plan.traffic.total), \(state)"
    let right = max(left + width + longest / 2 + 24, left + Drawing.width(of: title) + 24, left + 320)
    var drawing = Drawing(
      width: right, height: top + height + longest * 0.87 + 56, title: "Addresses against steps of \(problem.name)")
    let scale = height / Double(max(1, plan.budget))
    func x(_ step: Int) -> Double { left + Double(step) * stepWidth }
    func y(_ address: Int) -> Double { top + height - Double(address) * scale }
    drawing.text(left, 20, title)
    drawing.line(left, 38, left + 16, 38, "fetched")
    drawing.text(left + 22, 42, "fetched at the left edge", small: true)
    drawing.line(left + 200, 38, left + 216, 38, "spilled")
    drawing.text(left + 222, 42, "spilled", small: true)
    for part in 0...4 {
      let address = plan.budget / 4 * part
      drawing.line(left - 4, y(address), left + width, y(address), "grid")
      drawing.text(left - 8, y(address) + 4, "\(address)", .end, small: true)
    }
    let transfers = PieceTransfers(problem, order: plan.order, pieces: plan.pieces)
    for (number, piece) in plan.pieces.enumerated() {
      let tensor = problem.tensors[piece.tensor]
      let index = piece.tensor.index
      let isFetched = transfers.isFetched[number]
      let isSpilled = transfers.isStored[number]
      var title = "\(tensor.name) (\(tensor.id)), \(tensor.kind.rawValue)\nsteps \(piece.first) to \(piece.last)"
      title += "\nat \(piece.offset), size \(tensor.size)"
      if isFetched { title += "\nfetched before step \(piece.first): \(tensor.bytes) bytes" }
      if isSpilled { title += "\nspilled: \(tensor.bytes) bytes" }
      let (x0, x1) = (x(piece.first), x(piece.last + 1))
      let (y0, y1) = (y(piece.offset + tensor.size), y(piece.offset))
      drawing.rectangle(x0, y0, x1 - x0, y1 - y0, "piece", fill: color(index, tensor.kind), hover: title)
      if isFetched { drawing.line(x0, y0, x0, y1, "fetched") }
      if isSpilled { drawing.line(x1, y0, x1, y1, "spilled") }
    }
    drawing.line(left, top + height, left + width, top + height, "axis")
    drawing.line(left, top, left, top + height, "axis")
    drawing.upright(14, top + height / 2, "address (units of the budget)")
    for (step, name) in names.enumerated() where step % every == 0 {
      drawing.slanted(x(step) + stepWidth / 2, top + height + 14, name)
    }
    drawing.text(left, top + height + longest * 0.87 + 44, "step: operator in the order of the plan")
    return drawing.standalone
  }

  /// Names of strangers may be long.
  private static func name(_ it: ScheduleProblem.Operator) -> String {
    let name = "\(it.id) \(it.name)"
    return name.count > 40 ? name.prefix(39) + "\u{2026}" : name
  }

  private static func color(_ index: Int, _ kind: ScheduleProblem.TensorKind) -> String {
    if kind == .parameter { return "#a8a8a8" }
    // Neighbouring numbers get distant hues.
    return "hsl(\(index * 137 % 360),52%,62%)"
  }
}
