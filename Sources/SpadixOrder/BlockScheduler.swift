import SpadixMIP

/// Orders one block, with a bound: residency for good orders from above, residency in every order from below, and a
/// search over orders where the two do not meet.
struct BlockScheduler {
  let core: ScheduleCore
  let capacity: Int
  var options: ScheduleOptions
  var statistics = ScheduleStatistics()
  /// Told the best so far, elementary steps of searches so far, and those that may be spent on a plan to fall back on, 0
  /// for a quick one.
  var checkpoint: ((Outcome, _ effort: Int, _ allowance: Int) -> Void)?
  /// Whether GLPK gets all its nodes. At first it does not: local search and narrow searches come to better orders
  /// sooner, and most blocks need no more.
  private var isThorough: Bool
  /// The bound of every ideal, where there are few.
  private var completion: IdealBound?
  private var effortOfIdeals = 0
  /// Whether GLPK ran out of nodes for the first bound.
  private var isFirstBoundCut = false
  /// Rounds of changes to orders so far.
  private var improvements = 0

  init(_ core: ScheduleCore, capacity: Int, options: ScheduleOptions) {
    self.core = core
    self.capacity = capacity
    self.options = options
    isThorough = options.formulation != .exact
  }

  /// What rules make of the default order.
  func start() -> Outcome {
    let start = Array(0..<core.count)
    var best = Outcome(order: start, drops: [], cost: Int.max)
    offerByRule(start, &best)
    if best.cost == 0 { best.closeAtStart() }
    return best
  }

  /// What bounds and local search make of it in little time.
  mutating func begin(_ best: inout Outcome) {
    if options.formulation == .exact {
      cutTree(&best)
      if best.close() { return }
    }
    offer(best.order, &best)
    if options.useLowerBound, !isOver, core.count <= options.largestModelledBlock {
      let nodesBefore = statistics.nodes
      let limit = nodeLimit(atFirst: BlockLimits.firstBoundNodes)
      best.raise(to: bound(ResidencyBound(core, capacity: capacity).model, nodeLimit: limit), by: .residency)
      isFirstBoundCut = limit < options.nodeLimit && statistics.nodes - nodesBefore >= limit
      if best.close() { return }
      if options.formulation == .exact {
        boundIdeals(&best, moveLimit: BlockLimits.firstIdealMoves)
        if best.close() { return }
      }
      if options.formulation == .exact {
        boundFewOrders(&best)
        if best.close() { return }
      }
    }
    if options.formulation == .exact {
      // Little at first: most blocks of networks need no more.
      improve(&best, effort: BlockLimits.firstImprovement, fromScratch: true)
      if best.close() { return }
      if options.useWavefront, options.useLowerBound, !isOver, core.count <= options.largestModelledBlock {
        options.progress?("least cuts beside the operators")
        let wavefront = ResidencyBound(
          core, capacity: capacity, cutEffort: min(BlockLimits.cutEffort, effortLeft),
          cancellation: options.cancellation)
        statistics.effort += wavefront.effort
        best.raise(to: bound(wavefront.model, nodeLimit: min(BlockLimits.cutNodes, options.nodeLimit)), by: .cuts)
        if best.close() { return }
      }
      if core.count > options.largestModelledBlock {
        boundWindows(&best)
        if best.close() { return }
      }
      if options.useLocalSearch, !isOver, core.count <= options.largestSearchedBlock {
        improveSmallestPeak(&best)
        if best.close() { return }
      }
      if options.usePivotBound, options.useLowerBound, !isOver, core.count <= options.largestModelledBlock,
        let model = PivotBound(core, capacity: capacity).model
      {
        best.raise(to: bound(model, nodeLimit: min(BlockLimits.pivotNodes, options.nodeLimit)), by: .pivots)
        _ = best.close()
      }
    }
  }

  /// Searches on where the beginning did not close the block.
  mutating func finish(_ best: inout Outcome) {
    guard best.closedBy == .open else { return }
    checkpoint?(best, statistics.effort, statistics.effort / BlockLimits.shareOfPlans)
    if options.formulation == .exact, options.useOrderSearch {
      if core.count <= options.largestSearchedBlock {
        searchOrders(&best)
      } else {
        statistics.stops.insert(.size)
      }
    }
    if best.closedBy == .open, options.formulation == .exact {
      checkpoint?(best, statistics.effort, statistics.effort / BlockLimits.shareOfPlans)
      if !isThorough { beThorough(&best) }
      let pairs = core.count * core.count
      improve(&best, effort: min(BlockLimits.mostAtTheEnd, BlockLimits.atTheEndPerPair * pairs))
      offer(best.order, &best)
      _ = best.close()
    }
    if best.closedBy == .open {
      if core.count > options.largestModelledBlock { statistics.stops.insert(.size) }
      if isOver, !statistics.stops.contains(.labels) { statistics.stops.insert(.interruption) }
    }
  }

