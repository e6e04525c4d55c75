import SpadixISA

/// Follows commands through Gemmini's reservation station and knows what is complete before each of them starts.
///
/// Loads, computes and stores have a queue each, and leave it in order. Beyond that a command waits for the earlier ones
/// of other queues whose ranges meet its own. Stores wait for the store before, or, where they overlap, read rows in
/// order all the same; but what an earlier mvout_spad writes may come later than a store's completion then. The array
/// completes results in order, and operands in order; loads complete in any order.
struct StationOrder {
  /// Two commands that share a row without an order.
  struct Conflict {
    var command: Int
    var earlier: Int
    var isAccumulator: Bool
    var row: Int
    var verb: String
    var earlierVerb: String
    /// The one of the two whose ranges do not hold all its rows; nil for two loads, which nothing orders.
    var culprit: Int?
  }

  /// Rows of DRAM that may overtake one that was asked for before: a request that finds the bus busy goes behind the
  /// next, again and again [DMA.scala, `retry_a`]. On the RTL 28 did, and 32 never.
  static let overtakingRows = 32

  static func requests(_ load: DecodedCommand) -> Int {
    load.flags.contains(.zero) ? 0 : load.stride == 0 ? 1 : Int(load.a.rows)
  }

  /// How a load's rows reach the accumulator. Rows of one path stay in order; of rows that are there at the same time
  /// the first path's go first.
  enum LoadPath: UInt8 {
    case int8, scaled, int32, zeros

    init(_ it: DecodedCommand) {
      if it.flags.contains(.zero) {
        self = .zeros
      } else if it.elementBytes > 1 {
        self = .int32
      } else {
        self = it.flags.contains(.scaled) ? .scaled : .int8
      }
    }

    /// Scaled rows share the path of other int8, and are not ready in each cycle.
    func staysBefore(_ later: LoadPath) -> Bool {
      switch (self, later) {
      case (.int32, .int8), (.int32, .scaled), (.scaled, .int32): false
      case (.zeros, _): later == .zeros
      default: true
      }
    }
  }

  private enum Queue: Int {
    case load = 0
    case execute = 1
    case store = 2
  }

  /// Results (preloads), operands (computes), reads of stores and writes of mvout_spad up to these numbers are complete.
  private struct Known {
    var results = 0
    var operands = 0
    var stores = 0
    var storeWrites = 0

    mutating func merge(_ other: Known) {
      results = max(results, other.results)
      operands = max(operands, other.operands)
      stores = max(stores, other.stores)
      storeWrites = max(storeWrites, other.storeWrites)
    }
  }

  /// Numbers of the last commands that touch a row, counted from 1 in their own queue; 0 for none.
  private struct Row {
    // As ranges have it.
    var load: Int32 = 0
    var result: Int32 = 0
    var weights: Int32 = 0
    var operand: Int32 = 0
    var storeSource: Int32 = 0
    var storeDestination: Int32 = 0
    // As it is. The writer's queue, and the readers since.
    var writer: Int32 = 0
    var writerQueue: Int8 = -1
    var weightsReader: Int32 = 0
    var operandReader: Int32 = 0
    var storeReader: Int32 = 0
  }

  private let target: Target
  private var scratchpad: [Row]
  private var accumulator: [Row]
  /// Before whatever the queue starts next.
  private var known = [Known](repeating: Known(), count: 3)
  /// What was known when each command started, and which commands they are.
  private var atStart: [[Known]] = [[Known()], [Known()], [Known()]]
  private var commands: [[Int32]] = [[-1], [-1], [-1]]
  /// Rows of each load, as its range has them, and its path.
  private var loaded: [StationRanges.Range?] = [nil]
  private var paths: [LoadPath] = [.int8]
  /// Rows of DRAM that loads have asked for before each load, and in all.
  private var requestsBefore: [Int] = [0]
  private var requests = 0
  /// For each queue and load, the first command of the queue that waited for it.
  private var waited: [[Int32]] = [[0], [0], [0]]

  init(_ target: Target) {
    self.target = target
    scratchpad = [Row](repeating: Row(), count: target.scratchpadRows + 1)
    accumulator = [Row](repeating: Row(), count: target.accumulatorRows + 1)
  }

  mutating func step(_ it: DecodedCommand, _ configuration: StoreConfiguration, isLoop: Bool) -> Conflict? {
    switch it.kind {
    case .fence, .loadScales, .loadTable: return nil
    case .load: return follow(it, configuration, .load, isLoop)
    case .compute: return follow(it, configuration, .execute, isLoop)
    case .store, .storeScratchpad: return follow(it, configuration, .store, isLoop)
    }
  }

