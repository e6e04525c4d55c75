/// Steps decoded together, and the store configurations that they refer to.
///
/// The steps lie in memory of their own instead of an array: appending to an array asks each time whether its storage is
/// shared, which takes as long as decoding a step does.
struct DecodedChunk: ~Copyable {
  /// Small enough for the second-level cache.
  static let capacity = 2048

  /// What happens with a full chunk in the middle of a hardware loop, which can be millions of steps.
  typealias Consumer = (inout DecodedChunk) throws(Finding) -> Void

  private let steps: UnsafeMutablePointer<DecodedCommand>
  private var count = 0
  private(set) var stores: [StoreConfiguration] = []
  private let consumer: Consumer

  /// - Parameter consumer: takes the steps of a chunk that a hardware loop has filled, before more of them come. It may
  ///   end the loop by throwing.
  init(consumer: @escaping Consumer) {
    self.consumer = consumer
    steps = .allocate(capacity: Self.allocated)
    stores.reserveCapacity(64)
  }

  /// One step of a loop, or one command, is a few steps at most.
  private static let allocated = capacity + 64

  deinit { steps.deallocate() }

  /// The steps, valid until the chunk changes.
  var commands: UnsafeBufferPointer<DecodedCommand> { UnsafeBufferPointer(start: steps, count: count) }

  /// Configurations without moves take room as well.
  var hasRoom: Bool { count < Self.capacity && stores.count < 4 * Self.capacity }

  /// Index of the store configuration in force.
  var configuration: Int { stores.count - 1 }

  /// Has the steps taken if they fill the chunk. `store` is the configuration in force.
  @inline(__always)
  mutating func makeRoom(_ store: @autoclosure () -> StoreConfiguration) throws(Finding) {
    if _fastPath(hasRoom) { return }
    try consumer(&self)
    reset(store())
  }

  @inline(__always)
  mutating func append(_ step: DecodedCommand) {
    precondition(count < Self.allocated, "a loop asks for room before each of its steps")
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
}
