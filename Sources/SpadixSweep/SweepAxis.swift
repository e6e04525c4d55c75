/// One thing that a sweep varies: a parameter of the target, and its values as they are written.
public struct SweepAxis: Sendable, Equatable {
  /// The path in a target file: `scratchpad.bytes`.
  public var key: String
  public var values: [String]
  /// Whether programs are timed again with it, rather than compiled for it.
  public var isRetimed = false

  /// Whether a setting, `KEY=VALUE`, has no part in a program: these turn counts into units.
  static func isUnit(_ setting: String) -> Bool {
    setting.hasPrefix("clock_mhz=") || setting.hasPrefix("energy.")
  }
}
