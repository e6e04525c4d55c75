/// Counts the moves between ideals, in a twentieth of what it takes to bound them: most blocks have far too many.
enum IdealCount {
  /// How many moves there are, of an ideal by an operator that is ready; nil when there are more than the limit.
  ///
  /// - Parameters:
  ///   - keys: a number for each operator. Ideals of the same sum count as one.
  ///   - effort: elementary steps, of about a nanosecond each.
  static func moves(_ core: ScheduleCore, keys: [UInt64], limit: Int, effort: inout Int) -> Int? {
    let words = (core.count + 63) / 64
    var layer = Layer(words: words)
    layer.executed = [UInt64](repeating: 0, count: words)
    layer.keys = [0]
    layer.ready = core.operators.indices.filter { core.operators[$0].predecessors.isEmpty }.map(Int32.init)
    layer.readyStart = [0, layer.ready.count]
    var moves = 0
    for _ in 0..<core.count {
      moves += layer.ready.count
      if moves > limit { return nil }
      var next = Layer(words: words)
      var seen = Set<UInt64>(minimumCapacity: layer.keys.count)
      for ideal in layer.keys.indices {
        let ready = layer.readyStart[ideal]..<layer.readyStart[ideal + 1]
        for number in ready {
          let op = Int(layer.ready[number])
          let key = layer.keys[ideal] &+ keys[op]
          effort += 40
          if !seen.insert(key).inserted { continue }
          effort += 100 + words
          next.add(op, key, after: ideal, of: layer, core)
          if moves + next.ready.count > limit { return nil }
        }
      }
      layer = next
    }
    return moves
  }

  /// The ideals of a number of operators.
  private struct Layer {
    let words: Int
    var keys: [UInt64] = []
    /// Bit per operator, `words` for each ideal.
    var executed: [UInt64] = []
    /// Operators that can run next, of one ideal after the other.
    var ready: [Int32] = []
    var readyStart = [0]

    init(words: Int) { self.words = words }

    mutating func add(_ op: Int, _ key: UInt64, after ideal: Int, of before: Layer, _ core: ScheduleCore) {
      keys.append(key)
      let start = executed.count
      executed.append(contentsOf: before.executed[ideal * words..<(ideal + 1) * words])
      executed[start + op >> 6] |= 1 << UInt64(op & 63)
      for number in before.readyStart[ideal]..<before.readyStart[ideal + 1] where before.ready[number] != Int32(op) {
        ready.append(before.ready[number])
      }
      for successor in core.operators[op].successors {
        let isReady = core.operators[successor].predecessors.allSatisfy {
          executed[start + $0 >> 6] >> UInt64($0 & 63) & 1 != 0
        }
        if isReady { ready.append(Int32(successor)) }
      }
      readyStart.append(ready.count)
    }
  }
}