  /// Bound and schedule of a tree.
  private mutating func cutTree(_ best: inout Outcome) {
    let limit = min(TreeSchedule.mostEffort, effortLeft / BlockLimits.shareOfTree)
    guard options.useTreeCuts, best.cost > 0,
      let tree = TreeSchedule(core, capacity: capacity, effortLimit: limit, cancellation: options.cancellation)
    else { return }
    statistics.effort += tree.effort
    best.raise(to: tree.bound, by: .cutTree)
    let residency = tree.residency
    if residency.cost < best.cost { best.take(residency.order, residency.drops, residency.cost) }
  }

  /// A window of a larger block: what can be proven in little time.
  mutating func searchWindow() -> Outcome {
    var best = start()
    if best.closedBy != .open { return best }
    cutTree(&best)
    if best.close() { return best }
    improve(&best, effort: effortLeft / BlockLimits.shareOfWindow, fromScratch: true)
    if best.close() { return best }
    best.raise(
      to: bound(ResidencyBound(core, capacity: capacity).model, nodeLimit: BlockLimits.windowNodes), by: .residency)
    if best.close() { return best }
    boundIdeals(&best, moveLimit: BlockLimits.windowIdealMoves)
    if best.close() { return best }
    var search = OrderSearch(core, capacity: capacity)
    search.cancellation = options.cancellation
    search.completion = completion
    for width in BlockLimits.windowWidths where run(&search, width, &best) != .narrowed { break }
    return best
  }

  /// A bound for a block that is too large for the others, from windows of the best order; and the windows' best orders.
  private mutating func boundWindows(_ best: inout Outcome) {
    guard options.useWindowBound, options.useLowerBound, !isOver else { return }
    options.progress?("windows of the order")
    var limited = options
    limited.labelLimit = labelsLeft
    let windows = WindowBound(core, capacity: capacity, order: best.order, options: limited)
    statistics.add(windows.statistics)
    best.raise(to: windows.total, by: .windows)
    for policy in FurthestUse.Policy.allCases {
      let drops = FurthestUse.drops(
        core, order: windows.order, capacity: capacity, policy: policy, leaving: windows.drops)
      let cost = ResidencyModel.cost(drops, core)
      if cost < best.cost { best.take(windows.order, drops, cost) }
    }
  }

  /// A bound with the order of operators as columns, where few pairs of them may run either way; the order that it comes from
  /// may be good.
  private mutating func boundFewOrders(_ best: inout Outcome) {
    let ordered = OrderedBound(core, capacity: capacity, pairs: 0...BlockLimits.fewPairs)
    guard let model = ordered.modelWithAllOrders else { return }
    _ = boundOrders(ordered, model, &best, nodeLimit: BlockLimits.orderNodes)
  }

  /// The same where many may. What no order allows comes to the model where it is violated.
  private mutating func boundManyOrders(_ best: inout Outcome) {
    guard options.useLowerBound, !isOver, core.count <= options.largestModelledBlock else { return }
    var ordered = OrderedBound(core, capacity: capacity, pairs: BlockLimits.fewPairs + 1...BlockLimits.mostPairs)
    var highest = -1
    for _ in 0..<BlockLimits.relaxationsOfPairs {
      guard let model = ordered.model, !isOver, !GLPKSolver.isTooLarge(model) else { return }
      options.progress?("a relaxation of \(model.rows.count) rows and \(model.columns.count) columns")
      let solver = GLPKSolver(within: 1, for: model, cancellation: options.cancellation)
      guard let relaxation = solver.relaxation(model) else { return }
      // Rows that raise nothing are left out: many of them make the model slower than it is better.
      let bound = relaxation.bound ?? 0
      if bound <= highest || !ordered.addViolated(by: relaxation.values) { break }
      highest = bound
    }
    for _ in 0..<BlockLimits.modelsOfPairs {
      guard let model = ordered.model, !isOver else { return }
      guard let result = boundOrders(ordered, model, &best, nodeLimit: BlockLimits.pairNodes) else { return }
      if best.bound >= best.cost || result.status != .optimal { return }
      if !ordered.addViolated(by: result.values.map(Double.init)) { return }
    }
  }

