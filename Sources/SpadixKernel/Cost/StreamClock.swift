/// Loads, computes and stores of one operator as three streams, each in order, that wait for each other where they
/// share a buffer: what is left of the queues when commands are merged so that every stream goes as soon as it can.
///
/// Times are cycles from the start of the operator. Within an event, parts go through in order: the first compute needs
/// the first part of a load only, and a buffer can be loaded again part by part behind its use.
struct StreamClock {
  /// A place in local memory that is filled as a whole and used as a whole.
  struct Buffer {
    /// When the first part and all of what was loaded are there.
    fileprivate var first = 0
    fileprivate var all = 0
    /// When the first part and all of it may be overwritten.
    fileprivate var freeFirst = 0
    fileprivate var freeAll = 0
    /// Of sums: when the first part and all of the results are there.
    fileprivate var resultFirst = 0
    fileprivate var resultAll = 0
    /// Whether something was loaded since it was last used.
    fileprivate var isFilling = false

    init() {}

    var wasUsed: Bool { freeAll > 0 }

    /// The same as one that is complete when both are.
    mutating func include(_ other: Buffer) {
      first = min(first, other.first)
      all = max(all, other.all)
      freeFirst = max(freeFirst, other.freeFirst)
      freeAll = max(freeAll, other.freeAll)
    }

    /// It was used together with another.
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
  private(set) var arrayFree = 0
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
  ///   - waitsForAll: whether it begins when all of the buffer may be overwritten, not part by part behind its use.
  mutating func load(
    _ cycles: Int, parts: Int, into buffer: inout Buffer, isConstant: Bool, waitsForAll: Bool = false
  ) {
    loading += cycles
    if !isConstant { isBefore = false }
    let part = cycles / max(1, parts)
    var start = 0
    var end = 0
    if !isBefore {
      start = max(loadFree, waitsForAll ? buffer.freeAll : buffer.freeFirst)
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

  /// Loads that add to sums: they wait for the results before. Those that replace what was stored are `load`s.
  mutating func add(_ cycles: Int, parts: Int, to sums: inout Buffer) {
    loading += cycles
    isBefore = false
    let part = cycles / max(1, parts)
    let start = max(loadFree, sums.resultFirst)
    let end = max(start + cycles, sums.resultAll + part)
    loadFree = end
    sums.resultFirst = max(sums.resultFirst, start + part + loadLatency)
    sums.resultAll = max(sums.resultAll, end + loadLatency)
    lastResult = max(lastResult, sums.resultAll)
  }

  /// - Parameters:
  ///   - matrices: how many the weights are.
  ///   - firstPass: cycles in which all pixels are read, and all sums are met, for the first time.
  mutating func compute(
    _ cycles: Int, weights: inout Buffer, matrices: Int, pixels: inout Buffer, sums: inout Buffer, firstPass: Int
  ) {
    isBefore = false
    computing += cycles
    let matrix = cycles / max(1, matrices)
    var start = max(arrayFree, weights.first, pixels.first)
    var end = max(weights.all + matrix, pixels.all + cycles - firstPass)
    start = max(start, sums.isFilling ? sums.first : sums.freeFirst)
    end = max(end, (sums.isFilling ? sums.all : sums.freeAll) + cycles - firstPass, start + cycles)
    arrayFree = end
    lastResult = max(lastResult, end + arrayLatency)
    use(&weights, from: start + matrix, to: end)
    use(&pixels, from: end - firstPass + min(matrix, firstPass), to: end)
    sums.isFilling = false
    sums.resultFirst = start
    sums.resultAll = end + arrayLatency
  }

  /// Results that go to the scratchpad: matrices that the array makes.
  mutating func make(_ cycles: Int, from source: inout Buffer, into result: inout Buffer) {
    isBefore = false
    computing += cycles
    let start = max(arrayFree, source.all, result.freeAll)
    arrayFree = start + cycles
    use(&source, from: arrayFree, to: arrayFree)
    result.isFilling = true
    result.first = arrayFree + arrayLatency
    result.all = result.first
    lastResult = max(lastResult, result.all)
  }

  private func use(_ buffer: inout Buffer, from start: Int, to end: Int) {
    buffer.isFilling = false
    buffer.freeFirst = start
    buffer.freeAll = max(buffer.freeAll, end)
  }

  /// Stores some of a tile's sums.
  ///
  /// - Parameters:
  ///   - isFirst: whether none of them was stored before.
  ///   - isEarly: whether these results are there half of the computing before the last ones, in another bank.
  mutating func store(
    _ cycles: Int, parts: Int, from sums: inout Buffer, isFirst: Bool, isEarly: Bool, toMemory: Bool
  ) {
    isBefore = false
    storing += cycles
    // What only loads brought is there with them.
    if sums.isFilling {
      sums.resultFirst = sums.first
      sums.resultAll = sums.all
      sums.isFilling = false
    }
    let ready = isEarly ? (sums.resultFirst + sums.resultAll) / 2 : sums.resultAll
    let start = max(storeFree, ready)
    storeFree = start + cycles
    lastStore = max(lastStore, storeFree + (toMemory ? storeLatency : 0))
    if isFirst { sums.freeFirst = start + cycles / max(1, parts) }
    sums.freeAll = storeFree
  }

  /// What the output stage loads comes through the same unit as other loads; nothing waits for it.
  mutating func loadOutputStage(_ cycles: Int) {
    loading += cycles
    loadFree += cycles
  }

  /// Nothing goes before everything is complete.
  mutating func fence() {
    let idle = max(arrayFree, lastResult, lastStore, loadFree + loadLatency)
    loadFree = idle
    arrayFree = idle
    storeFree = idle
  }

  /// Moves from and to DRAM through buffers in turn.
  mutating func copy(loading load: Int, storing store: Int) {
    isBefore = false
    loading += load
    storing += store
    loadFree += load
    storeFree = max(storeFree + store, loadFree + loadLatency)
    lastStore = max(lastStore, storeFree + storeLatency)
  }

  /// From the start to where everything is complete.
  var end: Int { max(lastResult, lastStore, loadFree > 0 ? loadFree + loadLatency : 0, loading, storing) }
}
