import SpadixMIP

/// Orders one block, with a bound: residency for good orders from above, residency in every order from below, and a
/// search over orders where the two do not meet.
struct BlockScheduler {
  enum Component: String, CaseIterable {
    case noTraffic = "fits in the default order"
    case integerPrograms = "GLPK"
    case orderSearch = "order search"
    case open = "open"
  }

  struct Outcome {
    var order: [Int]
    /// The gaps that the order drops, with its steps.
    var drops: [ResidencyModel.Gap]
    /// What these cost.
    var cost: Int
    var bound: Int
    var closedBy: Component
  }

  let core: ScheduleCore
  let capacity: Int
  let options: ScheduleOptions
  var statistics: ScheduleStatistics

  init(_ core: ScheduleCore, capacity: Int, options: ScheduleOptions, statistics: ScheduleStatistics) {
    self.core = core
    self.capacity = capacity
    self.options = options
    self.statistics = statistics
  }

  mutating func solve() -> Outcome {
    let start = Array(0..<core.count)
    var best = Outcome(order: start, drops: [], cost: Int.max, bound: 0, closedBy: .open)
    offer(start, &best)
    if best.cost == 0 {
      best.closedBy = .noTraffic
      return best
    }
    if options.useLowerBound, core.count <= options.largestModelledBlock {
      best.bound = bound(ResidencyBound(core, capacity: capacity).model, nodeLimit: options.nodeLimit)
      if close(&best, .integerPrograms) { return best }
      if options.formulation == .exact, let model = OrderedBound(core, capacity: capacity).model {
        best.bound = max(best.bound, bound(model, nodeLimit: min(200, options.nodeLimit)))
        if close(&best, .integerPrograms) { return best }
      }
    }
    if options.formulation == .exact, options.useOrderSearch {
      if core.count <= options.largestSearchedBlock {
        searchOrders(&best)
      } else {
        statistics.stops.insert(.size)
      }
    }
    if best.closedBy == .open {
      if core.count > options.largestModelledBlock { statistics.stops.insert(.size) }
      if options.cancellation?.isCancelled == true { statistics.stops.insert(.interruption) }
    }
    return best
  }

  /// What GLPK proves that a model costs at least.
  private mutating func bound(_ model: Model, nodeLimit: Int) -> Int {
    if model.rows.isEmpty { return 0 }
    statistics.note(model)
    options.progress?("a bound from \(model.rows.count) rows and \(model.columns.count) columns")
    let result = GLPKSolver(within: nodeLimit, for: model, cancellation: options.cancellation).solve(model)
    statistics.nodes += result.nodes
    if result.status == .feasible || result.status == .unknown { statistics.stops.insert(.nodes) }
    return max(0, result.bound ?? 0)
  }

  /// Takes an order when some residency for it costs less.
  private mutating func offer(_ order: [Int], _ best: inout Outcome) {
    for policy in FurthestUse.Policy.allCases {
      let drops = FurthestUse.drops(core, order: order, capacity: capacity, policy: policy)
      let cost = ResidencyModel.cost(drops, core)
      if cost < best.cost { (best.order, best.drops, best.cost) = (order, drops, cost) }
    }
    guard best.cost > 0, options.useUpperBound, core.count <= options.largestModelledBlock else { return }
    let residency = ResidencyModel(core, order: order, capacity: capacity)
    statistics.note(residency.model)
    // Also after an interruption: an order that a search took long to find is worth its residency.
    let isInterrupted = options.cancellation?.isCancelled == true
    let result = GLPKSolver(
      within: isInterrupted ? 100 : options.nodeLimit, for: residency.model, cutoff: best.cost,
      cancellation: isInterrupted ? nil : options.cancellation
    ).solve(residency.model)
    statistics.nodes += result.nodes
    guard let cost = result.objective, cost < best.cost else { return }
    (best.order, best.drops, best.cost) = (order, residency.drops(result.values), cost)
  }

  private func close(_ best: inout Outcome, _ component: Component) -> Bool {
    guard best.bound >= best.cost else { return false }
    best.bound = best.cost
    best.closedBy = component
    return true
  }

  private mutating func searchOrders(_ best: inout Outcome) {
    var search = OrderSearch(core, capacity: capacity)
    search.switches.safeMoves = options.useSafeMoves
    search.switches.dominance = options.useDominance
    search.cancellation = options.cancellation
    for width in [16, 128, 512] {
      if run(&search, width, &best) != .narrowed { return }
    }
    if options.useSuffixBounds {
      var builder = SuffixBoundBuilder(core, capacity: capacity, order: best.order, drops: best.drops)
      builder.switches = search.switches
      builder.cancellation = options.cancellation
      builder.labelLimit = labelsLeft
      builder.effortLimit = effortLeft
      search.suffix = builder.build(progress: options.progress)
      statistics.labels += builder.labels
      statistics.effort += builder.effort
      best.bound = max(best.bound, search.suffix.total)
      if close(&best, .orderSearch) { return }
    }
    var width = 4096
    while run(&search, width, &best) == .narrowed { width = min(width * 8, 1 << 40) }
  }

  /// What is left of the limit. A label of a large block counts for more: it has more to copy and more moves.
  private var labelsLeft: Int {
    let size = max(512, core.count)
    return max(0, options.labelLimit * 512 / size * 512 / size - statistics.labels)
  }

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
    if options.cancellation?.isCancelled == true { return .stopped }
    let limit = labelsLeft
    if limit == 0 || effortLeft == 0 {
      statistics.stops.insert(limit == 0 ? .labels : .effort)
      return .stopped
    }
    let limitOfEffort = effortLeft
    options.progress?("order search, \(width) labels a step, best \(best.cost), bound \(best.bound)")
    let outcome = search.run(width: width, cutoff: best.cost, labelLimit: limit, effortLimit: limitOfEffort)
    statistics.labels += outcome.labels
    statistics.effort += outcome.effort
    let before = best.cost
    if let order = outcome.order { offer(order, &best) }
    // An order that costs no more than GLPK's bound needs no proof from the search.
    if best.cost < before, close(&best, .integerPrograms) { return .closed }
    if outcome.isComplete {
      best.bound = max(best.bound, outcome.cost)
      return close(&best, .orderSearch) ? .closed : .stopped
    }
    if outcome.hasTooManyLive {
      statistics.stops.insert(.liveTensors)
    } else if outcome.isTooLarge {
      statistics.stops.insert(.memory)
    } else if outcome.effort > limitOfEffort {
      statistics.stops.insert(.effort)
    } else if outcome.labels > limit {
      statistics.stops.insert(.labels)
    }
    return outcome.isStopped ? .stopped : .narrowed
  }
}

/// What the solver did so far.
struct ScheduleStatistics {
  var rows = 0
  var columns = 0
  var nodes = 0
  var labels = 0
  /// Elementary steps of the searches over orders.
  var effort = 0
  /// What kept blocks from being closed, or might have.
  var stops: Set<ScheduleStop> = []

  mutating func note(_ model: Model) {
    rows = max(rows, model.rows.count)
    columns = max(columns, model.columns.count)
  }
}
