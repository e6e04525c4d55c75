import SpadixSupport

/// The answer to a `KernelProblem`: an alternative for each operator, and where every resident tensor lies, and when.
public struct KernelSolution: Sendable {
  /// How a piece of residency comes to be.
  public enum Origin: String, Sendable {
    /// Written by its producer in the piece's first step.
    case produced
    /// Read whole from DRAM before the operator of the piece's first step runs.
    case fetched
  }

  /// A tensor in the scratchpad during steps `first...last`, at rows `row ..< row + rows`.
  public struct Piece: Sendable {
    /// Of the problem.
    public var tensor: KernelProblem.TensorID
    /// First step.
    public var first: Int
    /// Last step, itself included.
    public var last: Int
    /// First row of the scratchpad.
    public var row: Int
    /// A tensor may have a piece that is produced and later ones that are fetched.
    public var origin: Origin
    /// Whether the tensor is written to DRAM right after the first step, because it is an output, streamed later, or
    /// fetched later. Only for a produced piece.
    public var spilled: Bool

    public init(tensor: KernelProblem.TensorID, first: Int, last: Int, row: Int, origin: Origin, spilled: Bool) {
      self.tensor = tensor
      self.first = first
      self.last = last
      self.row = row
      self.origin = origin
      self.spilled = spilled
    }
  }

  /// How and where one operator runs.
  public struct Step: Sendable {
    /// Index into the operator's alternatives, or into those of the group that it runs in.
    public var alternative: Int
    /// First row of the operator's working block, or of the group's.
    public var workingRow: Int
    /// The problem's group that the operator runs in.
    public var group: Int?

    public init(alternative: Int, workingRow: Int, group: Int? = nil) {
      self.group = group
      self.alternative = alternative
      self.workingRow = workingRow
    }
  }

  /// One per operator, in order.
  public var steps: [Step]
  /// Sorted by first step, then tensor.
  public var pieces: [Piece]
  /// What the plan costs: the alternatives' own, whole fetches and spills.
  public var cost: Cost
  /// No plan in this order with these alternatives is better by the objective.
  public var bound: Int
  /// What the solver did: rows, columns, nodes, and which component closed the gap, or why it is open.
  public var certificate: Certificate

  /// What the solver did, and how far its proof goes.
  public struct Certificate: Sendable {
    /// The component that closed the gap, for people.
    public var closedBy: String
    /// Of the largest integer program.
    public var rows: Int
    /// Of the largest integer program.
    public var columns: Int
    /// Of GLPK's branch and bound.
    public var nodes: Int
    /// Why the plan is not known to be optimal: the limits that the search met. Empty for a proven plan that nothing
    /// interrupted.
    public var whyOpen: [String]

    public init(closedBy: String, rows: Int, columns: Int, nodes: Int, whyOpen: [String] = []) {
      self.closedBy = closedBy
      self.rows = rows
      self.columns = columns
      self.nodes = nodes
      self.whyOpen = whyOpen
    }
  }

  public init(
    steps: [Step], pieces: [Piece], cost: Cost, bound: Int, certificate: Certificate
  ) {
    self.steps = steps
    self.pieces = pieces
    self.cost = cost
    self.bound = bound
    self.certificate = certificate
  }
}
