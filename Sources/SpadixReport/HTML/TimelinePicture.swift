import SpadixMachine
import SpadixSupport

/// How busy the three queues' units are over the modelled run, and when each operator ran.
struct TimelinePicture {
  private let report: CompilationReport
  private let timeline: TimelineReport
  private let total: Int

  /// Nil where no time was modelled.
  init?(_ report: CompilationReport) {
    guard let timeline = report.timeline, let total = report.modelledCycles, total > 0 else { return nil }
    self.report = report
    self.timeline = timeline
    self.total = total
  }

  private static let (left, top, width, lane, gap) = (80.0, 12.0, 1024.0, 44.0, 14.0)

  private func x(_ cycle: Int) -> Double {
    Self.left + Self.width * Double(min(max(0, cycle), total)) / Double(total)
  }

  var markup: String {
    let lanes = lanes()
    let lanesTop = Self.top + 3 * (Self.lane + Self.gap)
    let bottom = lanesTop + Double(lanes.count) * 12 + 4
    var drawing = Drawing(
      width: Self.left + Self.width + 48, height: bottom + 44, title: "Timeline of the queues and operators")
    for cycle in Ticks.linear(to: total, count: 8) {
      drawing.line(x(cycle), Self.top, x(cycle), bottom, "grid")
      drawing.text(x(cycle), bottom + 16, Figures.grouped(cycle), .middle, small: true)
    }
    let queues = [
      ("load", timeline.load, "load"), ("execute", timeline.execute, "array"), ("store", timeline.store, "store"),
    ]
    for (index, (name, busy, style)) in queues.enumerated() {
      draw(name, busy, style, top: Self.top + Double(index) * (Self.lane + Self.gap), &drawing)
    }
    drawing.text(Self.left - 8, lanesTop + 12, "operators", .end)
    for (lane, steps) in lanes.enumerated() {
      for step in steps {
        guard let span = timeline.operators[step] else { continue }
        drawing.rectangle(
          x(span.first), lanesTop + 12 * Double(lane), max(0.5, x(span.last) - x(span.first)), 9, "span",
          hover:
            "\(report.operators[step].name)\ncycles \(Figures.grouped(span.first)) to \(Figures.grouped(span.last))")
      }
    }
    drawing.line(Self.left, bottom, Self.left + Self.width, bottom, "axis")
    drawing.text(Self.left + Self.width / 2, bottom + 36, "cycle (modelled)", .middle)
    return drawing.markup
      + "<p class=\"faint\">Height: the part of \(Figures.grouped(timeline.cyclesPerBin)) cycles in which the unit of a queue "
      + "is busy. Below, each operator from its first command to its last result; those that overlap lie under each "
      + "other. <code>spadix run --trace</code> writes every step for Perfetto.</p>\n"
  }

  private func draw(_ name: String, _ busy: [Int], _ style: String, top: Double, _ drawing: inout Drawing) {
    let base = top + Self.lane
    func height(_ cycles: Int) -> Double {
      base - Self.lane * Double(min(cycles, timeline.cyclesPerBin)) / Double(timeline.cyclesPerBin)
    }
    var points: [(x: Double, y: Double)] = [(Self.left, base)]
    for (bin, cycles) in busy.enumerated() {
      let (start, overflow) = bin.multipliedReportingOverflow(by: timeline.cyclesPerBin)
      if overflow { break }
      points.append((x(start), height(cycles)))
      points.append((x(start + timeline.cyclesPerBin), height(cycles)))
    }
    points.append((points.last?.x ?? Self.left, base))
    drawing.area(points, style)
    drawing.line(Self.left, base, Self.left + Self.width, base, "axis")
    drawing.text(Self.left - 8, base - 4, name, .end)
    let share = Figures.percent(busy.reduce(0) { $0 + min($1, timeline.cyclesPerBin) }, of: total)
    drawing.text(Self.left - 8, base - 20, "\(share) %", .end, small: true)
  }

  /// Operators by lane, so that none overlaps another in its lane; at most 12 lanes.
  private func lanes() -> [[Int]] {
    var lanes: [[Int]] = []
    var ends: [Int] = []
    let known = timeline.operators.indices.filter { $0 < report.operators.count && timeline.operators[$0] != nil }
    func span(_ step: Int) -> QueueProfile.Span { timeline.operators[step] ?? QueueProfile.Span(first: 0, last: 0) }
    for step in known.sorted(by: { (span($0).first, $0) < (span($1).first, $1) }) {
      let free = ends.firstIndex { $0 <= span(step).first } ?? ends.count
      let lane = min(free, 11)
      if lane == lanes.count {
        lanes.append([])
        ends.append(0)
      }
      lanes[lane].append(step)
      ends[lane] = max(ends[lane], span(step).last)
    }
    return lanes
  }
}
