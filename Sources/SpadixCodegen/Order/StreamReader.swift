import SpadixISA
import SpadixSupport
import SpadixTiming

/// Takes a program apart into items of streams, and finds what has to go before each: in program order, the last users
/// of its local rows and the last stores to its bytes of DRAM.
struct StreamReader {
  private let target: Target
  private var reader: OperationReader
  private var cycles: UnitCycles
  private var rows: RowTable
  private var stored: StoredBlocks
  private var counts = StreamCounts()
  private var transposesWeights = false
  private var pooling: Pooling?
  /// Loads of slots that are still to come, and how far products have come with the slot that is being loaded.
  private var slotLoads: ArraySlice<SlotLoad>
  private var slotUses: Int32?
  /// By row of the scratchpad, the last load of its slot.
  private var slotEnds: [Int32]
  private var tileStarts: ArraySlice<Int>

  init(_ program: Program, _ slotLoads: [SlotLoad], _ tileStarts: [Int]) {
    self.tileStarts = tileStarts[...]
    self.slotLoads = slotLoads[...]
    target = program.target
    reader = OperationReader(Hardware(target))
    cycles = UnitCycles(target)
    slotEnds = [Int32](repeating: 0, count: target.scratchpadRows)
    rows = RowTable(rows: target.scratchpadRows + target.accumulatorRows)
    stored = StoredBlocks(program)
  }

  /// The item that begins at `next`, which moves behind it; nil for a fence: the order has fences of its own.
  mutating func item(_ commands: [Command], _ next: inout Int) -> StreamItem? {
    let command = commands[next]
    guard let stream = Self.stream(of: command) else {
      next += 1
      return nil
    }
    let number = counts[stream] + 1
    counts[stream] = number
    let it = reader.read(command, index: next)
    var item = StreamItem(kind: .configure, stream: stream, first: next, count: 1)
    next += 1
    var compute: SpadixTiming.Operation?
    switch command.funct {
    case Funct.moveIn, Funct.moveIn2, Funct.moveIn3:
      item.kind = .load
      item.local.result = loaded(command, it)
      item.accumulatorLoad = StationGuard.AccumulatorLoad(
        adds: it.flags.contains(.accumulates),
        path: it.flags.contains(.zeros) ? .zeros : it.flags.contains(.wide) ? .int32 : .int8,
        requests: it.flags.contains(.zeros) ? 0 : it.flags.contains(.repeated) ? 1 : Int(it.rows))
      let uses = usesOfSlot(before: item.first)
      rows.write(item.local.result, &item, number: number)
      item.after.raise(.execute, to: uses)
      item.waitsForSlot = uses > 0
      if !it.flags.contains(.zeros) { item.afterStores = stored.last(loadedBy: it) }
    case Funct.preload:
      let second = commands[next]
      compute = reader.read(second, index: next)
      precondition(compute?.kind == .compute, "kernels put each compute behind its preload")
      next += 1
      item.kind = .product
      item.count = 2
      item.local = product(command, second, it, compute!)
      if it.flags.contains(.accumulates) { item.sumBanks = sumBanks(item.local.result) }
      rows.read(item.local.source, &item, number: number)
      rows.read(item.local.weights, &item, number: number)
      rows.write(item.local.result, &item, number: number)
      completeSlotLoads(before: item.first)
      if !item.local.weights.isEmpty { item.after.raise(.weights, to: slotEnds[item.local.weights.first]) }
      if let start = tileStarts.first, item.first >= start {
        tileStarts.removeFirst()
        item.after.raise(.sums, to: counts[.sums])
      }
    case Funct.moveOut, Funct.moveOutScratchpad:
      let isOnChip = command.funct == Funct.moveOutScratchpad
      item.kind = isOnChip ? .scratchpadStore : .store
      store(command, isOnChip, &item)
      item.sumBanks = sumBanks(item.local.source)
      rows.read(item.local.source, &item, number: number)
      rows.write(item.local.result, &item, number: number)
      if !isOnChip { stored.store(it, number: number) }
    default:
      if stream == .execute {
        item.kind = .configureExecute
        if command.rs1 >> 7 & 1 == 0 { transposesWeights = command.rs1 >> 9 & 1 != 0 }
      } else if stream == .store && command.funct == Funct.config && command.rs1 & 3 == 2 {
        pooling = Pooling(bits: command.rs1)
      }
    }
    let span = cycles.span(it, compute)
    // What the output stage loads comes beside stores.
    if stream == .store && it.kind == .load {
      item.busy = 1
      return item
    }
    item.busy = Int32(span.busy)
    item.behind = Int32(span.behind)
    return item
  }

