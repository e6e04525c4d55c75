import ArgumentParser
import Foundation
import Spadix
import SpadixIR
import SpadixSupport
import SpadixTensor

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Compile a graph, run it on the machine, and compare it with the references.",
    discussion: """
      The machine's outputs must equal the integer reference's bit for bit: otherwise the first operation that went \
      wrong is named and the exit status is 2. Where the graph is in floating point, its float reference says what \
      quantization costs; with labels, how often each gives the right answer. Every int8 operation is held against what it \
      means in floating point, and an error beyond what its types allow is status 2 as well. Without inputs, seeded random \
      ones are used.
      """)

  @Argument(help: ArgumentHelp("The graph, in any phase; - is standard input.", valueName: "graph.spx"))
  var input: String

  @OptionGroup var target: TargetOptions

  @OptionGroup var model: ModelOptions

  @Option(
    name: .customLong("input"),
    help: ArgumentHelp(
      "Samples for an input; the name can be left out where there is only one.", valueName: "name=file.npy"))
  var inputs: [NamedFile] = []

  @Option(help: ArgumentHelp("The right class for each sample: integers.", valueName: "file.npy"))
  var labels: String?

  @Option(
    help: ArgumentHelp(
      "Verify only the first N samples; of random ones, make N. (default: all, or 1)", valueName: "n"))
  var samples: Int?

  @Option(help: "Seed of random inputs.")
  var seed: UInt64 = 1

  @Option(
    help: ArgumentHelp(
      "Samples to calibrate an input with, instead of the graph's own; random draws those of inputs without from their "
        + "ranges.", valueName: "input=file.npy|random"))
  var calibrate: [NamedFile] = []

  @Option(
    help: "Order of the kernels: the graph's (residency), or of least traffic by the paper's model or an exact search.")
  var formulation = Compiler.Formulation.residency

  @OptionGroup(title: "Plan") var planning: PlanOptions
  @OptionGroup(title: "Report") var reporting: ReportOptions

  func validate() throws {
    if let samples, !(1...1_000_000).contains(samples) {
      throw ValidationError("--samples \(samples): expected 1 to 1000000")
    }
    if labels != nil && inputs.isEmpty { throw ValidationError("--labels: expected --input as well") }
  }

  func run() throws {
    var files = try FileArguments(
      inputs: [input, target.target, labels] + inputs.map(\.path) + calibrate.files.map(\.path),
      outputs: [OutputArgument("--report-file", reporting.reportFile)])
    let input = try InputFile.read(input, model)
    try files.addFiles(of: input)
    let data = DataStore()
    let samples = try readSamples(input.graph, data)
    let labels = try self.labels.map { try readLabels($0, samples, input.graph) }
    var compiler = Compiler(
      target: try target.load(),
      options: Compiler.Options(
        formulation: formulation, samples: try calibrate.samples(for: input.graph),
        calibratesAtRandom: calibrate.asksForRandom))
    planning.apply(to: &compiler.options)
    let watch = ProgressAfterASecond()
    compiler.options.watch(watch)
    let compilation = try compiler.compile(input, data: data)
    watch.end()
    compilation.diagnostics.show(remarks: reporting.verbose)

    var progress = Progress()
    defer { progress.clear() }
    let result = try Verification(compilation, data: data).run(samples, labels: labels) {
      progress.show("sample \($0 + 1) of \(samples.count)")
    }
    progress.clear()
    let report = VerificationReport(result, compilation, seed: inputs.isEmpty ? seed : nil)
    try reporting.write(compilation, command: command, isOutputTaken: false, verification: report.json)
    // Programs read the JSON, and browsers the page: nothing else goes to standard output then.
    if reporting.report == .json || reporting.report == .html, reporting.reportFile == nil {
      StandardError.write(report.text)
    } else {
      try StandardOutput.write(report.text)
    }
    for violation in result.quantization?.violations ?? [] { StandardError.write(violation.diagnostic.description) }
    if !result.isRight { throw ExitStatus.mismatch }
  }

  private var command: CommandText {
    var command = CommandText("verify", input)
    command.add(target, model, calibrate, formulation)
    command.add("--input", inputs.map(\.argument))
    command.add("--labels", labels)
    command.add("--samples", samples.map(String.init))
    command.add("--seed", String(seed), unless: "1")
    return command
  }

  private func readSamples(_ graph: Graph, _ data: DataStore) throws -> Samples {
    if inputs.isEmpty {
      return try Samples(seed: seed, count: samples ?? 1, for: graph, data: data)
    }
    let all = try Samples(reading: inputs.map { ($0.name, $0.path) }, for: graph.inputPorts)
    return samples.map { all.prefix($0) } ?? all
  }

  private func readLabels(_ path: String, _ samples: Samples, _ graph: Graph) throws -> [Int] {
    let array = try Labels.read(path)
    guard let values = array.integers else {
      throw Diagnostic(
        "labels.type", "'\(path)' has elements of type \(array.dtype.rawValue); labels are integers",
        help: "convert them: numpy.save('x.npy', numpy.load('\(path)').astype(int))")
    }
    let type = graph.values[graph.outputs[0]].type
    let classes = type.shape.last ?? 1
    let rows = type.elementCount / max(1, classes)
    guard values.count >= samples.count * rows else {
      throw Diagnostic(
        "labels.count", "'\(path)' has \(values.count) labels; expected \(samples.count * rows), one for each sample")
    }
    if let bad = values.firstIndex(where: { !(0..<classes).contains($0) }) {
      throw Diagnostic(
        "labels.range", "'\(path)' holds label \(values[bad]) at element \(bad); expected 0 to \(classes - 1)")
    }
    return Array(values.prefix(samples.count * rows))
  }
}
