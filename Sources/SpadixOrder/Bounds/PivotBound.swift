import SpadixMIP

/// A lower bound for large blocks that a few operators leave little room in: which operators run before each of these, the
/// pivots, is a choice.
///
/// A tensor is live beside a pivot when one of its touches runs before it and another one after it. Most pivots are a
/// chain, which cuts time into intervals: a tensor that is outside beside one of the chain is fetched before the next one, or
/// is still outside there and was not used in between. So one that many operators read, which wait for nothing else, pays in
/// every interval in which some of them run.
struct PivotBound {
  /// Nil when no order is left to choose, or the least room is enough for everything.
  let model: Model?

  /// Pivots that each other precedes or follows, and others, which may run when much is live.
  private static let mostInChain = 24
  private static let mostBeside = 8
  /// Tensors beside pivots, in all.
  private static let mostPlaces = 4_000
  /// Rows, since GLPK has to get through them: of more there are fewer pivots.
  private static let mostRows = 4_000

  init(_ core: ScheduleCore, capacity: Int) {
    let ancestors = core.ancestors()
    var model: Model?
    for (inChain, beside) in [(Self.mostInChain, Self.mostBeside), (Self.mostInChain, 0), (Self.mostInChain / 2, 0)] {
      let (chain, others) = Self.pivots(core, capacity, ancestors, inChain, beside)
      if chain.isEmpty { break }
      model = Self.model(core, capacity, ancestors, chain, others)
      if model != nil { break }
    }
    self.model = model
  }

  private static func model(
    _ core: ScheduleCore, _ capacity: Int, _ ancestors: [Bitset], _ chain: [Int], _ others: [Int]
  ) -> Model? {
    var builder = Builder(core, ancestors, chain, others)
    if !(1...mostRows ~= builder.orderCount) { return nil }
    builder.orderIsConsistent()
    for number in builder.pivots.indices { builder.fits(number, capacity: capacity) }
    builder.payForDrops()
    return builder.model.rows.count <= mostRows ? builder.model : nil
  }

  /// The heaviest chain of operators, and others, by what does not fit beside them. Of a chain that is what is live when as
  /// much or as little as possible has run, whichever is less, and of others whichever is more.
  private static func pivots(
    _ core: ScheduleCore, _ capacity: Int, _ ancestors: [Bitset], _ mostInChain: Int, _ mostBeside: Int
  ) -> (chain: [Int], others: [Int]) {
    let cuts = WavefrontBound(core, ancestors)
    let limits = core.operators.indices.map { cuts.simpleLimits($0) }
    let excess = limits.indices.map { max(0, core.footprints[$0] + min(limits[$0].early, limits[$0].late) - capacity) }
    var weight = excess
    var previous = [Int](repeating: -1, count: core.count)
    for op in core.operators.indices {
      ancestors[op].forEach { other in
        if weight[other] + excess[op] > weight[op] { (weight[op], previous[op]) = (weight[other] + excess[op], other) }
      }
    }
    guard var op = weight.indices.max(by: { (weight[$0], $1) < (weight[$1], $0) }) else { return ([], []) }
    var chain: [Int] = []
    while op >= 0 {
      if excess[op] > 0 { chain.append(op) }
      op = previous[op]
    }
    var places = 0
    func heaviest(_ operators: [Int], _ most: Int, _ weight: (Int) -> Int) -> [Int] {
      let descending = operators.sorted { (weight($0), $1) > (weight($1), $0) }
      return descending.prefix(most).filter { op in
        places += core.tensors.count { core.mayBeLive($0, beside: op, ancestors) }
        return places <= mostPlaces
      }.sorted()
    }
    let kept = heaviest(chain, mostInChain) { excess[$0] }
    func most(_ op: Int) -> Int { core.footprints[op] + max(limits[op].early, limits[op].late) - capacity }
    let others = core.operators.indices.filter { most($0) > 0 && !chain.contains($0) }
    return (kept, heaviest(others, mostBeside, most))
  }

  private struct Builder {
    let core: ScheduleCore
    let ancestors: [Bitset]
    /// Those of the chain first.
    let pivots: [Int]
    private let chainCount: Int
    private var numberOfPivot: [Int: Int] = [:]
    var model = Model(name: "order around pivots")
    /// For each pivot the columns that say which operators run before it.
    private var before: [[Int: Model.ColumnID]] = []
    /// For each tensor and pivot whether it is live but outside there.
    private var drops: [[Model.ColumnID?]]

    init(_ core: ScheduleCore, _ ancestors: [Bitset], _ chain: [Int], _ others: [Int]) {
      self.core = core
      self.ancestors = ancestors
      pivots = chain + others
      chainCount = chain.count
      drops = core.tensors.map { _ in [Model.ColumnID?](repeating: nil, count: chain.count + others.count) }
      for (number, pivot) in pivots.enumerated() {
        var columns: [Int: Model.ColumnID] = [:]
        for op in core.operators.indices where op != pivot && numberOfPivot[op] == nil {
          if ancestors[op].contains(pivot) || ancestors[pivot].contains(op) { continue }
          columns[op] = model.addColumn("op\(op)_before_op\(pivot)", .binary)
        }
        before.append(columns)
        numberOfPivot[pivot] = number
      }
    }

    /// Pairs of an operator and a pivot whose order is a choice.
    var orderCount: Int { before.reduce(0) { $0 + $1.count } }

