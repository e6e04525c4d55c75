/// Preloads, computes and configurations of the array, in the order in which the execute controller takes them up.
extension Accelerator {
  /// Deals with computes until the station has an entry whose freeing is known: what is still to be dealt with completes
  /// later.
  @inline(__always)
  mutating func makeExecuteEntry() {
    while station.executes.isFull && station.executes.free > array.free {
      if !advanceExecute() { return }
    }
  }

  @inline(__always)
  private mutating func takeExecuteEntry(_ arrival: Int) -> Int {
    makeExecuteEntry()
    let entry = station.executes.take(arrival)
    lastEntry = entry
    return entry
  }

  mutating func take(configuration it: Operation, _ arrival: Int) {
    let entry = takeExecuteEntry(arrival)
    executes.append(WaitingExecute(operation: it, entry: entry, ready: entry + 1, first: -1, second: -1))
  }

  mutating func take(preload it: Operation, _ arrival: Int) {
    let entry = takeExecuteEntry(arrival)
    var after = max(station.loaded.latest(it.writes, at: entry), waitForStores(it.writes, entry))
    after = max(after, waitForMoves(it.reads, entry))
    executes.append(
      WaitingExecute(
        operation: it, entry: entry, ready: max(entry, after) + 1, first: station.results.push(it.writes),
        second: station.weights.push(it.reads)))
  }

  mutating func take(compute it: Operation, _ arrival: Int) {
    let entry = takeExecuteEntry(arrival)
    let after = max(waitForMoves(it.reads, entry), waitForMoves(it.readsAlso, entry))
    executes.append(
      WaitingExecute(
        operation: it, entry: entry, ready: max(entry, after) + 1, first: station.operands.push(it.reads),
        second: station.biases.push(it.readsAlso)))
  }

  /// When loads and stores that write the rows are complete.
  @inline(__always)
  private mutating func waitForMoves(_ rows: Operation.Rows, _ entry: Int) -> Int {
    while true {
      let after = station.moves(to: rows, at: entry)
      if after != RowRing.unknown { return after }
      resolveStore()
    }
  }

  /// Deals with the oldest of what waits for the array; false when nothing waits.
  mutating func advanceExecute() -> Bool {
    if executes.isEmpty {
      if compute == nil { return false }
      resolveCompute()
      settleOldStores()
      return true
    }
    let place = executes.removeFirst()
    switch executes[place].pointee.operation.kind {
    case .preload: run(preload: place)
    case .compute: run(compute: place)
    default: run(configuration: place)
    }
    settleOldStores()
    return true
  }

  /// Stores that the array cannot disturb any more. They ask for what comes behind the last command of the array, so that one
  /// has to be dealt with completely.
  private mutating func settleOldStores() {
    while !isSettlingStore && !stores.isEmpty && stores.first.pointee.result < 0
      && requests - stores.first.pointee.requests > 24
    {
      resolveStore()
    }
  }

  private mutating func run(configuration place: Int) {
    endComputes()
    let it = executes[place]
    let (issue, visible) = array.issue(it.pointee.ready)
    let done = array.configure(visible)
    lastExecute = max(lastExecute, done)
    station.executes.complete(done)
    if recordsSteps {
      record(
        it.pointee.operation, it.pointee.entry, Span(issue: issue, start: done, free: done + 1, done: done))
    }
  }

  private mutating func run(preload place: Int) {
    let it = executes[place]
    (it.pointee.issue, it.pointee.visible) = array.issue(it.pointee.ready)
    var held = HeldPreload(place: place, isPerformed: false)
    if isAhead {
      isAhead = false
      held.isPerformed = true
      performed(place, array.lastDeparture)
    } else if let compute {
      if it.pointee.visible <= array.start(executes[compute].pointee.visible) {
        held.isPerformed = true
        let last = perform(compute, beside: it)
        performed(place, last)
      } else {
        _ = perform(compute, beside: nil)
      }
    } else if let preload {
      abandon(preload)
    }
    preload = held
  }

  /// The preload's operand is in the array, its last row read at `last`.
  private mutating func performed(_ place: Int, _ last: Int) {
    let it = executes[place]
    station.weights.complete(it.pointee.second, last + 1)
    if it.pointee.operation.writes.isEmpty {
      station.results.complete(it.pointee.first, last + 1)
      station.executes.complete(last + 1)
    }
  }

  /// A preload without a compute.
  private mutating func abandon(_ held: HeldPreload) {
    let it = executes[held.place]
    let done = held.isPerformed ? array.lastDeparture + 1 : it.pointee.visible + 1
    station.results.complete(it.pointee.first, done)
    station.weights.complete(it.pointee.second, done)
    if !held.isPerformed { array.skip(done) }
    if !(held.isPerformed && it.pointee.operation.writes.isEmpty) { station.executes.complete(done) }
    stores.release(it.pointee.first, done)
    lastExecute = max(lastExecute, done)
  }

