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
      quantization costs; with labels, how often each gives the right answer. Without inputs, seeded random ones are \
      used.
      """)

  @Argument(help: ArgumentHelp("The graph, in any phase; - is standard input.", valueName: "graph.spx"))
  var input: String

  @OptionGroup var target: TargetOptions

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
    help: ArgumentHelp("Samples to calibrate an input with, instead of the graph's own.", valueName: "input=file.npy"))
  var calibrate: [NamedFile] = []

  @Option(
    help: "Order of the kernels: the graph's (residency), or of least traffic by the paper's model or an exact search.")
  var formulation = Compiler.Formulation.residency

  @OptionGroup(title: "Report") var reporting: ReportOptions

  func validate() throws {
    if let samples, !(1...1_000_000).contains(samples) {
      throw ValidationError("--samples \(samples): expected 1 to 1000000")
    }
    if labels != nil && inputs.isEmpty { throw ValidationError("--labels: expected --input as well") }
  }

  func run() throws {
    var files = try FileArguments(
      inputs: [input, target.target, labels] + inputs.map(\.path) + calibrate.map(\.path),
      outputs: [OutputArgument("--report-file", reporting.reportFile)])
    let input = try InputFile.read(input)
    try files.addFiles(of: input.graph)
    let data = DataStore()
    let samples = try readSamples(input.graph, data)
    let labels = try self.labels.map { try readLabels($0, samples, input.graph) }
    let compiler = Compiler(
      target: try target.load(),
      options: Compiler.Options(formulation: formulation, samples: try calibrate.samples(for: input.graph)))
    let compilation = try compiler.compile(input, data: data)
    compilation.diagnostics.show(remarks: reporting.verbose)

    var progress = Progress()
    defer { progress.clear() }
    let result = try Verification(compilation, data: data).run(samples, labels: labels) {
      progress.show("sample \($0 + 1) of \(samples.count)")
    }
    progress.clear()
    try reporting.write(compilation, isOutputTaken: false)
    try StandardOutput.write(VerificationText(result, compilation, seed: inputs.isEmpty ? seed : nil).text)
    if !result.isExact { throw ExitStatus.mismatch }
  }

  private func readSamples(_ graph: Graph, _ data: DataStore) throws -> Samples {
    if inputs.isEmpty {
      return Samples(
        seed: seed, count: samples ?? 1, for: graph.inputPorts, ranges: try graph.inputRanges(data: data))
    }
    let all = try Samples(reading: inputs.map { ($0.name, $0.path) }, for: graph.inputPorts)
    return samples.map { all.prefix($0) } ?? all
  }

  private func readLabels(_ path: String, _ samples: Samples, _ graph: Graph) throws -> [Int] {
    let array = try NpyArray(reading: path)
    guard let values = array.integers else {
      throw Diagnostic(
        "labels.type", "'\(path)' has elements of type \(array.dtype.rawValue); labels are integers")
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

/// What a verification found, for people.
private struct VerificationText {
  let result: VerificationResult
  let compilation: Compilation
  let seed: UInt64?

  init(_ result: VerificationResult, _ compilation: Compilation, seed: UInt64?) {
    self.result = result
    self.compilation = compilation
    self.seed = seed
  }

  var text: String {
    let noun = (seed == nil ? "" : "random ") + (result.sampleCount == 1 ? "sample" : "samples")
    var text =
      "@\(compilation.input.graph.name) on \(compilation.target.name): \(result.sampleCount) \(noun)"
    text += seed.map { " (seed \($0))\n" } ?? "\n"
    for output in result.outputs {
      text += "  %\(output.name): bit-exact \(output.exactSamples) of \(result.sampleCount)"
      if let quality = output.quality {
        text += "; against float: SQNR \(fixed(quality.decibels, 1)) dB, cosine \(fixed(quality.cosine, 5)), "
        text += "max error \(fixed(quality.maximumError, 5))"
      }
      text += "\n"
    }
    if let accuracy = result.accuracy {
      text += "  accuracy: "
      if let float = accuracy.float { text += "float \(percent(float, accuracy.labels)), " }
      text += "int8 \(percent(accuracy.machine, accuracy.labels)) of \(accuracy.labels) labels\n"
    }
    if let divergence = result.divergence { text += describe(divergence) }
    return text
  }

  private func describe(_ divergence: Divergence) -> String {
    let place =
      switch divergence.stage {
      case .lowering: "the lowered graph differs from the quantized one"
      case .machine: "the machine differs from the integer reference"
      }
    var text = "  mismatch in sample \(divergence.sample): \(place)\n"
    if let operation = divergence.operation {
      text += "  first at \(operation)"
      if let line = divergence.sourceLine { text += ", line \(line)" }
      if let difference = divergence.difference {
        text += ": \(difference.count) of \(difference.elementCount) elements differ, element \(difference.element) "
        text += "is \(number(difference.found)), expected \(number(difference.expected))"
      }
      text += "\n"
    } else {
      text += "  no intermediate value that can be compared is wrong\n"
    }
    text += "  before it \(divergence.rightBefore) values are right, and \(divergence.unseenBefore) are not in DRAM\n"
    return text
  }

  private func percent(_ part: Int, _ whole: Int) -> String {
    "\(fixed(whole == 0 ? 0 : 100 * Double(part) / Double(whole), 1)) %"
  }

  /// Always the same digits, so that output does not depend on the last bits of a sum.
  private func fixed(_ value: Double, _ digits: Int) -> String {
    value.isFinite ? String(format: "%.\(digits)f", value) : value > 0 ? "inf" : "-inf"
  }

  private func number(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 1e15 ? String(Int(value)) : String(value)
  }
}
