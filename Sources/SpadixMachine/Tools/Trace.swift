import SpadixISA
import SpadixSupport
import SpadixTiming

/// A modelled timeline for Perfetto: a track for each queue, tracks for operations, and how many scratchpad rows are
/// alive.
///
/// Slices of a track never overlap, which Perfetto would refuse: a queue's slice covers the time that its unit is
/// occupied, and operations that overlap go to different tracks. Steps of one operation that follow each other on a
/// queue become one slice. One cycle is one microsecond of the trace.
public struct Trace: Sendable {
  enum Queue: Int {
    case load = 0
    case execute, store
  }

  struct Slice: Sendable {
    var queue: Int
    /// Index of the operation, -1 for none.
    var operation: Int
    var start: Int
    var end: Int
    var steps: Int
  }

  /// Idle cycles on a queue that do not end a slice.
  private static let gap = 64
  /// Samples of the occupancy that a trace may have; a long one has at least half as many.
  private static let maximumSamples = 1 << 17

  private let operations: [Program.DebugOperation]
  private var open: [Slice?] = [nil, nil, nil]
  private(set) var slices: [Slice] = []
  /// First start and last end of each operation.
  private var spans: [(start: Int, end: Int)?]
  /// For each row, since when it holds what it holds, and when that was last read.
  private var writtenAt: [Int]
  private var readAt: [Int]
  /// Rows that are alive at a sample and were not at the one before, less those that no longer are.
  private var changes: [Int] = []
  /// A sample every 1 << sampleShift cycles; the shift grows with the trace.
  private var sampleShift = 0

  init(_ program: Program) {
    operations = program.operations
    spans = [(start: Int, end: Int)?](repeating: nil, count: program.operations.count)
    writtenAt = [Int](repeating: -1, count: program.target.scratchpadRows)
    readAt = writtenAt
  }

  /// - Parameter free: when the unit can start the next step; `done`, when the step's results are complete.
  mutating func step(_ queue: Queue, _ operation: Int, _ start: Int, free: Int, done: Int) {
    if operation >= 0 {
      let span = spans[operation] ?? (start, done)
      spans[operation] = (min(span.start, start), max(span.end, done))
    }
    if var slice = open[queue.rawValue] {
      if slice.operation == operation && start <= slice.end + Self.gap {
        slice.end = free
        slice.steps += 1
        open[queue.rawValue] = slice
        return
      }
      slices.append(slice)
    }
    open[queue.rawValue] = Slice(queue: queue.rawValue, operation: operation, start: start, end: free, steps: 1)
  }

  /// Rows of the scratchpad, `stride` apart; those of the accumulator are not followed.
  mutating func wrote(_ rows: Operation.Rows, _ stride: Int, _ time: Int) {
    if rows.start >= Operation.accumulatorBase { return }
    for row in Swift.stride(from: Int(rows.start), to: min(Int(rows.end), writtenAt.count), by: stride) {
      close(row)
      writtenAt[row] = time
      readAt[row] = -1
    }
  }

  mutating func read(_ rows: Operation.Rows, _ stride: Int, _ time: Int) {
    if rows.start >= Operation.accumulatorBase { return }
    for row in Swift.stride(from: Int(rows.start), to: min(Int(rows.end), readAt.count), by: stride) {
      readAt[row] = max(readAt[row], time)
    }
  }

  /// A row was alive from its writing to its last reading: at the samples that lie between them.
  private mutating func close(_ row: Int) {
    if writtenAt[row] < 0 || readAt[row] < writtenAt[row] { return }
    while sample(atOrAfter: readAt[row] + 1) >= Self.maximumSamples { halveSamples() }
    let end = sample(atOrAfter: readAt[row] + 1)
    if changes.count <= end { changes += [Int](repeating: 0, count: end + 1 - changes.count) }
    changes[sample(atOrAfter: writtenAt[row])] += 1
    changes[end] -= 1
    writtenAt[row] = -1
  }

  private func sample(atOrAfter time: Int) -> Int { (time + (1 << sampleShift) - 1) >> sampleShift }

  /// Keeps every second sample: what changed at one that goes shows at the next.
  private mutating func halveSamples() {
    var halved = [Int](repeating: 0, count: changes.count / 2 + 1)
    for (index, change) in changes.enumerated() { halved[(index + 1) / 2] += change }
    changes = halved
    sampleShift += 1
  }

  /// For each operation that ran, the first track on which it overlaps no other one.
  private func lanes() -> (lanes: [Int?], count: Int) {
    var lanes = [Int?](repeating: nil, count: spans.count)
    var ends: [Int] = []
    let ran = spans.indices.filter { spans[$0] != nil }
    for operation in ran.sorted(by: { (spans[$0]!.start, $0) < (spans[$1]!.start, $1) }) {
      let span = spans[operation]!
      let lane = ends.firstIndex { $0 <= span.start } ?? ends.count
      if lane == ends.count { ends.append(0) }
      ends[lane] = span.end
      lanes[operation] = lane
    }
    return (lanes, ends.count)
  }

  /// Chrome's JSON trace format.
  public func json() -> String {
    var events: [String] = []
    func name(_ thread: Int, _ text: String) {
      events.append(
        #"{"ph":"M","pid":1,"tid":\#(thread),"name":"thread_name","args":{"name":"\#(text)"}}"#)
    }
    events.append(##"{"ph":"M","pid":1,"name":"process_name","args":{"name":"accelerator (modelled)"}}"##)
    name(1, "load")
    name(2, "execute")
    name(3, "store")
    let (lanes, laneCount) = lanes()
    for lane in 0..<laneCount { name(4 + lane, lane == 0 ? "operations" : "operations (\(lane + 1))") }
    for (operation, span) in spans.enumerated() {
      guard let span, let lane = lanes[operation] else { continue }
      events.append(
        #"{"ph":"X","pid":1,"tid":\#(4 + lane),"ts":\#(span.start),"dur":\#(span.end - span.start),"#
          + #""name":\#(JSONValue.string(title(operation)).text()),"args":{"line":\#(operations[operation].line),"#
          + #""operation":\#(JSONValue.string(operations[operation].text).text())}}"#)
    }
    for slice in (slices + open.compactMap { $0 }).sorted(by: { ($0.queue, $0.start) < ($1.queue, $1.start) }) {
      let line = slice.operation < 0 ? 0 : operations[slice.operation].line
      events.append(
        #"{"ph":"X","pid":1,"tid":\#(slice.queue + 1),"ts":\#(slice.start),"dur":\#(slice.end - slice.start),"#
          + #""name":\#(JSONValue.string(title(slice.operation)).text()),"args":{"line":\#(line),"steps":\#(slice.steps)}}"#
      )
    }
    var rows = self
    for row in rows.writtenAt.indices { rows.close(row) }
    var alive = 0
    for (sample, change) in rows.changes.enumerated() where change != 0 {
      alive += change
      events.append(
        #"{"ph":"C","pid":1,"ts":\#(sample << rows.sampleShift),"name":"scratchpad rows alive","args":{"rows":\#(alive)}}"#
      )
    }
    return "{\"traceEvents\":[\n" + events.joined(separator: ",\n")
      + "\n],\"displayTimeUnit\":\"ns\",\"otherData\":{\"unit\":\"1 us is 1 modelled cycle\"}}\n"
  }

  private func title(_ operation: Int) -> String {
    if operation < 0 { return "(no operation)" }
    // The operation's result and mnemonic are enough for a slice.
    return String(operations[operation].text.prefix { $0 != "{" }.prefix(80))
  }
}
