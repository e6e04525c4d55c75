import SpadixAllocation
import SpadixMIP
import SpadixSupport

/// Pieces with addresses, and what they move.
struct ScheduleLayout {
  var pieces: [ScheduleSolution.Piece]
  var traffic: ScheduleSolution.Traffic
  var nodes: Int
}

extension Scheduler {
  /// Gives every piece of residency an address. Where the pieces do not pack, residency is chosen again with less room;
  /// then GLPK is asked to drop one of the gaps that are in the way; and there always is what an arena makes of the
  /// order.
  func layOut(
    _ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ core: ScheduleCore, _ budget: Int, _ order: [Int],
    _ drops: [ResidencyModel.Gap], _ work: PackingWork
  ) -> ScheduleLayout {
    var packer = Packer(options, PieceBuilder(problem, scope, core, order), budget, work)
    let first = packer.builder.pieces(drops)
    if packer.offer(first, nodeLimit: options.packingNodeLimit), let layout = packer.layout { return layout }
    options.progress?("the plan does not pack; looking for another")
    for policy in [FurthestUse.Policy.furthestNextUse, .longestForItsPrice] {
      var arena = OnlineArena(problem, scope, core, order, budget, policy)
      packer.take(arena.run())
    }
    if first.count <= Packer.mostRefined {
      withLessRoom(core, order, budget, &packer)
      if options.usePacking, core.count <= options.largestModelledBlock {
        repair(core, order, budget, drops, &packer, work)
      }
    }
    return packer.layout ?? ScheduleLayout(pieces: [], traffic: .init(spilled: 0, fetched: 0), nodes: 0)
  }

  /// Where the best residency did not pack: changes to orders, with a cost that addresses are part of. The order of a
  /// better layout, if there is one.
  func improvePlaced(
    _ placed: PlacedCost, _ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ core: ScheduleCore,
    _ budget: Int, _ orders: [[Int]], _ layout: inout ScheduleLayout, effort: Int, _ work: PackingWork
  ) -> [Int]? {
    let effortBefore = placed.effort
    defer { work.left -= placed.effort - effortBefore }
    // After an interruption a better plan is still wanted, soon.
    let isInterrupted = options.cancellation?.isCancelled == true
    let costs = orders.map { placed.cost(of: $0, limit: Int.max) }
    guard let start = orders.indices.min(by: { (costs[$0], $0) < (costs[$1], $1) }) else { return nil }
    options.progress?("changes to the order, with addresses, best \(min(layout.traffic.total, costs[start]))")
    let improvement = OrderImprovement(core, placed: placed, cancellation: isInterrupted ? nil : options.cancellation)
    let found = improvement.run(
      from: orders[start], effortLimit: isInterrupted ? 400_000_000 : max(1, min(effort, work.left)))
    if found.cost >= layout.traffic.total { return nil }
    let pieces = placed.pieces(of: found.order)
    layout = ScheduleLayout(
      pieces: pieces, traffic: PieceBuilder(problem, scope, core, found.order).traffic(pieces), nodes: layout.nodes)
    return found.order
  }

  /// What all packings of a solve may still take together, in elementary steps of about a nanosecond.
  final class PackingWork {
    var left: Int

    init(_ options: ScheduleOptions) { left = 5 * options.packingEffortLimit }
  }

  /// The best layout for an order so far.
  struct Packer {
    /// Of more pieces there is one attempt to pack them.
    static let mostRefined = 4_000

    let builder: PieceBuilder
    private let options: ScheduleOptions
    private let budget: Int
    private let work: PackingWork
    private(set) var layout: ScheduleLayout?
    private var nodes = 0

    init(_ options: ScheduleOptions, _ builder: PieceBuilder, _ budget: Int, _ work: PackingWork) {
      self.options = options
      self.builder = builder
      self.budget = budget
      self.work = work
    }

    var isOver: Bool { work.left <= 0 || options.cancellation?.isCancelled == true }

