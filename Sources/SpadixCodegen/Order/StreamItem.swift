/// Commands that go together: a preload and its compute, or a single one.
struct StreamItem {
  enum Kind {
    case load, product, store, scratchpadStore
    /// Waits until the array is empty.
    case configureExecute
    case configure
  }

  var kind: Kind
  var stream: CommandStream
  var accumulatorLoad = StationGuard.AccumulatorLoad()
  /// Whether a store pools.
  var isPooled = false
  /// In the program as it was emitted.
  var first: Int
  var count: Int32
  /// Index of the operation that it comes from, -1 for none.
  var operation: Int32 = -1
  var local = LocalUse()
  /// Whether a load waits for products that use its slot.
  var waitsForSlot = false
  /// Banks of the accumulator that a product adds to, or that a store takes sums from, as bits.
  var sumBanks: UInt64 = 0
  /// Cycles of its unit, and from there until whoever waits for it can start.
  var busy: Int32 = 0
  var behind: Int32 = 0
  /// What has to go before it.
  var after = StreamCounts()
  /// How many stores have to be in DRAM before it, so with a fence between.
  var afterStores: Int32 = 0
}

/// First in, first out.
struct ItemQueue {
  private var items: [StreamItem] = []
  private var head = 0

  var isEmpty: Bool { head == items.count }
  var count: Int { items.count - head }

  subscript(_ index: Int) -> StreamItem { items[head + index] }

  /// There is one.
  var first: StreamItem { items[head] }

  mutating func append(_ item: StreamItem) { items.append(item) }

  mutating func removeFirst() {
    head += 1
    if head > items.count / 2 && head > 256 || head == items.count {
      items.removeFirst(head)
      head = 0
    }
  }
}