  private mutating func follow(
    _ it: DecodedCommand, _ configuration: StoreConfiguration, _ queue: Queue, _ isLoop: Bool
  ) -> Conflict? {
    let ranges = StationRanges(it, configuration, target)
    let number = Int32(truncatingIfNeeded: commands[queue.rawValue].count)
    var waits = Waits()
    let storesOverlap = target.timing.reservationStation.overlappingStores
    if queue == .store && !storesOverlap { waits.stores(number - 1, writes: true) }
    func stores(_ row: Row) {
      waits.stores(row.storeSource, writes: !storesOverlap)
      waits.stores(row.storeDestination, writes: true)
    }
    func each(_ range: StationRanges.Range?, _ body: (Row) -> Void) {
      guard let range else { return }
      let rows = range.isAccumulator ? accumulator : scratchpad
      for index in range.rows where index < rows.count { body(rows[index]) }
    }
    switch queue {
    case .load:
      each(ranges.destination) {
        waits.results(max($0.result, $0.weights))
        waits.operands($0.operand)
        stores($0)
      }
    case .execute:
      each(ranges.destination) {
        waits.load($0.load)
        stores($0)
      }
      for range in [ranges.weights, ranges.a, ranges.d] {
        each(range) {
          waits.load($0.load)
          waits.stores($0.storeDestination, writes: true)
        }
      }
    case .store:
      each(ranges.a) {
        waits.load($0.load)
        waits.results($0.result)
      }
      each(ranges.destination) {
        waits.load($0.load)
        waits.results(max($0.result, $0.weights))
        waits.operands($0.operand)
      }
    }
    learn(waits, queue, number)
    commands[queue.rawValue].append(it.command)
    atStart[queue.rawValue].append(known[queue.rawValue])
    if queue == .load {
      loaded.append(ranges.destination)
      paths.append(LoadPath(it))
      requestsBefore.append(requests)
      requests += Self.requests(it)
      for index in waited.indices { waited[index].append(0) }
    }
    mark(ranges, queue, number)
    let conflict = use(it, configuration, queue, number, ranges)
    return isLoop ? nil : conflict
  }

  // MARK: Waiting

  /// What a command waits for.
  private struct Waits {
    var known = Known()
    var loads: [Int32] = []

    mutating func results(_ number: Int32) { known.results = max(known.results, Int(number)) }
    mutating func operands(_ number: Int32) { known.operands = max(known.operands, Int(number)) }
    mutating func stores(_ number: Int32, writes: Bool) {
      known.stores = max(known.stores, Int(number))
      if writes { known.storeWrites = max(known.storeWrites, Int(number)) }
    }
    mutating func load(_ number: Int32) { if number > 0 && loads.last != number { loads.append(number) } }
  }

  private mutating func learn(_ waits: Waits, _ queue: Queue, _ number: Int32) {
    var now = known[queue.rawValue]
    now.merge(waits.known)
    // A complete result has used its operands, and all before it are complete; what they waited for is, too.
    now.operands = max(now.operands, waits.known.results)
    now.merge(atStart[Queue.execute.rawValue][max(waits.known.results, waits.known.operands)])
    now.merge(atStart[Queue.store.rawValue][waits.known.stores])
    for load in waits.loads {
      now.merge(atStart[Queue.load.rawValue][Int(load)])
      if waited[queue.rawValue][Int(load)] == 0 { waited[queue.rawValue][Int(load)] = number }
    }
    known[queue.rawValue] = now
  }

  private func isComplete(load: Int32, for queue: Queue) -> Bool {
    if waited[queue.rawValue][Int(load)] > 0 { return true }
    let now = known[queue.rawValue]
    let byArray = waited[Queue.execute.rawValue][Int(load)]
    let byStore = waited[Queue.store.rawValue][Int(load)]
    return byArray > 0 && Int(byArray) <= max(now.results, now.operands) || byStore > 0 && Int(byStore) <= now.stores
  }

  // MARK: Rows

  private mutating func mark(_ ranges: StationRanges, _ queue: Queue, _ number: Int32) {
    switch queue {
    case .load: mark(ranges.destination) { $0.load = number }
    case .execute:
      mark(ranges.destination) { $0.result = number }
      mark(ranges.weights) { $0.weights = number }
      mark(ranges.a) { $0.operand = number }
      mark(ranges.d) { $0.operand = number }
    case .store:
      // A store to the scratchpad keeps its destination only.
      if ranges.destination == nil { mark(ranges.a) { $0.storeSource = number } }
      mark(ranges.destination) { $0.storeDestination = number }
    }
  }

  private mutating func mark(_ range: StationRanges.Range?, _ body: (inout Row) -> Void) {
    guard let range else { return }
    for index in range.rows {
      if range.isAccumulator {
        if index < accumulator.count { body(&accumulator[index]) }
      } else if index < scratchpad.count {
        body(&scratchpad[index])
      }
    }
  }

