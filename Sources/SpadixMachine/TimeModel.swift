import SpadixISA

/// Models cycles: three in-order queues that wait for each other through local rows, one DMA, one array.
///
/// docs/machine.md states the rules and what they leave out. Every number that comes from here is called modelled.
struct TimeModel {
  private let timing: Target.Timing
  private let dim: Int
  private let rowsPerBank: Int
  private var ranges: RangeCursor
  /// One for each debug range, and the last for commands outside all.
  private(set) var cycles: [Counters.Cycles]
  private(set) var trace: Trace?

  /// When the content of a row is complete, and when its last reader is done with it.
  private var scratchpadWritten: [Int]
  private var scratchpadRead: [Int]
  private var accumulatorWritten: [Int]
  private var accumulatorRead: [Int]
  /// Rows of the accumulator that the array wrote last: adding to them again needs no waiting.
  private var byArray: [Bool]

  /// A queue: when its unit is free, and when the commands in its reservation station complete.
  private struct Queue {
    var free = 0
    var done: [Int]
    var position = 0

    init(entries: Int) { done = [Int](repeating: 0, count: entries) }

    /// Nothing enters before the oldest entry has left.
    var slot: Int { done[position] }

    mutating func push(_ time: Int) {
      done[position] = time
      position = position + 1 == done.count ? 0 : position + 1
    }
  }

  private var load: Queue
  private var store: Queue
  private var execute: Queue
  private var dmaFree = 0
  private var issue = 0
  private var previousCommand: Int32 = -1
  private var fence = 0
  /// Everything that has started is complete by then.
  private var frontier = 0
  private var previousStart = 0
  private var previousOccupancy = 0
  private var previousA: DecodedCommand.Tile?

  init(_ program: Program, trace: Bool) {
    let target = program.target
    timing = target.timing
    dim = target.dim
    rowsPerBank = target.scratchpadRowsPerBank
    ranges = RangeCursor(program)
    cycles = [Counters.Cycles](repeating: Counters.Cycles(), count: program.debug.count + 1)
    scratchpadWritten = [Int](repeating: 0, count: target.scratchpadRows)
    scratchpadRead = scratchpadWritten
    accumulatorWritten = [Int](repeating: 0, count: target.accumulatorRows)
    accumulatorRead = accumulatorWritten
    byArray = [Bool](repeating: false, count: target.accumulatorRows)
    load = Queue(entries: target.timing.loadQueue)
    store = Queue(entries: target.timing.storeQueue)
    execute = Queue(entries: target.timing.executeQueue)
    self.trace = trace ? Trace(program) : nil
  }

  mutating func advance(_ chunk: borrowing DecodedChunk) {
    for index in chunk.commands.indices {
      let it = chunk.commands[index]
      // The processor sends every command, also those that leave no step.
      issue += max(1, Int(it.command - previousCommand)) * timing.issueCycles
      previousCommand = it.command
      switch it.kind {
      case .load, .loadScales: run(load: it)
      case .store: run(store: it, chunk.stores[Int(it.configuration)])
      case .storeScratchpad: run(scratchpadStore: it, chunk.stores[Int(it.configuration)])
      case .compute: run(compute: it)
      case .fence:
        fence = frontier
        issue = max(issue, frontier)
      }
    }
  }

  // MARK: Units

  /// Cycles of the DMA for rows of bytes: what the bus takes, or what requests in flight allow.
  private func busCycles(rows: Int, bytes: Int) -> Int {
    let width = timing.dmaBytesPerCycle
    let bus = rows * ((bytes + width - 1) / width)
    let requests = rows * ((bytes + 63) / 64)
    let latency = requests * timing.dmaLatency / timing.dmaOutstandingRequests
    return max(bus, latency)
  }

  private mutating func run(load it: DecodedCommand) {
    var start = max(issue, max(load.free, load.slot), fence)
    issue = max(issue, load.slot)
    let isLocal = it.kind == .load
    if isLocal { forEachLoadedRow(it) { start = max(start, $0, $1) } }
    let rows = it.stride == 0 ? 1 : Int(it.a.rows)
    var busy = Int(it.a.rows)
    var latency = 1
    if !it.flags.contains(.zero) {
      start = max(start, dmaFree)
      busy = max(busyRows(it), busCycles(rows: rows, bytes: Int(it.a.columns) * it.elementBytes))
      dmaFree = start + busy
      latency = timing.dmaLatency
    }
    let done = start + busy + latency
    load.free = start + busy
    load.push(done)
    if isLocal { setLoadedRows(it, done) }
    account(it, .load, start, free: load.free, done, \.load)
  }

