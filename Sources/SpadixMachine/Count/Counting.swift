import SpadixISA
import SpadixSupport

/// Counts what the steps of a run do.
struct Counting {
  /// The numbers of one operation while they grow: no arrays, so that adding is cheap.
  struct Tally {
    var dramRead: InlineClasses = (0, 0, 0, 0, 0, 0)
    var dramWritten: InlineClasses = (0, 0, 0, 0, 0, 0)
    var usefulMACs = 0
    var arrayCycles = 0
    var loads = 0
    var stores = 0
    var scratchpadStores = 0
    var computes = 0
    var fences = 0
    /// Rows read and written, for what local memory costs.
    var scratchpadRows = 0
    var accumulatorRows = 0
  }

  typealias InlineClasses = (Int, Int, Int, Int, Int, Int)

  private let target: Target
  private let dim: Int
  private var operations: OperationCursor
  private var readClass: ClassCursor
  private var writeClass: ClassCursor
  /// One for each operation, and the last for commands of none.
  private var tallies: [Tally]
  private var scratchpadPeak = 0
  private var accumulatorPeak = 0
  /// Depth of the operand in the array.
  private var depth = 0
  private var occupancy: ArrayOccupancy

  init(_ program: Program) {
    target = program.target
    dim = program.target.dim
    occupancy = ArrayOccupancy(program.target)
    operations = OperationCursor(program)
    readClass = ClassCursor(program)
    writeClass = ClassCursor(program)
    tallies = [Tally](repeating: Tally(), count: program.operations.count + 1)
  }

  mutating func count(_ chunk: borrowing DecodedChunk) {
    let commands = chunk.commands
    guard let first = commands.first else { return }
    // The tally of the operation at hand stands apart while steps add to it.
    var slot = self.slot(of: first)
    var tally = tallies[slot]
    for index in commands.indices {
      let next = self.slot(of: commands[index])
      if next != slot {
        tallies[slot] = tally
        slot = next
        tally = tallies[slot]
      }
      count(commands[index], &tally, chunk)
    }
    tallies[slot] = tally
  }

  @inline(__always)
  private mutating func slot(of it: DecodedCommand) -> Int {
    let operation = operations.operation(of: Int(it.command))
    return operation < 0 ? tallies.count - 1 : operation
  }

  @inline(__always)
  private mutating func count(_ it: DecodedCommand, _ tally: inout Tally, _ chunk: borrowing DecodedChunk) {
    switch it.kind {
    case .load:
      tally.loads += 1
      touch(it.localRows(dim), accumulator: it.flags.contains(.accumulator), it.flags.contains(.accumulate), &tally)
      if it.flags.contains(.accumulator) {
        accumulatorPeak = max(accumulatorPeak, it.localEnd(dim))
      } else {
        scratchpadPeak = max(scratchpadPeak, it.localEnd(dim))
      }
      if it.flags.contains(.zero) { return }
      Self.add(it.bytesRead, readClass.kind(of: it.dram), to: &tally.dramRead)
    case .store:
      tally.stores += 1
      touch(it.localRows(dim), accumulator: it.flags.contains(.accumulator), false, &tally)
      if it.normalization != 0 { return }
      let bytes = it.bytesWritten(chunk.stores[Int(it.configuration)])
      Self.add(bytes, writeClass.kind(of: it.dram), to: &tally.dramWritten)
    case .storeScratchpad:
      tally.scratchpadStores += 1
      touch(it.localRows(dim), accumulator: it.flags.contains(.accumulator), false, &tally)
      tally.scratchpadRows += Int(it.c.rows)
      scratchpadPeak = max(scratchpadPeak, Int(it.c.row) + (max(Int(it.c.rows), 1) - 1) * Int(it.cStride) + 1)
    case .loadScales, .loadTable:
      Self.add(it.bytesRead, readClass.kind(of: it.dram), to: &tally.dramRead)
    case .compute: countCompute(it, &tally)
    case .fence: tally.fences += 1
    }
  }

  @inline(__always)
  private mutating func countCompute(_ it: DecodedCommand, _ tally: inout Tally) {
    let rows = Int(it.a.rows)
    var columns = Int(it.c.columns)
    if it.flags.contains(.outputStationary) {
      depth = Int(it.d.rows)
      columns = Int(it.d.columns)
    } else if it.flags.contains(.loadArray) {
      depth = it.b.isGarbage ? 0 : Int(it.b.rows)
    }
    let loads = it.flags.contains(.loadArray)
    tally.arrayCycles += occupancy.cycles(
      rows: rows, loadsWeights: loads && !it.b.isGarbage,
      transposesWeights: loads && it.flags.contains(.transposeB) && !it.flags.contains(.outputStationary),
      transposes: it.flags.contains(.transposeA) || it.flags.contains(.transposeB))
    tally.computes += 1
    tally.usefulMACs += rows * min(Int(it.a.columns), depth) * columns
    tally.scratchpadRows += (it.a.isGarbage ? 0 : rows) + (it.d.isGarbage ? 0 : Int(it.d.rows))
    if loads && !it.b.isGarbage { tally.scratchpadRows += Int(it.b.rows) }
    if it.c.isGarbage { return }
    touch(Int(it.c.rows), accumulator: it.flags.contains(.accumulator), it.flags.contains(.accumulate), &tally)
    let end = Int(it.c.row) + (max(Int(it.c.rows), 1) - 1) * Int(it.cStride) + 1
    if it.flags.contains(.accumulator) {
      accumulatorPeak = max(accumulatorPeak, end)
    } else {
      scratchpadPeak = max(scratchpadPeak, end)
    }
  }

