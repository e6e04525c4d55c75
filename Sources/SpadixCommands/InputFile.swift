import Spadix
import SpadixIR
import SpadixPasses
import SpadixSupport
import SpadixTensor

/// Reading what the arguments of a command name.
enum InputFile {
  /// A graph; `-` is standard input, from where paths in the graph are relative to the working folder.
  static func read(_ path: String) throws -> CompilerInput { try CompilerInput(reading: path) }
}

extension [NamedFile] {
  /// Whether `--calibrate random` is among them; a file of that name is `./random`.
  var asksForRandom: Bool { contains(where: \.isRandom) }

  /// The files among what `--calibrate` was given.
  var files: [NamedFile] { filter { !$0.isRandom } }

  /// Calibration samples for inputs of a graph.
  func samples(for graph: Graph) throws -> [CalibrationSamples] {
    try Samples.stacked(reading: files.map { ($0.name, $0.path) }, for: graph.inputPorts).map {
      CalibrationSamples(input: $0.name, tensor: $0.tensor)
    }
  }
}

extension NamedFile {
  fileprivate var isRandom: Bool { name.isEmpty && path == "random" }
}

extension Diagnostics {
  /// Prints warnings, and remarks where they are wanted, to standard error.
  func show(remarks: Bool) {
    for diagnostic in all where remarks || diagnostic.severity != .remark {
      StandardError.write(diagnostic.description)
    }
  }
}
