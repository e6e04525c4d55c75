import SpadixAllocation
import SpadixMIP
import SpadixSupport

/// Finds addresses for orders and what they keep in the scratchpad, and remembers the best plan.
///
/// Nothing is taken after an interruption, and nothing before one depends on when it comes: what an interrupted solve has
/// seen is the beginning of what a longer one sees, so that more time never gives a worse plan.
final class AddressSearch {
  /// Pieces with addresses, and what they move.
  struct Plan {
    var order: [Int]
    var pieces: [ScheduleSolution.Piece]
    var traffic: ScheduleSolution.Traffic
  }

  /// What all packings of a solve may still take together, in elementary steps of about a nanosecond.
  final class Work {
    var left: Int

    init(_ options: ScheduleOptions) { left = AddressLimits.packingsOfASolve * options.packingEffortLimit }
  }

  let problem: ScheduleProblem
  let scope: ScheduleProblem.Scope
  let core: ScheduleCore
  let budget: Int
  private let options: ScheduleOptions
  private let work: Work
  /// What is left of the work for the end.
  private var reserved: Int
  /// Rounds of changes to orders so far.
  private var rounds = 0
  private(set) var best: Plan?
  private(set) var nodes = 0
  private var nextPlan = AddressLimits.effortBetweenPlans
  private var leftForPlaces = AddressLimits.sweepEffort

  init(
    _ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ budget: Int, _ options: ScheduleOptions, _ work: Work
  ) {
    self.problem = problem
    self.scope = scope
    self.budget = budget
    self.options = options
    self.work = work
    reserved = AddressLimits.packingsAtTheEnd * options.packingEffortLimit
    core = ScheduleCore(problem, scope: scope)
  }

  /// The same for the problem with its operators in another order, which has nothing yet.
  func forReordering(_ reordered: ScheduleProblem) -> AddressSearch {
    AddressSearch(reordered, scope, budget, options, work)
  }

  var leastTraffic: Int { best?.traffic.total ?? Int.max }

  private var isInterrupted: Bool { options.cancellation?.isCancelled == true }

  var isOver: Bool { workLeft <= 0 || isInterrupted }

  /// What may be spent now.
  private var workLeft: Int { work.left - reserved }

  /// The searches are over: from here on all of the work may be spent.
  func beginEnd() { reserved = 0 }

  // MARK: - Taking plans

  /// Takes a plan that moves less than the best one, unless the solve was interrupted.
  func take(_ plan: Plan) {
    if !isInterrupted { takeAlways(plan) }
  }

  /// The same for plans that an interruption does not change.
  func takeAlways(_ plan: Plan) {
    if plan.traffic.total < leastTraffic { best = plan }
  }

  private func isBetter(_ pieces: [ScheduleSolution.Piece], _ builder: PieceBuilder) -> Bool {
    builder.traffic(pieces).total < leastTraffic
  }

  func builder(_ order: [Int]) -> PieceBuilder { PieceBuilder(problem, scope, core, order) }

  /// Looks for addresses, and takes the plan; false when none were found.
  private func pack(
    _ pieces: [ScheduleSolution.Piece], _ order: [Int], _ builder: PieceBuilder, nodeLimit: Int, effortLimit: Int? = nil
  ) -> Bool {
    // Of many pieces even the tables of a packing take a while.
    if isInterrupted { return false }
    var limits = AllocationSolver.Options()
    limits.nodeLimit = nodeLimit
    limits.effortLimit = max(1, min(effortLimit ?? options.packingEffortLimit, workLeft))
    limits.searches = pieces.count <= AddressLimits.mostSearched
    guard let plan = packed(pieces, order, builder, limits, options.cancellation) else { return false }
    take(plan)
    return true
  }

  private func packed(
    _ pieces: [ScheduleSolution.Piece], _ order: [Int], _ builder: PieceBuilder, _ limits: AllocationSolver.Options,
    _ cancellation: Cancellation?
  ) -> Plan? {
    // Fewer buffers are easier to place, and more of them may fit where fewer do not.
    var limits = limits
    for inPlace in problem.operators.allSatisfy(\.overwritten.isEmpty) ? [true] : [true, false] {
      let allocation = builder.allocation(pieces, budget, inPlace: inPlace)
      let result = AllocationSolver(options: limits, cancellation: cancellation).solve(allocation.problem)
      limits.effortLimit = max(1, limits.effortLimit - result.effort)
      work.left -= result.effort
      nodes += result.nodes
      guard let solution = result.solution else { continue }
      var placed = pieces
      for (index, offset) in allocation.offsets(solution).enumerated() { placed[index].offset = offset }
      return Plan(order: order, pieces: placed, traffic: builder.traffic(placed))
    }
    return nil
  }

