import SpadixISA

/// A timeline of the accelerator: operations in program order, each with the cycles at which its units take it up.
///
/// The rules are those of Gemmini's reservation station, controllers and DMA (docs/machine.md). No cycle is stepped
/// through: every rule is a maximum over times that are known, so that an operation costs tens of nanoseconds.
struct Accelerator: ~Copyable {
  let hardware: Hardware
  var frontEnd: FrontEnd
  var reading: ReadPath
  var array: ArrayPath
  var writing: WritePath
  var additions: AccumulatorWrites
  var station: ReservationStation

  /// Stores that wait until it is known what the array does beside them.
  var stores = WaitingStores()
  /// When the last store that has been dealt with was complete.
  var lastStore = -1
  /// A store is being dealt with, for which computes may have to be dealt with that leave the other stores alone.
  var isSettlingStore = false
  /// Preloads, computes and their configurations that nobody has asked about yet: the later they are dealt with, the more
  /// is known of the loads beside them.
  var executes: WaitingExecutes
  /// The place of the compute that waits for the command behind it.
  var compute: Int?
  /// The preload that the next compute, or the waiting one, belongs to.
  var preload: HeldPreload?
  /// A preload that was taken to run together with the compute before it has not come yet.
  var isAhead = false
  var requests = 0
  var lastExecute = 0

  /// Whether steps are kept.
  var recordsSteps = false
  /// Since it was last emptied; empty unless `recordsSteps` is set.
  var steps: [Step] = []

  /// When the last operation entered the reservation station.
  var lastEntry = -1

  private(set) var upcoming = UnsafeBufferPointer<Operation>(start: nil, count: 0)
  private(set) var position = 0

  /// - Parameter delivery: how commands come; whenever the accelerator takes one when nil.
  init(_ hardware: Hardware, delivery: CommandDelivery? = nil) {
    self.hardware = hardware
    frontEnd = FrontEnd(hardware, delivery)
    reading = ReadPath(hardware)
    array = ArrayPath(hardware)
    writing = WritePath(hardware)
    additions = AccumulatorWrites(hardware)
    station = ReservationStation(hardware)
    executes = WaitingExecutes(capacity: hardware.stationExecute)
  }

  /// How far behind a command the array looks for what runs beside a compute.
  static let lookahead = 16

  /// The first `count` of some operations in program order; those behind them are looked at.
  mutating func run(_ operations: UnsafeBufferPointer<Operation>, count: Int) {
    upcoming = operations
    position = 0
    while position < count {
      let it = operations.baseAddress! + position
      position += 1
      let arrival = arrival()
      take(it.pointee, arrival)
      frontEnd.leaves(max(arrival, lastEntry))
    }
    upcoming = UnsafeBufferPointer(start: nil, count: 0)
    position = 0
  }

  /// When the next command stands before the reservation station.
  @inline(__always)
  mutating func arrival() -> Int {
    let arrival = frontEnd.arrival()
    if frontEnd.readsList { passCommands() }
    return arrival
  }

  /// Commands that are read from memory take the way back from the answers of loads.
  private mutating func passCommands() {
    while let beats = frontEnd.takeBeats() {
      for beat in beats { reading.pass(beat) }
    }
  }

  /// Completes what is held back; the cycles so far.
  mutating func finish() -> Int {
    settle()
    return idle + 1
  }

  /// The last cycle in which the accelerator is busy with what has come so far.
  var idle: Int { max(frontEndLast, reading.lastDone, writing.lastDone, lastExecute) }
  private var frontEndLast = -1

  @inline(__always)
  mutating func take(_ it: Operation, _ arrival: Int) {
    switch it.kind {
    case .load: load(it, arrival)
    case .store, .configStore: store(it, arrival)
    case .preload: take(preload: it, arrival)
    case .compute: take(compute: it, arrival)
    case .configExecute: take(configuration: it, arrival)
    case .configLoad: configureLoads(it, arrival)
    case .fence:
      settle()
      frontEnd.wait(for: idle)
    case .none: break
    }
  }

  /// Brings everything to its end.
  private mutating func settle() {
    while !executes.isEmpty { _ = advanceExecute() }
    endComputes()
    while !stores.isEmpty { resolveStore() }
    frontEndLast = max(frontEndLast, frontEnd.left)
  }

  // MARK: Loads

  private mutating func configureLoads(_ it: Operation, _ arrival: Int) {
    let entry = station.loads.take(arrival)
    lastEntry = entry
    let issue = reading.configure(entry + 1)
    station.loads.complete(issue)
    if recordsSteps { record(it, entry, Span(issue: issue, start: issue, free: issue, done: issue)) }
  }

  private mutating func load(_ it: Operation, _ arrival: Int) {
    let entry = station.loads.take(arrival)
    lastEntry = entry
    let after = max(waitForArray(it.writes, entry), waitForStores(it.writes, entry))
    // Stores that the array cannot disturb any more, so that their writes are known.
    while !it.flags.contains(.accumulates) && compute == nil && executes.isEmpty && !stores.isEmpty
      && stores.first.pointee.result < 0 && array.lastOutput <= stores.first.pointee.ready
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
    station.loads.complete(span.done)
    let slot = station.loaded.push(it.writes)
    station.loaded.complete(slot, span.done)
    if recordsSteps { record(it, entry, span, busBytes: reading.busBytes - busBytes) }
  }

  @inline(never)
  mutating func record(_ it: Operation, _ entry: Int, _ span: Span, busBytes: Int = 0) {
    steps.append(
      Step(
        operation: it, entry: entry, issue: span.issue, start: span.start, free: span.free, done: span.done,
        busBytes: busBytes))
  }

  // MARK: What others wait for

  /// When preloads and computes that use the rows are complete. The result of a preload whose compute never came is not
  /// waited for.
  @inline(__always)
  mutating func waitForArray(_ rows: Operation.Rows, _ entry: Int) -> Int {
    while true {
      let after = station.arrayUses(of: rows, at: entry)
      if after != RowRing.unknown { return after }
      if !advanceExecute() { return 0 }
    }
  }

  /// When stores that use the rows are complete.
  @inline(__always)
  mutating func waitForStores(_ rows: Operation.Rows, _ entry: Int) -> Int {
    while true {
      let after = station.storeUses(of: rows, at: entry)
      if after != RowRing.unknown { return after }
      resolveStore()
    }
  }

  /// When the reservation station has room for another command of a kind.
  mutating func loadEntryFree() -> Int { station.loads.free }
  mutating func executeEntryFree() -> Int {
    makeExecuteEntry()
    return station.executes.free
  }
  /// For stores a time before which it has none, which may become later when it is asked for again after `settleStore`:
  /// the later a store is dealt with, the more is known of the results beside it.
  func storeEntryFree() -> (time: Int, isKnown: Bool) {
    if !station.stores.isStuck { return (station.stores.free, true) }
    let it = stores.first
    return (it.pointee.ready + Int(it.pointee.operation.rows) * Int(it.pointee.operation.blocks), false)
  }

  mutating func settleStore() {
    if station.stores.isStuck { resolveStore() }
  }
}
