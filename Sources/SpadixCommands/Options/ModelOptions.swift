import ArgumentParser
import SpadixImport
import SpadixSupport

/// `--shape` and `--dim`, for commands that take a model where a graph is taken.
struct ModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Shape of an input of an ONNX model, where the model leaves it open.", valueName: "name=1x3x48x192"))
  var shape: [NamedShape] = []

  @Option(help: ArgumentHelp("Size of a named dimension of an ONNX model.", valueName: "name=1"))
  var dim: [NamedSize] = []

  var value: ImportOptions {
    ImportOptions(shapes: shape.map { ($0.name, $0.shape) }, dimensions: dim.map { ($0.name, $0.size) })
  }

  var isGiven: Bool { !shape.isEmpty || !dim.isEmpty }
}

/// `NAME=1x3x48x192`. The last `=` separates, since names may hold any character.
struct NamedShape: ExpressibleByArgument {
  var name: String
  var shape: [Int]

  init?(argument: String) {
    guard let equals = argument.lastIndex(of: "=") else { return nil }
    name = NamedFile.unquoted(argument[..<equals])
    let sizes = argument[argument.index(after: equals)...].split(separator: "x", omittingEmptySubsequences: false)
    shape = sizes.compactMap { Int($0) }
    if name.isEmpty || shape.count != sizes.count || shape.contains(where: { $0 < 1 }) { return nil }
  }
}

/// `NAME=1`.
struct NamedSize: ExpressibleByArgument {
  var name: String
  var size: Int

  init?(argument: String) {
    guard let equals = argument.lastIndex(of: "="), let size = Int(argument[argument.index(after: equals)...]), size > 0
    else { return nil }
    name = String(argument[..<equals])
    self.size = size
    if name.isEmpty { return nil }
  }
}
