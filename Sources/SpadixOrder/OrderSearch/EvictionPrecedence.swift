/// Which live tensors leave before others whenever room is needed: Belady's rule, as far as it holds in every order.
///
/// Say `a` and `b` could both leave now, every use of `a` to come is one of `b` or comes after one, `a` makes no less room and
/// leaves for no more bytes, and `b` is in DRAM or has one use left. A schedule in which `b` leaves and `a` stays is then no
/// better than the one in which they change places until the next use of `b`: from there on `b` is in its place in both, and
/// `a` is outside and paid for. So only sets in which `a` leaves too are looked at. Two of a size that have the same uses to
/// come may change roles altogether.
struct EvictionPrecedence<Positions: PositionSet> {
  /// What leaves before one tensor, as bits per live tensor of an ideal.
  private struct Row {
    /// Where both are stored, or neither is.
    var alike = Positions()
    /// Where only the other one is stored.
    var stored = Positions()
    /// Where only this one is stored.
    var unstored = Positions()
    var isUsedOnce = false
    /// Where neither is stored, whatever their uses: those that this one could change roles with.
    var twins = Positions()
  }

  private var rows: [Row] = []

  /// - Parameters:
  ///   - live: the live tensors of an ideal.
  ///   - ancestors: of every operator.
  ///   - hasRun: whether an operator is in the ideal.
  init(_ core: ScheduleCore, live: ArraySlice<Int32>, ancestors: [Bitset], hasRun: (Int) -> Bool) {
    let tensors = live.map { core.tensors[Int($0)] }
    let uses = tensors.map { $0.touches.filter { !hasRun($0) } }
    rows = [Row](repeating: Row(), count: tensors.count)
    func isLater(_ other: Int, than one: Int) -> Bool {
      uses[other].allSatisfy { use in uses[one].contains { $0 == use || ancestors[use].contains($0) } }
    }
    for one in tensors.indices {
      rows[one].isUsedOnce = uses[one].count == 1
      for other in tensors.indices where other != one && tensors[other].size >= tensors[one].size {
        let (less, more) = (tensors[one].bytes, tensors[other].bytes)
        // Nothing of this kind is possible: looking at uses takes the time.
        if more > 2 * less || !isLater(other, than: one) { continue }
        // Of two that are the same in all this the first one leaves first.
        let isFirst = other < one
        let isSame = tensors[other].size == tensors[one].size && isLater(one, than: other)
        if isSame, isFirst, more == less, uses[one] == uses[other] { rows[one].twins |= Positions(other) }
        if more < less || more == less && (isFirst || !isSame) { rows[one].alike |= Positions(other) }
        if more < 2 * less || more == 2 * less && isFirst { rows[one].stored |= Positions(other) }
        if 2 * more < less || 2 * more == less && isFirst { rows[one].unstored |= Positions(other) }
      }
    }
  }

  /// Those that leave before one, when these may leave and DRAM holds these.
  @inline(__always)
  func before(_ position: Int, evictable: Positions, clean: Positions) -> Positions {
    let row = rows[position]
    if clean.contains(position) { return evictable & (row.alike & clean | row.unstored & ~clean) }
    return evictable & (row.isUsedOnce ? row.stored & clean | row.alike & ~clean : row.twins & ~clean)
  }
}
