/// One ready operator of an ideal, with what running it changes.
struct OrderMove<Positions: PositionSet> {
  var op: Int
  var target: Int
  /// Positions in the ideal's live list of the operands that are live already.
  var touched = Positions()
  /// Size of the operands that are not, and of private tensors.
  var freshSize: Int
  /// Live positions that stay live, and how far up they move, together where that is as far.
  var shifts: [(positions: Positions, distance: Int)] = []
  /// Target positions of the operands that stay live.
  var staying = Positions()
  /// Of those, the new ones that DRAM holds anyway.
  var freshClean = Positions()
  var freshStayingSize = 0
  var freshStayingBytes = 0
  var freshStayingIsClean = true
  /// Positions that die.
  var dying = Positions()
  /// Ways to complete from there, of `completion`.
  var tails = 0..<0
  /// What these cost at least.
  var tailCost = 0
  /// The target among the ideals of `prices`.
  var pricedTarget: Int?

  init(of op: Int, in core: ScheduleCore, target: Int) {
    self.op = op
    self.target = target
    freshSize = core.operators[op].privateSize
  }

  /// Finds where what is live before is behind the operator.
  ///
  /// - Parameters:
  ///   - live: tensors that are live before, ascending.
  ///   - targetLive: those that are live behind it, ascending.
  mutating func place(_ live: ArraySlice<Int32>, _ targetLive: ArraySlice<Int32>, in core: ScheduleCore) {
    var at = targetLive.startIndex
    for (position, tensor) in live.enumerated() {
      // Both lists ascend.
      while at < targetLive.endIndex, targetLive[at] < tensor { at += 1 }
      let stays = at < targetLive.endIndex && targetLive[at] == tensor
      let bit = Positions(position)
      if !stays {
        dying |= bit
        continue
      }
      let distance = at - targetLive.startIndex - position
      if shifts.last?.distance == distance {
        shifts[shifts.count - 1].positions |= bit
      } else {
        shifts.append((bit, distance))
      }
    }
    for operand in core.operators[op].operands {
      let tensor = core.tensors[operand]
      let targetPosition = targetLive.firstIndex(of: Int32(operand)).map { $0 - targetLive.startIndex }
      if let targetPosition { staying |= Positions(targetPosition) }
      if let position = live.firstIndex(of: Int32(operand)) {
        touched |= Positions(position - live.startIndex)
      } else {
        freshSize += tensor.size
        guard let targetPosition else { continue }
        freshStayingSize += tensor.size
        freshStayingBytes += tensor.bytes
        if tensor.isClean {
          freshClean |= Positions(targetPosition)
        } else {
          freshStayingIsClean = false
        }
      }
    }
  }

  /// A set of live positions as one of the target's.
  @inline(__always)
  func shifted(_ set: Positions) -> Positions {
    var result = Positions()
    for (positions, distance) in shifts {
      result |= (set & positions).shifted(by: distance)
    }
    return result
  }
}
