import SpadixMachine
import SpadixSupport

/// Cycles as a bar, divided by what bounds them.
struct CycleBar {
  let cycles: Counters.Cycles
  /// What the whole width stands for.
  let scale: Int
  var isWhole = false

  var markup: String {
    let total = Double(max(1, scale))
    let spans = cycles.parts.filter { $0.cycles > 0 }.map { part in
      let percent = Markup.number(min(100, 100 * Double(part.cycles) / total))
      return "<span class=\"\(part.key)\" style=\"width:\(percent)%\"></span>"
    }
    return "<div class=\"bar\(isWhole ? " whole" : "")\" title=\"\(Self.text(cycles))\">\(spans.joined())</div>"
  }

  /// `array 45.0 %, load 30.0 %`.
  static func text(_ cycles: Counters.Cycles) -> String {
    cycles.parts.filter { $0.cycles > 0 }.map {
      "\($0.key) \(Figures.percent($0.cycles, of: cycles.total)) %"
    }.joined(separator: ", ")
  }

  static var legend: String {
    "<p class=\"legend\">"
      + Counters.Cycles().parts.map {
        "<span class=\"item\"><span class=\"key \($0.key)\"></span>\($0.key)</span>"
      }.joined(separator: "\n") + "</p>\n"
  }
}
