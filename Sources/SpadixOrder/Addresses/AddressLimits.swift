/// What the search for addresses may take: pieces, nodes of packings and of GLPK, percentages of the budget, and elementary
/// steps of about a nanosecond each.
enum AddressLimits {
  /// Full packings that the searches of a solve may take.
  static let packingsOfASolve = 5
  /// Of more pieces there is one attempt to pack them.
  static let mostRefined = 4_000
  /// Of more pieces the tables of a search take hundreds of MB: rules have to do, then a sweep.
  static let mostSearched = 8_000
  /// Nodes of a packing that is one of many.
  static let refinedNodes = 100_000
  /// Nodes and elementary steps of a packing that only looks whether it is easy: rules and a little search.
  static let quickNodes = 2_000
  static let quickEffort = 50_000_000
  /// Nodes of packings of what rules keep, and pieces that they may have where some lie together.
  static let ruledNodes = 20_000
  static let mostRuledWithGaps = 300
  /// Elementary steps of the searches before the first plan on the way, and between two; the plans take an eighth of the
  /// searches at most.
  static let effortBetweenPlans = 50_000_000
  static let shareOfPlans = 8
  /// Full packings that plans on the way leave for those at the end.
  static let packingsAtTheEnd = 2
  /// Percentages of the budget that stay free while residency or orders are chosen, so that the rest packs into the whole:
  /// in little time, for one order, and with changes to it.
  static let freeQuickly = [2, 5, 10, 20]
  static let freeForOrder = [1, 3, 6, 10, 15, 20, 30, 40]
  /// Elementary steps of a sweep over many pieces at the end, and of one on the way.
  static let sweepEffort = 6_000_000_000
  static let quickSweepEffort = 300_000_000
  /// How often a tree is scheduled again after a sweep, and the percentages of the budget that are left free at first.
  static let mostAgain = 5
  static let freeForTrees = [4, 1]
  static let freeForChanges = [2, 4, 7, 10, 14, 20, 30]
  /// Plans that were the best earlier and do not pack, for which residency is chosen with less room.
  static let mostEarlierWithLessRoom = 4
  /// Where only addresses are missing there is more work: a full packing for each so many pairs of operators, up to so many
  /// for other orders, and for changes to them with room left and with addresses.
  static let pairsPerPacking = 250
  static let mostPackingsOfOrders = 24
  static let mostPackingsOfChanges = 6
  /// Elementary steps of a short run of changes with addresses: for each pair of operators, and at least.
  static let runPerPair = 20_000
  static let leastRun = 30_000_000
  /// Nodes of GLPK for a residency that is one of many.
  static let residencyNodes = 500
  /// Gaps that GLPK is asked to drop one after the other, and those that go without a model.
  static let mostRepairs = 16
  static let mostCuts = 200
  /// Nodes of a packing after such a cut.
  static let cutNodes = 50_000
  /// Nodes and elementary steps of the packings that look for what is in the way; of more pieces, not each is left out.
  static let coreNodes = 4_000
  static let coreEffort = 50_000_000
  static let mostLeftOut = 80
}
