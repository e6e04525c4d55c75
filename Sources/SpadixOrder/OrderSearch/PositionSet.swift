/// A set of positions in a list of live tensors. Few are live in most problems, so there is a small set and a wide one.
protocol PositionSet: Equatable, Sendable {
  static var wordCount: Int { get }
  init()
  /// The set of one position.
  init(_ position: Int)
  /// Positions 64 * index to 64 * index + 63, as bits.
  func word(_ index: Int) -> UInt64
  static func & (left: Self, right: Self) -> Self
  static func | (left: Self, right: Self) -> Self
  static prefix func ~ (set: Self) -> Self
  /// Every position raised by a distance, or lowered by a negative one; none leaves the set.
  func shifted(by distance: Int) -> Self
}

extension PositionSet {
  /// Positions are less than this.
  static var capacity: Int { 64 * wordCount }

  @inline(__always)
  func contains(_ position: Int) -> Bool { word(position >> 6) >> UInt64(position & 63) & 1 != 0 }

  @inline(__always)
  static func |= (left: inout Self, right: Self) { left = left | right }

  /// The positions, ascending.
  @inline(__always)
  func forEach(_ body: (Int) -> Void) {
    for index in 0..<Self.wordCount {
      var rest = word(index)
      while rest != 0 {
        body(index << 6 + rest.trailingZeroBitCount)
        rest &= rest &- 1
      }
    }
  }

  @inline(__always)
  var isEmpty: Bool {
    for index in 0..<Self.wordCount where word(index) != 0 { return false }
    return true
  }
}

extension UInt128: PositionSet {
  static var wordCount: Int { 2 }

  @inline(__always)
  init(_ position: Int) { self = UInt128(truncatingIfNeeded: 1) << UInt128(truncatingIfNeeded: position) }

  @inline(__always)
  func word(_ index: Int) -> UInt64 { UInt64(truncatingIfNeeded: self >> UInt128(truncatingIfNeeded: index << 6)) }

  @inline(__always)
  func shifted(by distance: Int) -> UInt128 {
    distance >= 0
      ? self << UInt128(truncatingIfNeeded: distance) : self >> UInt128(truncatingIfNeeded: -distance)
  }
}

/// A set of up to 1,024 positions.
struct WidePositionSet: PositionSet {
  static var wordCount: Int { 16 }

  private var words: SIMD16<UInt64>

  init() { words = SIMD16(repeating: 0) }

  private init(words: SIMD16<UInt64>) { self.words = words }

  init(_ position: Int) {
    words = SIMD16(repeating: 0)
    words[position >> 6] = 1 << UInt64(position & 63)
  }

  func word(_ index: Int) -> UInt64 { words[index] }

  static func & (left: Self, right: Self) -> Self { Self(words: left.words & right.words) }

  static func | (left: Self, right: Self) -> Self { Self(words: left.words | right.words) }

  static prefix func ~ (set: Self) -> Self { Self(words: ~set.words) }

  func shifted(by distance: Int) -> Self {
    var result = Self()
    let (whole, part) = (distance >> 6, UInt64(distance & 63))
    for index in 0..<Self.wordCount {
      // The bits of a word come from two neighbouring ones; `whole` rounds down.
      let source = index - whole
      if (0..<Self.wordCount).contains(source) { result.words[index] |= words[source] << part }
      if part > 0, (0..<Self.wordCount).contains(source - 1) {
        result.words[index] |= words[source - 1] >> (64 - part)
      }
    }
    return result
  }
}