  func arena(_ order: [Int], _ policy: FurthestUse.Policy, _ builder: PieceBuilder) -> Plan {
    var arena = OnlineArena(problem, scope, core, order, budget, policy)
    let pieces = arena.run()
    return Plan(order: order, pieces: pieces, traffic: builder.traffic(pieces))
  }

  // MARK: - Plans on the way

  /// Whether it is time for a plan, after so many elementary steps of searches.
  func isDue(at effort: Int) -> Bool { effort >= nextPlan }

  /// A plan for the best so far, in little time.
  ///
  /// - Parameter effort: elementary steps of searches so far.
  func placeOnTheWay(_ order: [Int], _ drops: [ResidencyModel.Gap], at effort: Int) {
    let before = work.left
    _ = placeQuickly(order, drops)
    nextPlan = effort + max(AddressLimits.effortBetweenPlans, AddressLimits.shareOfPlans * (before - work.left))
  }

  /// Whether the residency packs, or is no better than the best plan.
  private func placeQuickly(_ order: [Int], _ drops: [ResidencyModel.Gap]) -> Bool {
    let builder = builder(order)
    let pieces = builder.pieces(drops)
    if !isBetter(pieces, builder) { return true }
    if pack(pieces, order, builder, nodeLimit: AddressLimits.quickNodes, effortLimit: AddressLimits.quickEffort) {
      return true
    }
    take(arena(order, .longestForItsPrice, builder))
    if pieces.count > AddressLimits.mostRefined {
      sweep(order, drops, effortLimit: AddressLimits.quickSweepEffort, again: 0)
      return false
    }
    for percent in AddressLimits.freeQuickly {
      let smaller = core.leaving(percent: percent, of: budget)
      let drops = FurthestUse.drops(smaller, order: order, capacity: budget, policy: .longestForItsPrice)
      let pieces = builder.pieces(drops)
      if !isBetter(pieces, builder) { break }
      if pack(pieces, order, builder, nodeLimit: AddressLimits.quickNodes, effortLimit: AddressLimits.quickEffort) {
        break
      }
    }
    return false
  }

  /// The same, and all that is done at the end where the residency does not pack, in some of the time.
  ///
  /// - Parameters:
  ///   - orders: the first one is that of the drops.
  ///   - effort: elementary steps, of which a third each is for the residency and for changes to the orders with room left
  ///     and with addresses.
  func place(_ orders: [[Int]], _ drops: [ResidencyModel.Gap], effort: Int) {
    if placeQuickly(orders[0], drops) { return }
    let part = min(effort, options.packingEffortLimit, workLeft) / 3
    if part <= 0 { return }
    let ofTheEnd = reserved
    reserved = work.left - part
    place(orders[0], drops, residencyNodes: AddressLimits.residencyNodes)
    reserved = ofTheEnd
    improveWithLessRoom(orders, effort: part)
    improvePlaced(orders, effort: part)
  }

  /// The best that rules make of an order, in no time.
  func placeByRule(_ order: [Int]) {
    let builder = builder(order)
    var limits = AllocationSolver.Options()
    limits.nodeLimit = AddressLimits.ruledNodes
    limits.effortLimit = AddressLimits.quickEffort
    for policy in FurthestUse.Policy.allCases {
      takeAlways(arena(order, policy, builder))
      let pieces = builder.pieces(FurthestUse.drops(core, order: order, capacity: budget, policy: policy))
      // Gaps make a packing slow.
      let most = problem.sharing.isEmpty ? AddressLimits.mostRefined : AddressLimits.mostRuledWithGaps
      if isBetter(pieces, builder), pieces.count <= most,
        let plan = packed(pieces, order, builder, limits, nil)
      {
        takeAlways(plan)
      }
    }
  }

  // MARK: - Plans for what was found

