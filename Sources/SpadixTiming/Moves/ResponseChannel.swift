/// Cycles of the way back from memory that acknowledgements of writes and commands take, which go before the answers of
/// loads.
struct ResponseChannel: ~Copyable {
  private static let capacity = 1024
  private let times: UnsafeMutablePointer<Int>
  private var first = 0
  private var count = 0

  init() {
    times = .allocate(capacity: Self.capacity)
    times.initialize(repeating: 0, count: Self.capacity)
  }

  deinit { times.deallocate() }

  @inline(__always)
  mutating func add(_ time: Int) {
    if count == Self.capacity {
      first += 1
      count -= 1
    }
    // Acknowledgements come in order, and so do commands.
    var place = first + count
    while place > first && times[(place - 1) & (Self.capacity - 1)] > time {
      times[place & (Self.capacity - 1)] = times[(place - 1) & (Self.capacity - 1)]
      place -= 1
    }
    times[place & (Self.capacity - 1)] = time
    count += 1
  }

  /// The first free cycle from `time` on.
  @inline(__always)
  mutating func clear(_ time: Int) -> Int {
    var time = time
    while count > 0 && times[first & (Self.capacity - 1)] <= time {
      if times[first & (Self.capacity - 1)] == time { time += 1 }
      first += 1
      count -= 1
    }
    return time
  }

  /// The end of an answer that would end at `end`, with what passes in between.
  @inline(__always)
  mutating func clear(through end: Int) -> Int {
    var end = end
    while count > 0 && times[first & (Self.capacity - 1)] <= end {
      end += 1
      first += 1
      count -= 1
    }
    return end
  }
}
