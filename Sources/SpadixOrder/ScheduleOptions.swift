import SpadixSupport

/// How to schedule: limits, formulation, and a switch for every component.
public struct ScheduleOptions: Sendable {
  public enum Formulation: String, Sendable, CaseIterable {
    /// Order, residency and addresses, to proven optimality where the limits allow.
    case exact
    /// The model of COSMA's paper, all at once; for small graphs.
    case joint
    /// Residency and addresses for the default order.
    case fixedOrder = "fixed-order"
  }

  public var formulation = Formulation.exact
  /// Whether operators may run again, and at what price.
  public var recomputation = ScheduleSolution.Recomputation()
  /// Branch-and-bound nodes of one call of GLPK.
  public var nodeLimit = 20_000
  /// Labels of the order search, over all blocks, at which the search ends as by an interruption. By default other limits
  /// come first.
  public var labelLimit = 1 << 40
  /// Elementary steps of the searches over orders, of about a nanosecond each, over all blocks: what a label costs
  /// differs by a factor of a hundred between problems, and this bounds the work whatever it costs.
  public var effortLimit = 30_000_000_000
  /// Nodes and elementary steps of one packing.
  public var packingNodeLimit = 2_000_000
  public var packingEffortLimit = 2_000_000_000
  /// Other orders to try when the pieces of an optimal one do not pack, unless the search took more labels than this.
  public var reorderings = 16
  public var largestReorderedSearch = 200_000
  /// Blocks of more operators are not given to GLPK, or to the order search.
  public var largestModelledBlock = 2_000
  public var largestSearchedBlock = 2_000

  // Components, for ablation.
  public var useContraction = true
  public var useSplit = true
  public var useUpperBound = true
  public var useLowerBound = true
  public var useIdealBound = true
  public var useWavefront = true
  public var useLocalSearch = true
  public var useOrderSearch = true
  public var useSafeMoves = true
  public var useExchanges = true
  public var useDominance = true
  public var useSuffixBounds = true
  public var usePacking = true

  public var cancellation: Cancellation?
  /// Told what is going on, now and then.
  public var progress: (@Sendable (String) -> Void)?

  public init() {}
}
