/// A preload, a compute or a configuration of the array in the reservation station.
struct WaitingExecute {
  var operation: Operation
  var entry: Int
  /// When all that it waits for is complete.
  var ready: Int
  /// Places in the rings: of the result and the weights of a preload, of A and the bias of a compute; -1 for none.
  var first: Int
  var second: Int
  /// When it left the station, and when it stood before the controller.
  var issue = 0
  var visible = 0
}

/// What the station holds for the array, oldest first.
///
/// Places stay valid until as many commands have come as the station has entries: longer than any of them is in the array.
struct WaitingExecutes: ~Copyable {
  private let mask: Int
  private let held: UnsafeMutablePointer<WaitingExecute>
  private var first = 0
  private var count = 0

  init(capacity: Int) {
    var size = 4
    // One preload can have given back its entry and still wait for its compute.
    while size < capacity + 2 { size *= 2 }
    mask = size - 1
    held = .allocate(capacity: size)
  }

  deinit { held.deallocate() }

  var isEmpty: Bool { count == 0 }

  subscript(_ place: Int) -> UnsafeMutablePointer<WaitingExecute> {
    @inline(__always) get { held + place }
  }

  @inline(__always)
  mutating func append(_ it: WaitingExecute) {
    (held + ((first + count) & mask)).initialize(to: it)
    count += 1
  }

  /// The place of the oldest, which is no longer waiting.
  @inline(__always)
  mutating func removeFirst() -> Int {
    let place = first & mask
    first += 1
    count -= 1
    return place
  }
}
