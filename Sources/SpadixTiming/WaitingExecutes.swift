/// A preload, a compute or a configuration of the array in the reservation station.
struct WaitingExecute {
  var operation: Operation
  var entry: Int
  /// When all that it waits for is complete.
  var ready: Int
  /// Places in the rings: of the result and the weights of a preload, of A and the bias of a compute; -1 for none.
  var first: Int
  var second: Int
}

/// What the station holds for the array, oldest first.
struct WaitingExecutes: ~Copyable {
  private let mask: Int
  private let held: UnsafeMutablePointer<WaitingExecute>
  private var first = 0
  private var count = 0

  init(capacity: Int) {
    var size = 1
    while size < capacity + 1 { size *= 2 }
    mask = size - 1
    held = .allocate(capacity: size)
  }

  deinit { held.deallocate() }

  var isEmpty: Bool { count == 0 }

  @inline(__always)
  mutating func append(_ it: WaitingExecute) {
    (held + ((first + count) & mask)).initialize(to: it)
    count += 1
  }

  @inline(__always)
  mutating func removeFirst() -> WaitingExecute {
    let it = held[first & mask]
    first += 1
    count -= 1
    return it
  }
}
