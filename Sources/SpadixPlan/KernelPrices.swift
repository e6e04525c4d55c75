/// What a row of the scratchpad is worth during each step, and the lower bound that follows from it.
///
/// Without the capacity, every tensor could stay from its first touch to its last, and each operator would move the least
/// that any of its variants does. A tensor that does not stay between two touches costs more: a fetch or a streaming
/// operand at the second one, and a store at the first one if it was made there. So the bytes of any plan are at least the
/// operators' least plus these costs for all gaps that are not kept. The most that can be saved on them by keeping some,
/// with the rows that each step has, is a packing problem whose relaxation has prices per row and step: for any prices,
///
///     savings <= sum over steps of price * rows free + sum over gaps of max(0, cost - rows * prices during the gap)
///
/// A few hundred rounds of a subgradient method find prices for which that is small. They also tell the dynamic program
/// which residents are worth their rows.
struct KernelPrices {
  /// A tensor between two consecutive touches; it takes rows from the first step up to before the last.
  struct Gap {
    var first: Int
    var last: Int
    var rows: Int
    /// Bytes that any plan moves more when the tensor does not stay.
    var cost: Int
    /// Positions of the tensor among those that the first and the last step touch.
    var firstPosition: Int
    var lastPosition: Int
    /// Whether some variant of the first step leaves the tensor in the scratchpad.
    var canStay: Bool
  }

  /// No plan moves fewer bytes.
  let bound: Int
  private let steps: KernelSteps
  /// Bytes that the operators move at least, and by step and touched tensor what not having it there costs.
  private let costs: KernelCosts
  /// Sums of the prices of the steps before each, in `KernelRelaxation.unit` parts of a byte.
  private let sums: [Int]

  init(_ steps: KernelSteps) {
    self.steps = steps
    costs = KernelCosts(steps)
    let relaxation = KernelRelaxation(free: costs.freeRows, gaps: costs.gaps)
    var sums = [0]
    for price in relaxation.prices { sums.append(sums[sums.count - 1] + price) }
    self.sums = sums
    bound = costs.least + max(0, costs.gaps.reduce(0) { $0 + $1.cost } - relaxation.savings)
  }

  /// The bytes that a tensor has to save to be worth its rows during a gap.
  func rent(of gap: Gap) -> Double {
    Double(gap.rows) * Double(sums[gap.last] - sums[gap.first]) / Double(KernelRelaxation.unit)
  }

  /// The tensors to keep by these prices.
  func residents() -> KernelResidents { KernelResidents(steps, costs, prices: self) }

  /// The most promising states after a step, best first: those of the least bytes so far, with what their residents will
  /// save and with what the rows that these take until then are worth.
  ///
  /// Residents stay until their next touch, so that states which hold too much lead nowhere: of those that leave the next
  /// steps too little room only a few with the fewest rows go on, to have a way on in any case.
  func best(_ count: Int, of states: KernelStates, after step: Int) -> KernelStates {
    var known: [Int: (worth: Int, rows: Int)] = [:]
    func value(of tensor: Int) -> (worth: Int, rows: Int) {
      if let value = known[tensor] { return value }
      let next = costs.touch(of: tensor, after: step)
      let rent = next.rows * (sums[next.step] - sums[step + 1])
      let value = (next.cost * KernelRelaxation.unit - rent, next.rows)
      known[tensor] = value
      return value
    }
    let room = steps.capacity - costs.rowsNeeded(after: step)
    var ranked: [(state: Int, score: Int, rows: Int)] = []
    for state in 0..<states.count {
      var score = states.traffic[state] * KernelRelaxation.unit
      var rows = 0
      for entry in states.residents(of: state) {
        let value = value(of: Int(entry >> 2))
        score -= value.worth
        rows += value.rows
      }
      ranked.append((state, score, rows))
    }
    let fitting = ranked.filter { $0.rows <= room }.sorted {
      ($0.score, states.cycles[$0.state], $0.state) < ($1.score, states.cycles[$1.state], $1.state)
    }
    let smallest = ranked.sorted { ($0.rows, $0.score, $0.state) < ($1.rows, $1.score, $1.state) }
    let reserve = max(1, count / 16)
    var chosen = fitting.prefix(count - reserve).map(\.state)
    let taken = Set(chosen)
    chosen += smallest.lazy.map(\.state).filter { !taken.contains($0) }.prefix(count - chosen.count)
    return states.keeping(chosen)
  }
}

