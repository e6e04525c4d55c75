import SpadixMIP
import SpadixSupport

/// Searches the orders of a core for one of least traffic, layer by layer: after layer k all labels have run k
/// operators.
///
/// An eviction is charged in full when it happens, its store where DRAM does not hold the tensor and its fetch, so of
/// two labels the one with less in the scratchpad is never worse. Labels whose cost and suffix bound reach the cutoff
/// are dropped. When no layer had to be narrowed, the search proves that nothing is below the cutoff but what it found.
struct OrderSearch {
  struct Switches: Sendable {
    /// Run an operator at once when that cannot hurt.
    var safeMoves = true
    /// Drop a label that another of the same executed set makes superfluous.
    var dominance = true
    /// Of parts that can change places, begin with the first.
    var exchanges = true
    /// Of two tensors of which one is surely needed later, evict that one first.
    var evictionPrecedence = true

    init() {}
  }

  struct Outcome {
    /// The best order below the cutoff, nil when none was found.
    var order: [Int]?
    var cost: Int
    /// Whether every layer was searched in full.
    var isComplete: Bool
    /// Whether more tensors were live than a label has places for; then a larger width does not help.
    var hasTooManyLive = false
    /// Whether the labels of a layer would have taken more memory than allowed.
    var isTooLarge = false
    var labels: Int
    /// Elementary steps, of about a nanosecond each.
    var effort = 0
    /// Whether a limit or a cancellation ended the search.
    var isStopped = false
    /// The least by which the capacity was exceeded where something would have had to be evicted, then or later.
    var smallestExcess = Int.max
  }

  let core: ScheduleCore
  let capacity: Int
  var switches = Switches()
  var cancellation: Cancellation?
  /// Bounds for what is still to come; zero everywhere at first.
  var suffix: SuffixBound
  /// The same for every set of operators and bytes, where that is known.
  var completion: IdealBound?
  /// Prices of tensors that are outside beside operators to come, where there are few sets.
  var prices: LagrangianBound?
  private let holding: HoldingBound?
  private let exchanges: Exchanges
  private let ancestors: [Bitset]

  /// Labels and ideals that may be in memory at once, in bytes; arrays that grow take up to half as much again.
  static let mostMemory = 600_000_000

  /// A narrow search looks at so many sets of evictions for one move where there are more than so many candidates: the
  /// ones that cost least for their size first.
  private static let largestNarrowChoice = 12
  private static let narrowSetLimit = 16
  private static let leastWideWidth = 4096

  /// A number for each operator; the sum of those that have run tells ideals apart.
  let keys: [UInt64]

  init(_ core: ScheduleCore, capacity: Int) {
    self.core = core
    self.capacity = capacity
    suffix = SuffixBound(order: Array(0..<core.count))
    holding = HoldingBound(core, capacity: capacity)
    exchanges = Exchanges(core)
    ancestors = core.ancestors()
    keys = Self.keys(core)
  }

  static func keys(_ core: ScheduleCore) -> [UInt64] {
    var random = SplitMix64(seed: 0x5BD1_E995)
    return core.operators.map { _ in random.next() }
  }

  /// Searches with at most `width` labels in a layer, and at most so many labels and elementary steps in all.
  func run(width: Int, cutoff: Int, labelLimit: Int = Int.max, effortLimit: Int = Int.max) -> Outcome {
    let few = run(UInt128.self, width, cutoff, labelLimit, effortLimit)
    if !few.hasTooManyLive { return few }
    var many = run(WidePositionSet.self, width, cutoff, labelLimit, effortLimit)
    many.labels += few.labels
    many.effort += few.effort
    return many
  }

  private func run<Positions: PositionSet>(
    _: Positions.Type, _ width: Int, _ cutoff: Int, _ labelLimit: Int, _ effortLimit: Int
  ) -> Outcome {
    var pass = Pass(
      cutoff: cutoff, labelLimit: labelLimit, effortLimit: effortLimit, isNarrow: width < Self.leastWideWidth,
      outcome: Outcome(order: nil, cost: cutoff, isComplete: true, labels: 0))
    var layer = OrderLayer<Positions>(words: ceilDivide(core.count, 64))
    layer.addRoot(core)
    var history: [(parents: [Int32], ops: [UInt16])] = []
    var memoryOfHistory = 0
    for count in 0..<core.count {
      var next = OrderLayer<Positions>(words: layer.words, width: width)
      pass.memoryOfEarlier = memoryOfHistory + layer.memory
      for ideal in layer.ideals.indices where layer.firstLabel[ideal] >= 0 {
        expand(layer, ideal, count, into: &next, &pass)
        if pass.outcome.isStopped { return pass.outcome }
      }
      if next.narrow() { pass.outcome.isComplete = false }
      if next.labels.isEmpty { return pass.outcome }
      history.append((next.labels.map(\.parent), next.labels.map { UInt16($0.op) }))
      memoryOfHistory += next.labels.count * (MemoryLayout<Int32>.size + MemoryLayout<UInt16>.size)
      layer = next
    }
    guard let best = layer.labels.indices.min(by: { layer.labels[$0].cost < layer.labels[$1].cost }) else {
      return pass.outcome
    }
    pass.outcome.cost = layer.labels[best].cost
    var order: [Int] = []
    var index = best
    for entry in history.reversed() {
      order.append(Int(entry.ops[index]))
      index = Int(entry.parents[index])
    }
    pass.outcome.order = order.reversed()
    return pass.outcome
  }

