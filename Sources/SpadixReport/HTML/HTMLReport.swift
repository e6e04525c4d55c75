import SpadixMachine
import SpadixSupport

/// The report to look at: one page without scripts or files beside it that it could not do without.
///
/// It is made of the same values as the JSON, so that a saved report gives the same page.
public struct HTMLReport {
  /// All that the page shows but the verification.
  var report: CompilationReport
  /// What `spadix verify` adds, as in the JSON.
  var verification: JSONValue?

  public init(_ report: CompilationReport, verification: JSONValue? = nil) {
    self.report = report
    self.verification = verification
  }

  /// The page of a report that was saved as JSON.
  public init(_ json: JSONReport) { self.init(json.report, verification: json.verification) }

  /// A whole document. The same report gives the same bytes.
  public var text: String {
    let sections = sections
    let links = sections.map { "<a href=\"#\($0.id)\">\($0.title)</a>" }.joined(separator: "\n")
    return Self.page(
      title: "\(report.graph) for \(report.target.name)", heading: "@\(report.graph) for \(report.target.name)",
      body: header + "<nav aria-label=\"Sections\">\n\(links)\n</nav>\n"
        + sections.map { "<section id=\"\($0.id)\">\n<h2>\($0.title)</h2>\n\($0.body)</section>\n" }.joined())
  }

  /// A whole document with the styles and the script of all of them.
  package static func page(title: String, heading: String, body: String) -> String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="generator" content="spadix \(Version.current)">
    <title>\(Markup.escaped(title))</title>
    <link rel="icon" href="data:,">
    <style>
    \(Drawing.styles)\(String(decoding: PackageResources.style_css, as: UTF8.self))</style>
    </head>
    <body>
    <h1>\(Markup.escaped(heading))</h1>
    \(body)<script>
    \(String(decoding: PackageResources.script_js, as: UTF8.self))</script>
    </body>
    </html>

    """
  }

  struct Section {
    var id: String
    var title: String
    var body: String
  }

  private var sections: [Section] {
    var sections = [Section(id: "summary", title: "Summary", body: SummarySection(report, verification).markup)]
    func add(_ id: String, _ title: String, _ body: String?) {
      if let body { sections.append(Section(id: id, title: title, body: body)) }
    }
    if !report.operators.isEmpty {
      add("operators", "Operators", OperatorTable(report.operators).markup)
      add("roofline", "Roofline", RooflinePicture(report)?.markup)
      add("addresses", "Scratchpad", AddressPicture(report)?.markup)
      add("timeline", "Timeline", TimelinePicture(report)?.markup)
    }
    add("noise", "Quantization", verification.flatMap { NoiseTable($0)?.markup })
    add("host", "Host steps", hostSteps)
    add("messages", "Messages", messages)
    return sections
  }

  private var header: String {
    let target = report.target
    let host = report.hostSteps.count
    var text =
      "<p>dim \(target.dim), scratchpad \(Figures.bytes(target.scratchpadBytes)), accumulator "
      + "\(Figures.bytes(target.accumulatorBytes)); \(report.operators.count - host) operators on the accelerator, "
      + "\(host) on the host; \(Figures.grouped(report.commands)) commands</p>\n"
    if let calibration = report.calibration { text += "<p>Ranges from \(Markup.escaped(calibration)).</p>\n" }
    for note in target.notes { text += "<p>Note: \(Markup.escaped(note))</p>\n" }
    if let command = report.command { text += "<p>Compiled by</p>\n<pre>\(Markup.escaped(command))</pre>\n" }
    return text
  }

  private var hostSteps: String? {
    if report.hostSteps.isEmpty { return nil }
    return HTMLTable(
      ["step", "line", "reason"],
      report.hostSteps.map { step in
        [
          HTMLTable.Cell(step.name), HTMLTable.Cell(number: step.sourceLine),
          HTMLTable.Cell(step.hostReason ?? "", isWide: true),
        ]
      }, label: "Operators that the host evaluates"
    ).markup
  }

  private var messages: String? {
    if report.messages.isEmpty { return nil }
    return HTMLTable(
      ["severity", "message", "place", "id"],
      report.messages.map { message in
        [
          HTMLTable.Cell(message.severity),
          HTMLTable.Cell(message.message + (message.help.map { " (\($0))" } ?? ""), isWide: true),
          HTMLTable.Cell(message.place ?? ""), HTMLTable.Cell(message.id),
        ]
      }, label: "Warnings and remarks"
    ).markup
  }
}
