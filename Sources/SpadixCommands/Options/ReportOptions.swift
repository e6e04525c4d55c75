import ArgumentParser
import Spadix
import SpadixReport
import SpadixSupport

/// How, and where, the report is printed.
struct ReportOptions: ParsableArguments {
  enum Form: String, CaseIterable, ExpressibleByArgument {
    case text, json, csv, html, none
  }

  @Option(help: "Form of the report on what the program costs.")
  var report = Form.text

  @Option(help: ArgumentHelp("Write the report to this file instead of the terminal.", valueName: "file"))
  var reportFile: String?

  @Flag(name: [.short, .long], help: "Add the allocation table to the text report, and show remarks of the passes.")
  var verbose = false

  /// - Parameters:
  ///   - command: what compiles the same again.
  ///   - path: a file for the report where `--report-file` names none.
  ///   - isOutputTaken: whether standard output carries something else; the report then goes to standard error.
  ///   - verification: what the JSON says of a verification; nil where there was none.
  func write(
    _ compilation: Compilation, command: CommandText, path: String? = nil, isOutputTaken: Bool,
    verification: JSONValue? = nil
  ) throws {
    guard report != .none, var figures = try compilation.report(modelsTime: true) else { return }
    figures.command = command.text
    guard let text = text(figures, verification) else { return }
    if let reportFile = reportFile ?? path {
      try Files.write(text, to: reportFile)
    } else if isOutputTaken {
      StandardError.write(text)
    } else {
      try StandardOutput.write(text)
    }
  }

  private func text(_ report: CompilationReport, _ verification: JSONValue?) -> String? {
    switch self.report {
    case .text: TextReport(report, verbose: verbose).text
    case .json: JSONReport(report, verification: verification).text
    case .csv: CSVReport(report).text
    case .html: HTMLReport(report, verification: verification).text
    case .none: nil
    }
  }
}