  /// Local memory takes one row a cycle.
  private func busyRows(_ it: DecodedCommand) -> Int {
    Int(it.a.rows) * ((Int(it.a.columns) + dim - 1) / dim)
  }

  private mutating func run(store it: DecodedCommand, _ configuration: borrowing StoreConfiguration) {
    var start = max(issue, max(store.free, store.slot), fence, dmaFree)
    issue = max(issue, store.slot)
    var rows = Int(it.a.rows)
    var read = busyRows(it)
    if it.flags.contains(.pooled), let pooling = configuration.pooling {
      rows = pooling.outRows * pooling.outCols
      read = rows * pooling.window * pooling.window
    }
    forEachStoredRow(it, configuration) { start = max(start, $0) }
    let writes = it.normalization == 0
    let busy = max(read, writes ? busCycles(rows: rows, bytes: Int(it.a.columns) * it.elementBytes) : 0)
    if writes { dmaFree = start + busy }
    let done = start + busy + (writes ? timing.dmaLatency : timing.arrayLatency)
    store.free = start + busy
    store.push(done)
    setReadRows(it, configuration, start + busy)
    account(it, .store, start, free: store.free, done, \.store)
  }

  private mutating func run(scratchpadStore it: DecodedCommand, _ configuration: borrowing StoreConfiguration) {
    var start = max(issue, max(store.free, store.slot), fence)
    issue = max(issue, store.slot)
    forEachStoredRow(it, configuration) { start = max(start, $0) }
    for index in 0..<Int(it.c.rows) {
      let row = Int(it.c.row) + index * Int(it.cStride)
      start = max(start, scratchpadWritten[row], scratchpadRead[row])
    }
    var busy = Int(it.a.rows)
    if it.flags.contains(.pooled), let pooling = configuration.pooling {
      busy = pooling.outRows * pooling.outCols * pooling.window * pooling.window
    }
    let done = start + busy + timing.arrayLatency
    store.free = start + busy
    store.push(done)
    setReadRows(it, configuration, start + busy)
    for index in 0..<Int(it.c.rows) { scratchpadWritten[Int(it.c.row) + index * Int(it.cStride)] = done }
    trace?.wrote(it.c, it.cStride, done)
    account(it, .store, start, free: store.free, done, \.store)
  }

  private mutating func run(compute it: DecodedCommand) {
    let rows = scratchpadWritten.count
    var start = max(issue, max(execute.free, execute.slot), fence)
    issue = max(issue, execute.slot)
    let transposes = it.flags.contains(.transposeA) || it.flags.contains(.transposeB)
    let occupancy = transposes ? dim : min(max(Int(it.a.rows), timing.minimumComputeRows), dim)
    if it.flags.contains(.loadArray) && !it.b.isGarbage {
      // The operand shifts in while the compute before runs, from another bank or after it.
      var shift = dim
      if it.flags.contains(.transposeB) && !it.flags.contains(.outputStationary) { shift += dim }
      if let a = previousA, Int(a.row) / rowsPerBank == Int(it.b.row) / rowsPerBank { shift += previousOccupancy }
      var ready = previousStart
      Self.forEachRow(it.b, 1, below: rows) { ready = max(ready, scratchpadWritten[$0]) }
      start = max(start, ready + shift)
    }
    Self.forEachRow(it.a, Int(it.aStride), below: rows) { start = max(start, scratchpadWritten[$0]) }
    Self.forEachRow(it.d, 1, below: rows) { start = max(start, scratchpadWritten[$0]) }
    let isAccumulator = it.flags.contains(.accumulator)
    if !it.c.isGarbage {
      for index in 0..<Int(it.c.rows) {
        let row = Int(it.c.row) + index * Int(it.cStride)
        // Earlier results of the array arrive in order; loads and stores have to be waited for.
        start = max(start, isAccumulator ? accumulatorRead[row] : max(scratchpadRead[row], scratchpadWritten[row]))
        if isAccumulator && accumulatorWritten[row] > start { start = max(start, loadedAccumulator(row)) }
      }
    }
    let done = start + occupancy + 2 * dim + timing.arrayLatency
    execute.free = start + occupancy
    execute.push(start + occupancy)
    Self.forEachRow(it.a, Int(it.aStride), below: rows) {
      scratchpadRead[$0] = max(scratchpadRead[$0], start + occupancy)
    }
    if it.flags.contains(.loadArray) {
      Self.forEachRow(it.b, 1, below: rows) { scratchpadRead[$0] = max(scratchpadRead[$0], start) }
      trace?.read(it.b, 1, start)
    }
    Self.forEachRow(it.d, 1, below: rows) { scratchpadRead[$0] = max(scratchpadRead[$0], start + occupancy) }
    trace?.read(it.a, it.aStride, start + occupancy)
    trace?.read(it.d, 1, start + occupancy)
    if !it.c.isGarbage {
      for index in 0..<Int(it.c.rows) {
        let row = Int(it.c.row) + index * Int(it.cStride)
        if isAccumulator { accumulatorWritten[row] = done } else { scratchpadWritten[row] = done }
        if isAccumulator { byArray[row] = true }
      }
      if !isAccumulator { trace?.wrote(it.c, it.cStride, done) }
    }
    previousStart = start
    previousOccupancy = occupancy
    previousA = it.a.isGarbage ? nil : it.a
    account(it, .execute, start, free: execute.free, done, \.compute)
  }

