import SpadixISA

/// The hardware loop of matrix products: four unrollers (A, B, D or bias, computes, stores) side by side, each of them
/// on one of two loops. They give out a command a cycle between them, stores first, then computes, then loads.
struct LoopMatmulUnroller {
  /// One loop as its configuration commands have set it.
  struct Loop: PlacedLoop {
    var registers = LoopMatmulRegisters()
    var run = LoopMatmulRun()
    var place = LoopPlace()
    /// First row of the results.
    var cStart = 0

    var bounds: LoopBounds { registers.bounds }
  }

  /// A counter of two nested loops: `inner` runs in steps to its end, then `outer` moves on.
  struct Walk {
    var inner = 0
    var outer = 0

    /// Steps on; whether that was the end.
    mutating func advance(_ innerStep: Int, _ innerEnd: Int, _ outerStep: Int, _ outerEnd: Int) -> Bool {
      inner += innerStep
      if inner < innerEnd { return false }
      inner = 0
      outer += outerStep
      if outer < outerEnd { return false }
      outer = 0
      return true
    }
  }

  struct Unit: LoopUnit {
    var isIdle = true
    var ready = 0
    var begun = 0
    var loop = Loop()
    var walk = Walk()
  }

  enum Source { case store, execute, d, a, b }

  let hardware: Hardware
  let dim: Int
  var registers = LoopMatmulRegisters()
  private(set) var queue = LoopQueue<Loop>()
  private var accumulatorHalf = 0
  private var a = Unit()
  private var b = Unit()
  private var d = Unit()
  private var execute = Unit()
  private var store = Unit()
  private var k = 0
  private var isCompute = false

  init(_ hardware: Hardware) {
    self.hardware = hardware
    dim = hardware.dim
  }

  private var narrowBlocks: Int { max(1, Hardware.requestBytes / dim) }
  private var wideBlocks: Int { max(1, Hardware.requestBytes / (4 * dim)) }

  /// Takes up the loop that is set, its last command taken at `time`.
  mutating func begin(_ run: LoopMatmulRun, at time: Int) {
    let bounds = registers.bounds
    if bounds.i == 0 || bounds.j == 0 || (bounds.k == 0 && !run.residualAdd) { return }
    var loop = Loop(registers: registers, run: run)
    let accumulatorRows = hardware.accumulatorRows / 2
    if run.residualAdd {
      loop.cStart = queue.slot * accumulatorRows
    } else {
      loop.cStart = accumulatorHalf * accumulatorRows
      if registers.c != 0 { accumulatorHalf ^= 1 }
    }
    queue.append(loop, aHalf: run.aHalf, bHalf: run.bHalf, hardware, at: time)
  }

  /// Lets idle units take up loops, and loops end.
  private mutating func settle() {
    var moved = true
    while moved {
      moved = false
      for loop in queue.loops {
        let start = loop.place.configured + 1
        for unit in [\LoopMatmulUnroller.a, \.b, \.d] where self[keyPath: unit].isIdle {
          if self[keyPath: unit].begun != loop.place.number { continue }
          let address =
            unit == \.a
            ? loop.registers.a : unit == \.b ? loop.registers.b : loop.run.residualAdd ? 0 : loop.registers.d
          begin(unit, loop, max(start, self[keyPath: unit].ready), skip: address == 0)
          moved = true
        }
        if execute.isIdle && execute.begun == loop.place.number && a.begun > loop.place.number
          && b.begun > loop.place.number
          && d.begun > loop.place.number
        {
          let ready = max(start + 1, execute.ready)
          begin(\.execute, loop, ready, skip: loop.run.residualAdd)
          k = 0
          isCompute = false
          moved = true
        }
        let executes = loop.run.residualAdd || execute.begun > loop.place.number
        if store.isIdle && store.begun == loop.place.number && executes {
          begin(\.store, loop, max(start + 2, store.ready), skip: loop.registers.c == 0)
          moved = true
        }
      }
      if queue.complete([a, b, d, execute, store]) { moved = true }
    }
  }

  private mutating func begin(_ unit: WritableKeyPath<Self, Unit>, _ loop: Loop, _ time: Int, skip: Bool) {
    self[keyPath: unit].begun += 1
    self[keyPath: unit].loop = loop
    self[keyPath: unit].walk = Walk()
    self[keyPath: unit].isIdle = skip
    self[keyPath: unit].ready = time + 1
  }

