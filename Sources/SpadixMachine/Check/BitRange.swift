import SpadixSupport

/// One bit for each row or byte, asked and set in ranges.
struct BitRange {
  private let words: UnsafeMutablePointer<UInt64>
  private let owner: AnyObject

  /// - Parameter count: bits; memory is only taken where bits are set.
  init(count: Int) throws {
    let memory = try Dram(byteCount: ceilDivide(count, 64) * 8 + 16)
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

  /// Sets one range for each row of a transfer and says whether any bit of them was set before.
  @inline(never)
  @discardableResult
  func setRows(_ it: Transfer) -> Bool {
    var found: UInt64 = 0
    var first = Int(it.dram)
    for _ in 0..<it.rows {
      let shift = first & 63
      if shift &+ it.bytes <= 64 {
        let mask = Self.mask(it.bytes) &<< UInt64(truncatingIfNeeded: shift)
        found |= words[first >> 6] & mask
        words[first >> 6] |= mask
      } else {
        pieces(first, it.bytes) {
          found |= words[$0] & $1
          words[$0] |= $1
        }
      }
      first &+= it.stride
    }
    return found != 0
  }

  @inline(never)
  func clearRows(_ it: Transfer) {
    for row in 0..<it.rows { clear(Int(it.address(row)), it.bytes) }
  }

  /// The first bit of the range that is not set.
  func firstUnset(_ first: Int, _ count: Int) -> Int? {
    var found: Int?
    pieces(first, count) { word, mask in
      let unset = ~words[word] & mask
      if found == nil && unset != 0 { found = word << 6 + unset.trailingZeroBitCount }
    }
    return found
  }

  /// Ranges of several words: what is missing, or found, is gathered without a branch for each word.
  @inline(never)
  private func allSetSlow(_ first: Int, _ count: Int) -> Bool {
    var missing: UInt64 = 0
    pieces(first, count) { missing |= ~words[$0] & $1 }
    return missing == 0
  }

  @inline(never)
  private func anySetSlow(_ first: Int, _ count: Int) -> Bool {
    var found: UInt64 = 0
    pieces(first, count) { found |= words[$0] & $1 }
    return found != 0
  }

  /// The words of a range, each with the bits of it that belong to the range.
  @inline(__always)
  private func pieces(_ first: Int, _ count: Int, _ body: (Int, UInt64) -> Void) {
    if count <= 0 { return }
    let last = first &+ count &- 1
    var word = first >> 6
    var mask = UInt64.max &<< UInt64(truncatingIfNeeded: first)
    while word < last >> 6 {
      body(word, mask)
      mask = UInt64.max
      word &+= 1
    }
    body(word, mask & (UInt64.max &>> UInt64(truncatingIfNeeded: 63 &- last & 63)))
  }
}