  /// Where the pieces do not pack, residency is chosen again with less room; then GLPK is asked to drop one of the gaps
  /// that are in the way; and there always is what an arena makes of the order.
  ///
  /// - Parameter residencyNodes: nodes of GLPK for each choice.
  func place(_ order: [Int], _ drops: [ResidencyModel.Gap], residencyNodes: Int) {
    let builder = builder(order)
    let first = builder.pieces(drops)
    if !isBetter(first, builder) { return }
    if pack(first, order, builder, nodeLimit: options.packingNodeLimit) { return }
    if isInterrupted { return }
    options.progress?("the plan does not pack; looking for another")
    for policy in [FurthestUse.Policy.furthestNextUse, .longestForItsPrice] { take(arena(order, policy, builder)) }
    if first.count > AddressLimits.mostRefined {
      sweep(order, drops, effortLimit: AddressLimits.sweepEffort, again: AddressLimits.mostAgain)
    } else {
      withLessRoom(order, builder, residencyNodes)
      if options.usePacking, core.count <= options.largestModelledBlock {
        repair(order, drops, builder, residencyNodes)
      }
    }
  }

  /// For more pieces than a packing can look at together: what is in the way leaves. A tree is then scheduled again, with
  /// some room beside the operators at which something did, as often as there are others.
  private func sweep(
    _ order: [Int], _ drops: [ResidencyModel.Gap], effortLimit: Int, again: Int
  ) {
    let given = BlockScheduler.Residency(order: order, drops: drops, cost: 0)
    // What is worse than the best plan tells what is in the way, too.
    guard let first = sweepWithoutPlaces(given, effortLimit: effortLimit, isCutShort: again == 0) else { return }
    if again > 0, !first.isEmpty, sweepWithPlaces(given)?.isEmpty == true { return }
    for percent in AddressLimits.freeForTrees {
      var tight = first
      var room = [Int](repeating: 0, count: core.count)
      for _ in 0..<again {
        if tight.isEmpty { return }
        for op in tight { room[op] = max(budget * percent / 100, 2 * room[op]) }
        guard
          let other = TreeSchedule.contracted(
            core.leaving(room, of: budget), capacity: budget, cancellation: options.cancellation),
          let found = sweepWithoutPlaces(other, effortLimit: effortLimit, isCutShort: false)
        else { break }
        if !found.isEmpty { _ = sweepWithPlaces(other) }
        tight = found
      }
      if tight.isEmpty { return }
    }
  }

  /// Takes the plan of a sweep; the operators at which something was in the way, nil where the residency is no better than
  /// the best plan.
  private func sweepWithoutPlaces(
    _ residency: BlockScheduler.Residency, effortLimit: Int, isCutShort: Bool
  ) -> [Int]? {
    if isOver { return nil }
    let (tight, effort) = sweep(
      residency, effortLimit: min(effortLimit, workLeft), plansPlaces: false, isCutShort: isCutShort)
    work.left -= effort
    return tight
  }

  /// The same with places for what stays long planned before, in work of its own, so that nothing else has less.
  private func sweepWithPlaces(_ residency: BlockScheduler.Residency) -> [Int]? {
    if leftForPlaces <= 0 || isInterrupted { return nil }
    let (tight, effort) = sweep(
      residency, effortLimit: min(AddressLimits.sweepEffort / 2, leftForPlaces), plansPlaces: true, isCutShort: true)
    leftForPlaces -= effort
    return tight
  }

  private func sweep(
    _ residency: BlockScheduler.Residency, effortLimit: Int, plansPlaces: Bool, isCutShort: Bool
  ) -> (tight: [Int]?, effort: Int) {
    options.progress?("addresses for one step after the other, best \(leastTraffic)")
    let builder = builder(residency.order)
    let ends = builder.ends(residency.drops)
    let limit = leastTraffic - builder.traffic(builder.pieces(endingAfter: ends)).total
    if limit <= 0 { return (nil, 0) }
    var sweep = EvictingSweep(
      builder.timetable(endingAfter: ends), budget: budget, effortLimit: effortLimit, plansPlaces: plansPlaces)
    guard let pieces = sweep.run(below: isCutShort ? limit : Int.max, cancellation: options.cancellation) else {
      return (nil, sweep.effort)
    }
    take(Plan(order: residency.order, pieces: pieces, traffic: builder.traffic(pieces)))
    return (sweep.tightSteps.map { residency.order[$0] }, sweep.effort)
  }

