import SpadixSupport

/// A mixed integer linear program to minimize, with integer data.
///
/// All coefficients and bounds are integers, so that a solution can be checked without rounding. A column may be
/// `continuous` when, with the integer columns fixed, rounding all continuous ones down keeps every row: rows that
/// bound one from below by integers, and differences of two.
public struct Model: Sendable {
  /// Index into `columns`.
  public struct ColumnID: DenseID {
    public let index: Int
    public init(_ index: Int) { self.index = index }
  }

  /// Index into `rows`.
  public struct RowID: DenseID {
    public let index: Int
    public init(_ index: Int) { self.index = index }
  }

  /// What values a column may have.
  public enum Kind: Sendable {
    case continuous
    case integer
    /// Integer with bounds 0 and 1.
    case binary
  }

  /// A variable.
  public struct Column: Sendable {
    /// For texts and logs; need not be unique.
    var name: String
    /// A binary column has the bounds 0 and 1.
    var kind: Kind
    /// Nil means unbounded on that side.
    var lower: Int?
    /// Nil means unbounded on that side.
    var upper: Int?
    /// Objective coefficient.
    var cost: Int
  }

  /// A column times a constant.
  public struct Term: Sendable {
    /// Of magnitude below 2^46, or GLPK is not asked.
    public var coefficient: Int
    /// Of the same model.
    public var column: ColumnID

    public init(_ coefficient: Int, _ column: ColumnID) {
      self.coefficient = coefficient
      self.column = column
    }
  }

  /// `lower <= sum of terms <= upper`; nil means unbounded on that side.
  public struct Row: Sendable {
    /// For texts and logs; need not be unique.
    var name: String
    /// Each column at most once, with a coefficient other than 0.
    public var terms: [Term]
    /// Nil means unbounded on that side.
    var lower: Int?
    /// Nil means unbounded on that side.
    var upper: Int?
  }

  /// For texts and logs.
  var name: String
  /// By `ColumnID`, in the order in which they were added.
  public private(set) var columns: [Column] = []
  /// By `RowID`, in the order in which they were added.
  public private(set) var rows: [Row] = []
  /// Added to the objective of every solution.
  public var constantCost = 0

  public init(name: String) { self.name = name }

  /// Adds a column and returns its id. A binary column has the bounds 0 and 1, whatever is given.
  public mutating func addColumn(
    _ name: String, _ kind: Kind, lower: Int? = 0, upper: Int? = nil, cost: Int = 0
  ) -> ColumnID {
    let isBinary = kind == .binary
    columns.append(
      Column(name: name, kind: kind, lower: isBinary ? 0 : lower, upper: isBinary ? 1 : upper, cost: cost))
    return ColumnID(columns.count - 1)
  }

  /// Adds a row and returns its id. Terms of the same column are added up, in order of first appearance.
  @discardableResult
  public mutating func addRow(
    _ name: String, _ terms: [Term], lower: Int? = nil, upper: Int? = nil
  ) -> RowID {
    var position: [ColumnID: Int] = [:]
    var merged: [Term] = []
    for term in terms {
      if let known = position[term.column] {
        merged[known].coefficient += term.coefficient
      } else {
        position[term.column] = merged.count
        merged.append(term)
      }
    }
    rows.append(Row(name: name, terms: merged.filter { $0.coefficient != 0 }, lower: lower, upper: upper))
    return RowID(rows.count - 1)
  }
}
