import SpadixISA

/// Knows where Gemmini's reservation station would not order two commands that share rows (docs/isa.md), so that a
/// fence can be put between them.
///
/// A pooled store counts as reading up to the end of the accumulator bank in which it begins, and no further; what
/// mvout_spad reads is forgotten once the command is in the station; a transposed operand counts with its logical rows.
/// Everything else is ordered by the rows that commands name. Commands are numbered; 0 is none.
///
/// Loads do not wait for loads, and rows overtake one another on the way to the accumulator (docs/isa.md): what a load
/// adds to rows that are still on the way is lost.
struct StationGuard {
  /// What a load has to do with the accumulator.
  struct AccumulatorLoad {
    /// The way of its rows.
    enum Path: Int32 {
      case zeros, int8, int32
    }

    var adds = false
    var path = Path.zeros
    /// Rows of DRAM that are asked for.
    var requests = 0
  }

  /// Rows of DRAM after which a row has arrived.
  private static let overtakingRows = Int32(Target.Faults.overtakingRows)

  private let bank: Int
  private let accumulator: Int
  private var number: Int32 = 0
  private var fenced: Int32 = 0
  /// Stores that are complete before the next load, and before the next compute.
  private var loadKnows: Int32 = 0
  private var executeKnows: Int32 = 0
  /// The last store that uses rows without the station's knowledge.
  private var lastHidden: Int32 = 0

  // For each row, the last command of a kind that uses it.

  /// Computes that wrote the row, loads that did, and the stores that those loads had waited for.
  private var result: [Int32]
  private var load: [Int32]
  private var knownToLoad: [Int32]
  /// Stores that the station knows to use the row, those of them that write it, and those that use it without its
  /// knowledge.
  private var store: [Int32]
  private var writingStore: [Int32]
  private var hiddenStore: [Int32]
  /// Computes that take the row as an operand without the station's knowledge.
  private var hiddenOperand: [Int32]
  /// Of rows of the accumulator that nothing but a load has written since the last fence, the load and its path, four
  /// times its number and the path; and how many rows of DRAM had been asked for when it began.
  private var loadPath: [Int32]
  private var loadStart: [Int32]
  private var requests: Int32 = 0

  /// Whether stores will ask who wrote a row.
  var watchesResults = false

  init(_ target: Target) {
    bank = target.accumulatorRowsPerBank
    accumulator = target.scratchpadRows
    result = [Int32](repeating: 0, count: target.scratchpadRows + target.accumulatorRows)
    load = result
    knownToLoad = result
    store = result
    writingStore = result
    hiddenStore = result
    hiddenOperand = result
    loadPath = result
    loadStart = result
  }

  /// Whether rows may still be read that the station would let others overwrite.
  var hasOpenStore: Bool { lastHidden > min(loadKnows, executeKnows) }

  /// Everything before is complete.
  mutating func fence() {
    number += 1
    fenced = number
    loadKnows = number
    executeKnows = number
  }

  // MARK: Loads

  /// Whether a fence has to stand before a load of these rows.
  func needsFence(load rows: LocalRows, _ load: AccumulatorLoad) -> Bool {
    if load.adds && overtakes(rows, load.path) { return true }
    if hasOpenStore && rows.last(hiddenStore) > knowledge(load: rows) { return true }
    return rows.last(hiddenOperand) > fenced
  }

  mutating func take(load rows: LocalRows, _ load: AccumulatorLoad) {
    number += 1
    if rows.first >= accumulator {
      rows.forEach { row in
        loadPath[row] = number << 2 | load.path.rawValue
        loadStart[row] = requests
      }
    }
    requests += Int32(load.requests)
    if hasOpenStore { loadKnows = knowledge(load: rows) }
    if rows.first < accumulator || watchesResults || hasOpenStore {
      rows.forEach { row in
        self.load[row] = number
        knownToLoad[row] = loadKnows
      }
    }
  }

