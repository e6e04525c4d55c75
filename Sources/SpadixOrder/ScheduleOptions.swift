import SpadixSupport

/// How to schedule: limits, formulation, and a switch for every component.
public struct ScheduleOptions: Sendable {
  /// What is decided, and by which model.
  public enum Formulation: String, Sendable, CaseIterable {
    /// Order, residency and addresses, to proven optimality where the limits allow.
    case exact
    /// The model of COSMA's paper, all at once; for small graphs.
    case joint
    /// Residency and addresses for the default order.
    case fixedOrder = "fixed-order"
  }

  /// Order, residency and addresses by default.
  public var formulation = Formulation.exact
  /// Whether operators may run again, and at what price.
  public var recomputation = ScheduleSolution.Recomputation()
  /// Branch-and-bound nodes of one call of GLPK.
  public var nodeLimit = 20_000
  /// Labels of the order search, over all blocks, at which the search ends as by an interruption. By default other limits
  /// come first.
  public var labelLimit = 1 << 40
  /// Elementary steps of the searches over orders, of about a nanosecond each, over all blocks: what a label
  /// costs differs by a factor of a hundred between problems, and this bounds the work whatever it costs. About a minute.
  public var effortLimit = 100_000_000_000
  /// Nodes and elementary steps of one packing.
  public var packingNodeLimit = 2_000_000
  /// Elementary steps of one packing, of about a nanosecond each.
  public var packingEffortLimit = 2_000_000_000
  /// Other orders to try when the pieces of an optimal one do not pack, unless the search took more labels than this.
  public var reorderings = 16
  /// Labels of a search after which no other orders are tried.
  public var largestReorderedSearch = 200_000
  /// Blocks of more operators are not given to GLPK, or to the order search.
  public var largestModelledBlock = 2_000
  /// Blocks of more operators are not given to the order search.
  public var largestSearchedBlock = BlockLimits.largestSearched

  // Components, for ablation.
  /// Operators that some optimal schedule runs in a row become one.
  public var useContraction = true
  /// Splits at operators that all others precede or follow, with nothing else live.
  public var useSplit = true
  /// Trees by the cheapest tensors to cut.
  public var useTreeCuts = true
  /// Residency for a given order, by GLPK.
  public var useUpperBound = true
  /// Residency where tensors are live in every order, by GLPK.
  public var useLowerBound = true
  /// A bound in which the order around the operators that leave the least room is a choice.
  public var usePivotBound = true
  /// A bound on bytes over every set of operators that may have run.
  public var useIdealBound = true
  /// A bound from prices for tensors outside the scratchpad, where such sets are few.
  public var useLagrangianBound = true
  /// Rows for the least bytes that are live beside each operator, by least cuts.
  public var useWavefront = true
  /// What windows of an order cost, added up, for large blocks.
  public var useWindowBound = true
  /// Changes to the order by local search, between the searches and after them.
  public var useLocalSearch = true
  /// Search over orders, under the best cost as cutoff.
  public var useOrderSearch = true
  /// In that search, operators run at once when that cannot hurt.
  public var useSafeMoves = true
  /// In that search, equal parts of the graph come in one order only.
  public var useExchanges = true
  /// In that search, of two tensors of which one is surely needed later, that one leaves first.
  public var useEvictionPrecedence = true
  /// In that search, labels go that others make superfluous.
  public var useDominance = true
  /// In that search, bounds for suffixes of a reference order.
  public var useSuffixBounds = true
  /// Addresses together with residency, where pieces do not pack.
  public var usePacking = true

  /// What a schedule without addresses costs at least, where that is known and reached.
  var knownBound: Int?

  /// Asked by every search; the best schedule so far is returned.
  public var cancellation: Cancellation?
  /// Told what is going on, now and then.
  public var progress: (@Sendable (String) -> Void)?

  public init() {}
}
