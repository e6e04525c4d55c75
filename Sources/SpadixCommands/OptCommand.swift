import ArgumentParser
import Foundation
import SpadixIR
import SpadixISA
import SpadixPasses
import SpadixSupport
import SpadixTensor

/// `spadix opt`: runs passes over a graph and prints the result.
struct OptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "opt", abstract: "Run passes over a graph.",
    discussion: """
      Without --passes the graph is parsed, verified and printed. `spadix passes` lists the passes.

        spadix opt cnn.spx --passes=fold-constants,fuse-activation --print-after=all
        spadix opt cnn.spx --passes='calibrate,quantize{scheme=symmetric}' -o cnn.q8.spx
      """)

  @Argument(help: "A graph (.spx), or - for standard input.")
  var input: String

  @Option(
    help: ArgumentHelp("Passes or pipelines to run, in order.", valueName: "name{option=value},..."))
  var passes: String = ""

  @Option(help: ArgumentHelp("A preset or a target file.", valueName: "target"))
  var target: String = "spadix"

  @Option(
    help: ArgumentHelp(
      "Samples for calibration, stacked along axis 0 of the input; in place of the graph's own.",
      valueName: "input=file.npy"))
  var calibrate: [String] = []

  @Option(name: .shortAndLong, help: "Write the graph to this file instead of standard output.")
  var output: String?

  @OptionGroup(title: "Looking inside") var instrumentation: PassInstrumentationOptions

  func validate() throws {
    _ = try usage { try pipeline() }
    for argument in calibrate where argument.split(separator: "=", maxSplits: 1).count != 2 {
      throw ValidationError("--calibrate \(argument): expected INPUT=FILE.npy")
    }
  }

  private func pipeline() throws -> PassPipeline {
    passes.isEmpty ? PassPipeline([PassPipeline.Step]()) : try PassPipeline(parsing: passes)
  }

  func run() throws {
    let source =
      input == "-"
      ? SourceText(name: "<standard input>", bytes: [UInt8](FileHandle.standardInput.readDataToEndOfFile()))
      : try Files.readSource(input)
    let graph = try Graph(parsing: source, baseFile: input == "-" ? nil : input)
    var context = PassContext(
      target: try Target.named(target), data: DataStore(), samples: try calibrate.map { try samples($0) })
    let manager = PassManager(try pipeline(), instrumentation: instrumentation.value)
    defer { StandardError.write(context.diagnostics.description) }
    let result = try manager.run(graph, in: &context)
    if let output {
      try result.write(to: output)
    } else {
      try StandardOutput.write(result.text())
    }
  }

  private func samples(_ argument: String) throws -> CalibrationSamples {
    let sides = argument.split(separator: "=", maxSplits: 1).map(String.init)
    let array = try NpyArray(reading: sides[1])
    return CalibrationSamples(input: sides[0], tensor: Tensor(shape: array.shape, array.floats))
  }
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