/// What each operator moves at least, and what it costs at least that a tensor is not in the scratchpad.
struct KernelCosts {
  struct Touch {
    var step: Int
    var position: Int
    var rows: Int
    /// Bytes that are moved for the tensor when it comes from DRAM, or when its result goes there.
    var cost: Int
  }

  private(set) var least = 0
  /// By step, rows that its smallest variant leaves.
  private(set) var freeRows: [Int] = []
  private(set) var gaps: [KernelPrices.Gap] = []
  /// By tensor.
  private var touches: [[Touch]]
  /// By step, the rows that its smallest variant needs for the least convenient places of its operands.
  private(set) var mostRows: [Int] = []

  init(_ steps: KernelSteps) {
    touches = Array(repeating: [], count: steps.tensorCount)
    // By tensor, what is saved at the touch that the next gap begins with.
    var saved = [Int](repeating: 0, count: steps.tensorCount)
    for (index, step) in steps.steps.enumerated() {
      let isFirst = step.touched.map { touches[$0.tensor].isEmpty }
      let (bytes, ofTouch) = Self.costs(step, isFirst, capacity: steps.capacity)
      least += bytes
      freeRows.append(steps.capacity - (step.groups.flatMap(\.variants).map(\.rows).min() ?? 0))
      mostRows.append(step.groups.compactMap(\.variants.last?.rows).max() ?? 0)
      for (position, item) in step.touched.enumerated() {
        let cost = ofTouch[position]
        if let before = touches[item.tensor].last {
          let first = steps.steps[before.step]
          gaps.append(
            KernelPrices.Gap(
              first: before.step, last: index, rows: item.rows, cost: saved[item.tensor] + cost,
              firstPosition: before.position, lastPosition: position,
              canStay: first.groups.contains { $0.isResident[before.position] }))
        }
        saved[item.tensor] = item.isProduction ? cost : 0
        touches[item.tensor].append(Touch(step: index, position: position, rows: item.rows, cost: cost))
      }
    }
  }

  /// Rows that the next few steps need beside the residents.
  func rowsNeeded(after step: Int) -> Int {
    mostRows[min(step + 1, mostRows.count)..<min(step + 9, mostRows.count)].max() ?? 0
  }

  /// The next touch of a tensor that has one.
  func touch(of tensor: Int, after step: Int) -> Touch {
    let list = touches[tensor]
    var (low, high) = (0, list.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if list[middle].step <= step { low = middle + 1 } else { high = middle }
    }
    return list[low]
  }

  /// The least bytes of a step; and of each touched tensor a part of the bytes beyond that: whichever of them are
  /// streamed or fetched, the step moves at least the sum of their parts more.
  private static func costs(_ step: KernelSteps.Step, _ isFirst: [Bool], capacity: Int) -> (Int, [Int]) {
    var totals: [(bytes: Int, streamed: [Int])] = []
    for group in step.groups {
      var rows = 0
      var bytes = 0
      var streamed: [Int] = []
      for (position, item) in step.touched.enumerated() {
        if group.isResident[position] {
          rows += item.rows
          // Outputs are stored and inputs fetched once in any plan.
          if item.isProduction ? item.isOutput : isFirst[position] { bytes += item.bytes }
        } else if item.isProduction ? item.hasNext && !item.isOutput : !isFirst[position] {
          streamed.append(position)
        }
      }
      guard let variant = group.variants.first(where: { $0.rows <= capacity - rows }) else { continue }
      totals.append((bytes + variant.traffic, streamed))
    }
    let least = totals.map(\.bytes).min() ?? 0
    // A tensor that is there but not kept is fetched or stored as a whole.
    var costs = step.touched.enumerated().map { position, item in
      item.isProduction ? (item.isOutput ? 0 : item.bytes) : isFirst[position] ? 0 : item.bytes
    }
    for (bytes, streamed) in totals {
      for position in streamed { costs[position] = min(costs[position], (bytes - least) / streamed.count) }
    }
    return (least, costs)
  }
}

