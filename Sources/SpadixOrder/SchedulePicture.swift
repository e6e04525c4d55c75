/// Address against time as SVG: a rectangle per piece, with spills and fetches marked.
public enum SchedulePicture {
  private static let height = 640.0
  private static let left = 90.0
  private static let top = 40.0
  private static let bottom = 120.0

  public static func svg(_ plan: ScheduleSolution, for problem: ScheduleProblem) -> String {
    let steps = max(1, plan.order.count)
    // Wide enough to tell steps apart, and no wider than a browser scrolls well.
    let stepWidth = min(24.0, max(3.0, 1600.0 / Double(steps)))
    let width = stepWidth * Double(steps)
    let scale = height / Double(max(1, plan.budget))
    func x(_ step: Int) -> Double { left + Double(step) * stepWidth }
    func y(_ address: Int) -> Double { top + height - Double(address) * scale }
    var body = SVG(width: left + width + 20, height: top + height + bottom)
    let state = plan.isProven ? "proven optimal" : "bound \(plan.bound)"
    body.text(
      left, 20, "\(problem.name): budget \(plan.budget), traffic \(plan.traffic.total), \(state)", anchor: "start",
      size: 14)
    for part in 0...4 {
      let address = plan.budget / 4 * part
      body.line(left - 4, y(address), left + width, y(address), "#dddddd")
      body.text(left - 8, y(address) + 4, "\(address)", anchor: "end", size: 10)
    }
    var count = [Int](repeating: 0, count: problem.tensors.count)
    for piece in plan.pieces { count[piece.tensor.index] += 1 }
    var seen = [Int](repeating: 0, count: problem.tensors.count)
    for piece in plan.pieces {
      let tensor = problem.tensors[piece.tensor]
      let index = piece.tensor.index
      seen[index] += 1
      let isFetched = seen[index] > 1
      let isSpilled = seen[index] == 1 && count[index] > 1 && tensor.kind == .activation
      var title = "\(tensor.name) (\(tensor.id)), \(tensor.kind.rawValue)\nsteps \(piece.first) to \(piece.last)"
      title += "\nat \(piece.offset), size \(tensor.size)"
      if isFetched { title += "\nfetched before step \(piece.first): \(tensor.bytes) bytes" }
      if isSpilled { title += "\nspilled: \(tensor.bytes) bytes" }
      let (x0, x1) = (x(piece.first), x(piece.last + 1))
      let (y0, y1) = (y(piece.offset + tensor.size), y(piece.offset))
      body.rectangle(x0, y0, x1 - x0, y1 - y0, color(index, tensor.kind), title)
      if isFetched { body.line(x0, y0, x0, y1, "#d62728", width: 2.5) }
      if isSpilled { body.line(x1, y0, x1, y1, "#1f3fbf", width: 2.5) }
    }
    let every = max(1, Int((14.0 / stepWidth).rounded(.up)))
    for (step, op) in plan.order.enumerated() where step % every == 0 {
      let name = "\(problem.operators[op].id) \(problem.operators[op].name)"
      body.slanted(x(step) + stepWidth / 2, top + height + 12, name)
    }
    body.line(left + width - 260, 14, left + width - 244, 14, "#d62728", width: 3)
    body.text(left + width - 240, 18, "fetched at the left edge", anchor: "start", size: 10)
    body.line(left + width - 110, 14, left + width - 94, 14, "#1f3fbf", width: 3)
    body.text(left + width - 90, 18, "spilled", anchor: "start", size: 10)
    return body.finished()
  }

  private static func color(_ index: Int, _ kind: ScheduleProblem.TensorKind) -> String {
    if kind == .parameter { return "#c8c8c8" }
    // Neighbouring numbers get distant hues.
    return "hsl(\(index * 137 % 360),55%,72%)"
  }
}

/// A small writer of SVG elements with two decimals.
struct SVG {
  private let width: Double
  private let height: Double
  private var body = ""

  init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }

  private func number(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    let sign = hundredths < 0 ? "-" : ""
    let rest = abs(hundredths) % 100
    let whole = abs(hundredths) / 100
    return rest == 0 ? "\(sign)\(whole)" : "\(sign)\(whole).\(rest < 10 ? "0" : "")\(rest)"
  }

  private func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: if scalar.value >= 0x20 || scalar == "\n" { result.unicodeScalars.append(scalar) }
      }
    }
    return result
  }

  mutating func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ fill: String, _ title: String)
  {
    body += "<rect x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" height=\"\(number(height))\" "
    body += "fill=\"\(fill)\" stroke=\"#555555\" stroke-width=\"0.4\"><title>\(escaped(title))</title></rect>\n"
  }

  mutating func line(_ x0: Double, _ y0: Double, _ x1: Double, _ y1: Double, _ color: String, width: Double = 1) {
    body += "<line x1=\"\(number(x0))\" y1=\"\(number(y0))\" x2=\"\(number(x1))\" y2=\"\(number(y1))\" "
    body += "stroke=\"\(color)\" stroke-width=\"\(number(width))\"/>\n"
  }

  mutating func polyline(_ points: [(Double, Double)], _ color: String) {
    let list = points.map { "\(number($0.0)),\(number($0.1))" }.joined(separator: " ")
    body += "<polyline points=\"\(list)\" fill=\"none\" stroke=\"\(color)\" stroke-width=\"1.5\"/>\n"
  }

  mutating func circle(_ x: Double, _ y: Double, _ color: String, _ title: String) {
    body += "<circle cx=\"\(number(x))\" cy=\"\(number(y))\" r=\"3.5\" fill=\"\(color)\">"
    body += "<title>\(escaped(title))</title></circle>\n"
  }

  mutating func text(_ x: Double, _ y: Double, _ text: String, anchor: String, size: Int) {
    body += "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\" font-size=\"\(size)\">"
    body += "\(escaped(text))</text>\n"
  }

  mutating func slanted(_ x: Double, _ y: Double, _ text: String) {
    body += "<text transform=\"translate(\(number(x)),\(number(y))) rotate(60)\" font-size=\"9\">"
    body += "\(escaped(text))</text>\n"
  }

  func finished() -> String {
    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(number(width))\" height=\"\(number(height))\" "
      + "viewBox=\"0 0 \(number(width)) \(number(height))\" font-family=\"sans-serif\">\n"
      + "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n" + body + "</svg>\n"
  }
}
