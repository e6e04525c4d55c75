import SpadixSupport
import SpadixTensor

extension Graph {
  /// The graph as text; paths of data are relative to the working folder.
  public func text(largeData: GraphPrinter.LargeData = .hexadecimal) -> String {
    GraphPrinter(largeData: largeData).text(of: self)
  }

  /// The safetensors file beside a graph's text that large data in memory are written into: the same path but for the
  /// suffix.
  public static func companion(of path: String) -> String {
    (path.hasSuffix(".spx") ? String(path.dropLast(4)) : path) + ".safetensors"
  }

  /// Writes the graph as text, and data in memory that are too large for it into the companion of that text. Both appear
  /// together.
  ///
  /// - Parameters:
  ///   - heading: text that stands before the graph in the file.
  ///   - trailer: text that follows the graph, such as a plan for it.
  ///
  /// Throws `data.companion` when the companion would replace a file that the graph names.
  public func write(to path: String, heading: String = "", trailer: String = "") throws {
    let companionPath = Self.companion(of: path)
    let companionName = companionPath.split(separator: "/").last.map(String.init) ?? companionPath
    let printer = GraphPrinter(largeData: .companion(companionName), destination: path)
    let files = StagedFiles()
    if let companion = printer.companion(for: self) {
      for definition in data {
        guard let file = definition.file, let needed = FileIdentity(file), needed == FileIdentity(companionPath) else {
          continue
        }
        throw Diagnostic(
          "data.companion",
          "writing the graph to '\(path)' would replace '\(file)', which its data @\(definition.name) still needs",
          at: definition.range, help: "choose another name for the output")
      }
      try files.stage(companion.serialized(), to: companionPath)
    }
    try files.stage(Array((heading + printer.text(of: self) + trailer).utf8), to: path)
    try files.commit()
  }
}