  /// Before a plan whose addresses cost traffic, one that was the best earlier and packs.
  func placeEarlier(_ earlier: [BlockScheduler.Residency]) {
    for (number, other) in earlier.enumerated() where other.cost < leastTraffic {
      let builder = builder(other.order)
      let pieces = builder.pieces(other.drops)
      let isPacked = pack(pieces, other.order, builder, nodeLimit: AddressLimits.refinedNodes)
      // With less room for some of them: it costs more than looking for addresses.
      if !isPacked, number < AddressLimits.mostEarlierWithLessRoom {
        withLessRoom(other.order, builder, options.nodeLimit)
      }
    }
  }

  /// Only addresses are missing: other orders may take more work than was left for the first one.
  func beginOtherOrders() { work.left = max(work.left, workForAddresses(most: AddressLimits.mostPackingsOfOrders)) }

  /// Changes to orders that came near, with addresses, which is the last thing to do.
  func improve(_ orders: [[Int]]) {
    let effort = workForAddresses(most: AddressLimits.mostPackingsOfChanges)
    work.left = max(work.left, 2 * effort)
    let orders = (best.map { [$0.order] } ?? []) + orders
    improveWithLessRoom(orders, effort: effort)
    improvePlaced((best.map { [$0.order] } ?? []) + orders, effort: effort)
  }

  private func workForAddresses(most: Int) -> Int {
    // Orders of large graphs are not searched for it.
    if core.count > BlockLimits.largestSearched { return options.packingEffortLimit }
    return options.packingEffortLimit * max(1, min(most, core.count * core.count / AddressLimits.pairsPerPacking))
  }

  private func nextRound() -> Int {
    defer { rounds += 1 }
    return rounds
  }

  /// Changes to orders, with a cost that addresses are part of.
  private func improvePlaced(_ orders: [[Int]], effort: Int) {
    if isOver { return }
    let placed = PlacedCost(problem, scope, budget)
    defer { work.left -= placed.effort }
    let costs = orders.map { placed.cost(of: $0, limit: Int.max) }
    guard let start = orders.indices.min(by: { (costs[$0], $0) < (costs[$1], $1) }) else { return }
    options.progress?("changes to the order, with addresses, best \(min(leastTraffic, costs[start]))")
    func take(_ order: [Int], _ cost: Int) {
      if cost >= leastTraffic { return }
      let pieces = placed.pieces(of: order)
      self.take(Plan(order: order, pieces: pieces, traffic: builder(order).traffic(pieces)))
    }
    // Half of it in one run from the best order, the rest in short ones, which find what is far from that.
    var left = max(1, min(effort, workLeft))
    var limit = max(1, left / 2)
    var number = 0
    while left > 0, !isInterrupted {
      let improvement = OrderImprovement(
        core, placed: placed, round: nextRound(), cancellation: options.cancellation)
      let from = orders[(start + max(0, number - 1)) % orders.count]
      let found = improvement.run(from: from, effortLimit: limit, onTheWay: take)
      take(found.order, found.cost)
      number += 1
      left -= limit
      limit = min(max(1, left), max(AddressLimits.leastRun, AddressLimits.runPerPair * core.count * core.count))
    }
  }

  /// Residency for less than the budget leaves the packing some room.
  private func withLessRoom(_ order: [Int], _ builder: PieceBuilder, _ residencyNodes: Int) {
    for percent in AddressLimits.freeForOrder where !isOver {
      let smaller = core.leaving(percent: percent, of: budget)
      for drops in residencies(smaller, order, nodeLimit: residencyNodes) {
        let pieces = builder.pieces(drops)
        if isBetter(pieces, builder), pack(pieces, order, builder, nodeLimit: AddressLimits.refinedNodes) { return }
      }
    }
  }

