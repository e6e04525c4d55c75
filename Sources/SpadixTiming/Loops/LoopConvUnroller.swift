import SpadixISA

/// The hardware loop of convolutions: five unrollers (bias, weights, input, computes, stores) side by side, each of
/// them on one of two loops. The computes of a loop begin when all its loads are given out, its stores when its
/// computes are.
struct LoopConvUnroller {
  /// One loop as its configuration commands have set it.
  struct Loop: PlacedLoop {
    var registers = LoopConvRegisters()
    var run = LoopConvRun()
    var shape = LoopConvShape()
    var place = LoopPlace()
    /// First rows of the bias and of the results.
    var accumulatorStart = 0

    var sizes: LoopConvSizes { registers.sizes }
    var pooling: LoopConvPooling { registers.pooling }
    var padding: LoopConvPadding { registers.padding }
    var tile: LoopConvTile { registers.tile }
  }

  enum Source: Int {
    case store = 0
    case execute, bias, weights, input
  }

  struct Unit: LoopUnit {
    var isIdle = true
    var ready = 0
    var begun = 0
    var loop = Loop()
    /// Whether configuration stands before, or behind, its moves.
    var isConfiguring = false
    var isEnding = false
    /// Counters, the innermost first.
    var at: (Int, Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0, 0)
    var isCompute = false
    var hasNewWeights = true
    var skipped = 0
  }

  /// Stages between the counters of an unroller and its commands.
  static let latency = 2

  let hardware: Hardware
  let dim: Int
  var registers = LoopConvRegisters()
  private(set) var queue = LoopQueue<Loop>()
  private var accumulatorHalf = 0
  var units = [Unit](repeating: Unit(), count: 5)

  init(_ hardware: Hardware) {
    self.hardware = hardware
    dim = hardware.dim
  }

  var narrowChannels: Int { max(dim, Hardware.requestBytes) }
  var wideChannels: Int { max(dim, Hardware.requestBytes / 4) }

  /// Takes up the loop that is set, its last command taken at `time`.
  mutating func begin(_ run: LoopConvRun, at time: Int) {
    var loop = Loop(registers: registers, run: run)
    loop.shape = LoopConvShape(loop, dim: dim)
    if loop.shape.isEmpty { return }
    loop.accumulatorStart = accumulatorHalf * (hardware.accumulatorRows / 2)
    if registers.output != 0 { accumulatorHalf ^= 1 }
    queue.append(loop, aHalf: run.aHalf, bHalf: run.bHalf, hardware, at: time)
  }

  private func address(_ source: Source, _ loop: Loop) -> UInt64 {
    switch source {
    case .bias: loop.registers.bias
    case .weights: loop.registers.weights
    case .input: loop.registers.input
    case .store: loop.registers.output
    case .execute: 1
    }
  }

  private mutating func settle() {
    var moved = true
    while moved {
      moved = false
      for loop in queue.loops {
        let start = loop.place.configured + 1
        for source in [Source.bias, .weights, .input] {
          let unit = units[source.rawValue]
          if unit.isIdle && unit.begun == loop.place.number {
            begin(source, loop, max(start, unit.ready))
            moved = true
          }
        }
        let loads = [Source.bias, .weights, .input].map { units[$0.rawValue] }
        let execute = units[Source.execute.rawValue]
        if execute.isIdle && execute.begun == loop.place.number && loads.allSatisfy({ $0.begun > loop.place.number }) {
          begin(.execute, loop, max(start + 1, execute.ready))
          moved = true
        }
        let store = units[Source.store.rawValue]
        if store.isIdle && store.begun == loop.place.number && units[Source.execute.rawValue].begun > loop.place.number
        {
          begin(.store, loop, max(start + 2, store.ready))
          moved = true
        }
      }
      if queue.complete(units) { moved = true }
    }
  }

  private mutating func begin(_ source: Source, _ loop: Loop, _ time: Int) {
    var unit = units[source.rawValue]
    unit.begun += 1
    unit.loop = loop
    unit.at = (0, 0, 0, 0, 0, 0, 0)
    unit.isCompute = false
    unit.hasNewWeights = true
    unit.isEnding = false
    switch source {
    case .bias, .weights, .input: unit.isConfiguring = true
    case .execute: unit.isConfiguring = loop.run.transposeInput3120
    case .store: unit.isConfiguring = !loop.run.noPool
    }
    if source == .input {
      unit.at.1 = -loop.shape.left
      unit.at.2 = -loop.shape.up
    }
    unit.isIdle = address(source, loop) == 0
    unit.ready = time + 1 + (unit.isIdle ? 0 : Self.latency)
    units[source.rawValue] = unit
  }

  mutating func next(_ accelerator: inout Accelerator) -> (command: Command, time: Int)? {
    settle()
    if !queue.isBusy { return nil }
    var found: (source: Source, time: Int)?
    func consider(_ source: Source, _ ready: Int) {
      let ready = max(ready, queue.time)
      if found == nil || ready < found!.time { found = (source, ready) }
    }
    let execute = units[Source.execute.rawValue]
    let store = units[Source.store.rawValue]
    let storeEntry = accelerator.storeEntryFree()
    if !store.isIdle {
      let before = execute.loop.place.number != store.loop.place.number || execute.isIdle
      if before {
        let done = execute.loop.place.number != store.loop.place.number ? 0 : execute.ready + Self.latency
        consider(.store, max(store.ready, done, storeEntry.time))
      }
    }
    let loads = [units[Source.bias.rawValue], units[Source.weights.rawValue], units[Source.input.rawValue]]
    let waiting = loads.contains { $0.loop.place.number == execute.loop.place.number && !$0.isIdle }
    if !execute.isIdle && !waiting {
      var done = 0
      for load in loads where load.loop.place.number == execute.loop.place.number {
        done = max(done, load.ready + Self.latency)
      }
      consider(.execute, max(execute.ready, done, accelerator.executeEntryFree()))
    }
    let entry = accelerator.loadEntryFree()
    for source in [Source.bias, .weights, .input] {
      let unit = units[source.rawValue]
      if unit.isIdle { continue }
      // Loads of the next loop wait until those of the loop that computes are all given out.
      if execute.begun > 0 && !execute.isIdle && unit.loop.place.number != execute.loop.place.number && waiting {
        continue
      }
      consider(source, max(unit.ready, entry))
    }
    guard let (source, ready) = found else { return nil }
    if source == .store && !storeEntry.isKnown {
      accelerator.settleStore()
      return next(&accelerator)
    }
    queue.time = ready + 1
    let command = give(source)
    units[source.rawValue].ready = ready + 1 + units[source.rawValue].skipped
    units[source.rawValue].skipped = 0
    return (command, ready)
  }
}
