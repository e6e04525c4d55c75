import SpadixISA
import SpadixSupport
import SpadixTiming

/// Puts the commands of a program into the order in which an accelerator with endless queues would start them.
///
/// The hardware takes commands in program order into small queues, so that loads, computes and stores overlap only as
/// far as the program interleaves them. A kernel loads, computes and stores tile after tile; here its commands become
/// streams, and the streams are merged by time: of their first items, the one that could start first goes first. An
/// item goes after those that it shares local rows with, and a load after the stores whose bytes it reads, with a fence
/// between. A fence goes when nothing else can: fences of the program are not kept.
struct CommandOrder: ~Copyable {
  /// Commands that are looked at together. What can overlap lies much closer.
  private static let window = 1 << 14
  /// Starts within 128 cycles count as one: stores, then loads, then products. So loads and stores come in bursts,
  /// which an exported program issues cheaply; it is the time of the products that Gemmini's reservation station holds.
  private static let quantumBits = 7

  private var commands: CommandsInPlace
  private let end: Int
  private let runsBefore: [Program.DebugRun]
  private var run = 0
  private var reader: StreamReader
  private var station: StationGuard?

  private var queues = [ItemQueue](repeating: ItemQueue(), count: CommandStream.count)
  private var heads = [Head](repeating: Head(), count: CommandStream.count)
  private var pending = 0
  private var next = 0

  private var gone = StreamCounts()
  /// Stores that went before the last fence.
  private var storesFenced: Int32 = 0
  /// Whether one of those since moves bytes to DRAM.
  private var hasOpenStore = false
  private var doneTimes = DoneTimes()
  /// When each unit could take up the next command, and when the array has given out its last result.
  private var free = [Int](repeating: 0, count: CommandStream.Unit.allCases.count)
  private var arrayIdle = 0
  /// When the last product that adds to each bank of the accumulator is done.
  private var sumsDone: [Int]
  private var allIdle = 0
  private let acknowledgement: Int
  /// Cycles of the products that the reservation station holds.
  private let waitingProducts: Int
  /// Whether fences go ahead of time. Programs without results in the scratchpad need them where operators end.
  private let fencesAhead: Bool

  private var runs: [Program.DebugRun] = []

  /// What is known of the first item of a stream.
  private struct Head {
    /// When all that it waits for is done; nil as long as some of that has not gone.
    var ready: Int?
    /// Only a fence lets it go.
    var needsFence = false
    /// The time of the array from which on a fence is late; nil as long as nobody asked.
    var fenceDue: Int?
  }

  /// - Parameters:
  ///   - program: kernels one after the other, every byte of DRAM stored at most once.
  ///   - slotLoads: loads that wait for all uses of a slot, by ascending commands.
  ///   - tileStarts: products that wait for all loads of sums before them, ascending.
  static func merge(_ program: inout Program, _ slotLoads: [SlotLoad] = [], _ tileStarts: [Int] = []) {
    var order = CommandOrder(&program, slotLoads, tileStarts)
    for index in program.hostSteps.indices {
      order.merge(until: program.hostSteps[index].before)
      program.hostSteps[index].before = order.commands.count
    }
    order.merge(until: order.end)
    program.debug = order.runs
    program.commands = order.finished()
  }

  /// Takes the commands out of the program.
  private init(_ program: inout Program, _ slotLoads: [SlotLoad], _ tileStarts: [Int]) {
    end = program.commands.count
    runsBefore = program.debug
    reader = StreamReader(program, slotLoads, tileStarts)
    let cycles = UnitCycles(program.target)
    acknowledgement = cycles.acknowledgement
    waitingProducts = cycles.waitingProducts
    fencesAhead = program.target.hasScratchpadStore
    sumsDone = [Int](repeating: 0, count: UInt64.bitWidth)
    if program.target.faults.rangeOrder {
      station = StationGuard(program.target)
      station!.watchesResults = program.commands.contains {
        $0.funct == Funct.config && $0.rs1 & 3 == 2 && Pooling(bits: $0.rs1) != nil
      }
    }
    commands = CommandsInPlace(exchange(&program.commands, with: []))
  }

  private consuming func finished() -> [Command] { commands.finished() }

