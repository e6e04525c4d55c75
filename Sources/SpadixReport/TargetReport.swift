import SpadixISA

/// What a report says of its target. A saved report has this and no more, so that every form can be made from it.
public struct TargetReport: Sendable, Hashable {
  public var name: String
  public var fingerprint: String
  public var dim: Int
  public var scratchpadRows: Int
  public var accumulatorRows: Int
  /// Bytes that one direction of the bus moves in a cycle.
  public var busBytes: Int
  /// Nil where the clock is not known.
  public var clockMHz: Int?
  public var notes: [String]

  public init(
    name: String, fingerprint: String, dim: Int, scratchpadRows: Int, accumulatorRows: Int, busBytes: Int,
    clockMHz: Int? = nil, notes: [String] = []
  ) {
    self.name = name
    self.fingerprint = fingerprint
    self.dim = dim
    self.scratchpadRows = scratchpadRows
    self.accumulatorRows = accumulatorRows
    self.busBytes = busBytes
    self.clockMHz = clockMHz
    self.notes = notes
  }

  public init(_ target: Target) {
    self.init(
      name: target.name, fingerprint: target.fingerprint, dim: target.dim, scratchpadRows: target.scratchpadRows,
      accumulatorRows: target.accumulatorRows, busBytes: target.timing.busBytes, clockMHz: target.clockMHz,
      notes: target.notes)
  }

  public var scratchpadBytes: Int { scratchpadRows * dim }
  public var accumulatorBytes: Int { accumulatorRows * dim * 4 }
}
