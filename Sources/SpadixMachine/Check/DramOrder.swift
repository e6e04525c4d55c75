import SpadixISA
import SpadixSupport

/// Finds dependent DRAM transfers with no fence between them: hardware orders commands by local rows, not by DRAM bytes.
///
/// A load of bytes that an unfenced store wrote is always a race. A store over bytes that an unfenced load reads is one
/// only when the store does not depend on the load through local memory; that is decided, where it comes up, by going
/// through the commands since the last fence again.
struct DramOrder {
  var findings = FindingLog()
  private let program: Program
  private let watchesFences: Bool
  private let watchesWrites: Bool
  /// Bytes stored, and bytes loaded, since the last fence.
  private let stored: BitRange
  private let loaded: BitRange
  /// Blocks of 64 bytes in which transfers since the last fence may have bytes. Few are in both, so that few transfers
  /// have to be compared byte by byte.
  private let storedBlocks: BitRange
  private let loadedBlocks: BitRange
  private var stores: [Transfer] = []
  private var loads: [Transfer] = []
  /// Loads whose bytes `loaded` has: it waits for the first store nearby.
  private var marked = 0
  /// State of the decoder behind the last fence, where an analysis starts.
  private var origin: Decoder
  private var originCommand = 0
  /// Stores over bytes that loads of this interval read.
  private var suspects: [Int32] = []

  init(_ program: Program, checks: CheckSet) throws {
    self.program = program
    watchesFences = checks.contains(.fences)
    watchesWrites = checks.contains(.writeOrder)
    stored = try BitRange(count: program.target.dramBytes)
    loaded = try BitRange(count: program.target.dramBytes)
    storedBlocks = try BitRange(count: ceilDivide(program.target.dramBytes, 64))
    loadedBlocks = try BitRange(count: ceilDivide(program.target.dramBytes, 64))
    origin = Decoder(target: program.target, checks: [])
  }

  @inline(__always)
  mutating func load(_ it: Transfer) {
    if !watchesFences { return }
    if _slowPath(Self.meets(storedBlocks, it)) && Self.hits(stored, it) {
      report("machine.fence", it, "loads bytes that an earlier command stores", stores)
    }
    it.forEachBlockRange { loadedBlocks.set($0, $1) }
    loads.append(it)
  }

  @inline(__always)
  private static func meets(_ blocks: BitRange, _ it: Transfer) -> Bool {
    var any = false
    it.forEachBlockRange { if blocks.anySet($0, $1) { any = true } }
    return any
  }

  @inline(never)
  private static func hits(_ bytes: BitRange, _ it: Transfer) -> Bool {
    (0..<it.rows).contains { bytes.anySet(Int(it.address($0)), it.bytes) }
  }

  @inline(never)
  private mutating func markLoads() {
    for it in loads[marked...] { loaded.setRows(it) }
    marked = loads.count
  }

  mutating func store(_ it: Transfer) {
    let overlapsItself = it.rows > 1 && it.stride.magnitude < it.bytes
    // Rows that overlap each other would find themselves.
    let wasStored = overlapsItself ? Self.hits(stored, it) : stored.setRows(it)
    if overlapsItself { stored.setRows(it) }
    if watchesWrites {
      if overlapsItself {
        findings.add(
          Finding(
            "machine.write-order", Int(it.command),
            "the store writes \(it.bytes) bytes every \(it.stride) bytes: rows overwrite each other"))
      }
      if wasStored { report("machine.write-order", it, "stores bytes that an earlier command stores", stores) }
    }
    if watchesFences && Self.meets(loadedBlocks, it) {
      markLoads()
      if Self.hits(loaded, it) { suspects.append(it.command) }
    }
    it.forEachBlockRange { storedBlocks.set($0, $1) }
    stores.append(it)
  }

  /// `decoder` is the state behind the fence.
  mutating func fence(_ decoder: Decoder) {
    finish()
    for it in stores {
      stored.clearRows(it)
      it.forEachBlockRange { storedBlocks.clear($0, $1) }
    }
    for it in loads[..<marked] { loaded.clearRows(it) }
    for it in loads { it.forEachBlockRange { loadedBlocks.clear($0, $1) } }
    stores.removeAll(keepingCapacity: true)
    loads.removeAll(keepingCapacity: true)
    marked = 0
    origin = decoder
    origin.findings = FindingLog()
    originCommand = Int(decoder.command) + 1
  }

  /// Decides the suspicious stores of the interval that ends.
  mutating func finish() {
    if suspects.isEmpty { return }
    let analysis = DependenceAnalysis(program)
    for (store, load) in analysis.races(origin, from: originCommand, through: Int(suspects[suspects.count - 1])) {
      findings.add(
        Finding(
          "machine.fence", store, "stores over bytes that an earlier command loads, without waiting for it",
          earlier: load))
    }
    suspects.removeAll()
  }

  @inline(never)
  private mutating func report(_ id: String, _ it: Transfer, _ message: String, _ earlier: [Transfer]) {
    // One command's own rows are dealt with where its stride is.
    guard let first = earlier.first, first.command != it.command else { return }
    if findings.isFull(id), !earlier.reversed().prefix(while: { $0.command == it.command }).contains(where: it.overlaps)
    {
      // No byte of it is the command's own: one of another command is sure to be found.
      findings.count(id)
      return
    }
    let other = earlier.last { $0.overlaps(it) && $0.command != it.command }
    guard let other else { return }
    findings.add(
      Finding(id, Int(it.command), "\(message), with no fence between them", earlier: Int(other.command)))
  }
}

