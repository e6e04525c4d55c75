import ArgumentParser
import SpadixIR
import SpadixImport
import SpadixSupport

/// `spadix import`: an ONNX model to a graph.
struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Make a graph of an ONNX model.",
    discussion: """
      The graph has the model's names, and the model's layout of inputs and outputs. What cannot be imported is listed \
      completely, with the way out, and the exit status is 1. The commands that take a graph take a model as well.

        spadix import model.onnx -o model.spx
        spadix import model.onnx --shape x=1x3x48x192 --dim N=1 --summary
      """)

  @Argument(help: ArgumentHelp("The model; - is standard input.", valueName: "model.onnx"))
  var input: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Write the graph to this file, and its weights beside it; - is standard output.", valueName: "model.spx"))
  var output: String?

  @OptionGroup var model: ModelOptions

  @Flag(help: "Print inputs, outputs, what became of each operator and where it runs, and what is refused.")
  var summary = false

  @OptionGroup var target: TargetOptions

  func validate() throws {
    if output == nil, !summary { throw ValidationError("expected -o, --summary or both") }
    if output == "-", summary { throw ValidationError("-o - and --summary both want standard output") }
  }

  func run() throws {
    var files = try FileArguments(
      inputs: [input, target.target], outputs: [OutputArgument("--output", output, .graph)], standardOutput: "--output")
    let target = try target.load()
    let model = try InputFile.importModel(input, model.value)
    try files.addExternalFiles(model.externalFiles)
    if summary { try StandardOutput.write(ImportSummaryText.text(model.summary, target)) }
    try model.refusals.throwIfErrors()
    guard let graph = model.graph, let output else { return }
    try graph.verify()
    if output == "-" { try StandardOutput.write(graph.text()) } else { try graph.write(to: output) }
  }
}
