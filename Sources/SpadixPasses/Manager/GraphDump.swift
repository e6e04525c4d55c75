import SpadixIR
import SpadixSupport

/// Numbered files with the graph at every point of a pipeline, each a valid input that work can resume from.
struct GraphDump {
  private let directory: String?
  private var count = 0

  /// A dump into a folder, which is made if need be; into nothing when `directory` is nil.
  init(directory: String?) throws {
    self.directory = directory
    if let directory { try Files.makeDirectory(directory) }
  }

  /// Writes `NN-phase.spx`, numbered from 00 in the order of calls, and large data into `NN-phase.safetensors`.
  mutating func write(_ graph: Graph, phase: String) throws {
    guard let directory else { return }
    let number = count < 10 ? "0\(count)" : String(count)
    count += 1
    try graph.write(to: "\(directory)/\(number)-\(phase).spx")
  }
}
