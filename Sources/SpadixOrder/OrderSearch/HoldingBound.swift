/// What it costs at least to evict tensors that are in the scratchpad long before they are needed again.
///
/// When all remaining touches of a tensor come after some operator that has not run, then it stays while that operator
/// runs or is evicted. This comes on top of what the remaining operators cost by themselves: a bound on those lets
/// every tensor in for free the first time.
struct HoldingBound {
  /// An operator to come, and the live tensors that would have to stay beside it.
  struct Obstacle<Positions: PositionSet> {
    /// Bit per live tensor.
    var staying: Positions
    /// Capacity less what the operator itself needs.
    var room: Int
  }

  private let core: ScheduleCore
  private let capacity: Int
  /// Operators with the largest footprints first.
  private let largestFirst: [Int]
  private let ancestors: [Bitset]
  /// No tensor has more bytes for its size.
  private let bytesOfSize: Int

  /// Obstacles looked for in an ideal, and operators looked at.
  private static let obstacleLimit = 2
  private static let attemptLimit = 6

  init(_ core: ScheduleCore, capacity: Int) {
    self.core = core
    self.capacity = capacity
    largestFirst = core.operators.indices.sorted { (core.footprints[$0], $1) > (core.footprints[$1], $0) }
    ancestors = core.ancestors()
    bytesOfSize = core.tensors.reduce(0) { max($0, $1.size > 0 ? ($1.bytes + $1.size - 1) / $1.size : $1.bytes) }
  }

  /// The largest operators to come that some live tensors would have to wait for.
  ///
  /// - Parameter start: how many of the largest operators are known to have run; updated.
  func obstacles<Positions>(
    live: ArraySlice<Int32>, start: inout Int, hasRun: (Int) -> Bool
  ) -> [Obstacle<Positions>] {
    while start < largestFirst.count, hasRun(largestFirst[start]) { start += 1 }
    var result: [Obstacle<Positions>] = []
    var attempts = 0
    for op in largestFirst[start...] where !hasRun(op) {
      attempts += 1
      if attempts > Self.attemptLimit || result.count == Self.obstacleLimit { break }
      var staying = Positions()
      for (position, tensor) in live.enumerated() {
        let waits = core.tensors[Int(tensor)].touches.allSatisfy { hasRun($0) || ancestors[$0].contains(op) }
        if waits, position < Positions.capacity { staying |= Positions(position) }
      }
      let isNew = !result.contains { (staying & ~$0.staying).isEmpty }
      if !staying.isEmpty, isNew { result.append(Obstacle(staying: staying, room: capacity - core.footprints[op])) }
    }
    return result
  }

  /// By how much resident tensors, of which some are clean, are too large for an obstacle, and what evicting enough of
  /// them costs at least.
  func shortage<Positions>(
    _ obstacle: Obstacle<Positions>, resident: Positions, clean: Positions, live: ArraySlice<Int32>
  ) -> (size: Int, cost: Int) {
    var dirtySize = 0
    var size = 0
    var all = 0
    (resident & obstacle.staying).forEach { position in
      let tensor = core.tensors[Int(live[live.startIndex + position])]
      // What takes no room may stay in any case.
      if tensor.size == 0 { return }
      size += tensor.size
      if clean.contains(position) {
        all += tensor.bytes
      } else {
        all += 2 * tensor.bytes
        dirtySize += tensor.size
      }
    }
    if size <= obstacle.room { return (0, 0) }
    // What stays is worth the most where it is not clean.
    let stayingDirty = min(obstacle.room, dirtySize)
    return (size - obstacle.room, max(0, all - bytesOfSize * (obstacle.room + stayingDirty)))
  }
}
