/// A timeline of the accelerator: operations in program order, each with the cycles at which its units take it up.
///
/// The rules are those of Gemmini's reservation station, controllers and DMA (docs/machine.md). No cycle is stepped
/// through: every rule is a maximum over times that are known, so that an operation costs tens of nanoseconds.
public struct Accelerator: ~Copyable {
  let hardware: Hardware
  var frontEnd: FrontEnd
  var reading: ReadPath
  var array: ArrayPath
  var writing: WritePath
  var additions: AccumulatorWrites

  var loadEntries: StationEntries
  var storeEntries: StationEntries
  var executeEntries: StationEntries

  var loadRows: RowRing
  var storedRows: RowRing
  var scratchpadStores: RowRing
  var results: RowRing
  var weights: RowRing
  var operands: RowRing
  var biases: RowRing

  /// Stores that wait until it is known what the array does beside them.
  private var stores: UnsafeMutablePointer<WaitingStore>
  private var storeCount = 0
  /// A store is being dealt with, for which computes may have to be dealt with that leave the other stores alone.
  private var isSettlingStore = false
  /// Preloads, computes and their configurations that nobody has asked about yet: the later they are dealt with, the more
  /// is known of the loads beside them.
  private var executes: WaitingExecutes
  /// The compute that waits for the command behind it.
  private var compute: WaitingCompute?
  /// The preload that the next compute, or the waiting one, belongs to.
  private var preload: HeldPreload?
  /// A preload that was taken to run together with the compute before it has not come yet.
  private var isAhead = false
  private var requests = 0
  private var lastExecute = 0

  /// Whether steps are kept.
  public var recordsSteps = false
  public var steps: [Step] = []

  /// When the last operation entered the reservation station.
  private var lastEntry = -1

  private var upcoming = UnsafeBufferPointer<Operation>(start: nil, count: 0)
  private var position = 0

  struct WaitingStore {
    var operation: Operation
    var entry: Int
    var ready: Int
    /// Places of the result and the destination in their rings; -1 for none.
    var slot: Int
    var destination: Int
    /// The result that it waits for, -1 when it is known.
    var result: Int
    var requests: Int
  }

  struct WaitingCompute {
    var operation: Operation
    var entry: Int
    var issue: Int
    var visible: Int
    var operand: Int
    var bias: Int
  }

  struct HeldPreload {
    var operation: Operation
    var entry: Int
    var issue: Int
    var start = 0
    var visible: Int
    var result: Int
    var weights: Int
    var isPerformed: Bool
  }

  static let maximumWaitingStores = 64

  public init(_ hardware: Hardware) {
    self.hardware = hardware
    frontEnd = FrontEnd(issueCycles: hardware.issueCycles)
    reading = ReadPath(hardware)
    array = ArrayPath(hardware)
    writing = WritePath(hardware)
    additions = AccumulatorWrites(bankRows: hardware.accumulatorBankRows)
    loadEntries = StationEntries(hardware.stationLoad)
    storeEntries = StationEntries(hardware.stationStore)
    executeEntries = StationEntries(hardware.stationExecute)
    loadRows = RowRing(capacity: hardware.stationLoad)
    storedRows = RowRing(capacity: hardware.stationStore)
    scratchpadStores = RowRing(capacity: hardware.stationStore)
    results = RowRing(capacity: hardware.stationExecute)
    weights = RowRing(capacity: hardware.stationExecute)
    operands = RowRing(capacity: hardware.stationExecute)
    biases = RowRing(capacity: hardware.stationExecute)
    stores = .allocate(capacity: Self.maximumWaitingStores)
    executes = WaitingExecutes(capacity: hardware.stationExecute)
  }

  deinit { stores.deallocate() }

  public var busBytesRead: Int { reading.busBytes }
  public var busBytesWritten: Int { writing.busBytes }

  /// Operations in program order.
  public mutating func run(_ operations: UnsafeBufferPointer<Operation>) {
    upcoming = operations
    position = 0
    while position < operations.count {
      let it = operations.baseAddress! + position
      position += 1
      let arrival = frontEnd.arrival()
      take(it.pointee, arrival)
      frontEnd.leaves(max(arrival, lastEntry))
    }
    upcoming = UnsafeBufferPointer(start: nil, count: 0)
    position = 0
  }

