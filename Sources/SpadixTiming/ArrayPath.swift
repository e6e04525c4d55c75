/// Preloads and computes: the execute controller and the systolic array.
///
/// A compute and the preload behind it run together when the preload has arrived by the time that the compute starts.
/// So a compute is held back until the next command of its kind is known, or somebody asks when it is complete.
struct ArrayPath: ~Copyable {
  struct Request {
    /// When its first row leaves the scratchpad, and its last.
    var start: Int
    var last: Int
    /// When its last result leaves the array.
    var output: Int
  }

  static let requestsAtATime = 5

  private let hardware: Hardware
  private let dim: Int
  /// Cycles from a row of the scratchpad to the array.
  private let delay: Int
  private struct Reading {
    var first: Int
    var last: Int
    var banks: (Int, Int)
  }

  /// When results are written to banks of the scratchpad, which goes before reads of theirs.
  private var results = BankWrites()
  /// The last requests, which loads may turn out to have disturbed.
  private let reads: UnsafeMutablePointer<Reading>
  private var readCount = 0
  private var issued = -1
  /// When commands entered the controller's queue.
  private var entered = History(2)
  private var lastEntered = -1
  /// Commands issued, and taken up by the controller; when each of the last ones left its queue.
  private var issues = 0
  private var departed = 0
  private let departures: UnsafeMutablePointer<Int>
  private let departureMask: Int
  /// When the controller can take up the next command.
  private(set) var free = 0
  /// When the array takes the last row so far.
  private var lastTaken = -1
  /// When the last results of requests left the array; it has names for so many at a time.
  private var outputs = History(8)
  private var requests = 0
  private(set) var lastOutput = -1
  /// When the last result that somebody waits for leaves the array.
  private var lastResult = -1

  init(_ hardware: Hardware) {
    self.hardware = hardware
    dim = hardware.dim
    delay = hardware.scratchpadReadDelay + 1
    var capacity = 16
    while capacity < 2 * hardware.executeQueue { capacity *= 2 }
    departures = .allocate(capacity: capacity)
    departures.initialize(repeating: History.past, count: capacity)
    departureMask = capacity - 1
    reads = .allocate(capacity: 32)
  }

  deinit {
    departures.deallocate()
    reads.deallocate()
  }

  private mutating func depart(_ time: Int) {
    departures[departed & departureMask] = time
    lastDeparture = time
    departed += 1
  }

  /// When a command that is ready leaves the reservation station, and when it stands before the controller.
  @inline(__always)
  mutating func issue(_ ready: Int) -> (issue: Int, visible: Int) {
    let issue = max(ready, issued + 1, entered.oldest + 1)
    issued = issue
    let before = issues - hardware.executeQueue
    let room = before >= 0 ? departures[before & departureMask] + 1 : 0
    issues += 1
    let enters = max(issue + 1, lastEntered + 1, room)
    lastEntered = enters
    entered.add(enters)
    return (issue, enters + 1)
  }

  /// When the last command left the controller's queue.
  private(set) var lastDeparture = -1

  /// A command that the controller drops.
  mutating func skip(_ time: Int) { depart(time) }

  @inline(__always)
  func start(_ visible: Int) -> Int { max(free, visible) }

  /// Sends rows through the array from `start` on. `rowCycles` is 2 where two operands lie in one bank.
  @inline(__always)
  mutating func request(
    start: Int, rows: Int, rowCycles: Int, pops: Int, banks: (Int, Int), writes: inout BankWrites
  ) -> Request {
    var taken = max(start + delay, lastTaken + 1)
    if requests > Self.requestsAtATime { taken = max(taken, outputs.ago(Self.requestsAtATime) + 1) }
    requests += 1
    var last = writes.read(rows: rows, rowCycles: rowCycles, from: start, banks: banks)
    if results.count > 0 {
      // Cycles in which a load writes to the same bank as well are rare enough to count twice.
      last += results.read(rows: rows, rowCycles: rowCycles, from: start, banks: banks) - (start + rows * rowCycles - 1)
    }
    let limit = rows > delay ? taken + rows - 1 - delay : lastTaken - delay + rows
    last = max(last, limit)
    lastTaken = max(taken + rows - 1, last + delay)
    let output = lastTaken + 2 * dim + 1
    outputs.add(output)
    lastOutput = output
    free = last + 1
    reads[readCount & 31] = Reading(first: start, last: last, banks: banks)
    readCount += 1
    for _ in 0..<pops { depart(last) }
    return Request(start: start, last: last, output: output)
  }

  /// Results go to rows of the scratchpad, the last one at `output`.
  @inline(__always)
  mutating func write(_ rows: Operation.Rows, _ count: Int, output: Int) {
    let (low, high) = (hardware.bank(of: rows.start), hardware.bank(of: rows.end - 1))
    let first = output - count + 1
    // Those of several banks are spread evenly.
    for bank in low...high {
      let (begin, end) = (bank - low, bank - low + 1)
      let parts = high - low + 1
      results.add(first: first + count * begin / parts, last: first + count * end / parts - 1, bank: bank)
    }
  }

  /// A load writes to a bank at a time that has been dealt with already: what the array has lost by that, it loses now.
  @inline(__always)
  mutating func disturb(_ it: BankWrites.Window) {
    if it.first >= free { return }
    var lost = 0
    var index = readCount - 1
    while index >= max(0, readCount - 32) {
      let read = reads[index & 31]
      if read.last < it.first { break }
      if read.banks.0 == it.bank || read.banks.1 == it.bank {
        lost += max(0, min(read.last, it.last) - max(read.first, it.first) + 1)
      }
      index -= 1
    }
    free += lost
  }

  /// Somebody waits for the results of the last request.
  @inline(__always)
  mutating func awaits(_ output: Int) { lastResult = max(lastResult, output) }

  /// When a compute is complete whose last row is read at `last`: the array's own completions come first.
  @inline(__always)
  func completion(_ last: Int) -> Int {
    outputs.contains(last + 1) ? last + 2 : last + 1
  }

  /// Waits until nothing that anybody waits for is in the array, in steps of the requests that flush it.
  mutating func configure(_ visible: Int) -> Int {
    var time = max(free, visible)
    while time <= lastResult {
      let flush = max(time + 1, lastTaken + 1)
      lastTaken = flush + dim - 1
      time = flush + dim + 1
    }
    free = time + 1
    depart(time)
    return time
  }
}