  /// Merges everything before a command; what was stored is in DRAM behind it.
  private mutating func merge(until end: Int) {
    while next < end || pending > 0 {
      if pending < Self.window / 2 { refill(until: end) }
      if fencesAhead, let waiting = dueFence() {
        fence(for: queues[waiting.rawValue].first.operation)
      } else if let stream = first() {
        go(stream)
      } else if let waiting = oldest() {
        fence(for: queues[waiting.rawValue].first.operation)
      }
    }
    if hasOpenStore { fence(for: -1) }
  }

  private mutating func refill(until end: Int) {
    while next < end && pending < Self.window {
      guard var item = reader.item(commands.commands, &next) else { continue }
      item.operation = operation(of: item.first)
      queues[item.stream.rawValue].append(item)
      pending += 1
    }
  }

  /// Commands come in ascending order.
  private mutating func operation(of command: Int) -> Int32 {
    while run < runsBefore.count && command >= runsBefore[run].first + runsBefore[run].count { run += 1 }
    guard run < runsBefore.count, command >= runsBefore[run].first else { return -1 }
    return Int32(runsBefore[run].operation)
  }

  // MARK: Choice

  /// The stream whose first item could start first; nil when all that are left wait for a fence.
  private mutating func first() -> CommandStream? {
    while true {
      var best: CommandStream?
      var bestKey = (Int.max, Int.max, Int.max)
      for stream in CommandStream.allCases {
        guard let start = turn(stream) else { continue }
        let key = (start >> Self.quantumBits, stream.unit.rawValue, queues[stream.rawValue].first.first)
        if key < bestKey {
          bestKey = key
          best = stream
        }
      }
      guard let best else { return nil }
      if !stationNeedsFence(queues[best.rawValue].first) { return best }
      heads[best.rawValue].needsFence = true
    }
  }

  /// When the first item of a stream could start, as the order has it: a load into a slot later by what the array has
  /// before it when it comes, or it would write to the bank that the last products with this slot are read from.
  private mutating func turn(_ stream: CommandStream) -> Int? {
    guard let start = start(stream) else { return nil }
    guard queues[stream.rawValue].first.waitsForSlot else { return start }
    return max(heads[stream.rawValue].ready! + waitingProducts, free[stream.unit.rawValue])
  }

  /// When the first item of a stream could start; nil when it cannot go yet.
  private mutating func start(_ stream: CommandStream) -> Int? {
    if queues[stream.rawValue].isEmpty || heads[stream.rawValue].needsFence { return nil }
    if heads[stream.rawValue].ready == nil {
      let item = queues[stream.rawValue].first
      guard gone.covers(item.after) else { return nil }
      if item.afterStores > storesFenced {
        heads[stream.rawValue].needsFence = true
        return nil
      }
      let ready = doneTimes.latest(item.after)
      heads[stream.rawValue].ready = item.kind == .configureExecute ? max(ready, arrayIdle) : ready
    }
    let start = max(heads[stream.rawValue].ready!, free[stream.unit.rawValue])
    let banks = queues[stream.rawValue].first.sumBanks
    return stream == .store && banks != 0 ? storeStart(start, banks) : start
  }

  /// A store waits while products are added to the bank of its sums: also for the next ones, if they could start as early.
  private mutating func storeStart(_ start: Int, _ banks: UInt64) -> Int {
    var start = start
    var left = banks
    while left != 0 {
      start = max(start, sumsDone[left.trailingZeroBitCount])
      left &= left - 1
    }
    guard !queues[CommandStream.execute.rawValue].isEmpty,
      queues[CommandStream.execute.rawValue].first.sumBanks & banks != 0, let product = self.start(.execute),
      product >> Self.quantumBits <= start >> Self.quantumBits
    else { return start }
    return (product >> Self.quantumBits + 1) << Self.quantumBits
  }

  /// Of products that are looked at for a fence, the cycles.
  private static let fenceHorizon = 1 << 14
  /// A fence costs what the array does not do until its last results are there: loads of fewer cycles are not worth one, and
  /// neither are loads that the array would wait for right away.
  private static let leastFenced = 1 << 10