  /// Orders for less than the budget: fewer bytes move than where the best residency of the best order is cut up until
  /// it packs.
  func improveWithLessRoom(_ orders: [[Int]], effort: Int) {
    let round = nextRound()
    for percent in AddressLimits.freeForChanges where !isOver {
      let smaller = core.leaving(percent: percent, of: budget)
      let improvement = OrderImprovement(
        smaller, capacity: budget, round: round, cancellation: options.cancellation)
      let costs = orders.map { improvement.cost(of: $0) }
      guard let start = orders.indices.min(by: { (costs[$0], $0) < (costs[$1], $1) }) else { break }
      options.progress?("changes to the order, \(percent) % of the budget free, best \(leastTraffic)")
      let found = improvement.run(
        from: orders[start], effortLimit: max(1, min(effort / AddressLimits.freeForChanges.count, workLeft)))
      work.left -= improvement.effort
      let builder = builder(found.order)
      let residencies =
        residencies(smaller, found.order, nodeLimit: AddressLimits.residencyNodes) + [
          improvement.drops(of: found.order)
        ]
      for drops in residencies {
        let pieces = builder.pieces(drops)
        if isBetter(pieces, builder) { _ = pack(pieces, found.order, builder, nodeLimit: AddressLimits.refinedNodes) }
      }
    }
  }

  /// What to drop in an order: the best of GLPK, or what rules say.
  private func residencies(
    _ core: ScheduleCore, _ order: [Int], nodeLimit: Int
  ) -> [[ResidencyModel.Gap]] {
    if core.count <= options.largestModelledBlock, !isInterrupted {
      let residency = ResidencyModel(core, order: order, capacity: budget)
      if !GLPKSolver.isTooLarge(residency.model) {
        let result = GLPKSolver(within: nodeLimit, for: residency.model, cancellation: options.cancellation)
          .solve(residency.model)
        if result.objective != nil { return [residency.drops(result.values)] }
      }
    }
    return [FurthestUse.Policy.furthestNextUse, .longestForItsPrice].map {
      FurthestUse.drops(core, order: order, capacity: budget, policy: $0)
    }
  }

  /// Asks GLPK to drop one of the gaps that are in the way, again and again; then without a model: the cheapest gap
  /// that is in the way goes, also one between neighbouring steps.
  private func repair(
    _ order: [Int], _ drops: [ResidencyModel.Gap], _ builder: PieceBuilder, _ residencyNodes: Int
  ) {
    var model = ResidencyModel(core, order: order, capacity: budget)
    var current = drops
    for _ in 0..<AddressLimits.mostRepairs where !isOver && !GLPKSolver.isTooLarge(model.model) {
      let core = inTheWay(builder.pieces(current), builder)
      let dropped = Set(current.map { GapKey($0) })
      let kept = model.gaps.filter { gap in
        !dropped.contains(GapKey(gap))
          && core.contains {
            $0.tensor.index == builder.original(gap.tensor) && $0.first <= gap.first && gap.last <= $0.last
          }
      }
      if kept.isEmpty { break }
      model.requireOne(of: kept)
      let result = GLPKSolver(
        within: residencyNodes, for: model.model, cancellation: options.cancellation
      ).solve(model.model)
      guard result.objective != nil else { break }
      current = model.drops(result.values)
      let pieces = builder.pieces(current)
      // What GLPK finds from here on costs no less.
      if !isBetter(pieces, builder) { return }
      if pack(pieces, order, builder, nodeLimit: options.packingNodeLimit) { return }
    }
    var cuts = builder.ends(drops)
    for _ in 0..<AddressLimits.mostCuts where !isOver {
      let pieces = builder.pieces(endingAfter: cuts)
      if !isBetter(pieces, builder) || pack(pieces, order, builder, nodeLimit: AddressLimits.cutNodes) { return }
      guard let cut = builder.cheapestCut(inTheWay(pieces, builder), cuts) else { return }
      cuts[cut.tensor].insert(cut.step)
    }
  }

  private struct GapKey: Hashable {
    var tensor: Int
    var first: Int
    init(_ gap: ResidencyModel.Gap) {
      tensor = gap.tensor
      first = gap.first
    }
  }

  private func inTheWay(_ pieces: [ScheduleSolution.Piece], _ builder: PieceBuilder) -> [ScheduleSolution.Piece] {
    var core = UnpackableCore(builder, budget: budget, effortLimit: workLeft, cancellation: options.cancellation)
    defer { work.left -= core.effort }
    return core.find(in: pieces)
  }
}
