/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
///
/// The k-th number, from 0, depends on seed and k alone: `mix(seed + (k + 1) * 0x9E3779B97F4A7C15)`.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Every seed is as good as any other, 0 included.
  public init(seed: UInt64) { self.state = seed }

  @inline(__always)
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number of 0 ..< bound, each equally likely but for a bias below bound / 2^64.
  @inlinable
  public mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

  /// True in `percent` of 100 calls.
  @inlinable
  public mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
}