  private mutating func boundOrders(
    _ ordered: OrderedBound, _ model: Model, _ best: inout Outcome, nodeLimit: Int
  ) -> GLPKSolver.Result? {
    guard let result = solve(model, nodeLimit: min(nodeLimit, options.nodeLimit)) else { return nil }
    best.raise(to: max(0, result.bound ?? 0), by: .order)
    if !result.values.isEmpty, best.bound < best.cost { offerByRule(ordered.order(result.values), &best) }
    return result
  }

  /// A bound from bytes over ideals, which the order search will use too.
  private mutating func boundIdeals(_ best: inout Outcome, moveLimit: Int) {
    guard options.useIdealBound, completion == nil, core.count <= options.largestSearchedBlock else { return }
    options.progress?("bytes over ideals")
    let before = statistics.effort
    defer { effortOfIdeals += statistics.effort - before }
    let keys = OrderSearch.keys(core)
    guard IdealCount.moves(core, keys: keys, limit: moveLimit, effort: &statistics.effort) != nil else { return }
    completion = IdealBound(
      core, capacity: capacity, keys: keys, moveLimit: moveLimit, cancellation: options.cancellation,
      effort: &statistics.effort)
    best.raise(to: completion?.total ?? 0, by: .ideals)
  }

  /// A bound from prices of tensors outside the scratchpad, which the wide searches will use too.
  private mutating func boundByPrices(
    _ best: inout Outcome, moveLimit limit: Int, effort: Int
  ) -> LagrangianBound? {
    guard options.useLagrangianBound else { return nil }
    options.progress?("prices over ideals")
    let before = statistics.effort
    defer { effortOfIdeals += statistics.effort - before }
    let keys = OrderSearch.keys(core)
    guard IdealCount.moves(core, keys: keys, limit: limit, effort: &statistics.effort) != nil else { return nil }
    let bound = LagrangianBound(
      core, capacity: capacity, keys: keys, cutoff: best.cost, moveLimit: limit,
      effortLimit: min(effort, effortLeft), cancellation: options.cancellation,
      effort: &statistics.effort)
    best.raise(to: bound?.total ?? 0, by: .prices)
    return bound
  }

  private func nodeLimit(atFirst limit: Int) -> Int {
    isThorough ? options.nodeLimit : min(limit, options.nodeLimit)
  }

  /// From now on with all nodes; the bound that needs no order again, if it ran out of them.
  private mutating func beThorough(_ best: inout Outcome) {
    isThorough = true
    guard isFirstBoundCut, !isOver else { return }
    let model = ResidencyBound(core, capacity: capacity).model
    best.raise(to: bound(model, nodeLimit: options.nodeLimit), by: .residency)
  }

  /// What GLPK proves that a model costs at least.
  private mutating func bound(_ model: Model, nodeLimit: Int) -> Int {
    max(0, solve(model, nodeLimit: nodeLimit)?.bound ?? 0)
  }

  /// Nil where there is nothing to solve, or too much.
  private mutating func solve(_ model: Model, nodeLimit: Int) -> GLPKSolver.Result? {
    if model.rows.isEmpty { return nil }
    if GLPKSolver.isTooLarge(model) {
      statistics.stops.insert(.size)
      return nil
    }
    statistics.note(model)
    options.progress?("a bound from \(model.rows.count) rows and \(model.columns.count) columns")
    let result = GLPKSolver(within: nodeLimit, for: model, cancellation: options.cancellation).solve(model)
    statistics.nodes += result.nodes
    if result.status == .feasible || result.status == .unknown { statistics.stops.insert(.nodes) }
    return result
  }

  private func offerByRule(_ order: [Int], _ best: inout Outcome) {
    for policy in FurthestUse.Policy.allCases {
      let drops = FurthestUse.drops(core, order: order, capacity: capacity, policy: policy)
      let cost = ResidencyModel.cost(drops, core)
      if cost < best.cost { best.take(order, drops, cost) }
    }
  }

  /// Takes an order when some residency for it costs less.
  private mutating func offer(_ order: [Int], _ best: inout Outcome) {
    defer { checkpoint?(best, statistics.effort, 0) }
    offerByRule(order, &best)
    guard best.cost > 0, options.useUpperBound, !isOver, core.count <= options.largestModelledBlock else { return }
    let residency = ResidencyModel(core, order: order, capacity: capacity)
    if GLPKSolver.isTooLarge(residency.model) { return }
    statistics.note(residency.model)
    let result = GLPKSolver(
      within: nodeLimit(atFirst: BlockLimits.firstResidencyNodes), for: residency.model, cutoff: best.cost,
      cancellation: options.cancellation
    ).solve(residency.model)
    statistics.nodes += result.nodes
    guard let cost = result.objective, cost < best.cost else { return }
    best.take(order, residency.drops(result.values), cost)
  }

