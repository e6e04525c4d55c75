/// Figures as text, always with the same digits: computed in integers, whatever the machine.
enum Figures {
  /// Groups of three digits: `1,234,567`.
  static func grouped(_ value: Int) -> String {
    var digits = String(value.magnitude)
    var groups: [String] = []
    while digits.count > 3 {
      groups.append(String(digits.suffix(3)))
      digits.removeLast(3)
    }
    groups.append(digits)
    return (value < 0 ? "-" : "") + groups.reversed().joined(separator: ",")
  }

  /// `part` of `whole` in percent with one decimal, rounded half up: `43.1`. Nothing of nothing is 0.0.
  static func percent(_ part: Int, of whole: Int) -> String {
    let tenths = tenthsOfPercent(part, of: whole)
    return "\(tenths / 10).\(tenths % 10)"
  }

  /// The same as a number, which prints with one decimal.
  static func percentValue(_ part: Int, of whole: Int) -> Double { Double(tenthsOfPercent(part, of: whole)) / 10 }

  private static func tenthsOfPercent(_ part: Int, of whole: Int) -> Int {
    guard whole > 0 else { return 0 }
    // Double holds counts up to 2^53 exactly, more than any program has.
    return Int((Double(part) * 1000 / Double(whole)).rounded(.toNearestOrAwayFromZero))
  }

  /// Milliseconds of so many cycles, with three decimals, rounded half up: `5.412`.
  static func milliseconds(cycles: Int, mhz: Int) -> String { decimal(cycles, over: mhz) }

  /// How often so many cycles fit into a second, with one decimal.
  static func perSecond(cycles: Int, mhz: Int) -> String {
    guard cycles > 0 else { return "0.0" }
    let tenths = (mhz * 10_000_000 + cycles / 2) / cycles
    return grouped(tenths / 10) + ".\(tenths % 10)"
  }

  /// Picojoules in the largest unit that leaves digits before the point, with three decimals: `1.204 mJ`.
  static func energy(picojoules value: Int) -> String {
    for (size, unit) in [(1_000_000_000, "mJ"), (1_000_000, "\u{B5}J"), (1_000, "nJ")] where value >= size {
      return decimal(value, over: size / 1_000) + " " + unit
    }
    return "\(value) pJ"
  }

  /// `value / unit` in thousandths.
  private static func decimal(_ value: Int, over unit: Int) -> String {
    let thousandths = (value + unit / 2) / unit
    let rest = String(thousandths % 1000 + 1000).dropFirst()
    return "\(grouped(thousandths / 1000)).\(rest)"
  }

  /// Bytes in the largest binary unit that leaves at most one decimal: `256 KiB`, `1.5 MiB`.
  static func bytes(_ value: Int) -> String {
    for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] where value >= 1 << shift {
      let tenths = ((value >> (shift - 4)) * 10) >> 4
      return tenths % 10 == 0 ? "\(tenths / 10) \(unit)" : "\(tenths / 10).\(tenths % 10) \(unit)"
    }
    return "\(value) B"
  }
}