    /// 1 when an operator runs before a pivot.
    private func isBefore(_ op: Int, _ number: Int) -> LinearExpression {
      let pivot = pivots[number]
      if ancestors[pivot].contains(op) { return .constant(1) }
      if let column = before[number][op] { return .column(column) }
      if op != pivot, let other = numberOfPivot[op], let column = before[other][pivot] {
        return .constant(1) - .column(column)
      }
      return .constant(0)
    }

    /// 1 when an operator runs between a pivot of the chain and the next one; before the first one, or after the last one.
    private func isIn(_ interval: Int, _ op: Int) -> LinearExpression {
      let upper = interval + 1 < chainCount ? isBefore(op, interval + 1) : .constant(1)
      return interval < 0 ? upper : upper - isBefore(op, interval)
    }

    mutating func orderIsConsistent() {
      for (number, pivot) in pivots.enumerated() {
        for op in core.operators.indices {
          for predecessor in core.operators[op].predecessors {
            model.require(
              "before_op\(pivot)", isBefore(predecessor, number) - isBefore(op, number), atLeast: 0)
          }
        }
        for other in pivots.indices where other != number {
          // Along the chain it is enough to go from one to the next.
          if other < chainCount, number < chainCount, other != number + 1 { continue }
          let order = isBefore(pivot, other)
          if order.most == 0 { continue }
          for op in core.operators.indices where op != pivots[other] {
            let sum = isBefore(op, other) - isBefore(op, number) - order
            model.require("order_\(op)_\(pivot)_\(pivots[other])", sum, atLeast: -1)
          }
        }
      }
    }

    /// What is live beside a pivot fits there, or is outside.
    mutating func fits(_ number: Int, capacity: Int) {
      let pivot = pivots[number]
      var room = LinearExpression(constant: capacity - core.footprints[pivot])
      for (index, tensor) in core.tensors.enumerated()
      where core.mayBeLive(tensor, beside: pivot, ancestors) {
        let live = liveness(of: tensor, number)
        if live.isEmpty { continue }
        let drop = model.addColumn("drop_\(tensor.original)_op\(pivot)", .binary)
        drops[index][number] = drop
        if live.contains(where: { $0.least == 1 }) {
          room = room - tensor.size * (.constant(1) - .column(drop))
        } else {
          let kept = model.addColumn("keep_\(tensor.original)_op\(pivot)", .continuous, upper: 1)
          for expression in live {
            model.require("live_\(tensor.original)_op\(pivot)", .column(kept) + .column(drop) - expression, atLeast: 0)
          }
          room = room - tensor.size * .column(kept)
        }
      }
      model.require("op\(pivot)", room, atLeast: 0)
    }

    /// Expressions of at most 1, of which one is 1 when a tensor is live beside a pivot.
    private mutating func liveness(of tensor: ScheduleCore.Tensor, _ number: Int) -> [LinearExpression] {
      let touches = tensor.touches.map { isBefore($0, number) }
      if let producer = tensor.producer {
        let made = isBefore(producer, number)
        return zip(tensor.touches, touches).filter { $0.0 != producer && (made - $0.1).most > 0 }.map { made - $0.1 }
      }
      // A touch that surely follows says the most of those that may precede, and the other way round.
      if touches.contains(where: { $0.most == 0 }) { return touches.filter { $0.most > 0 } }
      let after = touches.filter { $0.least == 0 }.map { .constant(1) - $0 }
      if touches.contains(where: { $0.least == 1 }) { return after }
      let begun = model.addColumn("begun_\(tensor.original)_op\(pivots[number])", .continuous, upper: 1)
      for touch in touches { model.require("begun_\(tensor.original)", .column(begun) - touch, atLeast: 0) }
      return after.map { $0 + .column(begun) - .constant(1) }
    }

    /// A store of what is outside anywhere, and fetches in the intervals of the chain.
    mutating func payForDrops() {
      for (index, tensor) in core.tensors.enumerated() {
        let dropped = drops[index].compactMap { $0 }
        if dropped.isEmpty { continue }
        if !tensor.isClean {
          let spill = model.addColumn("spill_\(tensor.original)", .continuous, upper: 1, cost: tensor.bytes)
          for drop in dropped {
            model.require("spilled_\(tensor.original)", .column(spill) - .column(drop), atLeast: 0)
          }
        }
        for interval in -1..<chainCount { payForFetch(index, in: interval) }
      }
    }

    /// A fetch where a tensor was outside in an interval, or before it, and was used, or is not outside at the next pivot.
    private mutating func payForFetch(_ index: Int, in interval: Int) {
      let tensor = core.tensors[index]
      var still = LinearExpression()
      if interval + 1 < chainCount, let drop = drops[index][interval + 1] { still = .column(drop) }
      var outside: [(LinearExpression, used: LinearExpression)] = []
      if interval >= 0, let drop = drops[index][interval] {
        outside.append((.column(drop), used: .constant(0)))
        if !still.terms.isEmpty {
          for touch in tensor.touches {
            let used = isIn(interval, touch)
            if used.most > 0 { outside.append((.column(drop), used: used)) }
          }
        }
      }
      for number in chainCount..<pivots.count {
        guard let drop = drops[index][number] else { continue }
        let lies = isIn(interval, pivots[number])
        if lies.most > 0 { outside.append((.column(drop) + lies - .constant(1), used: .constant(0))) }
      }
      if outside.isEmpty { return }
      let fetch = model.addColumn("fetch_\(tensor.original)_\(interval + 1)", .continuous, upper: 1, cost: tensor.bytes)
      for (drop, used) in outside {
        // Where it was used it may be outside again.
        let rest = used.most > 0 ? .constant(1) - used : still
        model.require("fetched_\(tensor.original)", .column(fetch) + rest - drop, atLeast: 0)
      }
    }
  }
}
