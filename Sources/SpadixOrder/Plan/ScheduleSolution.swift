/// An order of the operators, and where every scheduled tensor lies, and when.
public struct ScheduleSolution: Sendable {
  /// A tensor in the scratchpad during steps `first...last`, at one offset.
  public struct Piece: Sendable, Equatable {
    public var tensor: ScheduleProblem.TensorID
    public var first: Int
    public var last: Int
    public var offset: Int

    public init(tensor: ScheduleProblem.TensorID, first: Int, last: Int, offset: Int) {
      self.tensor = tensor
      self.first = first
      self.last = last
      self.offset = offset
    }
  }

  /// Bytes beyond the compulsory loads and stores.
  public struct Traffic: Sendable, Equatable {
    public var spilled: Int
    public var fetched: Int
    /// What the array cycles of repeated runs count for.
    public var recomputed: Int
    public var total: Int { spilled + fetched + recomputed }

    public init(spilled: Int, fetched: Int, recomputed: Int = 0) {
      self.spilled = spilled
      self.fetched = fetched
      self.recomputed = recomputed
    }
  }

  /// Whether operators may run again instead of being kept or fetched.
  public struct Recomputation: Sendable, Equatable {
    /// Runs beyond one of each operator.
    public var limit: Int
    /// Bytes that an array cycle of such a run counts for.
    public var cyclePrice: Int

    /// Neither is larger, so that no sum over a plan can overflow.
    public static let largest = 1000

    public init(limit: Int = 0, cyclePrice: Int = 0) {
      self.limit = limit
      self.cyclePrice = cyclePrice
    }
  }

  /// How the bound was proven, and at what expense.
  public struct Certificate: Sendable {
    /// Blocks that each component closed, in a fixed order of components.
    public var closedBy: [(component: String, blocks: Int)]
    public var blocks: Int
    /// Of the largest model given to GLPK.
    public var rows: Int
    public var columns: Int
    /// Branch-and-bound nodes over all models.
    public var nodes: Int
    /// Labels of the order search, over all blocks.
    public var labels: Int
    /// What kept the schedule from being proven; empty when it is.
    public var stops: [ScheduleStop] = []
    public var seconds: Double

    public init(
      closedBy: [(component: String, blocks: Int)] = [], blocks: Int = 0, rows: Int = 0, columns: Int = 0,
      nodes: Int = 0, labels: Int = 0, seconds: Double = 0
    ) {
      self.closedBy = closedBy
      self.blocks = blocks
      self.rows = rows
      self.columns = columns
      self.nodes = nodes
      self.labels = labels
      self.seconds = seconds
    }
  }

  public var scope: ScheduleProblem.Scope
  public var budget: Int
  /// Every operator at least once.
  public var order: [ScheduleProblem.OperatorID]
  public var recomputation: Recomputation
  /// Sorted by first step, then tensor.
  public var pieces: [Piece]
  public var traffic: Traffic
  /// No schedule has less traffic.
  public var bound: Int
  public var certificate: Certificate

  public var isProven: Bool { bound == traffic.total }

  /// Takes order, pieces and traffic of another plan for the same problem where that moves less.
  mutating func improve(with other: ScheduleSolution) {
    guard other.traffic.total < traffic.total else { return }
    order = other.order
    pieces = other.pieces
    traffic = other.traffic
    bound = min(bound, traffic.total)
  }

  public init(
    scope: ScheduleProblem.Scope, budget: Int, order: [ScheduleProblem.OperatorID],
    recomputation: Recomputation = Recomputation(), pieces: [Piece], traffic: Traffic, bound: Int,
    certificate: Certificate
  ) {
    self.scope = scope
    self.budget = budget
    self.order = order
    self.recomputation = recomputation
    self.pieces = pieces
    self.traffic = traffic
    self.bound = bound
    self.certificate = certificate
  }
}
