import SpadixSupport

/// Improves a plan by running operators again where that costs less than to keep or fetch what they make.
///
/// A local search over sequences of runs, with residency by rule as cost; then residency and addresses of the best ones, and
/// the search over orders in which every run is an operator of its own.
struct Recomputation {
  let problem: ScheduleProblem
  let scope: ScheduleProblem.Scope
  let budget: Int
  let options: ScheduleOptions
  private(set) var best: ScheduleSolution
  /// The bound that `best` has.
  private var component = BlockScheduler.Component.cuts.rawValue

  /// Elementary steps of one local search and of the bound, and of a search over orders of runs.
  private static let effortLimit = 3_000_000_000
  private static let effortLimitOfOrders = 1_000_000_000
  /// Rounds of changes to sequences of runs, and elementary steps of the last one for each pair of operators.
  private static let rounds = 4
  private static let effortPerPair = 200_000

  /// - Parameter plan: one in which every operator runs once.
  init(
    _ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ budget: Int, _ options: ScheduleOptions,
    from plan: ScheduleSolution
  ) {
    self.problem = problem
    self.scope = scope
    self.budget = budget
    self.options = options
    best = plan
    best.recomputation = options.recomputation
    best.bound = 0
  }

  mutating func run() throws {
    defer { finish() }
    if best.traffic.total == 0 { return }
    let core = ScheduleCore(problem, scope: scope)
    let improvement = OrderImprovement(
      core, capacity: budget,
      repeats: OrderImprovement.Repeats(
        limit: options.recomputation.limit, prices: prices(), keepsOrder: options.formulation == .fixedOrder),
      cancellation: options.cancellation)
    var start = best.order.map(\.index)
    for round in 0..<Self.rounds where !isOver {
      options.progress?("operators that run again, best \(best.traffic.total)")
      // Each round takes four times as long as the one before, and small problems need little.
      let effort =
        min(Self.effortLimit, Self.effortPerPair * core.count * core.count) >> (2 * (Self.rounds - 1 - round))
      let found = improvement.run(from: start, effortLimit: effort).order
      if found == start { continue }
      start = found
      let runs = found.map(ScheduleProblem.OperatorID.init)
      try offer(runs)
      if options.formulation == .exact, let other = try reordered(runs) { try offer(other) }
      if best.traffic.total == 0 { return }
    }
    raiseBound()
    if options.formulation == .exact, !best.isProven { try search() }
  }

  private mutating func raiseBound() {
    options.progress?("least cuts between what is kept and what is needed")
    var bound = RecomputationBound(problem, scope: scope, cancellation: options.cancellation)
    best.bound = bound.least(budget: budget, enough: best.traffic.total, effortLimit: Self.effortLimit)
  }

  /// Goes through everything below the best plan, where that is possible.
  private mutating func search() throws {
    let search = RepeatSearch(problem, scope, budget, options.recomputation, cancellation: options.cancellation)
    options.progress?("sequences in which operators run again, below \(best.traffic.total)")
    switch search?.run(below: best.traffic.total) {
    case .found(let runs, let cost):
      best.bound = cost
      component = BlockScheduler.Component.orderSearch.rawValue
      try offer(runs)
    case .nothing:
      best.bound = best.traffic.total
      component = BlockScheduler.Component.orderSearch.rawValue
    case .limit, nil: break
    }
  }

  /// What a further run of each operator costs by itself: its cycles, and what only it reads is read again.
  private func prices() -> [Int] {
    var readers = [Int](repeating: 0, count: problem.tensors.count)
    for op in problem.operators {
      for tensor in problem.operands(of: op, in: scope) { readers[tensor.index] += 1 }
    }
    return problem.operators.map { op in
      let own = problem.operands(of: op, in: scope).filter { readers[$0.index] == 1 && !op.outputs.contains($0) }
      return own.reduce(options.recomputation.cyclePrice * op.cycles) { $0 + problem.tensors[$1].bytes }
    }
  }

  private func scheduler(_ formulation: ScheduleOptions.Formulation) -> Scheduler {
    var ordinary = options
    ordinary.recomputation = ScheduleSolution.Recomputation()
    ordinary.formulation = formulation
    // A bound for these runs in this order says nothing about others.
    if formulation == .fixedOrder { ordinary.useLowerBound = false }
    ordinary.labelLimit = max(0, options.labelLimit - best.certificate.labels)
    ordinary.effortLimit = min(options.effortLimit, Self.effortLimitOfOrders)
    return Scheduler(options: ordinary)
  }

  private var isOver: Bool { options.cancellation?.isCancelled == true }

  /// A plan without repeats for a problem in which each run is an operator. Nil when the search is over: what came of an
  /// interrupted search is no beginning of what a longer one finds.
  private mutating func solve(
    _ expanded: RepeatedRuns, _ formulation: ScheduleOptions.Formulation
  ) throws -> ScheduleSolution? {
    if isOver { return nil }
    let plan = try scheduler(formulation).solve(expanded.problem, scope: scope, budget: budget)
    best.certificate.nodes += plan.certificate.nodes
    best.certificate.labels += plan.certificate.labels
    if best.certificate.labels >= options.labelLimit { options.cancellation?.cancel() }
    return isOver ? nil : plan
  }

  /// Takes a sequence of runs where residency and addresses for it cost less.
  private mutating func offer(_ runs: [ScheduleProblem.OperatorID]) throws {
    let expanded = RepeatedRuns(problem, runs)
    guard let plan = try solve(expanded, .fixedOrder) else { return }
    best.improve(with: expanded.restored(plan, options.recomputation))
  }

  /// The same runs in the order that the search over orders finds for them; nil when it is no other.
  private mutating func reordered(_ runs: [ScheduleProblem.OperatorID]) throws -> [ScheduleProblem.OperatorID]? {
    let expanded = RepeatedRuns(problem, runs)
    guard let plan = try solve(expanded, .exact) else { return nil }
    let other = expanded.runs(of: plan)
    return other == runs ? nil : other
  }

  private mutating func finish() {
    if best.traffic.total == 0 { component = BlockScheduler.Component.noTraffic.rawValue }
    best.certificate.blocks = 1
    best.certificate.closedBy = [(best.isProven ? component : BlockScheduler.Component.open.rawValue, 1)]
    let isSearched = component == BlockScheduler.Component.orderSearch.rawValue
    best.certificate.stops = best.isProven ? [] : [isSearched ? .addresses : .repeats]
    if isOver, !best.isProven {
      best.certificate.stops.append(best.certificate.labels >= options.labelLimit ? .labels : .interruption)
    }
  }
}
