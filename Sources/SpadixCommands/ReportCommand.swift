import ArgumentParser
import SpadixReport
import SpadixSupport

struct ReportCommand: ParsableCommand {
  enum Form: String, EnumerableFlag {
    case text, html, csv, json
  }

  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Show a saved report again, in another form.",
    discussion: """
      A report that compile or verify wrote with --report=json has everything that the other forms show: the page or \
      the text that come out are those that the command itself would have written.
      """)

  @Argument(help: ArgumentHelp("A report in JSON; - is standard input.", valueName: "report.json"))
  var input: String

  @Flag(exclusivity: .exclusive, help: "Form of what is shown.")
  var form = Form.text

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Write it to this file instead of the terminal.", valueName: "file"))
  var output: String?

  @Flag(name: [.short, .long], help: "Add the allocation table to the text.")
  var verbose = false

  func run() throws {
    _ = try FileArguments(
      inputs: [input], outputs: [OutputArgument("--output", output)], standardOutput: "--output")
    let report = try JSONReport(parsing: Files.readSource(input))
    let text =
      switch form {
      case .text: TextReport(report.report, verbose: verbose).text
      case .html: HTMLReport(report).text
      case .csv: CSVReport(report.report).text
      case .json: report.text
      }
    if let output, output != "-" {
      try Files.write(text, to: output)
    } else {
      try StandardOutput.write(text)
    }
  }
}