  /// - Parameter accumulates: whether the rows are read before they are written.
  @inline(__always)
  private func touch(_ rows: Int, accumulator: Bool, _ accumulates: Bool, _ tally: inout Tally) {
    if accumulator {
      tally.accumulatorRows += accumulates ? 2 * rows : rows
    } else {
      tally.scratchpadRows += rows
    }
  }

  @inline(__always)
  private static func add(_ bytes: Int, _ kind: Int, to classes: inout InlineClasses) {
    switch kind {
    case 0: classes.0 += bytes
    case 1: classes.1 += bytes
    case 2: classes.2 += bytes
    case 3: classes.3 += bytes
    case 4: classes.4 += bytes
    default: classes.5 += bytes
    }
  }

  /// - Parameter commands: those that were executed.
  func counters(_ commands: ArraySlice<Command>, _ time: TimeModel.Accounts?) -> Counters {
    var counters = Counters()
    counters.scratchpadPeakRows = scratchpadPeak
    counters.accumulatorPeakRows = accumulatorPeak
    for (index, tally) in tallies.enumerated() {
      var activity = Counters.Activity()
      func list(_ it: InlineClasses) -> [Int] { [it.0, it.1, it.2, it.3, it.4, it.5, 0] }
      activity.dramRead = list(tally.dramRead)
      activity.dramWritten = list(tally.dramWritten)
      activity.usefulMACs = tally.usefulMACs
      activity.arrayCycles = tally.arrayCycles
      activity.issuedMACs = tally.arrayCycles * dim * dim
      activity.loads = tally.loads
      activity.stores = tally.stores
      activity.scratchpadStores = tally.scratchpadStores
      activity.computes = tally.computes
      activity.fences = tally.fences
      activity.scratchpadBytes = tally.scratchpadRows * dim
      activity.accumulatorBytes = tally.accumulatorRows * dim * 4
      if let time {
        activity.cycles = time.cycles[index]
        activity.busRead = time.busRead[index]
        activity.busWritten = time.busWritten[index]
        activity.dramRead[activity.dramRead.count - 1] = time.commandBytes[index]
        // A list is read over the accelerator's bus, whole beats one behind the other.
        if target.timing.commandSource == .commandList { activity.busRead += time.commandBytes[index] }
      }
      counters.total.add(activity)
      if index < tallies.count - 1 { counters.operations.append(activity) }
    }
    var counts = [Int](repeating: 0, count: 256)
    for command in commands { counts[Int(command.funct)] += 1 }
    for funct in counts.indices where counts[funct] > 0 {
      let name = funct == 0 ? "config" : CommandFormat.of(Command(funct: UInt8(funct)))?.mnemonic
      counters.commands.append((name ?? "funct \(funct)", counts[funct]))
    }
    return counters
  }
}

extension Counters.Activity {
  mutating func add(_ other: Counters.Activity) {
    for kind in dramRead.indices {
      dramRead[kind] += other.dramRead[kind]
      dramWritten[kind] += other.dramWritten[kind]
    }
    usefulMACs += other.usefulMACs
    issuedMACs += other.issuedMACs
    arrayCycles += other.arrayCycles
    loads += other.loads
    stores += other.stores
    scratchpadStores += other.scratchpadStores
    computes += other.computes
    fences += other.fences
    cycles += other.cycles
    busRead += other.busRead
    busWritten += other.busWritten
    scratchpadBytes += other.scratchpadBytes
    accumulatorBytes += other.accumulatorBytes
  }
}

extension DecodedCommand {
  /// DRAM bytes that a load, also one of scales or of a table, reads. A row that a stride of 0 repeats counts once.
  @inline(__always)
  var bytesRead: Int {
    if flags.contains(.zero) { return 0 }
    return (stride == 0 ? 1 : Int(a.rows)) * Int(a.columns) * elementBytes
  }

  /// DRAM bytes that a store writes: none in passes that take statistics.
  @inline(__always)
  func bytesWritten(_ configuration: borrowing StoreConfiguration) -> Int {
    if normalization != 0 { return 0 }
    var rows = Int(a.rows)
    if flags.contains(.pooled), let pooling = configuration.pooling { rows = pooling.outRows * pooling.outCols }
    return rows * Int(a.columns) * elementBytes
  }

  /// Local rows that a move has on its local side.
  @inline(__always)
  func localRows(_ dim: Int) -> Int {
    Int(a.rows) * (Int(a.columns) <= dim ? 1 : ceilDivide(Int(a.columns), dim))
  }

  /// Behind the last local row of a load.
  @inline(__always)
  func localEnd(_ dim: Int) -> Int {
    let blocks = Int(a.columns) <= dim ? 1 : ceilDivide(Int(a.columns), dim)
    return Int(a.row) + Int(a.rows) + (blocks - 1) * Int(aStride)
  }
}
