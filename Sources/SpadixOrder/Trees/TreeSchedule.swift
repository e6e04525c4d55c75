import SpadixSupport

/// The cheapest schedule of a tree, of any kind that cuts are known for.
struct TreeSchedule {
  /// No schedule costs less.
  let bound: Int
  let residency: BlockScheduler.Residency
  /// Elementary steps, of about a nanosecond each.
  let effort: Int

  /// Elementary steps for what takes the longest, with a bound and without.
  static let mostEffort = 6_000_000_000
  private static let littleEffort = 1_500_000_000

  /// Nil where the core is no tree.
  init?(
    _ core: ScheduleCore, capacity: Int, effortLimit: Int = mostEffort, cancellation: Cancellation? = nil
  ) {
    if let cuts = TreeCuts(core, capacity: capacity) {
      (bound, effort) = (cuts.bound, cuts.effort)
      residency = BlockScheduler.Residency(
        order: cuts.order, drops: cuts.drops, cost: ResidencyModel.cost(cuts.drops, core))
      return
    }
    guard
      let cuts = SharedTreeCuts(core, capacity: capacity, effortLimit: effortLimit, cancellation: cancellation)
    else { return nil }
    (bound, effort) = (cuts.bound, cuts.effort)
    // The rule keeps what fits, and drops more where profiles only are no worse than the tree's.
    let found = FurthestUse.Policy.allCases.map { policy -> BlockScheduler.Residency in
      let drops = FurthestUse.drops(
        core, order: cuts.order, capacity: capacity, policy: policy, leaving: cuts.leaving)
      return BlockScheduler.Residency(order: cuts.order, drops: drops, cost: ResidencyModel.cost(drops, core))
    }
    guard let best = found.min(by: { $0.cost < $1.cost }) else { return nil }
    residency = best
  }

  /// Of a core whose operators that run in a row become one first.
  static func contracted(
    _ core: ScheduleCore, capacity: Int, cancellation: Cancellation?
  ) -> BlockScheduler.Residency? {
    let contraction = Contraction(core)
    let tree = TreeSchedule(
      contraction.core, capacity: capacity, effortLimit: littleEffort, cancellation: cancellation)
    guard let residency = tree?.residency else { return nil }
    let assembly = BlockAssembly(
      blocks: [Array(contraction.core.operators.indices)], parts: [contraction.core], whole: core)
    let drops = contraction.expanded(assembly.whole(of: [residency]).drops, order: residency.order)
    return BlockScheduler.Residency(
      order: contraction.expanded(residency.order), drops: drops, cost: ResidencyModel.cost(drops, core))
  }
}
