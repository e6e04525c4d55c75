/// Rows of one local memory that have been written.
///
/// Rows stay written, and programs soon have written nearly all that they use: what lies before `prefix` is answered by
/// one comparison, the bits are for the rest.
struct WrittenRows {
  private let bits: BitRange
  private let count: Int
  /// All rows before this one have been written.
  private(set) var prefix = 0

  init(count: Int) throws {
    self.count = count
    bits = try BitRange(count: count)
  }

  @inline(__always)
  func contains(_ row: Int, _ rows: Int, _ stride: Int) -> Bool {
    if row < prefix && row &+ rows &* stride <= prefix { return true }
    return containsBits(row, rows, stride)
  }

  @inline(never)
  private func containsBits(_ row: Int, _ rows: Int, _ stride: Int) -> Bool {
    if rows == 0 { return true }
    return stride == 1 ? bits.allSet(row, rows) : firstMissing(row, rows, stride) == nil
  }

  /// The first row of these that has not been written.
  func firstMissing(_ row: Int, _ rows: Int, _ stride: Int) -> Int? {
    (0..<rows).lazy.map { row + $0 * stride }.first { !bits.allSet($0, 1) }
  }

  /// The first of rows that are needed but missing; they count as written from then on, as hearing of them once is enough.
  @inline(never)
  mutating func require(_ row: Int, _ rows: Int, _ stride: Int) -> Int? {
    let missing = firstMissing(row, rows, stride)
    insert(row, rows, stride)
    return missing
  }

  @inline(__always)
  mutating func insert(_ row: Int, _ rows: Int, _ stride: Int) {
    if row >= prefix || row &+ rows &* stride > prefix { insertBits(row, rows, stride) }
  }

  @inline(never)
  private mutating func insertBits(_ row: Int, _ rows: Int, _ stride: Int) {
    if rows == 0 { return }
    if stride == 1 {
      bits.set(row, rows)
    } else {
      for index in 0..<rows { bits.set(row + index * stride, 1) }
    }
    if row <= prefix { prefix = bits.firstUnset(prefix, count - prefix) ?? count }
  }
}
