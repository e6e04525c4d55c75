import Spadix
import SpadixIR
import SpadixImport
import SpadixPasses
import SpadixSupport
import SpadixTensor

/// Reading what the arguments of a command name.
enum InputFile {
  /// A graph; `-` is standard input, from where paths in the graph are relative to the working folder.
  ///
  /// Throws `driver.not-a-model` where options are given that say something about a model, and the file is none.
  static func read(_ path: String, _ model: ModelOptions) throws -> CompilerInput {
    let input = try CompilerInput(reading: path, model: model.value)
    if model.isGiven, !input.isModel { throw notAModel(path) }
    return input
  }

  static func importModel(_ path: String, _ options: ImportOptions) throws -> ModelImport {
    let bytes = try Files.read(path)
    guard ModelImport.isModel(bytes) else {
      throw Diagnostic("onnx.damaged", "'\(path)' is not an ONNX model", help: "spadix opt reads graphs in text")
    }
    return try CompilerInput.importModel(bytes, path: path, options)
  }

  static func notAModel(_ path: String) -> Diagnostic {
    Diagnostic(
      "driver.not-a-model", "--shape and --dim are given, but '\(path)' is not an ONNX model",
      help: "shapes of graphs stand in their text")
  }
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
