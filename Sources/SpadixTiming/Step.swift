/// When an operation left the reservation station, when its unit took it up, when the unit could take up the next one, and
/// when it was complete.
struct Span {
  var issue: Int
  var start: Int
  var free: Int
  var done: Int
}

/// When an operation entered the reservation station, left it, was taken up by its unit, let the unit go, and was complete.
public struct Step: Sendable {
  /// As it was taken.
  public var operation: Operation
  /// Cycle at which it entered the reservation station.
  var entry: Int
  /// Cycle at which it left the station.
  var issue: Int
  /// Cycle at which its unit took it up.
  public var start: Int
  /// Cycle at which its unit could take up the next one.
  public var free: Int
  /// Cycle at which it was complete.
  public var done: Int
  /// Bytes of its requests: whole beats.
  public var busBytes: Int

  /// It left the station later than it could have: rows that it uses were not ready, or its unit's queue was full.
  public var waited: Bool { issue > entry + 1 }
}
