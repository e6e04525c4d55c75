/// When results of the array are added to rows of the accumulator: such an addition takes both ports of its bank.
struct AccumulatorWrites: ~Copyable {
  private struct Window {
    var first: Int
    var last: Int
    var bank: Int
  }

  private static let capacity = 1024
  /// Cycles that are looked ahead: about a store's.
  private static let outlook = 64
  private let windows: UnsafeMutablePointer<Window>
  private let banks: Banks
  private var count = 0
  private var cursor = 0

  init(_ hardware: Hardware) {
    banks = hardware.accumulatorBanks
    windows = .allocate(capacity: Self.capacity)
    windows.initialize(repeating: Window(first: 0, last: -1, bank: -1), count: Self.capacity)
  }

  deinit { windows.deallocate() }

  @inline(__always)
  mutating func add(first: Int, last: Int, row: Int32) {
    windows[count & (Self.capacity - 1)] = Window(
      first: first, last: last, bank: banks.bank(of: row - Operation.accumulatorBase))
    count += 1
  }

  /// A cycle before which nothing is added to the row's bank, from `time` on; it may be `time` itself. Times do not
  /// decrease from call to call.
  @inline(__always)
  mutating func quietUntil(from time: Int, row: Int32) -> Int {
    advance(to: time)
    let bank = banks.bank(of: row - Operation.accumulatorBase)
    var index = cursor
    while index < count {
      let it = windows[index & (Self.capacity - 1)]
      if it.bank == bank || it.first > time + Self.outlook { return it.first }
      index += 1
    }
    return Int.max
  }

  @inline(__always)
  private mutating func advance(to time: Int) {
    cursor = max(cursor, count - Self.capacity)
    while cursor < count && windows[cursor & (Self.capacity - 1)].last < time { cursor += 1 }
  }

  /// Cycles of a range in which something is added to the row's bank.
  func busyCycles(_ range: Range<Int>, row: Int32) -> Int {
    let bank = banks.bank(of: row - Operation.accumulatorBase)
    var busy = 0
    var index = count - 1
    while index >= max(0, count - Self.capacity) {
      let it = windows[index & (Self.capacity - 1)]
      if it.last < range.lowerBound { break }
      if it.bank == bank { busy += max(0, min(it.last + 1, range.upperBound) - max(it.first, range.lowerBound)) }
      index -= 1
    }
    return busy
  }

  /// The first cycle from `time` on in which the row can be read. Times do not decrease from call to call.
  @inline(__always)
  mutating func firstFree(from time: Int, row: Int32) -> Int {
    advance(to: time)
    if cursor == count || windows[cursor & (Self.capacity - 1)].first > time { return time }
    let bank = banks.bank(of: row - Operation.accumulatorBase)
    var found = time
    var index = cursor
    while index < count {
      let it = windows[index & (Self.capacity - 1)]
      if it.first > found { break }
      if it.bank == bank && found <= it.last { found = it.last + 1 }
      index += 1
    }
    return found
  }
}
