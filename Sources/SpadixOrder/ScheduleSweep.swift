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
    let (left, top, width, height) = (100.0, 40.0, 640.0, 360.0)
    var svg = SVG(width: left + width + 40, height: top + height + 60)
    let low = points.map(\.budget).min() ?? 0
    let high = max(low + 1, points.map(\.budget).max() ?? 1)
    let most = max(1, points.map(\.traffic.total).max() ?? 1)
    func x(_ budget: Int) -> Double { left + width * Double(budget - low) / Double(high - low) }
    func y(_ traffic: Int) -> Double { top + height - height * Double(traffic) / Double(most) }
    svg.text(left, 20, "\(name): bytes beyond the compulsory against capacity", anchor: "start", size: 14)
    for part in 0...4 {
      let traffic = most / 4 * part
      svg.line(left, y(traffic), left + width, y(traffic), "#dddddd")
      svg.text(left - 6, y(traffic) + 4, "\(traffic)", anchor: "end", size: 10)
      let budget = low + (high - low) / 4 * part
      svg.line(x(budget), top + height, x(budget), top + height + 4, "#555555")
      svg.text(x(budget), top + height + 18, "\(budget)", anchor: "middle", size: 10)
    }
    svg.polyline(points.map { (x($0.budget), y($0.bound)) }, "#999999")
    svg.polyline(points.map { (x($0.budget), y($0.traffic.total)) }, "#1f3fbf")
    for point in points {
      let state = point.isProven ? "proven" : "bound \(point.bound)"
      svg.circle(
        x(point.budget), y(point.traffic.total), point.isProven ? "#1f3fbf" : "#d62728",
        "budget \(point.budget)\ntraffic \(point.traffic.total)\n\(state)")
    }
    return svg.finished()
  }
}