  private static func stream(of command: Command) -> CommandStream? {
    switch command.funct {
    case Funct.moveIn: .pixels
    case Funct.moveIn2: .weights
    case Funct.moveIn3: .sums
    case Funct.preload, Funct.computePreloaded, Funct.computeAccumulated: .execute
    case Funct.moveOut, Funct.moveOutScratchpad, Funct.configOutput, Funct.configOutputScales, Funct.configOutputTable,
      Funct.configOutputPair:
      .store
    case Funct.fence: nil
    case Funct.config:
      switch command.rs1 & 3 {
      case 0: .execute
      case 1: CommandStream(rawValue: Int(command.rs1 >> 3 & 3)) ?? .sums
      default: .store
      }
    default: preconditionFailure("kernels emit no command of function \(command.funct)")
    }
  }

  // MARK: Rows

  /// Products that have to go before a load because they use its slot.
  private mutating func usesOfSlot(before command: Int) -> Int32 {
    completeSlotLoads(before: command)
    guard let load = slotLoads.first, load.commands.contains(command) else { return 0 }
    if slotUses == nil { slotUses = rows.lastProduct(in: load.rows) }
    return slotUses!
  }

  /// Weights of a slot are used when all of it is loaded: what is still to come would be written to the bank that the
  /// array reads.
  private mutating func completeSlotLoads(before command: Int) {
    while let load = slotLoads.first, load.commands.upperBound <= command {
      for row in load.rows where row < slotEnds.count { slotEnds[row] = counts[.weights] }
      slotLoads.removeFirst()
      slotUses = nil
    }
  }

  private func sumBanks(_ rows: LocalRows) -> UInt64 {
    if rows.isEmpty || rows.first < target.scratchpadRows { return 0 }
    let first = (rows.first - target.scratchpadRows) / target.accumulatorRowsPerBank
    let last = (rows.first + rows.count - 1 - target.scratchpadRows) / target.accumulatorRowsPerBank
    return (first...last).reduce(0) { $0 | 1 << UInt64($1) }
  }

  private func loaded(_ command: Command, _ it: SpadixTiming.Operation) -> LocalRows {
    let (blocks, count) = (Int(it.blocks), Int(it.rows))
    let pitch = blocks > 1 ? (Int(it.writes.end - it.writes.start) - count) / (blocks - 1) : 0
    return LocalRows(
      LocalAddress(bits: UInt32(truncatingIfNeeded: command.rs2)), rows: count, blocks: blocks, pitch: pitch, target)
  }

  private func product(
    _ preload: Command, _ compute: Command, _ first: SpadixTiming.Operation, _ second: SpadixTiming.Operation
  ) -> LocalUse {
    let weights = LocalTile(bits: preload.rs1)
    var use = LocalUse()
    use.source = LocalRows(
      LocalAddress(bits: UInt32(truncatingIfNeeded: compute.rs1)), rows: Int(second.reads.end - second.reads.start),
      target)
    use.namedWeights = weights.rows
    use.weights = LocalRows(weights.address, rows: transposesWeights ? weights.columns : weights.rows, target)
    use.result = LocalRows(
      LocalAddress(bits: UInt32(truncatingIfNeeded: preload.rs2)), rows: Int(first.writes.end - first.writes.start),
      target)
    return use
  }

  /// A pooled store reads whole windows, also those behind the bank in which it begins.
  private func store(_ command: Command, _ isOnChip: Bool, _ item: inout StreamItem) {
    let tile = LocalTile(bits: command.rs2)
    let blocks = max(1, ceilDivide(tile.columns, target.dim))
    var (read, written) = ((blocks - 1) * target.dim + tile.rows, tile.rows)
    if let pooling, !isOnChip || target.hasPooledScratchpadStore {
      item.isPooled = true
      (read, written) = (pooling.pixelsRead, (pooling.outRows - 1) * pooling.outDim + pooling.outCols)
    }
    item.local.source = LocalRows(tile.address, rows: read, target)
    if isOnChip {
      item.local.result = LocalRows(
        LocalAddress(bits: UInt32(truncatingIfNeeded: command.rs1)), rows: written, target)
    }
  }
}