    /// Whether traffic of so many bytes would be an improvement.
    func isBetter(_ pieces: [ScheduleSolution.Piece]) -> Bool {
      layout.map { builder.traffic(pieces).total < $0.traffic.total } ?? true
    }

    /// Takes pieces that have addresses already.
    mutating func take(_ placed: [ScheduleSolution.Piece]) {
      if isBetter(placed) {
        layout = ScheduleLayout(pieces: placed, traffic: builder.traffic(placed), nodes: nodes)
      }
    }

    /// Looks for addresses; false when none were found.
    mutating func offer(_ pieces: [ScheduleSolution.Piece], nodeLimit: Int) -> Bool {
      var limits = AllocationSolver.Options()
      // After an interruption a plan is still wanted, soon.
      let isInterrupted = options.cancellation?.isCancelled == true
      limits.nodeLimit = isInterrupted ? min(20_000, nodeLimit) : nodeLimit
      limits.effortLimit = max(1, isInterrupted ? 100_000_000 : min(options.packingEffortLimit, work.left))
      let result = AllocationSolver(options: limits, cancellation: isInterrupted ? nil : options.cancellation)
        .solve(builder.allocation(pieces, budget))
      work.left -= result.effort
      nodes += result.nodes
      layout?.nodes = nodes
      guard let solution = result.solution else { return false }
      var placed = pieces
      for index in placed.indices { placed[index].offset = solution.offsets[index] }
      take(placed)
      return true
    }
  }

  /// Residency for less than the budget leaves the packing some room.
  func withLessRoom(_ core: ScheduleCore, _ order: [Int], _ budget: Int, _ packer: inout Packer) {
    for percent in [1, 3, 6, 10, 15, 20, 30, 40] where !packer.isOver {
      let smaller = core.leaving(percent: percent, of: budget)
      for drops in residencies(smaller, order, budget, nodeLimit: options.nodeLimit) {
        let pieces = packer.builder.pieces(drops)
        if packer.isBetter(pieces), packer.offer(pieces, nodeLimit: 100_000) { return }
      }
    }
  }

  /// Orders for less than the budget: fewer bytes move than where the best residency of the best order is cut up until
  /// it packs. The order of a better layout, if there is one.
  func improveWithLessRoom(
    _ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ core: ScheduleCore, _ budget: Int, _ orders: [[Int]],
    _ layout: inout ScheduleLayout, effort: Int, _ work: PackingWork
  ) -> [Int]? {
    var result: [Int]?
    let percentages = [2, 4, 7, 10, 14, 20, 30]
    for percent in percentages where work.left > 0 && options.cancellation?.isCancelled != true {
      let smaller = core.leaving(percent: percent, of: budget)
      let improvement = OrderImprovement(smaller, capacity: budget, cancellation: options.cancellation)
      let costs = orders.map { improvement.cost(of: $0) }
      guard let start = orders.indices.min(by: { (costs[$0], $0) < (costs[$1], $1) }) else { break }
      options.progress?("changes to the order, \(percent) % of the budget free, best \(layout.traffic.total)")
      let found = improvement.run(
        from: orders[start], effortLimit: max(1, min(effort / percentages.count, work.left)))
      work.left -= improvement.effort
      var packer = Packer(options, PieceBuilder(problem, scope, core, found.order), budget, work)
      packer.take(layout.pieces)
      for drops in residencies(smaller, found.order, budget, nodeLimit: 500) + [improvement.drops(of: found.order)] {
        let pieces = packer.builder.pieces(drops)
        guard packer.isBetter(pieces), packer.offer(pieces, nodeLimit: 100_000), let better = packer.layout else {
          continue
        }
        layout = ScheduleLayout(pieces: better.pieces, traffic: better.traffic, nodes: layout.nodes + better.nodes)
        result = found.order
      }
    }
    return result
  }