  /// The next command and when it leaves, or nil when nothing is left to give out.
  /// - Parameter accelerator: says when its station takes another load, store, or compute.
  mutating func next(_ accelerator: inout Accelerator) -> (command: Command, time: Int)? {
    settle()
    if !queue.isBusy { return nil }
    var found: (source: Source, time: Int)?
    func consider(_ source: Source, _ ready: Int) {
      let ready = max(ready, queue.time)
      if found == nil || ready < found!.time { found = (source, ready) }
    }
    let storeEntry = accelerator.storeEntryFree()
    if !store.isIdle && mayStore() { consider(.store, max(store.ready, storeEntry.time)) }
    if !execute.isIdle && mayExecute() { consider(.execute, max(execute.ready, accelerator.executeEntryFree())) }
    let entry = accelerator.loadEntryFree()
    if !d.isIdle { consider(.d, max(d.ready, entry)) }
    if let side = chooseAB() {
      consider(side, max(side == .a ? a.ready : b.ready, entry))
    }
    guard let (source, ready) = found else { return nil }
    if source == .store && !storeEntry.isKnown {
      accelerator.settleStore()
      return next(&accelerator)
    }
    queue.time = ready + 1
    switch source {
    case .a: return (giveA(ready), ready)
    case .b: return (giveB(ready), ready)
    case .d: return (giveD(ready), ready)
    case .execute: return (giveExecute(ready), ready)
    case .store: return (giveStore(ready), ready)
    }
  }

  /// Which of A and B goes first: that of the older loop; of the same loop, the one that is behind.
  private func chooseAB() -> Source? {
    if a.isIdle { return b.isIdle ? nil : .b }
    if b.isIdle { return .a }
    if a.loop.place.number != b.loop.place.number { return a.loop.place.number < b.loop.place.number ? .a : .b }
    if a.loop.run.residualAdd { return .a }
    let bBegins = b.walk.outer == 0 && b.walk.inner == 0
    return a.walk.outer > b.walk.outer || bBegins ? .b : .a
  }

  /// A tile's commands go out when the loads before it have.
  private func mayExecute() -> Bool {
    let loop = execute.loop
    let i = execute.walk.inner
    let j = execute.walk.outer
    let aDone = a.loop.place.number != loop.place.number || a.isIdle
    let bDone = b.loop.place.number != loop.place.number || b.isIdle
    let dDone = d.loop.place.number != loop.place.number || d.isIdle
    let aK = a.walk.outer
    let bK = b.walk.outer
    let aAhead = aDone || aK > k || (aK == k && a.walk.inner > i)
    let bAhead = bDone || bK > k || ((aDone ? 0 : aK) == k && b.walk.inner > j)
    return aAhead && bAhead && dDone
  }

  private func mayStore() -> Bool {
    let loop = store.loop
    let i = store.walk.inner
    let j = store.walk.outer
    let blocks = min(storeBlocks(loop), loop.bounds.j - j)
    if loop.run.residualAdd {
      let done =
        (a.loop.place.number != loop.place.number || a.isIdle) && (b.loop.place.number != loop.place.number || b.isIdle)
      return done || b.walk.outer > i || (b.walk.outer == i && b.walk.inner >= j + blocks)
    }
    if execute.loop.place.number != loop.place.number || execute.isIdle { return true }
    if loop.run.activation == 2 || loop.run.activation == 4 { return false }
    let executeJ = execute.walk.outer
    return k == loop.bounds.k - 1
      && (executeJ >= j + blocks || (executeJ == j + blocks - 1 && execute.walk.inner > i))
  }

  private func storeBlocks(_ loop: Loop) -> Int { loop.run.fullC ? 1 : min(loop.bounds.j, narrowBlocks) }

  // MARK: Commands

  private func move(_ funct: UInt8, _ address: UInt64, _ local: LocalAddress, rows: Int, columns: Int) -> Command {
    Command(funct: funct, rs1: address, rs2: LocalTile(local, rows: max(1, rows), columns: max(1, columns)).bits)
  }

  private mutating func giveA(_ time: Int) -> Command {
    let loop = a.loop
    let transposed = loop.run.transposeA
    // A residual addition walks its first operand as a matrix of i by j.
    let kEnd = loop.run.residualAdd ? loop.bounds.j : loop.bounds.k
    let padK = loop.run.residualAdd ? loop.bounds.padJ : loop.bounds.padK
    let i = a.walk.inner
    let k = a.walk.outer
    let (row, column) = transposed ? (k, i) : (i, k)
    let (rowEnd, columnEnd) = transposed ? (kEnd, loop.bounds.i) : (loop.bounds.i, kEnd)
    let (padRow, padColumn) = transposed ? (padK, loop.bounds.padI) : (loop.bounds.padI, padK)
    let most = min(columnEnd, narrowBlocks)
    let blocks = min(most, columnEnd - column)
    let columns = blocks * dim - (column + blocks >= columnEnd ? padColumn : 0)
    let rows = dim - (row == rowEnd - 1 ? padRow : 0)
    let local = (loop.run.residualAdd ? loop.cStart : loop.place.aStart) + (row * columnEnd + column) * dim
    let address = loop.registers.a &+ (UInt64(row) &* loop.registers.aStride &+ UInt64(column)) &* UInt64(dim)
    let command = move(
      Funct.moveIn, address, loop.run.residualAdd ? .accumulator(local) : .scratchpad(local), rows: rows,
      columns: columns)
    a.isIdle = a.walk.advance(transposed ? most : 1, loop.bounds.i, transposed ? 1 : most, kEnd)
    a.ready = time + 1
    return command
  }

