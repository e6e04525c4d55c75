import SpadixSupport

/// Traffic against capacity.
public enum ScheduleSweep {
  public static func table(_ points: [ScheduleSolution]) -> String {
    var text = ScheduleTable.padded("budget", 14) + ScheduleTable.padded("traffic", 14)
    text += ScheduleTable.padded("bound", 14) + "state\n"
    for point in points {
      text += ScheduleTable.padded("\(point.budget)", 14) + ScheduleTable.padded("\(point.traffic.total)", 14)
      text += ScheduleTable.padded("\(point.bound)", 14) + (point.isProven ? "proven" : "open") + "\n"
    }
    return text
  }

  public static func csv(_ points: [ScheduleSolution]) -> String {
    "budget,spilled,fetched,total,bound,proven\n"
      + points.map {
        "\($0.budget),\($0.traffic.spilled),\($0.traffic.fetched),\($0.traffic.total),\($0.bound),\($0.isProven)\n"
      }.joined()
  }

  public static func json(_ points: [ScheduleSolution], name: String) -> JSONValue {
    [
      "problem": .string(name),
      "points": .array(
        points.map {
          [
            "budget": .integer($0.budget), "spilled": .integer($0.traffic.spilled),
            "fetched": .integer($0.traffic.fetched), "total": .integer($0.traffic.total), "bound": .integer($0.bound),
            "proven": .boolean($0.isProven),
          ]
        }),
    ]
  }

  public static func svg(_ points: [ScheduleSolution], name: String) -> String {
    let (left, top, width, height) = (112.0, 40.0, 640.0, 360.0)
    let title = "\(name): traffic beyond the compulsory against capacity"
    var drawing = Drawing(
      width: max(left + width + 48, left + Drawing.width(of: title) + 24), height: top + height + 60, title: title)
    let low = points.map(\.budget).min() ?? 0
    let high = max(low + 1, points.map(\.budget).max() ?? 1)
    let most = max(1, points.map(\.traffic.total).max() ?? 1)
    func x(_ budget: Int) -> Double { left + width * Double(budget - low) / Double(high - low) }
    func y(_ traffic: Int) -> Double { top + height - height * Double(traffic) / Double(most) }
    drawing.text(left, 20, title)
    for traffic in Ticks.linear(to: most, count: 6) {
      drawing.line(left, y(traffic), left + width, y(traffic), "grid")
      drawing.text(left - 6, y(traffic) + 4, "\(traffic)", .end, small: true)
    }
    for part in 0...4 {
      let budget = low + (high - low) / 4 * part
      drawing.line(x(budget), top + height, x(budget), top + height + 4, "axis")
      drawing.text(x(budget), top + height + 18, "\(budget)", .middle, small: true)
      // A range of a few units has no quarters.
      if high - low < 4 { break }
    }
    drawing.line(left, top + height, left + width, top + height, "axis")
    drawing.line(left, top, left, top + height, "axis")
    drawing.text(left + width / 2, top + height + 42, "budget (units of the problem's sizes)", .middle)
    drawing.upright(14, top + height / 2, "spilled and fetched (bytes)")
    drawing.polyline(points.map { (x($0.budget), y($0.bound)) }, "axis")
    drawing.polyline(points.map { (x($0.budget), y($0.traffic.total)) }, "roof")
    for point in points {
      let state = point.isProven ? "proven" : "bound \(point.bound)"
      drawing.circle(
        x(point.budget), y(point.traffic.total), radius: 3.5, point.isProven ? "point" : "point open",
        hover: "budget \(point.budget)\ntraffic \(point.traffic.total)\n\(state)")
    }
    return drawing.standalone
  }
}
