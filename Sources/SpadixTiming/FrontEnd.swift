/// From the processor to the reservation station: commands in order, through four queues of two entries.
struct FrontEnd: ~Copyable {
  /// Cycles from a command leaving the processor to its entry, when nothing is in its way.
  static let depth = 4
  static let entries = 8

  private let issueCycles: Int
  /// When the processor offers the next command.
  private var next = 0
  /// When the last command left the queues.
  private(set) var left = -1
  private var departures = History(entries)

  init(issueCycles: Int) { self.issueCycles = issueCycles }

  /// When the next command stands at the head of the queues.
  @inline(__always)
  mutating func arrival() -> Int {
    let taken = max(next, departures.oldest + Self.depth)
    next = taken + issueCycles
    return max(taken + Self.depth, left + 1)
  }

  /// Nothing reaches the station before `time`.
  mutating func holds(until time: Int) { left = max(left, time - 1) }

  @inline(__always)
  mutating func leaves(_ time: Int) {
    left = time
    departures.add(time)
  }

  /// The processor waits until the accelerator is idle, busy for the last time in the cycle `time`.
  mutating func wait(for time: Int) { next = max(next, time + 2) }
}
