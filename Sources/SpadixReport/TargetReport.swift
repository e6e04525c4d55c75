import SpadixISA

/// What a report says of its target. A saved report has this and no more, so that every form can be made from it.
public struct TargetReport: Sendable, Hashable {
  /// Of the preset, or as its file says.
  var name: String
  /// Tells whether two reports are of the same hardware, timing aside.
  var fingerprint: String
  /// Rows and columns of the array.
  var dim: Int
  /// Of all banks.
  var scratchpadRows: Int
  /// Of both banks.
  var accumulatorRows: Int
  /// Bytes that one direction of the bus moves in a cycle.
  var busBytes: Int
  /// Nil where the clock is not known.
  public var clockMHz: Int?
  /// What follows from the target file without standing there.
  var notes: [String]

  init(
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

  /// Keeps what reports show of a target.
  public init(_ target: Target) {
    self.init(
      name: target.name, fingerprint: target.fingerprint, dim: target.dim, scratchpadRows: target.scratchpadRows,
      accumulatorRows: target.accumulatorRows, busBytes: target.timing.busBytes, clockMHz: target.clockMHz,
      notes: target.notes)
  }

  /// One byte for an element.
  public var scratchpadBytes: Int { scratchpadRows * dim }
  /// Four bytes for an element.
  public var accumulatorBytes: Int { accumulatorRows * dim * 4 }
}
