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
    var best = Outcome(order: start, cost: Int.max / 4, bound: 0, closedBy: .open)
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
    let result = GLPKSolver(nodeLimit: nodeLimit, cancellation: options.cancellation).solve(model)
    statistics.nodes += result.nodes
    if result.status == .feasible || result.status == .unknown { statistics.stops.insert(.nodes) }
    return max(0, result.bound ?? 0)
  }

  /// Takes an order when its residency costs less.
  private mutating func offer(_ order: [Int], _ best: inout Outcome) {
    let cost: Int
    if options.useUpperBound, core.count <= options.largestModelledBlock {
      let model = ResidencyModel(core, order: order, capacity: capacity).model
      statistics.note(model)
      if model.rows.isEmpty {
        cost = 0
      } else {
        let result = GLPKSolver(
          nodeLimit: options.nodeLimit, cutoff: best.cost < Int.max / 4 ? best.cost : nil,
          cancellation: options.cancellation
        ).solve(model)
        statistics.nodes += result.nodes
        cost = result.objective ?? Int.max / 4
      }
    } else {
      cost = Int.max / 4
    }
    var least = cost
    if least == Int.max / 4, best.cost == Int.max / 4 {
      least = ResidencyModel.cost(
        FurthestUse.drops(core, order: order, capacity: capacity, policy: .furthestNextUse), core)
    }
    if least < best.cost {
      best.cost = least
      best.order = order
    }
  }

  /// The gaps to drop for an order, at the least cost where GLPK may be asked.
  mutating func drops(_ order: [Int]) -> [ResidencyModel.Gap] {
    let ruled = FurthestUse.drops(core, order: order, capacity: capacity, policy: .furthestNextUse)
    guard options.useUpperBound, core.count <= options.largestModelledBlock, !ruled.isEmpty else { return ruled }
    let model = ResidencyModel(core, order: order, capacity: capacity)
    let result = GLPKSolver(nodeLimit: options.nodeLimit, cancellation: options.cancellation).solve(model.model)
    statistics.nodes += result.nodes
    guard let objective = result.objective, objective < ResidencyModel.cost(ruled, core) else { return ruled }
    return model.drops(result.values)
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
      var builder = SuffixBoundBuilder(core, capacity: capacity, order: best.order, drops: drops(best.order))
      builder.switches = search.switches
      builder.cancellation = options.cancellation
      builder.labelLimit = labelsLeft
      search.suffix = builder.build(progress: options.progress)
      statistics.labels += builder.labels
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
    if limit == 0 {
      statistics.stops.insert(.labels)
      return .stopped
    }
    options.progress?("order search, \(width) labels a step, best \(best.cost), bound \(best.bound)")
    let outcome = search.run(width: width, cutoff: best.cost, labelLimit: limit)
    statistics.labels += outcome.labels
    let before = best.cost
    if let order = outcome.order {
      best.order = order
      best.cost = outcome.cost
    }
    // An order that costs no more than GLPK's bound needs no proof from the search.
    if best.cost < before, close(&best, .integerPrograms) { return .closed }
    if outcome.isComplete {
      best.bound = best.cost
      best.closedBy = .orderSearch
      return .closed
    }
    if outcome.hasTooManyLive {
      statistics.stops.insert(.liveTensors)
      return .stopped
    }
    return .narrowed
  }
}

/// What the solver did so far.
struct ScheduleStatistics {
  var rows = 0
  var columns = 0
  var nodes = 0
  var labels = 0
  /// What kept blocks from being closed, or might have.
  var stops: Set<ScheduleStop> = []

  mutating func note(_ model: Model) {
    rows = max(rows, model.rows.count)
    columns = max(columns, model.columns.count)
  }
}
