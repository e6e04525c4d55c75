import SpadixIR
import SpadixISA
import SpadixSupport

/// Numbered files of everything between input and program, each a valid input to resume from.
struct DumpDirectory {
  private let path: String?
  private var count = 0

  /// Nothing is written when `path` is nil; otherwise the folder is made if need be.
  init(path: String?) throws {
    self.path = path
    if let path { try Files.makeDirectory(path) }
  }

  /// Writes `NN-phase.spx`, and large data beside it into `NN-phase.safetensors`.
  mutating func write(_ graph: Graph, plan: String = "", phase: String) throws {
    guard let stem = next(phase) else { return }
    try graph.write(to: stem + ".spx", trailer: plan)
  }

  mutating func write(_ program: Program, phase: String) throws {
    guard let stem = next(phase) else { return }
    try program.write(to: stem + ".spxo")
  }

  private mutating func next(_ phase: String) -> String? {
    guard let path else { return nil }
    defer { count += 1 }
    return "\(path)/\(count < 10 ? "0" : "")\(count)-\(phase)"
  }
}
