import SpadixReport
import SpadixSupport

/// A sweep to look at: the Pareto front of each network, and every point in a table.
struct SweepPage {
  private let table: SweepTable
  private let figures: [String]
  private let title: String

  init(_ table: SweepTable, pareto figures: [String], title: String) {
    self.table = table
    self.figures = figures
    self.title = title
  }

  private static let (left, top, width, height) = (96.0, 40.0, 640.0, 360.0)

  private struct Point {
    var x: Int
    var y: Int
    var network: Int
    var hover: String
  }

  /// The front by itself, as a file.
  var svg: String { drawing.standalone }

  /// A whole document, with the front as a picture in it.
  var html: String {
    let failures = table.failures
    var body =
      "<p>\(table.rows.count) points" + (failures > 0 ? ", \(failures) of them failed" : "")
      + (table.missing > 0 ? ", \(table.missing) missing" : "") + "</p>\n"
    body += "<section id=\"front\">\n<h2>Pareto front: \(figures[0]) against \(figures[1])</h2>\n" + drawing.markup
    body += "<p class=\"faint\">Points on a line are bettered by no other one of their network in both figures. "
    body += "Cycles are modelled.</p>\n"
    for (network, rows) in table.front(figures) where !rows.isEmpty {
      body += "<h3>\(Markup.escaped(network))</h3>\n" + points(rows)
    }
    body +=
      "</section>\n<section id=\"points\">\n<h2>Points</h2>\n" + points(Array(table.rows.indices)) + "</section>\n"
    return HTMLReport.page(title: title, heading: title, body: body)
  }

  private func points(_ rows: [Int]) -> String {
    let shown = [
      "cycles_modelled", "microseconds_modelled", "energy_pj_modelled", "dram_bytes", "scratchpad_bytes",
      "array_cycles",
    ]
    let extra = figures.filter { !shown.contains($0) }
    return HTMLTable(
      ["#", "network", "target", "formulation"] + table.axes.map(\.key) + shown + extra + ["failure"],
      rows.map { index in
        let row = table.rows[index]
        let names = [row.point.network, row.point.target, row.point.formulation.rawValue] + row.values
        return [HTMLTable.Cell(number: index)] + names.map { HTMLTable.Cell($0) }
          + (shown + extra).map { name in
            row.figure(name).map { HTMLTable.Cell(number: $0) } ?? HTMLTable.Cell(markup: "", key: -1)
          }
          + [HTMLTable.Cell(row.answer?.failure ?? (row.answer == nil ? "not answered" : ""), isWide: true)]
      }, label: "Points of the sweep"
    ).markup
  }

  private var drawing: Drawing {
    let networks = table.front(figures)
    let points: [Point] = table.rows.enumerated().compactMap { index, row in
      guard let x = row.figure(figures[0]), let y = row.figure(figures[1]),
        let network = networks.firstIndex(where: { $0.network == row.point.network })
      else { return nil }
      return Point(
        x: x, y: y, network: network,
        hover:
          "#\(index) \(row.point.network) on \(row.point.target)\n\((row.point.settings + row.point.timing).joined(separator: "\n"))\n"
          + "\(figures[0]) \(x), \(figures[1]) \(y)")
    }
    let legend = networks.count > 1 ? Double(networks.count) * 18 + 8 : 0
    let names = networks.count > 1 ? networks.map { Drawing.width(of: $0.network, small: true) }.max() ?? 0 : 0
    var drawing = Drawing(
      width: Self.left + max(Self.width + 48, names + 32), height: Self.top + Self.height + 52 + legend,
      title: "\(figures[1]) against \(figures[0])")
    let (endX, endY) = (Self.end(points.map(\.x)), Self.end(points.map(\.y)))
    func x(_ value: Int) -> Double { Self.left + Self.width * Double(value) / Double(endX) }
    func y(_ value: Int) -> Double { Self.top + Self.height * (1 - Double(value) / Double(endY)) }
    drawing.text(Self.left, 20, points.isEmpty ? "no point has both figures" : title)
    for value in Ticks.linear(to: endX, count: 6) {
      drawing.line(x(value), Self.top, x(value), Self.top + Self.height, "grid")
      drawing.text(x(value), Self.top + Self.height + 16, Self.label(value), .middle, small: true)
    }
    for value in Ticks.linear(to: endY, count: 6) {
      drawing.line(Self.left, y(value), Self.left + Self.width, y(value), "grid")
      drawing.text(Self.left - 6, y(value) + 4, Self.label(value), .end, small: true)
    }
    drawing.line(Self.left, Self.top + Self.height, Self.left + Self.width, Self.top + Self.height, "axis")
    drawing.line(Self.left, Self.top, Self.left, Self.top + Self.height, "axis")
    drawing.text(Self.left + Self.width / 2, Self.top + Self.height + 36, Self.named(figures[0]), .middle)
    drawing.upright(14, Self.top + Self.height / 2, Self.named(figures[1]))
    for (_, rows) in networks {
      let front = rows.compactMap { index -> (x: Double, y: Double)? in
        guard let first = table.rows[index].figure(figures[0]), let second = table.rows[index].figure(figures[1]) else {
          return nil
        }
        return (x(first), y(second))
      }
      // Between two points of the front a step says what is reached: nothing in between was tried.
      var steps: [(x: Double, y: Double)] = []
      for point in front {
        if let last = steps.last { steps.append((point.x, last.y)) }
        steps.append(point)
      }
      drawing.polyline(steps, "roof")
    }
    for point in points {
      drawing.circle(x(point.x), y(point.y), radius: 4, "point", fill: Self.color(point.network), hover: point.hover)
    }
    if legend > 0 {
      for (index, (network, _)) in networks.enumerated() {
        let row = Self.top + Self.height + 58 + Double(index) * 18
        drawing.circle(Self.left + 6, row - 4, radius: 4, "point", fill: Self.color(index), hover: network)
        drawing.text(Self.left + 16, row, network, small: true)
      }
    }
    return drawing
  }

  private static func color(_ network: Int) -> String { "hsl(\((210 + network * 137) % 360),60%,52%)" }

  private static func end(_ values: [Int]) -> Int {
    let largest = max(1, values.max() ?? 1)
    return largest + largest / 20 + 1
  }

  /// `1.5 M`.
  private static func label(_ value: Int) -> String {
    for (size, unit) in [(1_000_000_000, " G"), (1_000_000, " M"), (1_000, " k")] where value >= size {
      return Markup.number(Double(value) / Double(size)) + unit
    }
    return String(value)
  }

  private static func named(_ figure: String) -> String {
    let words = figure.split(separator: "_").joined(separator: " ")
    return figure.hasSuffix("_modelled") ? words.replacing(" modelled", with: " (modelled)") : words
  }
}