  private func expand<Positions>(
    _ layer: OrderLayer<Positions>, _ ideal: Int, _ count: Int, into next: inout OrderLayer<Positions>,
    _ pass: inout Pass
  ) {
    let known = completion?.moves(count, key: layer.ideals[ideal].key) ?? 0..<0
    let live = layer.live(of: ideal)
    var moves: [OrderMove<Positions>?] = layer.ready(of: ideal).map { _ in nil }
    let ready = layer.ready(of: ideal)
    func move(_ number: Int) -> OrderMove<Positions> {
      if let known = moves[number] { return known }
      var made = makeMove(layer, ideal, live, Int(ready[ready.startIndex + number]), &next)
      if let completion {
        made.tails = completion.tails(after: made.op, of: known)
        made.tailCost = completion.cost(made.tails, outside: Int.max, stored: Int.max)
      }
      made.pricedTarget = prices?.target(count, key: layer.ideals[ideal].key, after: made.op)
      moves[number] = made
      pass.outcome.effort += 200 + core.count / 4 + core.count * core.count / 5_000 + 10 * live.count
      if next.largestLiveCount > Positions.capacity {
        pass.outcome.hasTooManyLive = true
        pass.stop()
      }
      return made
    }
    let mirrored = mirrored(layer, ideal, live, ready)
    var precedence: EvictionPrecedence<Positions>?
    defer { if precedence != nil { pass.outcome.effort += 10 * live.count * live.count } }
    func isRedundant(_ number: Int, _ label: OrderLabel<Positions>) -> Bool {
      !mirrored.isEmpty && mirrored[number].contains { $0.allSatisfy { label.isAlike($0.0, $0.1) } }
    }
    var labelIndex = layer.firstLabel[ideal]
    while labelIndex >= 0, !pass.outcome.isStopped {
      let label = layer.labels[Int(labelIndex)]
      var residentSize = 0
      label.resident.forEach { residentSize += core.tensors[Int(live[live.startIndex + $0])].size }
      var isSettled = false
      if switches.safeMoves {
        for number in ready.indices.indices(offsetFrom: ready.startIndex) where !isRedundant(number, label) {
          let candidate = move(number)
          if isSafe(candidate, label, live, residentSize) {
            apply(candidate, label, labelIndex, layer, live, residentSize, &precedence, &next, &pass)
            isSettled = true
            break
          }
        }
      }
      if !isSettled {
        for number in ready.indices.indices(offsetFrom: ready.startIndex) {
          if pass.outcome.isStopped { return }
          if isRedundant(number, label) { continue }
          apply(move(number), label, labelIndex, layer, live, residentSize, &precedence, &next, &pass)
        }
      }
      labelIndex = label.next
    }
  }

  /// For each ready operator the exchanges that would put an earlier one in its place, as pairs of positions of live
  /// tensors that must be there alike; nothing where there are no exchanges.
  private func mirrored<Positions>(
    _ layer: OrderLayer<Positions>, _ ideal: Int, _ live: ArraySlice<Int32>, _ ready: ArraySlice<Int32>
  ) -> [[[(Int, Int)]]] {
    if exchanges.all.isEmpty || !switches.exchanges { return [] }
    var result = [[[(Int, Int)]]](repeating: [], count: ready.count)
    for exchange in exchanges.all where layer.hasRunNone(of: exchange.moving, ideal) {
      var pairs: [(Int, Int)]?
      for (number, op) in ready.enumerated() where exchange.partner[Int(op)] < Int(op) {
        let positions =
          pairs
          ?? exchange.tensors.compactMap { one, other in
            guard let first = live.firstIndex(of: Int32(one)), let second = live.firstIndex(of: Int32(other)) else {
              return nil
            }
            return (first - live.startIndex, second - live.startIndex)
          }
        pairs = positions
        result[number].append(positions)
      }
    }
    return result
  }