  /// Completes what is held back; the cycles so far.
  public mutating func finish() -> Int {
    settle()
    return idle + 1
  }

  /// The last cycle in which the accelerator is busy with what has come so far.
  var idle: Int { max(frontEndLast, reading.lastDone, writing.lastDone, lastExecute) }
  private var frontEndLast = -1

  /// When the reservation station has room for another command of a kind.
  mutating func loadEntryFree() -> Int { loadEntries.free }
  mutating func executeEntryFree() -> Int {
    makeExecuteEntry()
    return executeEntries.free
  }
  /// For stores a time before which it has none, which may become later when it is asked for again after `settleStore`:
  /// the later a store is dealt with, the more is known of the results beside it.
  func storeEntryFree() -> (time: Int, isKnown: Bool) {
    if !storeEntries.isStuck { return (storeEntries.free, true) }
    let it = stores[0]
    return (it.ready + Int(it.operation.rows) * Int(it.operation.blocks), false)
  }

  mutating func settleStore() {
    if storeEntries.isStuck { resolveStore() }
  }

  @inline(__always)
  mutating func take(_ it: Operation, _ arrival: Int) {
    switch it.kind {
    case .load: load(it, arrival)
    case .store: store(it, arrival)
    case .preload: take(preload: it, arrival)
    case .compute: take(compute: it, arrival)
    case .configExecute: take(configuration: it, arrival)
    case .configLoad:
      let entry = loadEntries.take(arrival)
      lastEntry = entry
      let issue = reading.configure(entry + 1)
      loadEntries.complete(issue)
      if recordsSteps { record(it, entry, Span(issue: issue, start: issue, free: issue, done: issue)) }
    case .configStore: store(it, arrival)
    case .fence:
      settle()
      frontEnd.wait(for: idle)
    case .none: break
    }
  }

  // MARK: Loads

  private mutating func load(_ it: Operation, _ arrival: Int) {
    let entry = loadEntries.take(arrival)
    lastEntry = entry
    var after = max(results.latest(it.writes, at: entry), weights.latest(it.writes, at: entry))
    after = max(after, operands.latest(it.writes, at: entry), biases.latest(it.writes, at: entry))
    while after == RowRing.unknown {
      if !advanceExecute() {
        after = 0
        break
      }
      after = max(results.latest(it.writes, at: entry), weights.latest(it.writes, at: entry))
      after = max(after, operands.latest(it.writes, at: entry), biases.latest(it.writes, at: entry))
    }
    after = max(after, waitForStores(it.writes, entry))
    // Stores that the array cannot disturb any more, so that their writes are known.
    while !it.flags.contains(.accumulates) && compute == nil && executes.isEmpty && storeCount > 0
      && stores[0].result < 0
      && array.lastOutput <= stores[0].ready
    {
      resolveStore()
    }
    let busBytes = reading.busBytes
    let known = reading.bankWrites.count
    let knownEnd = known > 0 ? reading.bankWrites[known - 1].last : 0
    let span = reading.load(it, ready: max(entry, after) + 1)
    if known > 0 && reading.bankWrites[known - 1].last > knownEnd {
      // The last one has grown.
      var grown = reading.bankWrites[known - 1]
      grown.first = knownEnd + 1
      array.disturb(grown)
    }
    for index in known..<reading.bankWrites.count { array.disturb(reading.bankWrites[index]) }
    loadEntries.complete(span.done)
    let slot = loadRows.push(it.writes)
    loadRows.complete(slot, span.done)
    if recordsSteps { record(it, entry, span, busBytes: reading.busBytes - busBytes) }
  }

  @inline(never)
  private mutating func record(_ it: Operation, _ entry: Int, _ span: Span, busBytes: Int = 0) {
    steps.append(
      Step(
        operation: it, entry: entry, issue: span.issue, start: span.start, free: span.free, done: span.done,
        busBytes: busBytes))
  }

  /// When stores that use the rows are complete.
  @inline(__always)
  private mutating func waitForStores(_ rows: Operation.Rows, _ entry: Int) -> Int {
    while true {
      let after = max(storedRows.latest(rows, at: entry), scratchpadStores.latest(rows, at: entry))
      if after != RowRing.unknown { return after }
      resolveStore()
    }
  }

