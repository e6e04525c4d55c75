import ArgumentParser
import Spadix
import SpadixIR
import SpadixReference
import SpadixSupport
import SpadixTensor

/// `spadix evaluate`: what a graph means, without compiling it.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Compute a graph's outputs with the reference.",
    discussion: """
      A graph in floating point is computed in Float32, any other in integers, with plain loops: slow, and what compiled \
      programs are compared with. Several samples are computed one after the other, as spadix run does.
      """)

  @Argument(
    help: ArgumentHelp("The graph, in any phase, or an ONNX model; - is standard input.", valueName: "graph.spx"))
  var graph: String

  @OptionGroup var model: ModelOptions

  @Option(
    help: ArgumentHelp(
      "The elements of an input, or of all in a .npz file; the name can be left out where there is only one.",
      valueName: "name=file.npy"))
  var input: [NamedFile] = []

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Write each output into this folder, as NAME.npy.", valueName: "folder"))
  var output: String

  func run() throws {
    var files = try FileArguments(
      inputs: [graph] + input.map(\.path), outputs: [OutputArgument("--output", output, .folder)])
    let input = try InputFile.read(graph, model)
    try files.addFiles(of: input)
    let graph = input.graph
    let samples = try Samples(reading: self.input.map { ($0.name, $0.path) }, for: graph.inputPorts)
    var results = OutputFiles(graph.outputPorts)
    try files.add(results.names, in: output, of: "--output")
    let data = DataStore()
    let evaluator: any GraphEvaluator =
      input.phase == .graph ? FloatEvaluator(graph: graph, data: data) : IntegerEvaluator(graph: graph, data: data)
    var progress = Progress()
    defer { progress.clear() }
    for sample in 0..<samples.count {
      progress.show("sample \(sample + 1) of \(samples.count)")
      results.add(try evaluator.run(inputs: samples[sample]))
    }
    progress.clear()
    try results.write(to: output)
    var text = "\(samples.count) \(samples.count == 1 ? "sample" : "samples")\n"
    for (index, tensor) in try results.tensors().enumerated() {
      text += "  \(graph.outputPorts[index].name): \(tensor.type) -> \(output)/\(results.names[index])\n"
    }
    try StandardOutput.write(text)
  }
}