  private func makeMove<Positions>(
    _ layer: OrderLayer<Positions>, _ ideal: Int, _ live: ArraySlice<Int32>, _ op: Int,
    _ next: inout OrderLayer<Positions>
  ) -> OrderMove<Positions> {
    let target = next.ideal(after: op, of: ideal, in: layer, core, keys[op], suffix, holding)
    var move = OrderMove<Positions>(of: op, in: core, target: target)
    if next.largestLiveCount <= Positions.capacity { move.place(live, next.live(of: target), in: core) }
    return move
  }

  /// Whether running the operator now is at least as good as anything else: it needs no room that is not free, and
  /// what it leaves behind takes the place of an operand that goes, at no higher price of eviction.
  private func isSafe<Positions>(
    _ move: OrderMove<Positions>, _ label: OrderLabel<Positions>, _ live: ArraySlice<Int32>, _ residentSize: Int
  ) -> Bool {
    guard (move.touched & ~label.resident).isEmpty, residentSize + move.freshSize <= capacity else { return false }
    if move.freshStayingSize == 0, move.freshStayingBytes == 0 { return true }
    var isReplaced = false
    (move.dying & move.touched).forEach { position in
      let tensor = core.tensors[Int(live[live.startIndex + position])]
      if tensor.size >= move.freshStayingSize, tensor.bytes >= move.freshStayingBytes,
        !label.clean.contains(position) || move.freshStayingIsClean
      {
        isReplaced = true
      }
    }
    return isReplaced
  }

  /// - Parameter precedence: of the ideal's live tensors, found when it is first needed. (A closure that finds it would copy
  ///   the search and the layer for each label.)
  private func apply<Positions>(
    _ move: OrderMove<Positions>, _ label: OrderLabel<Positions>, _ index: Int32, _ layer: OrderLayer<Positions>,
    _ live: ArraySlice<Int32>, _ residentSize: Int, _ precedence: inout EvictionPrecedence<Positions>?,
    _ next: inout OrderLayer<Positions>, _ pass: inout Pass
  ) {
    if pass.outcome.isStopped { return }
    let bound = max(next.ideals[move.target].bound, move.tailCost)
    // What was evicted and is needed now comes back; its fetch is paid.
    var size = residentSize + move.freshSize
    (move.touched & ~label.resident).forEach { size += core.tensors[Int(live[live.startIndex + $0])].size }
    let evictable = label.resident & ~move.touched
    let excess = size - capacity
    if excess <= 0 {
      emit(move, label, index, evicted: Positions(), cost: label.cost, bound, live, &next, &pass)
      return
    }
    pass.outcome.smallestExcess = min(pass.outcome.smallestExcess, excess)
    // Inclusion-minimal sets: taken from large to small, the last one taken is needed.
    var candidates: [(position: Int, size: Int, cost: Int, isClean: Bool, before: Positions)] = []
    var leastCost = Int.max
    evictable.forEach { position in
      let tensor = core.tensors[Int(live[live.startIndex + position])]
      let isClean = label.clean.contains(position)
      candidates.append((position, tensor.size, tensor.bytes * (isClean ? 1 : 2), isClean, Positions()))
      if tensor.size > 0 { leastCost = min(leastCost, candidates[candidates.count - 1].cost) }
    }
    if candidates.isEmpty || leastCost >= pass.cutoff - label.cost - bound { return }
    if candidates.count > 1, switches.evictionPrecedence {
      let known =
        precedence
        ?? EvictionPrecedence(core, live: live, ancestors: ancestors) { layer.hasRun($0, Int(label.ideal)) }
      precedence = known
      for number in candidates.indices {
        candidates[number].before = known.before(
          candidates[number].position, evictable: evictable, clean: label.clean)
      }
    }
    // Of too many the narrow search only tries some.
    let isCut = pass.isNarrow && candidates.count > Self.largestNarrowChoice
    if isCut {
      candidates.sort { left, right in
        let (one, other) = (left.cost * right.size, right.cost * left.size)
        return one != other ? one < other : (left.size, right.position) > (right.size, left.position)
      }
    } else {
      candidates.sort { ($0.size, $1.position) > ($1.size, $0.position) }
    }
    var remaining = [Int](repeating: 0, count: candidates.count + 1)
    for number in candidates.indices.reversed() { remaining[number] = remaining[number + 1] + candidates[number].size }
    pass.outcome.effort += 20 * candidates.count
    var setsLeft = isCut ? Self.narrowSetLimit : Int.max
    // What is outside the scratchpad and what is stored after the move, without the evictions.
    var (outside, stored) = (0, 0)
    if completion != nil {
      let target = next.ideals[move.target]
      outside = target.liveSize - next.size(of: move.staying | move.shifted(label.resident), ideal: move.target)
      stored = next.size(
        of: (move.freshClean | move.shifted(label.clean)) & target.storable, ideal: move.target)
    }
    // `needed` leaves too, before what is evicted; `kept` stays.
    func choose(
      _ number: Int, _ evicted: Positions, needed: Positions, kept: Positions, _ excess: Int, _ smallest: Int,
      _ cost: Int, _ outside: Int, _ stored: Int
    ) {
      if cost + bound >= pass.cutoff || setsLeft == 0 { return }
      pass.spend(10, next, cancellation)
      if pass.outcome.isStopped { return }
      if excess <= 0 {
        // In the order of sizes the last one taken is the smallest, and was needed.
        if isCut, excess + smallest <= 0 { return }
        if !(needed & ~evicted).isEmpty { return }
        emit(move, label, index, evicted: evicted, cost: cost, bound, live, &next, &pass)
        setsLeft -= 1
        return
      }
      if number == candidates.count || remaining[number] < excess { return }
      // What still has to leave costs what it saves later, at least.
      if let completion,
        cost + completion.bytes(ofSize: excess)
          + completion.cost(move.tails, outside: outside + excess, stored: stored) >= pass.cutoff
      {
        return
      }
      let candidate = candidates[number]
      if (candidate.before & kept).isEmpty {
        choose(
          number + 1, evicted | Positions(candidate.position), needed: needed | candidate.before, kept: kept,
          excess - candidate.size, min(smallest, candidate.size), cost + candidate.cost, outside + candidate.size,
          stored + (candidate.isClean ? 0 : candidate.size))
      }
      if needed.contains(candidate.position) { return }
      choose(
        number + 1, evicted, needed: needed, kept: kept | Positions(candidate.position), excess, smallest, cost,
        outside, stored)
    }
    choose(
      0, Positions(), needed: Positions(), kept: Positions(), excess, Int.max, label.cost, outside, stored)
    if setsLeft == 0 { pass.outcome.isComplete = false }
  }

