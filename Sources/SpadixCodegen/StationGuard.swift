import SpadixISA

/// Knows where Gemmini's reservation station would not order two commands that share rows (docs/isa.md), so that the
/// writer can put a fence between them.
///
/// A pooled store counts as reading up to the end of the accumulator bank in which it begins, and no further; what
/// mvout_spad reads is forgotten once the command is in the station; a transposed operand counts with its logical rows.
/// Everything else is ordered by the rows that commands name. Commands are numbered; 0 is none.
struct StationGuard {
  /// For each row of a memory, the last command of a kind that uses it.
  private struct Memory {
    /// Computes that wrote the row, loads that did, and the stores that those loads had waited for.
    var result: [Int32]
    var load: [Int32]
    var loadKnows: [Int32]
    /// Stores that the station knows to use the row, those of them that write it, and those that use it without its
    /// knowledge.
    var store: [Int32]
    var writingStore: [Int32]
    var hiddenStore: [Int32]

    init(rows: Int) {
      result = [Int32](repeating: 0, count: rows)
      load = result
      loadKnows = result
      store = result
      writingStore = result
      hiddenStore = result
    }
  }

  private let bank: Int
  private var memories: [Memory]
  private var number: Int32 = 0
  private var fenced: Int32 = 0
  /// Stores that are complete before the next load, and before the next compute.
  private var loadKnows: Int32 = 0
  private var executeKnows: Int32 = 0
  /// The last store that uses rows without the station's knowledge.
  private var lastHidden: Int32 = 0
  /// The last compute that takes the row as an operand without the station's knowledge.
  private var hiddenOperand: [Int32]
  /// Whether stores will ask who wrote a row.
  var watchesResults = false

  init(_ target: Target) {
    bank = target.accumulatorRowsPerBank
    memories = [Memory(rows: target.scratchpadRows), Memory(rows: target.accumulatorRows)]
    hiddenOperand = [Int32](repeating: 0, count: target.scratchpadRows)
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

  /// Whether a fence has to stand before a load of these rows.
  mutating func load(_ rows: Range<Int>, accumulator: Bool) -> Bool {
    number += 1
    let memory = accumulator ? 1 : 0
    var needsFence = false
    if hasOpenStore {
      loadKnows = max(loadKnows, Self.last(rows, memories[memory].store))
      needsFence = Self.last(rows, memories[memory].hiddenStore) > loadKnows
    }
    if !accumulator && Self.last(rows, hiddenOperand) > fenced { needsFence = true }
    if needsFence { passFence() }
    if !accumulator || watchesResults || hasOpenStore {
      for row in rows {
        memories[memory].load[row] = number
        memories[memory].loadKnows[row] = loadKnows
      }
    }
    return needsFence
  }

  /// Whether a fence has to stand before a product. Of transposed weights, the station does not count the rows from
  /// `named` on.
  mutating func compute(
    source: Range<Int>, weights: Range<Int>, named: Int, result: Range<Int>, accumulator: Bool
  ) -> Bool {
    number += 1
    let memory = accumulator ? 1 : 0
    var needsFence = false
    if hasOpenStore {
      executeKnows = max(
        executeKnows, Self.last(source, memories[0].writingStore),
        Self.last(weights.prefix(named), memories[0].writingStore),
        Self.last(result, memories[memory].store))
      for row in result where memories[memory].load[row] > memories[memory].result[row] {
        executeKnows = max(executeKnows, memories[memory].loadKnows[row])
      }
      needsFence = Self.last(result, memories[memory].hiddenStore) > executeKnows
    }
    let hidden = weights.dropFirst(named)
    if !hidden.isEmpty {
      // A command that brought a hidden row is waited for when it brought a row that the station counts as well.
      let seen = weights.prefix(named).flatMap { [memories[0].load[$0], memories[0].writingStore[$0]] }
      for row in hidden {
        for writer in [memories[0].load[row], memories[0].writingStore[row]]
        where writer > fenced && !seen.contains(writer) {
          needsFence = true
        }
      }
    }
    if needsFence { passFence() }
    if watchesResults || hasOpenStore { for row in result { memories[memory].result[row] = number } }
    for row in hidden { hiddenOperand[row] = number }
    return needsFence
  }

  /// Whether a fence has to stand before a store of these rows.
  mutating func store(_ rows: Range<Int>, accumulator: Bool, pooled: Bool) -> Bool {
    number += 1
    let memory = accumulator ? 1 : 0
    let end = accumulator ? (rows.lowerBound / bank + 1) * bank : rows.lowerBound + 1
    let seen = pooled ? rows.lowerBound..<end : rows
    let hidden = rows.dropFirst(seen.count)
    var needsFence = false
    if !hidden.isEmpty {
      // Results complete in order: one among the rows that the station counts stands for all before it.
      let last = Self.last(rows.prefix(seen.count), memories[memory].result)
      for row in hidden {
        let (result, load) = (memories[memory].result[row], memories[memory].load[row])
        if max(result, load) > fenced && (load > result || result > last) { needsFence = true }
      }
    }
    if needsFence { passFence() }
    for row in seen where row < memories[memory].store.count { memories[memory].store[row] = number }
    hide(hidden, memory)
    return needsFence
  }

  /// Stores to the scratchpad.
  mutating func store(_ rows: Range<Int>, accumulator: Bool, to destination: Range<Int>) {
    number += 1
    for row in destination {
      memories[0].store[row] = number
      memories[0].writingStore[row] = number
    }
    hide(rows, accumulator ? 1 : 0)
  }

  private mutating func hide(_ rows: Range<Int>, _ memory: Int) {
    if rows.isEmpty { return }
    for row in rows { memories[memory].hiddenStore[row] = number }
    // Stores go one after the other: knowing this one will be knowing all before it.
    lastHidden = number
  }

  private mutating func passFence() {
    fence()
    number += 1
  }

  private static func last(_ rows: Range<Int>, _ numbers: [Int32]) -> Int32 {
    rows.reduce(0) { max($0, numbers[$1]) }
  }
}