/// Prices of scratchpad rows by a subgradient method, and the savings that they prove to be the most.
struct KernelRelaxation {
  /// Parts of a byte that prices are counted in.
  static let unit = 256
  private static let rounds = 400

  /// By step, in parts of a byte for each row.
  private(set) var prices: [Int]
  /// No choice of gaps that fits saves more bytes.
  private(set) var savings: Int

  init(free: [Int], gaps: [KernelPrices.Gap]) {
    prices = [Int](repeating: 0, count: free.count)
    savings = Self.savings(prices, free, gaps)
    var current = [Double](repeating: 0, count: free.count)
    var best = current
    var bestValue = Double.infinity
    // How far below the best value the next one is hoped to be.
    var hope = 0.3
    var failures = 0
    var use = [Int](repeating: 0, count: free.count + 1)
    var sums = [Double](repeating: 0, count: free.count + 1)
    // Half of the direction of the round before is kept: prices swing less.
    var direction = [Double](repeating: 0, count: free.count)
    for _ in 0..<Self.rounds {
      var value = 0.0
      for step in free.indices {
        sums[step + 1] = sums[step] + current[step]
        value += current[step] * Double(free[step])
        use[step] = 0
      }
      for gap in gaps {
        let reduced = Double(gap.cost) - Double(gap.rows) * (sums[gap.last] - sums[gap.first])
        guard reduced > 0 else { continue }
        value += reduced
        use[gap.first] += gap.rows
        use[gap.last] -= gap.rows
      }
      if value < bestValue {
        if value > bestValue * 0.999 { failures += 1 } else { failures = 0 }
        bestValue = value
        best = current
      } else {
        failures += 1
      }
      if failures >= 20 {
        failures = 0
        hope /= 2
        current = best
        for step in free.indices { direction[step] = 0 }
        if hope < 1e-4 { break }
        continue
      }
      var norm = 0.0
      var inUse = 0
      for step in free.indices {
        inUse += use[step]
        let slack = Double(free[step] - inUse)
        direction[step] = (slack > 0 && current[step] <= 0 ? 0 : slack) + 0.5 * direction[step]
        norm += direction[step] * direction[step]
      }
      if norm == 0 { break }
      let length = (value - bestValue * (1 - hope)) / norm
      for step in free.indices { current[step] = max(0, current[step] - length * direction[step]) }
    }
    let rounded = best.map { Int((min($0, 1e6) * Double(Self.unit)).rounded()) }
    let value = Self.savings(rounded, free, gaps)
    if value < savings {
      savings = value
      prices = rounded
    }
  }

  /// The bound of the savings for these prices, in integers.
  private static func savings(_ prices: [Int], _ free: [Int], _ gaps: [KernelPrices.Gap]) -> Int {
    var sums: [Int128] = [0]
    var total: Int128 = 0
    for (price, rows) in zip(prices, free) {
      sums.append(sums[sums.count - 1] + Int128(price))
      total += Int128(price) * Int128(rows)
    }
    for gap in gaps {
      total += max(0, Int128(gap.cost) * Int128(unit) - Int128(gap.rows) * (sums[gap.last] - sums[gap.first]))
    }
    return Int(clamping: (total + Int128(unit - 1)) / Int128(unit))
  }
}
