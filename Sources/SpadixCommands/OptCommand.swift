import ArgumentParser
import SpadixIR
import SpadixImport
import SpadixPasses
import SpadixSupport

/// `spadix opt`: runs passes over a graph and prints the result.
struct OptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "opt", abstract: "Run passes over a graph.",
    discussion: """
      Without --passes the graph is parsed, verified and printed. `spadix passes` lists the passes.

        spadix opt cnn.spx --passes=fold-constants,fuse-activation --print-after=all
        spadix opt cnn.spx --passes='calibrate,quantize{scheme=symmetric}' -o cnn.q8.spx
      """)

  @Argument(help: ArgumentHelp("The graph; - is standard input.", valueName: "graph.spx"))
  var input: String

  @Option(
    help: ArgumentHelp("Passes or pipelines to run, in order.", valueName: "name{option=value},..."))
  var passes: String = ""

  @OptionGroup var target: TargetOptions

  @OptionGroup var model: ModelOptions

  @Option(
    help: ArgumentHelp(
      "Samples to calibrate an input with, instead of the graph's own; random draws those of inputs without from their "
        + "ranges.", valueName: "input=file.npy|random"))
  var calibrate: [NamedFile] = []

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Write the graph to this file; - is standard output.", valueName: "file"))
  var output: String = "-"

  @Flag(help: "Leave large data out of text on standard output: easier to read, and no longer an input.")
  var elideData = false

  @Option(
    help: """
      The form of the result: spx; mlir (generic form, for mlir-opt and xdsl-opt); dot (for Graphviz); onnx (a model, int8 \
      with QuantizeLinear and DequantizeLinear).
      """)
  var format: GraphFormat = .spx

  @OptionGroup(title: "Looking inside") var instrumentation: PassInstrumentationOptions

  func validate() throws {
    _ = try usage { try pipeline() }
    if format != .spx, elideData { throw ValidationError("--elide-data is for --format spx only") }
    if format == .onnx, output == "-" {
      throw ValidationError("--format onnx is no text; expected --output FILE.onnx")
    }
  }

  private func pipeline() throws -> PassPipeline {
    let pipeline = passes.isEmpty ? PassPipeline([PassPipeline.Step]()) : try PassPipeline(parsing: passes)
    return calibrate.asksForRandom ? try pipeline.calibratingAtRandom() : pipeline
  }

  func run() throws {
    var files = try FileArguments(
      inputs: [input, target.target] + calibrate.files.map(\.path),
      outputs: [
        OutputArgument("--output", output, format == .spx ? .graph : .file),
        OutputArgument("--dump-dir", instrumentation.dumpDir, .dumps),
        OutputArgument("--reproducer", instrumentation.printing.reproducer, .graph),
      ], standardOutput: "--output")
    let given = try InputFile.read(input, model)
    try files.addFiles(of: given)
    let graph = given.graph
    var context = PassContext(
      target: try target.load(), data: DataStore(), samples: try calibrate.samples(for: graph))
    var instrumentation = instrumentation.value
    instrumentation.target = target.target
    // What was reported before a failure helps to understand it.
    defer { StandardError.write(context.diagnostics.description) }
    let result = try PassManager(try pipeline(), instrumentation: instrumentation).run(graph, in: &context)
    switch (format, output) {
    case (.spx, "-"): try StandardOutput.write(result.text(largeData: elideData ? .elided : .hexadecimal))
    case (.spx, _): try result.write(to: output)
    case (.mlir, _): try write(MLIRPrinter().text(of: result))
    case (.dot, _): try write(DotPrinter().text(of: result))
    case (.onnx, _): try Files.write(ModelExport.model(of: result, data: context.data), to: output)
    }
  }

  private func write(_ text: String) throws {
    if output == "-" { try StandardOutput.write(text) } else { try Files.write(text, to: output) }
  }
}

/// The forms that a graph can be printed in.
enum GraphFormat: String, ExpressibleByArgument, CaseIterable {
  case spx, mlir, dot, onnx
}

/// The options of a command that runs chosen passes.
struct PassInstrumentationOptions: ParsableArguments {
  @OptionGroup var printing: PassPrintingOptions

  @Option(help: ArgumentHelp("Run only the first N passes, to find the one that breaks a graph.", valueName: "n"))
  var stopAfter: Int?

  @Option(help: ArgumentHelp("Write the graph after every pass into numbered files.", valueName: "folder"))
  var dumpDir: String?

  func validate() throws {
    if let stopAfter, stopAfter < 0 {
      throw ValidationError("--stop-after \(stopAfter): expected 0 or more")
    }
  }

  var value: PassInstrumentation {
    var value = printing.instrumentation
    value.stopAfter = stopAfter
    value.dumpDirectory = dumpDir
    return value
  }
}

/// Lets diagnostics about arguments end as wrong usage, status 64.
func usage<Result>(_ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let diagnostic as Diagnostic {
    throw ValidationError(diagnostic.message + (diagnostic.help.map { "\nhelp: \($0)" } ?? ""))
  }
}
