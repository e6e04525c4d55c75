/// Entries of the reservation station for one kind of command. They are given out in order and come back as their
/// commands complete, in any order.
struct StationEntries: ~Copyable {
  private let entries: Int
  private let mask: Int
  /// Completions of held entries that are known, ascending from `first`.
  private let times: UnsafeMutablePointer<Int>
  private var first = 0
  private var known = 0
  private var held = 0

  init(_ entries: Int) {
    self.entries = entries
    var capacity = 1
    while capacity < entries + 1 { capacity *= 2 }
    mask = capacity - 1
    times = .allocate(capacity: capacity)
    times.initialize(repeating: 0, count: capacity)
  }

  deinit { times.deallocate() }

  /// Whether all entries are held by commands whose completion is not known.
  var isStuck: Bool { held == entries && known == 0 }

  var isFull: Bool { held == entries }

  /// When an entry is free: long after everything where that is not known.
  var free: Int { held < entries ? 0 : known > 0 ? times[first & mask] + 1 : Int.max }

  /// Takes an entry at `arrival` or when the first one is free.
  @inline(__always)
  mutating func take(_ arrival: Int) -> Int {
    if held < entries {
      held += 1
      return arrival
    }
    let free = times[first & mask] + 1
    first += 1
    known -= 1
    return max(arrival, free)
  }

  @inline(__always)
  mutating func complete(_ time: Int) {
    var place = first + known
    while place > first && times[(place - 1) & mask] > time {
      times[place & mask] = times[(place - 1) & mask]
      place -= 1
    }
    times[place & mask] = time
    known += 1
  }
}