  // MARK: Stores

  private mutating func store(_ it: Operation, _ arrival: Int) {
    while storeEntries.isStuck { resolveStore() }
    let entry = storeEntries.take(arrival)
    lastEntry = entry
    var waiting = WaitingStore(
      operation: it, entry: entry, ready: entry + 1, slot: -1, destination: -1, result: -1, requests: requests)
    if it.kind == .store {
      var after = loadRows.latest(it.reads, at: entry)
      let result = results.latest(it.reads, at: entry)
      if result == RowRing.unknown {
        waiting.result = results.newestUnknown(it.reads) ?? -1
      } else {
        after = max(after, result)
      }
      if it.flags.contains(.onChip) {
        var used = max(
          loadRows.latest(it.writes, at: entry), operands.latest(it.writes, at: entry),
          weights.latest(it.writes, at: entry))
        used = max(used, biases.latest(it.writes, at: entry), results.latest(it.writes, at: entry))
        while used == RowRing.unknown {
          if !advanceExecute() {
            used = 0
            break
          }
          used = max(
            loadRows.latest(it.writes, at: entry), operands.latest(it.writes, at: entry),
            weights.latest(it.writes, at: entry))
          used = max(used, biases.latest(it.writes, at: entry), results.latest(it.writes, at: entry))
        }
        after = max(after, used)
        waiting.destination = scratchpadStores.push(it.writes)
      }
      waiting.ready = max(waiting.ready, after + 1)
      waiting.slot = storedRows.push(it.reads)
    }
    if storeCount == Self.maximumWaitingStores { resolveStore() }
    stores[storeCount] = waiting
    storeCount += 1
  }

  /// Settles the oldest waiting store.
  private mutating func resolveStore() {
    precondition(storeCount > 0 && !isSettlingStore)
    isSettlingStore = true
    defer { isSettlingStore = false }
    while stores[0].result >= 0 {
      // The result of a preload whose compute never came is not waited for.
      if !advanceExecute() { stores[0].result = -1 }
    }
    let waiting = stores[0]
    // What is known to come out of the array meanwhile.
    if waiting.operation.kind == .store && waiting.operation.reads.start >= Operation.accumulatorBase {
      let end = waiting.ready + 2 * Int(waiting.operation.rows) * Int(waiting.operation.blocks)
      while !executes.isEmpty && array.lastOutput < end { _ = advanceExecute() }
    }
    storeCount -= 1
    for index in 0..<storeCount { stores[index] = stores[index + 1] }
    if waiting.operation.kind == .configStore {
      let issue = writing.configure(waiting.ready)
      storeEntries.complete(issue)
      if recordsSteps {
        record(waiting.operation, waiting.entry, Span(issue: issue, start: issue, free: issue, done: issue))
      }
      return
    }
    let busBytes = writing.busBytes
    let span = writing.store(waiting.operation, ready: waiting.ready, conflicts: &additions, reading: &reading)
    storeEntries.complete(span.done)
    storedRows.complete(waiting.slot, span.done)
    if waiting.destination >= 0 { scratchpadStores.complete(waiting.destination, span.done) }
    if recordsSteps {
      record(waiting.operation, waiting.entry, span, busBytes: writing.busBytes - busBytes)
    }
  }

  // MARK: Computes

  /// Deals with computes until the station has an entry whose freeing is known: what is still to be dealt with completes
  /// later.
  @inline(__always)
  private mutating func makeExecuteEntry() {
    while executeEntries.isFull && executeEntries.free > array.free {
      if !advanceExecute() { return }
    }
  }

  @inline(__always)
  private mutating func takeExecuteEntry(_ arrival: Int) -> Int {
    makeExecuteEntry()
    let entry = executeEntries.take(arrival)
    lastEntry = entry
    return entry
  }

  private mutating func take(configuration it: Operation, _ arrival: Int) {
    let entry = takeExecuteEntry(arrival)
    executes.append(WaitingExecute(operation: it, entry: entry, ready: entry + 1, first: -1, second: -1))
  }

