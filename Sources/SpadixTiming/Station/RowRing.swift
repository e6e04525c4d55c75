/// The last operations of one kind in the reservation station: the rows that they use, and when they are complete.
///
/// Dependences are what the hardware finds: an operation waits for every held one whose rows meet its own. Operations
/// that are complete stay in the ring until newer ones take their places; they are waited for no longer anyway.
struct RowRing: ~Copyable {
  /// When an operation is complete that the model has not come to yet.
  static let unknown = Int.max

  private struct Held {
    var rows: Operation.Rows
    var done: Int
  }

  private let capacity: Int
  private let held: UnsafeMutablePointer<Held>
  private var next = 0
  private var unknowns = 0
  /// The latest known completion of all.
  private var latestDone = 0
  /// All rows of the operations in places before `next`, and of those in all places when it last was 0.
  private var recent = Self.noRows
  private var earlier = Self.noRows
  private static let noRows = Operation.Rows(Int32.max, Int32.min)

  init(capacity: Int) {
    self.capacity = capacity
    held = .allocate(capacity: capacity)
    held.initialize(repeating: Held(rows: .none, done: 0), count: capacity)
  }

  deinit { held.deallocate() }

  /// Takes the place of the oldest one; returns the place.
  @inline(__always)
  mutating func push(_ rows: Operation.Rows) -> Int {
    let slot = next
    if held[slot].done == Self.unknown { unknowns -= 1 }
    held[slot] = Held(rows: rows, done: Self.unknown)
    unknowns += 1
    next = slot + 1
    if !rows.isEmpty {
      recent.start = min(recent.start, rows.start)
      recent.end = max(recent.end, rows.end)
    }
    if next == capacity {
      next = 0
      earlier = recent
      recent = Self.noRows
    }
    return slot
  }

  @inline(__always)
  mutating func complete(_ slot: Int, _ time: Int) {
    if held[slot].done == Self.unknown { unknowns -= 1 }
    held[slot].done = time
    latestDone = max(latestDone, time)
  }

  /// The latest completion among operations that use any of the rows, as far as it matters at `time`; `unknown` when one
  /// has none yet.
  @inline(__always)
  func latest(_ rows: Operation.Rows, at time: Int) -> Int {
    if unknowns == 0 && latestDone <= time || !meets(rows) { return 0 }
    return search(rows)
  }

  /// Whether any operation may use any of the rows.
  @inline(__always)
  private func meets(_ rows: Operation.Rows) -> Bool {
    if rows.isEmpty { return false }
    return rows.start < recent.end && rows.end > recent.start || rows.start < earlier.end && rows.end > earlier.start
  }

  private func search(_ rows: Operation.Rows) -> Int {
    var found = 0
    for slot in 0..<capacity {
      let it = held + slot
      if it.pointee.rows.start < rows.end && it.pointee.rows.end > rows.start { found = max(found, it.pointee.done) }
    }
    return found
  }

  /// The newest place without a completion that uses any of the rows, or nil.
  func newestUnknown(_ rows: Operation.Rows) -> Int? {
    var slot = next
    for _ in 0..<capacity {
      slot = slot == 0 ? capacity - 1 : slot - 1
      let it = held[slot]
      if it.done == Self.unknown && it.rows.start < rows.end && it.rows.end > rows.start { return slot }
    }
    return nil
  }
}
