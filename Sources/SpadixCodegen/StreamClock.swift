/// Loads, computes and stores of one operator as three streams, each in order, that wait for each other where they share a
/// buffer: what is left of the queues when commands are merged so that every stream goes as soon as it can.
///
/// Times are cycles from the start of the operator. Within an event, parts go through in order: the first compute needs the
/// first part of a load only, and a buffer can be loaded again part by part behind its use.
struct StreamClock {
  /// A place in local memory that is filled as a whole and used as a whole.
  struct Buffer {
    /// When the first part and all of it are there.
    fileprivate var first = 0
    fileprivate var all = 0
    /// When the first part and all of it may be overwritten.
    fileprivate var freeFirst = 0
    fileprivate var freeAll = 0
    /// Whether something was loaded since it was last used.
    fileprivate var isFilling = false

    init() {}

    /// The same as one that is complete when both are.
    mutating func include(_ other: Buffer) {
      first = min(first, other.first)
      all = max(all, other.all)
      freeFirst = max(freeFirst, other.freeFirst)
      freeAll = max(freeAll, other.freeAll)
    }

    mutating func adopt(useOf other: Buffer) {
      isFilling = false
      freeFirst = other.freeFirst
      freeAll = other.freeAll
    }
  }

  /// From a load's turn to its data, from a compute to its results, from a store to its acknowledgement.
  let loadLatency: Int
  let arrayLatency: Int
  let storeLatency: Int

  private var loadFree = 0
  private var arrayFree = 0
  private var storeFree = 0
  /// When the last result and the last store are complete.
  private var lastResult = 0
  private var lastStore = 0
  /// Cycles in which each of them works.
  private(set) var loading = 0
  private(set) var computing = 0
  private(set) var storing = 0
  /// Constants of the first tiles come while the operator before still runs.
  private var isBefore = true

  init(loadLatency: Int, arrayLatency: Int, storeLatency: Int) {
    self.loadLatency = loadLatency
    self.arrayLatency = arrayLatency
    self.storeLatency = storeLatency
  }

  /// - Parameters:
  ///   - parts: moves that it consists of.
  ///   - isConstant: whether it can come before the results of earlier operators are stored.
  mutating func load(_ cycles: Int, parts: Int, into buffer: inout Buffer, isConstant: Bool) {
    if cycles == 0 { return }
    loading += cycles
    if !isConstant { isBefore = false }
    let part = cycles / max(1, parts)
    var start = 0
    var end = 0
    if !isBefore {
      start = max(loadFree, buffer.freeFirst)
      end = max(start + cycles, buffer.freeAll + part)
      loadFree = end
      start += part + loadLatency
      end += loadLatency
    }
    if buffer.isFilling {
      buffer.all = max(buffer.all, end)
    } else {
      buffer.isFilling = true
      buffer.first = start
      buffer.all = end
    }
  }

  /// Where a compute needs a buffer: its first part from the start, and all of it when `before` cycles are left.
  mutating func wait(for buffer: Buffer, before: Int, _ start: inout Int, _ end: inout Int) {
    start = max(start, buffer.first)
    end = max(end, buffer.all + before)
  }

  mutating func compute(
    _ cycles: Int, weights: inout Buffer, weightTiles: Int, window: inout Buffer, addend: inout Buffer,
    sums: inout Buffer, firstPass: Int
  ) {
    isBefore = false
    computing += cycles
    var start = arrayFree
    var end = 0
    let tile = cycles / max(1, weightTiles)
    wait(for: weights, before: tile, &start, &end)
    wait(for: window, before: max(0, cycles - firstPass), &start, &end)
    wait(for: addend, before: tile, &start, &end)
    wait(for: sums, before: max(0, cycles - firstPass), &start, &end)
    end = max(end, start + cycles)
    arrayFree = end
    lastResult = max(lastResult, end + arrayLatency)
    use(&weights, from: start + tile, to: end)
    use(&window, from: end - firstPass + min(tile, firstPass), to: end)
    use(&addend, from: start + tile, to: end)
    sums.isFilling = false
    sums.first = start
    sums.all = end + arrayLatency
  }

  private func use(_ buffer: inout Buffer, from start: Int, to end: Int) {
    buffer.isFilling = false
    buffer.freeFirst = start
    buffer.freeAll = max(buffer.freeAll, end)
  }

  /// Loads that add to sums: they wait for the computes before, or replace what was stored.
  mutating func add(_ cycles: Int, parts: Int, to sums: inout Buffer) {
    loading += cycles
    isBefore = false
    let part = cycles / max(1, parts)
    let start = max(loadFree, sums.freeFirst, sums.isFilling ? 0 : sums.first)
    let end = max(start + cycles, sums.freeAll + part, sums.isFilling ? 0 : sums.all + part)
    loadFree = end
    sums.first = start + part + loadLatency
    sums.all = end + loadLatency
    lastResult = max(lastResult, sums.all)
  }

  /// Stores a tile of sums. Results of its last pass come while it is stored already where the tile has several banks.
  mutating func store(_ cycles: Int, parts: Int, from sums: inout Buffer, spansBanks: Bool, toMemory: Bool) {
    isBefore = false
    storing += cycles
    var start = max(storeFree, sums.all)
    if spansBanks { start = max(storeFree, sums.all - min(cycles / 2, (sums.all - sums.first) / 2)) }
    let end = max(start + cycles, spansBanks ? sums.all + cycles / 2 : 0)
    storeFree = end
    lastStore = max(lastStore, end + (toMemory ? storeLatency : 0))
    sums.freeFirst = start + cycles / max(1, parts)
    sums.freeAll = end
    sums.isFilling = false
    // Without a bias the next tile overwrites the sums: it waits for the stores itself.
    sums.first = sums.freeFirst
    sums.all = sums.freeAll
  }

  /// From the start to where everything is complete.
  var end: Int { max(lastResult, lastStore, loading, storing) }
}