  private func emit<Positions>(
    _ move: OrderMove<Positions>, _ label: OrderLabel<Positions>, _ index: Int32, evicted: Positions, cost: Int,
    _ bound: Int,
    _ live: ArraySlice<Int32>, _ next: inout OrderLayer<Positions>, _ pass: inout Pass
  ) {
    if cost + bound >= pass.cutoff { return }
    let resident = move.staying | move.shifted(label.resident & ~evicted)
    let clean = move.freshClean | move.shifted(label.clean | evicted)
    // What must wait comes on top of what the rest costs by itself, but is in the bounds of ideals already.
    var total = cost + next.ideals[move.target].bound
    if let holding {
      let live = next.live(of: move.target)
      var shortage = (size: 0, cost: 0)
      for obstacle in next.obstacles(of: move.target) {
        let found = holding.shortage(obstacle, resident: resident, clean: clean, live: live)
        shortage = (max(shortage.size, found.size), max(shortage.cost, found.cost))
      }
      total += shortage.cost
      if total >= pass.cutoff {
        pass.outcome.smallestExcess = min(pass.outcome.smallestExcess, shortage.size)
        return
      }
    }
    if let completion {
      let outside = next.ideals[move.target].liveSize - next.size(of: resident, ideal: move.target)
      let stored = next.size(of: clean & next.ideals[move.target].storable, ideal: move.target)
      total = max(total, cost + completion.cost(move.tails, outside: outside, stored: stored))
      if total >= pass.cutoff { return }
    }
    if let prices, let target = move.pricedTarget {
      let stored = clean & next.ideals[move.target].storable
      total = max(total, cost + prices.cost(from: target, resident: resident, stored: stored))
      if total >= pass.cutoff { return }
    }
    if next.isBeyondWidth(total, resident: resident, ideal: move.target) { return }
    pass.outcome.labels += 1
    let made = OrderLabel(
      resident: resident, clean: clean, cost: cost,
      emptiedCost: cost + next.evictionCost(resident: resident, clean: clean, ideal: move.target), bound: total,
      parent: index, op: Int32(move.op), ideal: Int32(move.target))
    let compared = next.insert(made, dominance: switches.dominance)
    pass.spend(400 + 2 * live.count + 25 * compared, next, cancellation)
  }
}

extension Range<Int> {
  /// The range counted from a start: `5..<8` offset from 5 is `0..<3`.
  func indices(offsetFrom start: Int) -> Range<Int> { lowerBound - start..<upperBound - start }
}