  private mutating func take(preload it: Operation, _ arrival: Int) {
    let entry = takeExecuteEntry(arrival)
    var after = max(
      loadRows.latest(it.writes, at: entry), loadRows.latest(it.reads, at: entry), waitForStores(it.writes, entry))
    after = max(after, scratchpadStores.latest(it.reads, at: entry))
    if after == RowRing.unknown { after = waitForStores(it.reads, entry) }
    executes.append(
      WaitingExecute(
        operation: it, entry: entry, ready: max(entry, after) + 1, first: results.push(it.writes),
        second: weights.push(it.reads)))
  }

  private mutating func take(compute it: Operation, _ arrival: Int) {
    let entry = takeExecuteEntry(arrival)
    var after = max(loadRows.latest(it.reads, at: entry), scratchpadStores.latest(it.reads, at: entry))
    after = max(after, loadRows.latest(it.readsAlso, at: entry), scratchpadStores.latest(it.readsAlso, at: entry))
    if after == RowRing.unknown { after = max(waitForStores(it.reads, entry), waitForStores(it.readsAlso, entry)) }
    executes.append(
      WaitingExecute(
        operation: it, entry: entry, ready: max(entry, after) + 1, first: operands.push(it.reads),
        second: biases.push(it.readsAlso)))
  }

  /// Deals with the oldest of what waits for the array; false when nothing waits.
  private mutating func advanceExecute() -> Bool {
    if executes.isEmpty {
      if compute == nil { return false }
      resolveCompute()
      return true
    }
    let it = executes.removeFirst()
    switch it.operation.kind {
    case .preload: run(preload: it)
    case .compute: run(compute: it)
    default: run(configuration: it)
    }
    return true
  }

  private mutating func run(configuration it: WaitingExecute) {
    endComputes()
    let (issue, visible) = array.issue(it.ready)
    let done = array.configure(visible)
    lastExecute = max(lastExecute, done)
    executeEntries.complete(done)
    if recordsSteps { record(it.operation, it.entry, Span(issue: issue, start: done, free: done + 1, done: done)) }
  }

  private mutating func run(preload it: WaitingExecute) {
    let (issue, visible) = array.issue(it.ready)
    var held = HeldPreload(
      operation: it.operation, entry: it.entry, issue: issue, visible: visible, result: it.first, weights: it.second,
      isPerformed: false)
    if isAhead {
      isAhead = false
      held.isPerformed = true
      performed(&held, array.lastDeparture)
    } else if let compute {
      if visible <= array.start(compute.visible) {
        held.isPerformed = true
        let last = perform(compute, beside: it.operation)
        performed(&held, last)
      } else {
        _ = perform(compute, beside: nil)
      }
    } else if let preload {
      abandon(preload)
    }
    preload = held
  }

  /// The preload's operand is in the array, its last row read at `last`.
  private mutating func performed(_ held: inout HeldPreload, _ last: Int) {
    weights.complete(held.weights, last + 1)
    if held.operation.writes.isEmpty {
      results.complete(held.result, last + 1)
      executeEntries.complete(last + 1)
    }
  }

  /// A preload without a compute.
  private mutating func abandon(_ held: HeldPreload) {
    let done = held.isPerformed ? array.lastDeparture + 1 : held.visible + 1
    results.complete(held.result, done)
    weights.complete(held.weights, done)
    if !held.isPerformed { array.skip(done) }
    if !(held.isPerformed && held.operation.writes.isEmpty) { executeEntries.complete(done) }
    release(held.result, done)
    lastExecute = max(lastExecute, done)
  }

  private mutating func run(compute it: WaitingExecute) {
    if let compute {
      _ = perform(compute, beside: nil)
      isAhead = false
    }
    let (issue, visible) = array.issue(it.ready)
    if var held = preload, !held.isPerformed {
      var rows = held.operation.reads.isEmpty ? hardware.minimumComputeRows : hardware.dim
      if held.operation.flags.contains(.twoPasses) { rows = 2 * hardware.dim }
      let start = max(array.start(held.visible), visible)
      let request = array.request(
        start: start, rows: rows, rowCycles: 1, pops: 1, banks: (-1, bank(held.operation.reads)),
        writes: &reading.bankWrites)
      requests += 1
      held.isPerformed = true
      performed(&held, request.last)
      preload = held
    }
    compute = WaitingCompute(
      operation: it.operation, entry: it.entry, issue: issue, visible: visible, operand: it.first, bias: it.second)
  }

