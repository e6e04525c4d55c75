/// One bit for each row or byte, asked and set in ranges.
struct BitRange {
  private let words: UnsafeMutablePointer<UInt64>
  private let owner: AnyObject

  /// - Parameter count: bits; memory is only taken where bits are set.
  init(count: Int) throws {
    let memory = try Dram(byteCount: (count + 63) / 64 * 8 + 16)
    owner = memory
    words = memory.base.assumingMemoryBound(to: UInt64.self)
  }

  /// The low `count` bits, 1...64.
  @inline(__always)
  private static func mask(_ count: Int) -> UInt64 { UInt64.max &>> UInt64(truncatingIfNeeded: 64 &- count) }

  @inline(__always)
  func allSet(_ first: Int, _ count: Int) -> Bool {
    let word = first >> 6
    let shift = first & 63
    if shift + count <= 64 {
      let mask = Self.mask(count) &<< UInt64(truncatingIfNeeded: shift)
      return words[word] & mask == mask
    }
    return allSetSlow(first, count)
  }

  @inline(__always)
  func anySet(_ first: Int, _ count: Int) -> Bool {
    let word = first >> 6
    let shift = first & 63
    if shift + count <= 64 {
      return words[word] & Self.mask(count) &<< UInt64(truncatingIfNeeded: shift) != 0
    }
    return anySetSlow(first, count)
  }

  @inline(__always)
  func set(_ first: Int, _ count: Int) {
    let word = first >> 6
    let shift = first & 63
    if shift + count <= 64 {
      words[word] |= Self.mask(count) &<< UInt64(truncatingIfNeeded: shift)
    } else {
      pieces(first, count) { words[$0] |= $1 }
    }
  }

  @inline(__always)
  func clear(_ first: Int, _ count: Int) {
    let word = first >> 6
    let shift = first & 63
    if shift + count <= 64 {
      words[word] &= ~(Self.mask(count) &<< UInt64(truncatingIfNeeded: shift))
    } else {
      pieces(first, count) { words[$0] &= ~$1 }
    }
  }

  /// The first bit of the range that is not set.
  func firstUnset(_ first: Int, _ count: Int) -> Int? {
    (first..<first + count).first { words[$0 >> 6] >> UInt64($0 & 63) & 1 == 0 }
  }

  @inline(never)
  private func allSetSlow(_ first: Int, _ count: Int) -> Bool {
    var all = true
    pieces(first, count) { if words[$0] & $1 != $1 { all = false } }
    return all
  }

  @inline(never)
  private func anySetSlow(_ first: Int, _ count: Int) -> Bool {
    var any = false
    pieces(first, count) { if words[$0] & $1 != 0 { any = true } }
    return any
  }

  /// The words of a range, each with the bits of it that belong to the range.
  @inline(__always)
  private func pieces(_ first: Int, _ count: Int, _ body: (Int, UInt64) -> Void) {
    var bit = first
    let end = first + count
    while bit < end {
      let shift = bit & 63
      let length = min(64 - shift, end - bit)
      body(bit >> 6, Self.mask(length) << UInt64(shift))
      bit += length
    }
  }
}
