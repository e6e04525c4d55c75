/// Makes names distinct: a name that is taken gets the lowest suffix `_1`, `_2` ... that is free.
public struct UniqueNames: Sendable {
  /// By taken name, the last suffix that was tried for it. Names are never given back, so lower ones stay taken; without
  /// this, many equal names would cost the square of their number.
  private var suffixes: [String: Int] = [:]

  public init() {}

  public init(_ taken: some Sequence<String>) {
    for name in taken { suffixes[name] = 0 }
  }

  public var count: Int { suffixes.count }

  /// The name itself, or with a suffix.
  public mutating func take(_ wanted: String) -> String {
    guard var suffix = suffixes[wanted] else {
      suffixes[wanted] = 0
      return wanted
    }
    var name: String
    repeat {
      suffix += 1
      name = "\(wanted)_\(suffix)"
    } while suffixes[name] != nil
    suffixes[wanted] = suffix
    suffixes[name] = 0
    return name
  }
}
