/// Steps decoded together, and the store configurations that they refer to.
///
/// The steps lie in memory of their own instead of an array: appending to an array asks each time whether its storage is
/// shared, which takes as long as decoding a step does.
struct DecodedChunk: ~Copyable {
  /// Small enough for the second-level cache.
  static let capacity = 2048

  private var steps: UnsafeMutablePointer<DecodedCommand>
  /// Steps that there is memory for. Hardware loops go beyond the capacity.
  private var allocated: Int
  private var count = 0
  private(set) var stores: [StoreConfiguration] = []

  init() {
    allocated = 2 * Self.capacity
    steps = .allocate(capacity: allocated)
    stores.reserveCapacity(64)
  }

  deinit { steps.deallocate() }

  /// The steps, valid until the chunk changes.
  var commands: UnsafeBufferPointer<DecodedCommand> { UnsafeBufferPointer(start: steps, count: count) }

  /// Configurations without moves take room as well.
  var hasRoom: Bool { count < Self.capacity && stores.count < 4 * Self.capacity }

  /// Index of the store configuration in force.
  var configuration: Int { stores.count - 1 }

  @inline(__always)
  mutating func append(_ step: DecodedCommand) {
    if _slowPath(count == allocated) { grow() }
    (steps + count).initialize(to: step)
    count += 1
  }

  mutating func append(_ store: StoreConfiguration) { stores.append(store) }

  /// Drops the step at `end` and all behind it.
  mutating func truncate(to end: Int) { count = min(count, end) }

  mutating func reset(_ store: StoreConfiguration) {
    count = 0
    stores.removeAll(keepingCapacity: true)
    stores.append(store)
  }

  @inline(never)
  private mutating func grow() {
    let larger = UnsafeMutablePointer<DecodedCommand>.allocate(capacity: 2 * allocated)
    larger.moveInitialize(from: steps, count: count)
    steps.deallocate()
    steps = larger
    allocated *= 2
  }
}