  private func loadedAccumulator(_ row: Int) -> Int { byArray[row] ? 0 : accumulatorWritten[row] }

  // MARK: Rows

  private func forEachLoadedRow(_ it: DecodedCommand, _ body: (Int, Int) -> Void) {
    var row = Int(it.a.row)
    var columns = Int(it.a.columns)
    while columns > 0 {
      for index in row..<row + Int(it.a.rows) {
        if it.flags.contains(.accumulator) {
          body(accumulatorWritten[index], accumulatorRead[index])
        } else {
          body(scratchpadWritten[index], scratchpadRead[index])
        }
      }
      columns -= dim
      row += Int(it.aStride)
    }
  }

  private mutating func setLoadedRows(_ it: DecodedCommand, _ done: Int) {
    var row = Int(it.a.row)
    var columns = Int(it.a.columns)
    while columns > 0 {
      for index in row..<row + Int(it.a.rows) {
        if it.flags.contains(.accumulator) {
          accumulatorWritten[index] = done
          byArray[index] = false
        } else {
          scratchpadWritten[index] = done
        }
      }
      if !it.flags.contains(.accumulator) {
        trace?.wrote(DecodedCommand.Tile(row: Int32(row), rows: it.a.rows, columns: 0), 1, done)
      }
      columns -= dim
      row += Int(it.aStride)
    }
  }

  private func forEachStoredRow(
    _ it: DecodedCommand, _ configuration: borrowing StoreConfiguration, _ body: (Int) -> Void
  ) {
    for (row, rows) in sourceBlocks(it, configuration) {
      for index in row..<row + rows {
        body(it.flags.contains(.accumulator) ? accumulatorWritten[index] : scratchpadWritten[index])
      }
    }
  }

  private mutating func setReadRows(
    _ it: DecodedCommand, _ configuration: borrowing StoreConfiguration, _ time: Int
  ) {
    for (row, rows) in sourceBlocks(it, configuration) {
      for index in row..<row + rows {
        if it.flags.contains(.accumulator) {
          accumulatorRead[index] = max(accumulatorRead[index], time)
        } else {
          scratchpadRead[index] = max(scratchpadRead[index], time)
        }
      }
      if !it.flags.contains(.accumulator) {
        trace?.read(DecodedCommand.Tile(row: Int32(row), rows: UInt16(clamping: rows), columns: 0), 1, time)
      }
    }
  }

  private func sourceBlocks(
    _ it: DecodedCommand, _ configuration: borrowing StoreConfiguration
  ) -> [(row: Int, rows: Int)] {
    if it.flags.contains(.pooled), let pooling = configuration.pooling {
      return [(Int(it.a.row), pooling.pixelsRead)]
    }
    let blocks = (Int(it.a.columns) + dim - 1) / dim
    return (0..<blocks).map { (Int(it.a.row) + $0 * dim, Int(it.a.rows)) }
  }

  /// Static, because a method would hold the model while `body` writes to it, and every write would copy its rows.
  private static func forEachRow(
    _ tile: DecodedCommand.Tile, _ stride: Int, below limit: Int, _ body: (Int) -> Void
  ) {
    if tile.isGarbage { return }
    for index in 0..<Int(tile.rows) {
      let row = Int(tile.row) + index * stride
      if row < limit { body(row) }
    }
  }

  // MARK: Accounts

  /// Attributes what the step adds to the end of everything: to waiting before its start, to its unit after it.
  private mutating func account(
    _ it: DecodedCommand, _ queue: Trace.Queue, _ start: Int, free: Int, _ done: Int,
    _ part: WritableKeyPath<Counters.Cycles, Int>
  ) {
    let range = ranges.range(of: Int(it.command))
    trace?.step(queue, range, start, free: free, done: done)
    if done <= frontier { return }
    let index = range < 0 ? cycles.count - 1 : range
    if start > frontier { cycles[index].waiting += start - frontier }
    cycles[index][keyPath: part] += done - max(frontier, start)
    frontier = done
  }
}