  /// Looks at the rows that the command really uses, and remembers that it does.
  private mutating func use(
    _ it: DecodedCommand, _ configuration: StoreConfiguration, _ queue: Queue, _ number: Int32, _ ranges: StationRanges
  ) -> Conflict? {
    var conflict: Conflict?
    for access in it.reads(configuration, dim: target.dim) {
      let isWeights = access.name == (it.flags.contains(.outputStationary) ? "D" : "weights")
      for index in access.each {
        var row = access.isAccumulator ? accumulator[index] : scratchpad[index]
        if conflict == nil, !isOrdered(writer: row, queue, number, ranges) {
          conflict = self.conflict(
            it, access, index, row.writerQueue, row.writer, reads: true, earlierReads: false, ranges.areComplete)
        } else if conflict == nil, queue == .load, mayOvertake(row, number) {
          conflict = Conflict(
            command: Int(it.command), earlier: Int(commands[Queue.load.rawValue][Int(row.writer)]),
            isAccumulator: true, row: index, verb: "adds to", earlierVerb: "load", culprit: nil)
        }
        switch queue {
        case .load: break
        case .execute: if isWeights { row.weightsReader = number } else { row.operandReader = number }
        case .store: row.storeReader = number
        }
        if access.isAccumulator { accumulator[index] = row } else { scratchpad[index] = row }
      }
    }
    for access in it.writes(dim: target.dim) {
      for index in access.each {
        var row = access.isAccumulator ? accumulator[index] : scratchpad[index]
        if conflict == nil {
          if !isOrdered(writer: row, queue, number, ranges) {
            conflict = self.conflict(
              it, access, index, row.writerQueue, row.writer, reads: false, earlierReads: false, ranges.areComplete)
          } else if let (queue, reader) = unorderedReader(row, queue) {
            conflict = self.conflict(
              it, access, index, Int8(queue.rawValue), reader, reads: false, earlierReads: true, ranges.areComplete)
          }
        }
        row.writer = number
        row.writerQueue = Int8(queue.rawValue)
        row.weightsReader = 0
        row.operandReader = 0
        row.storeReader = 0
        if access.isAccumulator { accumulator[index] = row } else { scratchpad[index] = row }
      }
    }
    return conflict
  }

  private mutating func isOrdered(writer row: Row, _ queue: Queue, _ number: Int32, _ ranges: StationRanges) -> Bool {
    guard let writer = Queue(rawValue: Int(row.writerQueue)), writer != queue else { return true }
    switch writer {
    case .load:
      if isComplete(load: row.writer, for: queue) { return true }
      // A later load whose range lies over the row may have hidden that this one is waited for.
      guard let load = loaded[Int(row.writer)] else { return false }
      let own = [ranges.weights, ranges.a, ranges.d, ranges.destination]
      guard own.contains(where: { $0?.meets(load) ?? false }) else { return false }
      waited[queue.rawValue][Int(row.writer)] = number
      return true
    case .execute: return Int(row.writer) <= known[queue.rawValue].results
    case .store: return Int(row.writer) <= known[queue.rawValue].storeWrites
    }
  }

  /// Whether a load can add to a row before an earlier load has brought it. Zeros do no harm there.
  private func mayOvertake(_ row: Row, _ number: Int32) -> Bool {
    guard row.writerQueue == Queue.load.rawValue, paths[Int(number)] != .zeros,
      !isComplete(load: row.writer, for: .load)
    else { return false }
    return requestsBefore[Int(number)] - requestsBefore[Int(row.writer)] < Self.overtakingRows
      || !paths[Int(row.writer)].staysBefore(paths[Int(number)])
  }

  private func unorderedReader(_ row: Row, _ queue: Queue) -> (Queue, Int32)? {
    let now = known[queue.rawValue]
    if queue != .execute {
      // The array has taken a preload's operand when its compute has taken its own.
      if Int(row.weightsReader) > max(now.results, now.operands) { return (.execute, row.weightsReader) }
      if Int(row.operandReader) > now.operands { return (.execute, row.operandReader) }
    }
    if queue != .store && Int(row.storeReader) > now.stores { return (.store, row.storeReader) }
    return nil
  }

  private func conflict(
    _ it: DecodedCommand, _ access: LocalAccess, _ row: Int, _ queue: Int8, _ number: Int32, reads: Bool,
    earlierReads: Bool, _ isComplete: Bool
  ) -> Conflict {
    let earlier = Int(commands[Int(queue)][Int(number)])
    // A command that waits for the stores to the scratchpad as it should is not what is wrong.
    let own = it.kind != .storeScratchpad && !isComplete
    return Conflict(
      command: Int(it.command), earlier: earlier, isAccumulator: access.isAccumulator, row: row,
      verb: reads ? "reads" : "writes", earlierVerb: earlierReads ? "read" : "write",
      culprit: own ? Int(it.command) : earlier)
  }
}
