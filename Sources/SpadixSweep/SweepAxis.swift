/// One thing that a sweep varies: a parameter of the target, and its values as they are written.
struct SweepAxis: Sendable, Equatable {
  /// The path in a target file: `scratchpad.bytes`.
  var key: String
  /// As `--set` takes them, in the order of the file.
  var values: [String]
  /// Whether programs are timed again with it, rather than compiled for it.
  var isRetimed = false

  /// Whether a setting, `KEY=VALUE`, has no part in a program: these turn counts into units.
  static func isUnit(_ setting: String) -> Bool {
    setting.hasPrefix("clock_mhz=") || setting.hasPrefix("energy.")
  }
}