  /// What to drop in an order: the best of GLPK, or what rules say.
  private func residencies(
    _ core: ScheduleCore, _ order: [Int], _ capacity: Int, nodeLimit: Int
  ) -> [[ResidencyModel.Gap]] {
    if core.count <= options.largestModelledBlock {
      let residency = ResidencyModel(core, order: order, capacity: capacity)
      if !GLPKSolver.isTooLarge(residency.model) {
        let result = GLPKSolver(within: nodeLimit, for: residency.model, cancellation: options.cancellation)
          .solve(residency.model)
        if result.objective != nil { return [residency.drops(result.values)] }
      }
    }
    return [FurthestUse.Policy.furthestNextUse, .longestForItsPrice].map {
      FurthestUse.drops(core, order: order, capacity: capacity, policy: $0)
    }
  }

  /// Asks GLPK to drop one of the gaps that are in the way, again and again; then without a model: the cheapest gap
  /// that is in the way goes, also one between neighbouring steps.
  private func repair(
    _ core: ScheduleCore, _ order: [Int], _ budget: Int, _ drops: [ResidencyModel.Gap], _ packer: inout Packer,
    _ work: PackingWork
  ) {
    var model = ResidencyModel(core, order: order, capacity: budget)
    var current = drops
    for _ in 0..<16 where !packer.isOver && !GLPKSolver.isTooLarge(model.model) {
      let core = unpackableCore(packer.builder.pieces(current), packer.builder, budget, work)
      let dropped = Set(current.map { GapKey($0) })
      let kept = model.gaps.filter { gap in
        !dropped.contains(GapKey(gap))
          && core.contains {
            $0.tensor.index == packer.builder.original(gap.tensor) && $0.first <= gap.first && gap.last <= $0.last
          }
      }
      if kept.isEmpty { break }
      model.requireOne(of: kept)
      let result = GLPKSolver(
        within: options.nodeLimit, for: model.model, cancellation: options.cancellation
      ).solve(model.model)
      guard result.objective != nil else { break }
      current = model.drops(result.values)
      let pieces = packer.builder.pieces(current)
      // What GLPK finds from here on costs no less.
      if !packer.isBetter(pieces) { return }
      if packer.offer(pieces, nodeLimit: options.packingNodeLimit) { return }
    }
    var cuts = packer.builder.ends(drops)
    for _ in 0..<200 where !packer.isOver {
      let pieces = packer.builder.pieces(endingAfter: cuts)
      if !packer.isBetter(pieces) || packer.offer(pieces, nodeLimit: 50_000) { return }
      let inTheWay = unpackableCore(pieces, packer.builder, budget, work)
      guard let cut = packer.builder.cheapestCut(inTheWay, cuts) else { return }
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

  /// A small set of pieces that do not pack either.
  private func unpackableCore(
    _ pieces: [ScheduleSolution.Piece], _ builder: PieceBuilder, _ budget: Int, _ work: PackingWork
  ) -> [ScheduleSolution.Piece] {
    var options = AllocationSolver.Options()
    options.nodeLimit = 4_000
    options.effortLimit = 50_000_000
    options.layoutSweep = false
    let solver = AllocationSolver(options: options, cancellation: self.options.cancellation)
    func packs(_ some: [ScheduleSolution.Piece]) -> Bool {
      let result = solver.solve(builder.allocation(some, budget))
      work.left -= result.effort
      return result.solution != nil
    }
    func inside(_ first: Int, _ last: Int) -> [ScheduleSolution.Piece] {
      pieces.filter { $0.first <= last && first <= $0.last }
    }
    // Halving finds the first and the last step without which the rest packs.
    let steps = builder.stepCount
    var low = 0
    var high = steps - 1
    while low < high {
      let middle = (low + high) / 2
      if packs(inside(0, middle)) { low = middle + 1 } else { high = middle }
    }
    let last = low
    low = 0
    high = last
    while low < high {
      let middle = (low + high + 1) / 2
      if packs(inside(middle, last)) { high = middle - 1 } else { low = middle }
    }
    var kept = inside(low, last)
    if kept.count <= 80 {
      for piece in kept {
        let without = kept.filter { $0 != piece }
        if !packs(without) { kept = without }
      }
    }
    return kept
  }
}