  /// Between searches: for as long as they took so far where cost and bound are far apart, since then wider ones prove
  /// little; for a part of that otherwise. True when that closes the block.
  private mutating func improveAgain(_ best: inout Outcome) -> Bool {
    let ratio = Double(best.cost) / Double(max(1, best.bound))
    let share = BlockLimits.sharesOfChanges.first { ratio >= $0.ratio }?.share ?? 1
    let spent = statistics.effort - effortOfIdeals
    let effort = min(BlockLimits.mostBetween, spent / share)
    let before = best.cost
    improve(&best, effort: effort / BlockLimits.shareOfLongRun)
    // One long run stays near where it began: many short ones from scratch find more.
    let start = max(BlockLimits.leastStart, BlockLimits.startPerPair * core.count * core.count)
    var left = effort - effort / BlockLimits.shareOfLongRun
    while left >= start, !best.close(), effortLeft > 0, !isOver {
      improve(&best, effort: start, fromScratch: true)
      left -= start
    }
    if best.cost < before { checkpoint?(best, statistics.effort, statistics.effort / BlockLimits.shareOfPlans) }
    return best.close()
  }

  /// Where much is live in the middle of a block, an order of small peak is far from those made in one go, and good.
  private mutating func improveSmallestPeak(_ best: inout Outcome) {
    var search = PeakSearch(
      core: core, labelLimit: min(BlockLimits.peakLabels, labelsLeft), cancellation: options.cancellation)
    search.effortLimit = min(BlockLimits.peakEffort, effortLeft)
    options.progress?("an order of small peak")
    let peak = search.run(floor: capacity)
    count(labels: peak.labels)
    statistics.effort += peak.effort
    improve(&best, effort: BlockLimits.peakImprovement, from: peak.order)
  }

  /// Looks for a better order by changes to the best one, or to another; from scratch, to the best of some made in one
  /// go.
  private mutating func improve(
    _ best: inout Outcome, effort: Int, from other: [Int]? = nil, fromScratch: Bool = false
  ) {
    guard options.useLocalSearch, effortLeft > 0, !isOver, best.cost > 0 else { return }
    options.progress?("changes to the order, best \(best.cost), bound \(best.bound)")
    let improvement = OrderImprovement(
      core, capacity: capacity, round: improvements, cancellation: options.cancellation)
    improvements += 1
    var start = other ?? best.order
    if fromScratch {
      var least = improvement.cost(of: start)
      for rule in ConstructedOrders.Rule.worthTrying(core) {
        let order = ConstructedOrders.order(core, by: rule)
        let cost = improvement.cost(of: order, limit: least)
        if cost < least { (start, least) = (order, cost) }
      }
    }
    let (before, spent) = (best, statistics.effort)
    let found = improvement.run(from: start, effortLimit: min(effort, effortLeft)) { [checkpoint] order, cost in
      if cost >= before.cost { return }
      var soFar = before
      soFar.take(order, improvement.drops(of: order), cost)
      checkpoint?(soFar, spent + improvement.effort, 0)
    }
    statistics.effort += improvement.effort
    // One of many starts has to be better; a longer run's order is worth GLPK's look.
    let isNew = fromScratch && improvements > 1 ? found.cost < best.cost : found.order != best.order
    // The evictions of its own cost may be better than any rule's, and GLPK may find none within its limits.
    if found.cost < best.cost { best.take(found.order, improvement.drops(of: found.order), found.cost) }
    if isNew { offer(found.order, &best) }
  }