/// Follows dependences through local rows between two fences.
///
/// Each queue runs in order; what a command waits for beyond its queue is what it shares rows with. A clock is the number
/// of loads known to be complete.
final class DependenceAnalysis {
  private let program: Program
  private let dim: Int
  /// For each row the load that last wrote it, counted from 1; 0 for none.
  private var scratchpadLoad: [Int32]
  private var accumulatorLoad: [Int32]
  /// Loads that the last compute, and the last store, waited for.
  private var executeClock: Int32 = 0
  private var storeClock: Int32 = 0
  /// The load of the scales per column that stores wait for.
  private var scalesClock: Int32 = 0
  private var tableClock: Int32 = 0
  private var loads: [Transfer] = []
  private var found: [(store: Int, load: Int)] = []

  init(_ program: Program) {
    self.program = program
    dim = program.target.dim
    scratchpadLoad = [Int32](repeating: 0, count: program.target.scratchpadRows)
    accumulatorLoad = [Int32](repeating: 0, count: program.target.accumulatorRows)
  }

  /// Pairs of a store and the load whose bytes it overwrites without waiting for it.
  func races(_ origin: Decoder, from first: Int, through last: Int) -> [(store: Int, load: Int)] {
    var decoder = origin
    var chunk = DecodedChunk { [unowned self] (chunk) throws(Finding) in follow(chunk) }
    for index in first...max(first, last) where program.commands.indices.contains(index) {
      chunk.reset(decoder.store)
      do { try decoder.decode(program.commands[index], index: index, into: &chunk) } catch { return found }
      follow(chunk)
    }
    return found
  }

  private func follow(_ chunk: borrowing DecodedChunk) {
    for it in chunk.commands {
      switch it.kind {
      case .load: follow(load: it)
      case .compute: follow(compute: it)
      case .store, .storeScratchpad: follow(store: it, chunk.stores[Int(it.configuration)])
      case .loadScales:
        loads.append(Transfer(it))
        scalesClock = Int32(truncatingIfNeeded: loads.count)
      case .loadTable:
        loads.append(Transfer(it))
        tableClock = Int32(truncatingIfNeeded: loads.count)
      case .fence: break
      }
    }
  }

  private func follow(load it: DecodedCommand) {
    if !it.flags.contains(.zero) { loads.append(Transfer(it)) }
    let clock = Int32(truncatingIfNeeded: loads.count)
    var row = Int(it.a.row)
    var columns = Int(it.a.columns)
    while columns > 0 {
      for index in row..<row + Int(it.a.rows) {
        if it.flags.contains(.accumulator) {
          accumulatorLoad[index] = clock
        } else {
          scratchpadLoad[index] = clock
        }
      }
      columns -= dim
      row += Int(it.aStride)
    }
  }

  private func follow(compute it: DecodedCommand) {
    for (tile, stride) in [(it.a, Int(it.aStride)), (it.b, 1), (it.d, 1)] where !tile.isGarbage {
      // Logical and physical rows differ under transposition; the larger number is safe to look at.
      for index in 0..<max(Int(tile.rows), Int(tile.columns)) {
        let row = Int(tile.row) + index * stride
        if row < scratchpadLoad.count { executeClock = max(executeClock, scratchpadLoad[row]) }
      }
    }
    if it.c.isGarbage { return }
    for index in 0..<Int(it.c.rows) {
      let row = Int(it.c.row) + index * Int(it.cStride)
      if it.flags.contains(.accumulator) {
        executeClock = max(executeClock, accumulatorLoad[row])
        accumulatorLoad[row] = executeClock
      } else {
        executeClock = max(executeClock, scratchpadLoad[row])
        scratchpadLoad[row] = executeClock
      }
    }
  }

  private func follow(store it: DecodedCommand, _ configuration: StoreConfiguration) {
    var rows = Int(it.a.rows)
    if it.flags.contains(.pooled), let pooling = configuration.pooling { rows = pooling.pixelsRead }
    if configuration.perChannel { storeClock = max(storeClock, scalesClock) }
    if configuration.usesTable { storeClock = max(storeClock, tableClock) }
    var row = Int(it.a.row)
    var columns = Int(it.a.columns)
    while columns > 0 {
      for index in row..<row + rows {
        storeClock = max(storeClock, it.flags.contains(.accumulator) ? accumulatorLoad[index] : scratchpadLoad[index])
      }
      columns -= dim
      row += dim
    }
    if it.kind == .storeScratchpad {
      for index in 0..<Int(it.c.rows) { scratchpadLoad[Int(it.c.row) + index * Int(it.cStride)] = storeClock }
      return
    }
    if it.normalization != 0 { return }
    var load: Int32?
    Transfer.forEach(storedBy: it, configuration) { transfer in
      for index in stride(from: loads.count - 1, through: Int(storeClock), by: -1) where load == nil {
        if loads[index].overlaps(transfer) { load = loads[index].command }
      }
    }
    if let load { found.append((Int(it.command), Int(load))) }
  }
}