  /// The stream of a load that only waits for a fence, where the array would wait for it if that went any later.
  private mutating func dueFence() -> CommandStream? {
    if gone[.store] <= storesFenced { return nil }
    for stream in [CommandStream.pixels, .weights, .sums] where heads[stream.rawValue].needsFence {
      let stores = queues[stream.rawValue].first.afterStores
      if stores <= storesFenced || stores > gone[.store] { continue }
      let due = heads[stream.rawValue].fenceDue ?? self.fenceDue(stream)
      heads[stream.rawValue].fenceDue = due
      if free[CommandStream.Unit.execute.rawValue] >= due { return stream }
    }
    return nil
  }

  /// When a fence before the first load of a stream has to go so that no product waits for it and the loads behind it.
  private func fenceDue(_ stream: CommandStream) -> Int {
    let (loads, products) = (queues[stream.rawValue], queues[CommandStream.execute.rawValue])
    let now = free[CommandStream.Unit.execute.rawValue]
    var time = now
    var loaded = 0
    var next = 0
    var due = Int.max
    for index in 0..<products.count where time < now + Self.fenceHorizon {
      let product = products[index]
      let needed = min(loads.count, Int(product.after[stream] - gone[stream]))
      if needed > 0, next == 0, time < now + Self.leastFenced { return Int.max }
      while next < needed {
        loaded += Int(loads[next].busy)
        next += 1
      }
      if needed > 0 { due = min(due, time - loaded - 2 * acknowledgement) }
      time += Int(product.busy)
    }
    return loaded < Self.leastFenced ? Int.max : due
  }

  private func oldest() -> CommandStream? {
    CommandStream.allCases.filter { !queues[$0.rawValue].isEmpty }
      .min { queues[$0.rawValue].first.first < queues[$1.rawValue].first.first }
  }

  /// The first command that has not been put out.
  private func firstPending() -> Int {
    var first = next
    for queue in queues where !queue.isEmpty { first = min(first, queue.first.first) }
    return first
  }

  // MARK: Output

  private mutating func go(_ stream: CommandStream) {
    let item = queues[stream.rawValue].first
    let end = start(stream)! + Int(item.busy)
    let done = end + Int(item.behind)
    queues[stream.rawValue].removeFirst()
    heads[stream.rawValue] = Head()
    pending -= 1
    take(item)
    if item.kind == .store { hasOpenStore = true }
    gone[stream] += 1
    free[stream.unit.rawValue] = end
    doneTimes.add(stream, done)
    if stream == .execute {
      arrayIdle = max(arrayIdle, done)
      var banks = item.sumBanks
      while banks != 0 {
        sumsDone[banks.trailingZeroBitCount] = done
        banks &= banks - 1
      }
    }
    allIdle = max(allIdle, done + (item.kind == .store ? acknowledgement : 0))
    for index in item.first..<item.first + Int(item.count) { append(commands.commands[index], item.operation) }
    if commands.isFull { commands.free(before: firstPending()) }
  }

  private mutating func fence(for operation: Int32) {
    station?.fence()
    storesFenced = gone[.store]
    hasOpenStore = false
    for index in heads.indices { heads[index].needsFence = false }
    for index in free.indices { free[index] = max(free[index], allIdle) }
    append(Instruction.fence.command, operation)
  }

  private mutating func append(_ command: Command, _ origin: Int32) {
    commands.put(command)
    let operation = Int(origin)
    if operation < 0 { return }
    if let last = runs.indices.last, runs[last].operation == operation,
      runs[last].first + runs[last].count == commands.count - 1
    {
      runs[last].count += 1
    } else {
      runs.append(Program.DebugRun(first: commands.count - 1, count: 1, operation: operation))
    }
  }

  // MARK: Station

  private func stationNeedsFence(_ item: StreamItem) -> Bool {
    guard let station else { return false }
    return switch item.kind {
    case .load: station.needsFence(load: item.local.result, item.accumulatorLoad)
    case .product: station.needsFence(product: item.local)
    case .store: station.needsFence(store: item.local.source, isPooled: item.isPooled)
    case .scratchpadStore, .configure, .configureExecute: false
    }
  }

  private mutating func take(_ item: StreamItem) {
    if station == nil { return }
    switch item.kind {
    case .load: station!.take(load: item.local.result, item.accumulatorLoad)
    case .product: station!.take(product: item.local)
    case .store: station!.take(store: item.local.source, isPooled: item.isPooled)
    case .scratchpadStore: station!.take(scratchpadStore: item.local)
    case .configure, .configureExecute: break
    }
  }
}