  private mutating func searchOrders(_ best: inout Outcome) {
    var search = OrderSearch(core, capacity: capacity)
    search.switches.safeMoves = options.useSafeMoves
    search.switches.dominance = options.useDominance
    search.switches.exchanges = options.useExchanges
    search.switches.evictionPrecedence = options.useEvictionPrecedence
    search.cancellation = options.cancellation
    search.completion = completion
    for (number, width) in BlockLimits.narrowWidths.enumerated() {
      if number > 0, improveAgain(&best) { return }
      if number == 1 {
        boundManyOrders(&best)
        if best.close() { return }
        search.prices = boundByPrices(
          &best, moveLimit: BlockLimits.firstPricedMoves, effort: BlockLimits.firstPricesEffort)
        if best.close() { return }
      }
      if run(&search, width, &best) != .narrowed { return }
    }
    checkpoint?(best, statistics.effort, statistics.effort / BlockLimits.shareOfPlans)
    boundIdeals(&best, moveLimit: BlockLimits.mostIdealMoves)
    search.completion = completion
    if best.close() { return }
    search.prices =
      boundByPrices(&best, moveLimit: BlockLimits.mostPricedMoves, effort: BlockLimits.pricesEffort) ?? search.prices
    if best.close() { return }
    beThorough(&best)
    if best.close() { return }
    if options.useSuffixBounds {
      search.suffix = SuffixBound(order: best.order)
      for part in BlockLimits.smallestParts {
        // What is left out moves for nothing: a bound for less is one for everything, and much sooner found.
        guard let large = core.leavingOut(smallerThan: capacity / part) else { continue }
        boundSuffixes(of: large, &search, &best)
        if best.close() { return }
      }
      boundSuffixes(of: core, &search, &best)
      if best.close() { return }
    }
    var width = BlockLimits.firstWideWidth
    // Far from its bound, wider searches of a large block prove nothing, and local search finds more.
    let isHopeless =
      core.count > BlockLimits.largestWidened && best.cost > BlockLimits.hopelessRatio * best.bound
    while !improveAgain(&best), run(&search, width, &best) == .narrowed {
      if isHopeless {
        statistics.stops.insert(.size)
        break
      }
      width = min(width * BlockLimits.widening, BlockLimits.mostWidth)
      checkpoint?(best, statistics.effort, statistics.effort / BlockLimits.shareOfPlans)
    }
  }

  /// Raises the suffix bounds of a search by those of a core of the same operators whose tensors are no larger.
  private mutating func boundSuffixes(of core: ScheduleCore, _ search: inout OrderSearch, _ best: inout Outcome) {
    var builder = SuffixBoundBuilder(core, capacity: capacity, order: best.order, drops: best.drops)
    builder.switches = search.switches
    builder.cancellation = options.cancellation
    builder.labelLimit = labelsLeft
    builder.effortLimit = effortLeft
    search.suffix = builder.build(on: search.suffix, progress: options.progress)
    count(labels: builder.labels)
    statistics.effort += builder.effort
    best.raise(to: search.suffix.total, by: .suffixes)
  }

  /// What is left of the limit.
  private var labelsLeft: Int { max(0, options.labelLimit - statistics.labels) }

  /// Counts labels; at the limit the search is over, as by an interruption, so that a larger one is never worse.
  private mutating func count(labels: Int) {
    statistics.labels += labels
    guard labelsLeft == 0 else { return }
    statistics.stops.insert(.labels)
    options.cancellation?.cancel()
  }

  private var isOver: Bool { options.cancellation?.isCancelled == true }

  private var effortLeft: Int { max(0, options.effortLimit - statistics.effort) }

  private enum Search {
    /// Everything below the cutoff was searched, or the bound was reached.
    case closed
    /// Layers were cut to the width.
    case narrowed
    case stopped
  }

  /// One search of a width.
  private mutating func run(_ search: inout OrderSearch, _ width: Int, _ best: inout Outcome) -> Search {
    if isOver { return .stopped }
    if effortLeft == 0 {
      statistics.stops.insert(.effort)
      return .stopped
    }
    let limitOfEffort = effortLeft
    options.progress?("order search, \(width) labels a step, best \(best.cost), bound \(best.bound)")
    let outcome = search.run(width: width, cutoff: best.cost, labelLimit: labelsLeft, effortLimit: limitOfEffort)
    count(labels: outcome.labels)
    statistics.effort += outcome.effort
    let before = best.cost
    if let order = outcome.order { offer(order, &best) }
    // An order that costs no more than GLPK's bound needs no proof from the search.
    if best.cost < before, best.close() { return .closed }
    if outcome.isComplete {
      best.raise(to: outcome.cost, by: .orderSearch)
      return best.close() ? .closed : .stopped
    }
    if outcome.hasTooManyLive {
      statistics.stops.insert(.liveTensors)
    } else if outcome.isTooLarge {
      statistics.stops.insert(.memory)
    } else if outcome.effort > limitOfEffort {
      statistics.stops.insert(.effort)
    }
    return outcome.isStopped ? .stopped : .narrowed
  }
}
