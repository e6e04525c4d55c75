import SpadixISA

/// One thing that a sweep varies: a parameter of the target, and its values as they are written.
public struct SweepAxis: Sendable, Equatable {
  /// The path in a target file: `scratchpad.bytes`.
  public var key: String
  public var values: [String]

  /// Whether programs are the same for all values: these parameters are read when a program is timed, not when it is made.
  public var isOnlyTiming: Bool { Self.isOnlyTiming(key) }

  static func isOnlyTiming(_ key: String) -> Bool {
    key == "clock_mhz" || key.hasPrefix("energy.") || key.hasPrefix("timing.")
  }
}