  private mutating func giveB(_ time: Int) -> Command {
    let loop = b.loop
    let transposed = loop.run.transposeB
    let kEnd = loop.run.residualAdd ? loop.bounds.i : loop.bounds.k
    let padK = loop.run.residualAdd ? loop.bounds.padI : loop.bounds.padK
    let j = b.walk.inner
    let k = b.walk.outer
    let (row, column) = transposed ? (j, k) : (k, j)
    let columnEnd = transposed ? kEnd : loop.bounds.j
    let padColumn = transposed ? padK : loop.bounds.padJ
    let most = min(columnEnd, narrowBlocks)
    let blocks = min(most, columnEnd - column)
    let columns = blocks * dim - (column + blocks >= columnEnd ? padColumn : 0)
    let start = loop.run.residualAdd ? loop.cStart : loop.place.bEnd - kEnd * loop.bounds.j * dim
    let local = start + (row * columnEnd + column) * dim
    let address = loop.registers.b &+ (UInt64(row) &* loop.registers.bStride &+ UInt64(column)) &* UInt64(dim)
    // Hardware loads the last row of tiles whole: its padding is compared with itself.
    let command = move(
      Funct.moveIn2, address,
      loop.run.residualAdd ? .accumulator(local, accumulate: true) : .scratchpad(local), rows: dim, columns: columns)
    b.isIdle = b.walk.advance(transposed ? 1 : most, loop.bounds.j, transposed ? most : 1, kEnd)
    b.ready = time + 1
    return command
  }

  private mutating func giveD(_ time: Int) -> Command {
    let loop = d.loop
    let i = d.walk.inner
    let j = d.walk.outer
    let most = min(loop.bounds.j, loop.run.lowD ? narrowBlocks : wideBlocks)
    let blocks = min(most, loop.bounds.j - j)
    let columns = blocks * dim - (j + blocks >= loop.bounds.j ? loop.bounds.padJ : 0)
    let rows = dim - (i == loop.bounds.i - 1 ? loop.bounds.padI : 0)
    let address =
      loop.registers.d &+ (UInt64(i) &* loop.registers.dStride &+ UInt64(j)) &* UInt64(dim * (loop.run.lowD ? 1 : 4))
    let command = move(
      Funct.moveIn3, address, .accumulator(loop.cStart + (i * loop.bounds.j + j) * dim), rows: rows, columns: columns)
    d.isIdle = d.walk.advance(1, loop.bounds.i, most, loop.bounds.j)
    d.ready = time + 1
    return command
  }

  private mutating func giveExecute(_ time: Int) -> Command {
    let loop = execute.loop
    let bounds = loop.bounds
    let i = execute.walk.inner
    let j = execute.walk.outer
    execute.ready = time + 1
    let depth = dim - (k == bounds.k - 1 ? bounds.padK : 0)
    let rows = dim - (i == bounds.i - 1 ? bounds.padI : 0)
    let columns = dim - (j == bounds.j - 1 ? bounds.padJ : 0)
    if !isCompute {
      isCompute = true
      let tile = loop.run.transposeB ? j * bounds.k + k : k * bounds.j + j
      let start = loop.place.bEnd - bounds.k * bounds.j * dim
      let weights = LocalTile(
        i == 0 ? .scratchpad(start + tile * dim) : .garbage, rows: depth, columns: columns)
      let result = LocalTile(
        .accumulator(loop.cStart + (i * bounds.j + j) * dim, accumulate: loop.run.accumulate || k != 0), rows: rows,
        columns: columns)
      return Command(funct: Funct.preload, rs1: weights.bits, rs2: result.bits)
    }
    isCompute = false
    let tile = loop.run.transposeA ? k * bounds.i + i : i * bounds.k + k
    let operand = LocalTile(.scratchpad(loop.place.aStart + tile * dim), rows: rows, columns: depth)
    let command = Command(
      funct: i == 0 ? Funct.computePreloaded : Funct.computeAccumulated, rs1: operand.bits,
      rs2: LocalTile.garbage(rows: dim, columns: dim).bits)
    if execute.walk.advance(1, bounds.i, 1, bounds.j) {
      k += 1
      if k == bounds.k {
        k = 0
        execute.isIdle = true
      }
    }
    return command
  }

  private mutating func giveStore(_ time: Int) -> Command {
    let loop = store.loop
    let i = store.walk.inner
    let j = store.walk.outer
    let most = storeBlocks(loop)
    let blocks = min(most, loop.bounds.j - j)
    let columns = blocks * dim - (j + blocks >= loop.bounds.j ? loop.bounds.padJ : 0)
    let rows = dim - (i == loop.bounds.i - 1 ? loop.bounds.padI : 0)
    let address =
      loop.registers.c &+ (UInt64(i) &* loop.registers.cStride &+ UInt64(j)) &* UInt64(dim * (loop.run.fullC ? 4 : 1))
    let command = move(
      Funct.moveOut, address,
      .accumulator(loop.cStart + (i * loop.bounds.j + j) * dim, fullWidth: loop.run.fullC), rows: rows,
      columns: columns)
    store.isIdle = store.walk.advance(1, loop.bounds.i, most, loop.bounds.j)
    store.ready = time + 1
    return command
  }
}
