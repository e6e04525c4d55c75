import SpadixMachine

extension Counters.Cycles {
  /// One of the things that bound a run.
  public struct Part: Sendable {
    /// In JSON, and where a column has little room.
    public var key: String
    /// In sentences.
    var label: String
    /// The part in other values of the type.
    var path: WritableKeyPath<Counters.Cycles, Int> & Sendable
    /// In the value that was asked.
    public var cycles: Int
  }

  /// The parts of the total, in the order in which they are listed.
  public var parts: [Part] {
    let paths: [(String, String, WritableKeyPath<Counters.Cycles, Int> & Sendable)] = [
      ("array", "the array", \.array), ("load", "loads", \.load), ("store", "stores", \.store),
      ("dependence", "dependences", \.dependence), ("issue", "issue", \.issue),
    ]
    return paths.map { Part(key: $0.0, label: $0.1, path: $0.2, cycles: self[keyPath: $0.2]) }
  }

  /// The largest part, the first of equal ones; nil where there are no cycles.
  var largest: Part? { Self.largest(of: parts) }

  /// The largest part but the array.
  public var largestWait: Part? { Self.largest(of: Array(parts.dropFirst())) }

  private static func largest(of parts: [Part]) -> Part? {
    parts.reduce(nil) { best, part in part.cycles > (best?.cycles ?? 0) ? part : best }
  }
}
