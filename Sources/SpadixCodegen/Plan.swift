import SpadixKernel
import SpadixPlan
import SpadixSupport

/// When and where the operators of an npu graph run: in the graph's order, for each of them its loop nest, the places of its
/// operands and its rows; for each tensor in the scratchpad its rows and how long it stays.
///
/// A plan is complete by itself: it can be printed, edited, checked and run without the search that found it.
public struct Plan: Sendable {
  /// Where an operand or a result is.
  public enum Place: String, Sendable {
    /// The whole tensor is in the scratchpad.
    case resident
    /// It passes through the operator's own tiles, from or to DRAM.
    case streamed
    /// Image rows of it are in the scratchpad while they are needed in the operator's group. What later steps need of such
    /// a result goes to DRAM as well.
    case rows

    /// The scheduler knows no rows.
    public init(_ place: KernelProblem.Place) {
      switch place {
      case .resident: self = .resident
      case .streamed: self = .streamed
      }
    }
  }
  /// A stay of a tensor in the scratchpad; its steps and rows are the plan's.
  public typealias Piece = KernelSolution.Piece

  /// How an operator runs.
  public enum Nest: Sendable, Equatable {
    /// One of the forms that the operator was lowered to, in tiles.
    case tile(form: Int, tiling: Tiling)
    /// Moves only.
    case copy
    /// The host evaluates the operator.
    case host
  }

  /// How and where one operator runs.
  public struct Step: Sendable {
    /// One place per int8 operand, and one per int8 result.
    public var inputs: [Place]
    /// One place per int8 result.
    public var outputs: [Place]
    /// In tiles, moves only, or on the host.
    public var nest: Nest
    /// First row of the block for tiles, weights and constants.
    public var workingRow: Int
    /// First rows of the parts of that block, slot by slot of its buffers, where these lie each by itself instead; nil
    /// where they lie behind one another from `workingRow`.
    public var rows: [Int]?
    /// Rows of that block, and what the step costs by itself. They follow from the rest.
    public var workingRows: Int
    /// What the step costs by itself; follows from the rest.
    public var cost: Cost
    /// In a group, whether weights and small matrices are loaded once for all strips.
    public var keepsConstants: Bool
    /// In a group, per input, how many image rows of a tensor in rows, the last ones, do not stay in the scratchpad until
    /// then: the step that makes them writes them to DRAM, and this one fetches them. Empty for none.
    public var fetched: [Int]
    /// In a group, whether the image rows that the step loads and makes lie as high as they can, not as low.
    public var isFromTop: Bool

    public init(
      inputs: [Place], outputs: [Place], nest: Nest, workingRow: Int, workingRows: Int, cost: Cost,
      keepsConstants: Bool = false, fetched: [Int] = [], isFromTop: Bool = false
    ) {
      self.isFromTop = isFromTop
      self.keepsConstants = keepsConstants
      self.fetched = fetched.contains { $0 > 0 } ? fetched : []
      self.inputs = inputs
      self.outputs = outputs
      self.nest = nest
      self.workingRow = workingRow
      self.workingRows = workingRows
      self.cost = cost
    }
  }

  /// Steps that run together: in each strip one after the other computes the rows that those behind it need. Such steps
  /// have no rows of their own.
  public struct Group: Sendable, Equatable {
    /// At least two.
    public var steps: Range<Int>
    /// Each has about as many rows of the last step's result.
    public var strips: Int
    /// The group's block of the scratchpad.
    public var row: Int
    /// Follows from the rest.
    public var rows: Int
    /// Rows of a block with more of them than it takes, which image rows use in turn; nil for as few as it takes.
    public var room: Int?
    /// First row of what steps need during a strip; nil where that is behind the constants that stay.
    public var workingRow: Int?

    public init(steps: Range<Int>, strips: Int, row: Int, rows: Int) {
      self.steps = steps
      self.strips = strips
      self.row = row
      self.rows = rows
    }
  }

  /// What was minimized; nil for a plan that does not say.
  public var objective: Objective?
  /// One per operator, in order.
  public var steps: [Step]
  /// In the order of their steps.
  public var groups: [Group] = []
  /// By first step, then tensor. Tensors are those of `PreparedKernels.problem`.
  public var pieces: [Piece]
  /// Of all steps and pieces together.
  public var cost: Cost
  /// What no plan of this order and these alternatives is better than.
  public var bounds: Bounds
  /// Who says that the bounds hold, and why the plan is not proven.
  public var certificate: Certificate

  /// What the search says of its own proof.
  public typealias Certificate = KernelSolution.Certificate

  /// Least values of plans; nil where nothing is known.
  public struct Bounds: Sendable, Equatable {
    /// Of the objective.
    public var objective: Int?
    /// Modelled cycles, and bytes, of plans that are good at nothing else.
    public var time: Int?
    /// Of plans that are good at nothing else.
    public var bytes: Int?

    public init(objective: Int? = nil, time: Int? = nil, bytes: Int? = nil) {
      self.objective = objective
      self.time = time
      self.bytes = bytes
    }
  }

  public init(
    objective: Objective?, steps: [Step], pieces: [Piece], cost: Cost, bounds: Bounds, certificate: Certificate
  ) {
    self.objective = objective
    self.steps = steps
    self.pieces = pieces
    self.cost = cost
    self.bounds = bounds
    self.certificate = certificate
  }

  /// Whether no plan of this order and these alternatives is better by the objective.
  public var isProven: Bool {
    guard let objective, let bound = bounds.objective else { return false }
    return objective.value(cost) <= bound
  }
}
