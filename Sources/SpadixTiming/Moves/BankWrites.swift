/// When loads write to banks of the scratchpad. A bank has one port, and writes go before reads.
struct BankWrites: ~Copyable {
  struct Window {
    var first: Int
    var last: Int
    var bank: Int
  }

  private static let capacity = 2048
  private let windows: UnsafeMutablePointer<Window>
  private(set) var count = 0
  private var cursor = 0
  private var zeroCursor = 0

  init() {
    windows = .allocate(capacity: Self.capacity)
    windows.initialize(repeating: Window(first: 0, last: -1, bank: -1), count: Self.capacity)
  }

  deinit { windows.deallocate() }

  subscript(_ index: Int) -> Window { windows[index & (Self.capacity - 1)] }

  @inline(__always)
  mutating func add(first: Int, last: Int, bank: Int) {
    let before = (count - 1) & (Self.capacity - 1)
    if count > 0 && windows[before].bank == bank && windows[before].last + 1 == first {
      windows[before].last = last
      return
    }
    windows[count & (Self.capacity - 1)] = Window(first: first, last: last, bank: bank)
    count += 1
  }

  /// The first cycle from `time` on in which no load writes. Times do not decrease from call to call.
  @inline(__always)
  mutating func firstFree(from time: Int) -> Int {
    zeroCursor = max(zeroCursor, count - Self.capacity)
    while zeroCursor < count && windows[zeroCursor & (Self.capacity - 1)].last < time { zeroCursor += 1 }
    var found = time
    var index = zeroCursor
    while index < count {
      let it = windows[index & (Self.capacity - 1)]
      if it.first > found { break }
      found = max(found, it.last + 1)
      index += 1
    }
    return found
  }

  /// When the last of `rows` rows is read that are read one a cycle from `start` on. Starts do not decrease from call to
  /// call.
  @inline(__always)
  mutating func read(rows: Int, rowCycles: Int, from start: Int, banks: (Int, Int)) -> Int {
    cursor = max(cursor, count - Self.capacity)
    while cursor < count && windows[cursor & (Self.capacity - 1)].last < start { cursor += 1 }
    var time = start
    var left = rows * rowCycles
    var index = cursor
    while index < count {
      let it = windows[index & (Self.capacity - 1)]
      index += 1
      if it.last < time || (it.bank != banks.0 && it.bank != banks.1) { continue }
      if it.first >= time + left { break }
      left -= max(0, it.first - time)
      time = it.last + 1
    }
    return time + left - 1
  }
}