  private mutating func run(compute place: Int) {
    if let compute {
      _ = perform(compute, beside: nil)
      isAhead = false
    }
    let it = executes[place]
    (it.pointee.issue, it.pointee.visible) = array.issue(it.pointee.ready)
    if let held = preload, !held.isPerformed {
      let operation = executes[held.place].pointee.operation
      var rows = operation.reads.isEmpty ? hardware.minimumComputeRows : hardware.dim
      if operation.flags.contains(.twoPasses) { rows = 2 * hardware.dim }
      let start = max(array.start(executes[held.place].pointee.visible), it.pointee.visible)
      let request = array.request(
        start: start, rows: rows, rowCycles: 1, pops: 1, banks: (-1, bank(operation.reads)),
        writes: &reading.bankWrites)
      requests += 1
      performed(held.place, request.last)
      preload = HeldPreload(place: held.place, isPerformed: true)
    }
    compute = place
  }

  /// Runs the waiting compute, with or without a preload beside it; the cycle in which the last row is read.
  private mutating func perform(_ place: Int, beside next: UnsafePointer<WaitingExecute>?) -> Int {
    let it = executes[place]
    let operand = it.pointee.operation.reads
    let start = array.start(it.pointee.visible)
    var rows = max(Int(it.pointee.operation.rows), hardware.minimumComputeRows)
    var rowCycles = 1
    if it.pointee.operation.flags.contains(.transposed) { rows = hardware.dim }
    var pops = 1
    var nextBank = -1
    if let next {
      pops = 2
      nextBank = bank(next.pointee.operation.reads)
      if nextBank >= 0 || next.pointee.operation.flags.contains(.transposed) {
        rows = hardware.dim
        if nextBank >= 0 && bank(operand) == nextBank { rowCycles = 2 }
      }
    }
    let request = array.request(
      start: start, rows: min(rows, hardware.dim), rowCycles: rowCycles, pops: pops, banks: (bank(operand), nextBank),
      writes: &reading.bankWrites)
    requests += 1
    if let preload { completed(executes[preload.place], rows, request) }
    preload = nil
    let done = array.completion(request.last)
    station.operands.complete(it.pointee.first, done)
    station.biases.complete(it.pointee.second, done)
    station.executes.complete(done)
    lastExecute = max(lastExecute, done)
    compute = nil
    if recordsSteps {
      record(
        it.pointee.operation, it.pointee.entry,
        Span(issue: it.pointee.issue, start: request.start, free: request.last + 1, done: done))
    }
    return request.last
  }

  /// The compute of a preload has run, in a request of `rows` rows: its result is there.
  @inline(__always)
  private mutating func completed(
    _ it: UnsafePointer<WaitingExecute>, _ rows: Int, _ request: ArrayPath.Request
  ) {
    let operation = it.pointee.operation
    if operation.writes.isEmpty { return }
    array.awaits(request.output)
    station.results.complete(it.pointee.first, request.output)
    station.executes.complete(request.output)
    stores.release(it.pointee.first, request.output)
    lastExecute = max(lastExecute, request.output)
    if recordsSteps {
      record(
        operation, it.pointee.entry,
        Span(issue: it.pointee.issue, start: request.start, free: request.start, done: request.output))
    }
    if operation.writes.start < Operation.accumulatorBase {
      array.write(operation.writes, min(rows, Int(operation.rows)), output: request.output)
    }
    if operation.flags.contains(.accumulates) {
      let first = request.output - rows + 1
      additions.add(first: first, last: first + min(rows, Int(operation.rows)) - 1, row: operation.writes.start)
    }
  }

  @inline(__always)
  private func bank(_ rows: Operation.Rows) -> Int {
    rows.isEmpty ? -1 : hardware.bank(of: rows.start)
  }

  /// The waiting compute has no preload beside it.
  mutating func endComputes() {
    if let compute { _ = perform(compute, beside: nil) }
    if let preload { abandon(preload) }
    preload = nil
    isAhead = false
  }

  /// Somebody has to know when the waiting compute is complete: decides from the commands that are coming.
  private mutating func resolveCompute() {
    guard let compute else { return }
    for index in position..<min(position + Self.lookahead, upcoming.count) {
      switch upcoming[index].kind {
      case .preload:
        let visible = frontEnd.left + index - position + 4
        if visible <= array.start(executes[compute].pointee.visible) {
          var next = WaitingExecute(operation: upcoming[index], entry: 0, ready: 0, first: -1, second: -1)
          _ = perform(compute, beside: &next)
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
}

/// The preload that the next compute, or the waiting one, belongs to.
struct HeldPreload {
  /// Among the waiting executes.
  var place: Int
  /// Its operand is in the array.
  var isPerformed: Bool
}
