/// The schedule of a tree of which nothing is known yet.
enum TreeSchedule {
  /// The cheapest order and residency, nil where the core is no tree even when operators that run in a row are one.
  static func residency(_ core: ScheduleCore, capacity: Int) -> BlockScheduler.Residency? {
    let contraction = Contraction(core)
    guard let cuts = TreeCuts(contraction.core, capacity: capacity) else { return nil }
    let drops = contraction.expanded(contraction.renumbered(cuts.drops), order: cuts.order)
    return BlockScheduler.Residency(
      order: contraction.expanded(cuts.order), drops: drops, cost: ResidencyModel.cost(drops, core))
  }
}
