/// Stores: held back until it is known what the array does beside them, whose results go before them.
extension Accelerator {
  mutating func store(_ it: Operation, _ arrival: Int) {
    while station.stores.isStuck { resolveStore() }
    let entry = station.stores.take(arrival)
    lastEntry = entry
    var waiting = WaitingStore(operation: it, entry: entry, requests: requests)
    if it.kind == .store {
      var after = station.loaded.latest(it.reads, at: entry)
      if it.flags.contains(.onChip) {
        after = max(after, station.loaded.latest(it.writes, at: entry), waitForArray(it.writes, entry))
        waiting.destination = station.scratchpadStores.push(it.writes)
      }
      let result = station.results.latest(it.reads, at: entry)
      if result == RowRing.unknown {
        waiting.result = station.results.newestUnknown(it.reads) ?? -1
      } else {
        after = max(after, result)
      }
      waiting.ready = max(waiting.ready, after + 1)
      waiting.slot = station.stored.push(it.reads)
    }
    if stores.isFull { resolveStore() }
    stores.append(waiting)
  }

  /// Settles the oldest waiting store.
  mutating func resolveStore() {
    precondition(!stores.isEmpty && !isSettlingStore)
    isSettlingStore = true
    defer { isSettlingStore = false }
    while stores.first.pointee.result >= 0 {
      // The result of a preload whose compute never came is not waited for.
      if !advanceExecute() { stores.first.pointee.result = -1 }
    }
    let waiting = stores.first
    if !hardware.storesOverlap { waiting.pointee.ready = max(waiting.pointee.ready, lastStore + 1) }
    let operation = waiting.pointee.operation
    if operation.kind == .configStore {
      let issue = writing.configure(waiting.pointee.ready)
      station.stores.complete(issue)
      if recordsSteps {
        record(operation, waiting.pointee.entry, Span(issue: issue, start: issue, free: issue, done: issue))
      }
      stores.removeFirst()
      return
    }
    // What is known to come out of the array meanwhile.
    if operation.reads.start >= Operation.accumulatorBase {
      let start = max(waiting.pointee.ready, writing.lastRead + 1)
      let least = start + 2 * Int(operation.rows) * Int(operation.blocks)
      var end = least
      while !executes.isEmpty && array.lastOutput < end {
        _ = advanceExecute()
        // As long as results are added to its bank, the store waits, and more of them may come.
        end = least + additions.busyCycles(start..<end, row: operation.reads.start)
      }
    }
    let busBytes = writing.busBytes
    let span = writing.store(operation, ready: waiting.pointee.ready, conflicts: &additions, reading: &reading)
    lastStore = max(lastStore, span.done)
    station.stores.complete(span.done)
    station.stored.complete(waiting.pointee.slot, span.done)
    if waiting.pointee.destination >= 0 { station.scratchpadStores.complete(waiting.pointee.destination, span.done) }
    if recordsSteps {
      record(operation, waiting.pointee.entry, span, busBytes: writing.busBytes - busBytes)
    }
    stores.removeFirst()
  }
}

/// A store, or a configuration of stores, in the reservation station.
struct WaitingStore {
  var operation: Operation
  var entry: Int
  /// When all that it waits for is complete, but for `result`.
  var ready: Int
  /// Places of the source and the destination in their rings; -1 for none.
  var slot = -1
  var destination = -1
  /// Place of the result that it waits for, -1 when that is known.
  var result = -1
  /// Requests of the array so far when it came.
  var requests: Int

  init(operation: Operation, entry: Int, requests: Int) {
    self.operation = operation
    self.entry = entry
    self.requests = requests
    ready = entry + 1
  }
}

/// Stores that have not been dealt with, oldest first.
struct WaitingStores: ~Copyable {
  private static let capacity = 64
  private let held: UnsafeMutablePointer<WaitingStore>
  private var oldest = 0
  private var count = 0

  init() { held = .allocate(capacity: Self.capacity) }

  deinit { held.deallocate() }

  var isEmpty: Bool { count == 0 }
  var isFull: Bool { count == Self.capacity }
  var first: UnsafeMutablePointer<WaitingStore> { held + oldest }

  @inline(__always)
  mutating func append(_ it: WaitingStore) {
    (held + (oldest + count) & (Self.capacity - 1)).initialize(to: it)
    count += 1
  }

  @inline(__always)
  mutating func removeFirst() {
    oldest = (oldest + 1) & (Self.capacity - 1)
    count -= 1
  }

  /// Tells those that wait for a result that it was complete at `done`.
  @inline(__always)
  func release(_ result: Int, _ done: Int) {
    for index in 0..<count {
      let it = held + (oldest + index) & (Self.capacity - 1)
      if it.pointee.result == result {
        it.pointee.result = -1
        it.pointee.ready = max(it.pointee.ready, done + 1)
      }
    }
  }
}
