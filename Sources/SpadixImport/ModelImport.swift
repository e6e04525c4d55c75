import SpadixIR
import SpadixSupport
import SpadixTensor

/// An ONNX model as a graph.
///
/// Names of inputs and outputs are the model's, and so is the order of their axes. Inside, images have their channels
/// last: `Placement` says how.
public struct ModelImport: Sendable {
  /// Nil where a node was refused.
  public let graph: Graph?
  /// What became of each node, also where the graph is nil.
  public let summary: ImportSummary
  /// One for each node that was refused, in the model's order.
  public let refusals: Diagnostics
  /// Paths of the files with external data that the model names, sorted.
  public let externalFiles: [String]

  /// Whether bytes are an ONNX model, rather than a graph's text.
  public static func isModel(_ bytes: [UInt8]) -> Bool { ModelFile.isModel(bytes) }

  /// The bytes of a file that may be a model or a text, whichever it is.
  ///
  /// Throws what `Files.read` throws, and `file.too-large` for a text, before it is read.
  public static func readModelOrText(_ path: String) throws -> [UInt8] {
    try Files.read(path) { start in
      if !isModel(Array(start)) { try Files.checkTextSize(path) }
    }
  }

  /// Imports a model.
  ///
  /// - Parameters:
  ///   - name: what the file is called in diagnostics.
  ///   - folder: where external data are looked for; nil for a model without a file.
  /// Throws diagnostics about the file as a whole: bytes that are no model, names that are not defined, dimensions that
  /// are open, options that name nothing. What is wrong with single nodes is in `refusals`.
  public init(
    _ bytes: consuming [UInt8], name: String, folder: String?, options: ImportOptions = ImportOptions()
  ) throws {
    var importer = try ModelImporter(ModelFile(bytes, name: name, folder: folder))
    try importer.run(options)
    refusals = Diagnostics(importer.refusals)
    summary = importer.summary
    externalFiles = importer.externalFiles
    graph = importer.refusals.isEmpty ? importer.finishedGraph() : nil
  }
}
