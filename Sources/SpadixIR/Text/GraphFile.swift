import SpadixSupport
import SpadixTensor

extension Graph {
  /// The graph as text; paths of data are relative to the working folder.
  public func text(largeData: GraphPrinter.LargeData = .hexadecimal) -> String {
    GraphPrinter(largeData: largeData).text(of: self)
  }

  /// Writes the graph as text. Data in memory that are too large for it go into a safetensors file beside it, which has
  /// the same name but for the suffix.
  ///
  /// - Parameter trailer: text that follows the graph in the same file, such as a plan for it.
  public func write(to path: String, trailer: String = "") throws {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let stem = name.hasSuffix(".spx") ? String(name.dropLast(4)) : name
    let companionName = "\(stem).safetensors"
    let printer = GraphPrinter(largeData: .companion(companionName), destination: path)
    // The data first: whoever finds the text finds what it refers to.
    if let companion = printer.companion(for: self) {
      let companionPath = Files.resolve(companionName, relativeTo: path)
      for definition in data {
        guard case .file(let source, _) = definition.source else { continue }
        let resolved = definition.baseFile.map { Files.resolve(source, relativeTo: $0) } ?? source
        if Files.isSame(resolved, companionPath) {
          throw Diagnostic(
            "data.companion",
            "writing the graph to '\(path)' would replace '\(source)', which its data @"
              + "\(definition.name) still needs", at: definition.range, help: "choose another name for the output")
        }
      }
      try companion.write(to: companionPath)
    }
    try Files.write(printer.text(of: self) + trailer, to: path)
  }
}
