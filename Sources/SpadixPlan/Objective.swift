import SpadixSupport

/// What a plan is to be good at: how costs are compared.
public enum Objective: Sendable, Hashable {
  /// Modelled cycles; bytes through DRAM between plans that take the same time.
  case time
  /// Bytes through DRAM; modelled cycles between plans that move the same.
  case bytes
  /// Modelled cycles, and for every byte so many cycles more. Counted in `parts` of a cycle.
  case both(cyclesPerByte: Double)

  /// Weights are rounded to this part of a cycle.
  public static let parts = 1024
  /// No byte is worth more cycles.
  public static let largestWeight = 1024.0

  /// A cost as the objective sees it. Ranks of parts add up, so that sums of them are compared exactly.
  public struct Rank: Sendable, Hashable, Comparable {
    /// What is minimized, and what bounds are about.
    var value: Int
    /// Decides between equal values.
    var tie: Int

    static let zero = Rank(value: 0, tie: 0)

    public static func < (left: Rank, right: Rank) -> Bool { (left.value, left.tie) < (right.value, right.tie) }

    static func + (left: Rank, right: Rank) -> Rank {
      Rank(value: left.value + right.value, tie: left.tie + right.tie)
    }
  }

  /// Ranks of costs are in the order of preference; less is better.
  public func rank(_ cost: Cost) -> Rank { Rank(value: value(cost), tie: tie(cost)) }

  /// What is minimized.
  public func value(_ cost: Cost) -> Int {
    switch self {
    case .time: cost.time
    case .bytes: cost.bytes
    case .both(let weight): cost.time * Self.parts + cost.bytes * Int((weight * Double(Self.parts)).rounded())
    }
  }

  private func tie(_ cost: Cost) -> Int {
    switch self {
    case .time: cost.bytes
    case .bytes, .both: cost.time
    }
  }

  /// `time`, `bytes`, or `both:WEIGHT`; nil for anything else, and for a weight that is not above 0 or beyond the largest.
  public init?(_ text: some StringProtocol) {
    switch text {
    case "time": self = .time
    case "bytes": self = .bytes
    default:
      guard text.hasPrefix("both:"), let weight = Double(text.dropFirst("both:".count)),
        weight * Double(Self.parts) >= 1, weight <= Self.largestWeight
      else { return nil }
      self = .both(cyclesPerByte: weight)
    }
  }

  /// As the command line and plans have it; parses back.
  public var text: String {
    switch self {
    case .time: "time"
    case .bytes: "bytes"
    case .both(let weight): "both:\(weight)"
    }
  }

  /// A value for people.
  public func text(_ value: Int) -> String {
    switch self {
    case .time: "\(value) cycles"
    case .bytes: "\(value) bytes"
    case .both: "\(value / Self.parts) cycles with weighted bytes"
    }
  }
}