  /// Runs the waiting compute, with or without a preload beside it; the cycle in which the last row is read.
  private mutating func perform(_ it: WaitingCompute, beside next: Operation?) -> Int {
    let start = array.start(it.visible)
    var rows = max(Int(it.operation.rows), hardware.minimumComputeRows)
    var rowCycles = 1
    if it.operation.flags.contains(.transposed) { rows = hardware.dim }
    var pops = 1
    if let next {
      pops = 2
      if !next.reads.isEmpty || next.flags.contains(.transposed) {
        rows = hardware.dim
        if !it.operation.reads.isEmpty && !next.reads.isEmpty && bank(it.operation.reads) == bank(next.reads) {
          rowCycles = 2
        }
      }
    }
    let nextBank = next.map { bank($0.reads) } ?? -1
    let request = array.request(
      start: start, rows: min(rows, hardware.dim), rowCycles: rowCycles, pops: pops,
      banks: (bank(it.operation.reads), nextBank), writes: &reading.bankWrites)
    requests += 1
    var done = request.last + 1
    if let preload {
      let writes = preload.operation.writes
      if !writes.isEmpty {
        array.awaits(request.output)
        results.complete(preload.result, request.output)
        executeEntries.complete(request.output)
        release(preload.result, request.output)
        lastExecute = max(lastExecute, request.output)
        if recordsSteps {
          record(
            preload.operation, preload.entry,
            Span(issue: preload.issue, start: request.start, free: request.start, done: request.output))
        }
        if preload.operation.flags.contains(.accumulates) {
          let first = request.output - rows + 1
          additions.add(
            first: first, last: first + min(rows, Int(preload.operation.rows)) - 1, row: writes.start)
        }
      }
      self.preload = nil
    }
    done = array.completion(request.last)
    operands.complete(it.operand, done)
    biases.complete(it.bias, done)
    executeEntries.complete(done)
    lastExecute = max(lastExecute, done)
    compute = nil
    if recordsSteps {
      record(
        it.operation, it.entry,
        Span(issue: it.issue, start: request.start, free: request.last + 1, done: done))
    }
    while !isSettlingStore && storeCount > 0 && stores[0].result < 0 && requests - stores[0].requests > 24 {
      resolveStore()
    }
    return request.last
  }

  @inline(__always)
  private func bank(_ rows: Operation.Rows) -> Int {
    rows.isEmpty ? -1 : hardware.bank(of: rows.start)
  }

  /// Tells waiting stores that a result is there.
  @inline(__always)
  private mutating func release(_ slot: Int, _ done: Int) {
    for index in 0..<storeCount where stores[index].result == slot {
      stores[index].result = -1
      stores[index].ready = max(stores[index].ready, done + 1)
    }
  }

  /// The waiting compute has no preload beside it.
  private mutating func endComputes() {
    if let compute { _ = perform(compute, beside: nil) }
    if let preload { abandon(preload) }
    preload = nil
    isAhead = false
  }

  /// Somebody has to know when the waiting compute is complete: decides from the commands that are coming.
  private mutating func resolveCompute() {
    guard let compute else { return }
    for index in position..<min(position + 16, upcoming.count) {
      let next = upcoming[index]
      switch next.kind {
      case .preload:
        let visible = frontEnd.left + index - position + 4
        if visible <= array.start(compute.visible) {
          _ = perform(compute, beside: next)
          isAhead = true
        } else {
          _ = perform(compute, beside: nil)
        }
        return
      case .compute, .configExecute, .fence:
        _ = perform(compute, beside: nil)
        return
      case .load, .store, .configLoad, .configStore, .none: break
      }
    }
    _ = perform(compute, beside: nil)
  }

  /// Brings everything to its end.
  private mutating func settle() {
    while !executes.isEmpty { _ = advanceExecute() }
    endComputes()
    while storeCount > 0 { resolveStore() }
    frontEndLast = max(frontEndLast, frontEnd.left)
  }
}