  /// Int8 rows go before others, so that they are there before 32-bit rows of a later load.
  private func overtakes(_ rows: LocalRows, _ path: AccumulatorLoad.Path) -> Bool {
    var found = false
    rows.forEach { row in
      let earlier = loadPath[row] & 3
      let isOrdered =
        earlier == path.rawValue || earlier == AccumulatorLoad.Path.int8.rawValue && path == .int32
      let isRecent = requests - loadStart[row] < Self.overtakingRows
      if loadPath[row] >> 2 > fenced && (isRecent || !isOrdered) { found = true }
    }
    return found
  }

  private func knowledge(load rows: LocalRows) -> Int32 { max(loadKnows, rows.last(store)) }

  // MARK: Products

  func needsFence(product use: LocalUse) -> Bool {
    if hasOpenStore && use.result.last(hiddenStore) > knowledge(product: use) { return true }
    let hidden = use.weights.dropFirst(use.namedWeights)
    if hidden.isEmpty { return false }
    // A command that brought a hidden row is waited for when it brought a row that the station counts as well.
    var seen: [Int32] = []
    use.weights.prefix(use.namedWeights).forEach { seen += [load[$0], writingStore[$0]] }
    var isUnseen = false
    hidden.forEach { row in
      for writer in [load[row], writingStore[row]] where writer > fenced && !seen.contains(writer) { isUnseen = true }
    }
    return isUnseen
  }

  mutating func take(product use: LocalUse) {
    number += 1
    if hasOpenStore { executeKnows = knowledge(product: use) }
    if watchesResults || hasOpenStore { use.result.forEach { result[$0] = number } }
    // Products wait for the loads of their sums, and loads for products.
    if use.result.first >= accumulator { use.result.forEach { loadPath[$0] = 0 } }
    use.weights.dropFirst(use.namedWeights).forEach { hiddenOperand[$0] = number }
  }

  private func knowledge(product use: LocalUse) -> Int32 {
    var knows = max(
      executeKnows, use.source.last(writingStore), use.weights.prefix(use.namedWeights).last(writingStore),
      use.result.last(store))
    use.result.forEach { row in
      if load[row] > result[row] { knows = max(knows, knownToLoad[row]) }
    }
    return knows
  }

  // MARK: Stores

  /// - Parameter isPooled: without pooling, the station counts all rows of a store to DRAM.
  func needsFence(store rows: LocalRows, isPooled: Bool) -> Bool {
    if !isPooled { return false }
    let seen = seenCount(rows)
    let hidden = rows.dropFirst(seen)
    if hidden.isEmpty { return false }
    // Results complete in order: one among the rows that the station counts stands for all before it.
    let last = rows.prefix(seen).last(result)
    var isUnseen = false
    hidden.forEach { row in
      if max(result[row], load[row]) > fenced && (load[row] > result[row] || result[row] > last) { isUnseen = true }
    }
    return isUnseen
  }

  mutating func take(store rows: LocalRows, isPooled: Bool) {
    number += 1
    let seen = isPooled ? seenCount(rows) : rows.count
    for row in rows.first..<min(rows.first + seen, store.count) { store[row] = number }
    hide(rows.dropFirst(seen))
  }

  /// Stores to the scratchpad.
  mutating func take(scratchpadStore use: LocalUse) {
    number += 1
    use.result.forEach { row in
      store[row] = number
      writingStore[row] = number
    }
    hide(use.source)
  }

  /// To the end of the bank in which a pooled store begins; a scratchpad address has no bank.
  private func seenCount(_ rows: LocalRows) -> Int {
    let row = rows.first - accumulator
    return row < 0 ? 1 : (row / bank + 1) * bank - row
  }

  private mutating func hide(_ rows: LocalRows) {
    if rows.isEmpty { return }
    rows.forEach { hiddenStore[$0] = number }
    // Stores go one after the other: knowing this one will be knowing all before it.
    lastHidden = number
  }
}
