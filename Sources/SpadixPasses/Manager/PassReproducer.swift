import SpadixIR

/// A graph and the passes that fail on it, as a file whose first line is the command that repeats the failure.
struct PassReproducer {
  var graph: Graph
  var steps: [PassPipeline.Step]
  /// A preset's name or the path of a target file.
  var target: String

  func command(path: String) -> String {
    "spadix opt \(path) --target \(target) --passes='\(PassPipeline(steps).description)'"
  }

  func write(to path: String) throws {
    try graph.write(to: path, heading: "// \(command(path: path))\n")
  }
}
