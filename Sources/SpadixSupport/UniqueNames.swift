/// Makes names distinct: a name that is taken gets the lowest suffix `_1`, `_2` ... that is free.
public struct UniqueNames: Sendable {
  /// By taken name, the last suffix that was tried for it. Names are never given back, so lower ones stay taken; without
  /// this, many equal names would cost the square of their number.
  private var suffixes: [String: Int] = [:]

  public init() {}

  /// Begins with names that are taken already.
  public init(_ taken: some Sequence<String>) {
    for name in taken { suffixes[name] = 0 }
  }

  /// Names taken.
  public var count: Int { suffixes.count }

  /// Whether the name was free; it is taken from now on.
  public mutating func claim(_ name: String) -> Bool {
    if suffixes[name] != nil { return false }
    suffixes[name] = 0
    return true
  }

  /// The name itself, or with a suffix.
  public mutating func take(_ wanted: String) -> String {
    if claim(wanted) { return wanted }
    var suffix = suffixes[wanted, default: 0]
    var name: String
    repeat {
      suffix += 1
      name = "\(wanted)_\(suffix)"
    } while !claim(name)
    suffixes[wanted] = suffix
    return name
  }
}
