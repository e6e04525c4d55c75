/// A drawing of fixed size in the document's own classes, so that it follows light and dark.
package struct Drawing {
  /// Which part of a text stands at its point.
  public enum Anchor: String { case start, middle, end }

  let width: Double
  let height: Double
  private let title: String
  private var body = ""

  /// - Parameter title: what the drawing is, for those who do not see it.
  package init(width: Double, height: Double, title: String) {
    self.width = width
    self.height = height
    self.title = title
  }

  private func number(_ value: Double) -> String { Markup.number(value) }

  private func hover(_ text: String?) -> String { text.map { "<title>\(Markup.escaped($0))</title>" } ?? "" }

  /// From its upper left corner.
  ///
  /// - Parameters:
  ///   - style: one of the classes of `styles`.
  ///   - fill: a colour in place of the class's.
  ///   - text: what a pointer over it shows.
  package mutating func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String, fill: String? = nil,
    hover text: String? = nil
  ) {
    let fill = fill.map { " fill=\"\($0)\"" } ?? ""
    body += "<rect class=\"\(style)\"\(fill) x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" "
    body += "height=\"\(number(height))\">\(hover(text))</rect>\n"
  }

  /// From one point to another.
  package mutating func line(_ x0: Double, _ y0: Double, _ x1: Double, _ y1: Double, _ style: String) {
    body +=
      "<line class=\"\(style)\" x1=\"\(number(x0))\" y1=\"\(number(y0))\" x2=\"\(number(x1))\" y2=\"\(number(y1))\"/>\n"
  }

  /// A polygon, filled by its class.
  package mutating func area(_ points: [(x: Double, y: Double)], _ style: String) {
    let list = points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
    body += "<polygon class=\"\(style)\" points=\"\(list)\"/>\n"
  }

  /// An open line through points.
  package mutating func polyline(_ points: [(x: Double, y: Double)], _ style: String) {
    let list = points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
    body += "<polyline class=\"\(style)\" points=\"\(list)\"/>\n"
  }

  /// Around a point, filled by its class or with a colour of its own.
  package mutating func circle(
    _ x: Double, _ y: Double, radius: Double, _ style: String, fill: String? = nil, hover text: String
  ) {
    let color = fill.map { " style=\"fill:\($0)\"" } ?? ""
    body +=
      "<circle class=\"\(style)\"\(color) cx=\"\(number(x))\" cy=\"\(number(y))\" r=\"\(number(radius))\">\(hover(text))</circle>\n"
  }

  /// A line of text whose base line begins, has its middle or ends at a point.
  package mutating func text(_ x: Double, _ y: Double, _ text: String, _ anchor: Anchor = .start, small: Bool = false) {
    let style = small ? " class=\"small\"" : ""
    body += "<text\(style) x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor.rawValue)\">"
    body += "\(Markup.escaped(text))</text>\n"
  }

  /// Text that reads downwards to the right from a point: names along a horizontal axis with little room.
  package mutating func slanted(_ x: Double, _ y: Double, _ text: String) {
    body += "<text class=\"small\" transform=\"translate(\(number(x)),\(number(y))) rotate(60)\">"
    body += "\(Markup.escaped(text))</text>\n"
  }

  /// The width that a text takes at most, for a frame that cuts none off.
  package static func width(of text: String, small: Bool = false) -> Double {
    Double(text.count) * (small ? 7 : 7.8)
  }

  /// Text that reads upwards, centred at a point: the name of a vertical axis.
  package mutating func upright(_ x: Double, _ y: Double, _ text: String) {
    body += "<text transform=\"translate(\(number(x)),\(number(y))) rotate(-90)\" text-anchor=\"middle\">"
    body += "\(Markup.escaped(text))</text>\n"
  }

  /// Colours of both lights, and the classes that drawings use. A page that holds drawings has them once.
  package static let styles = """
    :root {
      color-scheme: light dark;
      --page: #fdfdfc; --card: #f4f4f1; --text: #1d1f21; --faint: #5d636a; --line: #d5d6d2; --accent: #0b57b0;
      --array: #3b7dd8; --load: #d98324; --store: #7b5cc4; --dependence: #c23f5f; --issue: #8a8f95; --error: #b3261e;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --page: #16181b; --card: #202327; --text: #e6e7e8; --faint: #a2a8ae; --line: #3a3e44; --accent: #8ab8f5;
        --array: #5b97e8; --load: #e6a04f; --store: #a088dd; --dependence: #e0708a; --issue: #7d838a; --error: #f2857c;
      }
    }
    svg { display: block; }
    svg text { fill: var(--text); font-size: 12px; font-family: system-ui, "DejaVu Sans", sans-serif; }
    svg .small { font-size: 11px; }
    svg .axis { stroke: var(--faint); stroke-width: 1; fill: none; }
    svg .grid { stroke: var(--line); stroke-width: 1; }
    svg .roof { stroke: var(--text); stroke-width: 1.5; fill: none; }
    svg .point { fill: var(--array); fill-opacity: .75; stroke: var(--page); }
    svg .point.open { fill: var(--dependence); }
    svg .piece { stroke: var(--page); stroke-width: .5; }
    svg .working { fill: var(--issue); fill-opacity: .45; }
    svg .group { fill-opacity: .25; stroke: var(--text); stroke-width: 1; }
    svg .strip { stroke: var(--faint); stroke-width: .5; stroke-dasharray: 2 2; }
    svg .fetched { stroke: var(--load); stroke-width: 2; }
    svg .spilled { stroke: var(--store); stroke-width: 2; }
    svg .span { fill: var(--accent); fill-opacity: .35; stroke: var(--accent); stroke-width: .5; }
    svg .array { fill: var(--array); }
    svg .load { fill: var(--load); }
    svg .store { fill: var(--store); }
    svg .dependence { fill: var(--dependence); }
    svg .issue { fill: var(--issue); }

    """

  private var attributes: String {
    "role=\"img\" aria-label=\"\(Markup.escaped(title))\" width=\"\(number(width))\" height=\"\(number(height))\" "
      + "viewBox=\"0 0 \(number(width)) \(number(height))\""
  }

  /// The drawing as a file of its own, on white or black as its reader has it.
  package var standalone: String {
    "<svg xmlns=\"http://www.w3.org/2000/svg\" \(attributes)>\n<style>\n"
      + Self.styles
      + "</style>\n<rect style=\"fill:var(--page)\" width=\"100%\" height=\"100%\"/>\n\(body)</svg>\n"
  }

  /// The drawing in a frame that scrolls where there is no room, so that its text is never made smaller.
  package var markup: String {
    "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"\(Markup.escaped(title))\">"
      + "<svg \(attributes)>\n\(body)</svg></div>\n"
  }
}
