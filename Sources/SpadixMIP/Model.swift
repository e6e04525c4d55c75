import SpadixSupport

/// A mixed integer linear program to minimize, with integer data.
///
/// All coefficients and bounds are integers, so that a solution can be checked without rounding. A column may be
/// `continuous` when, with the integer columns fixed, rounding all continuous ones down keeps every row: rows that
/// bound one from below by integers, and differences of two.
public struct Model: Sendable {
  public struct ColumnID: DenseID {
    public let index: Int
    public init(_ index: Int) { self.index = index }
  }

  public struct RowID: DenseID {
    public let index: Int
    public init(_ index: Int) { self.index = index }
  }

  public enum Kind: Sendable {
    case continuous
    case integer
    /// Integer with bounds 0 and 1.
    case binary
  }

  public struct Column: Sendable {
    public var name: String
    public var kind: Kind
    /// Nil means unbounded on that side.
    public var lower: Int?
    public var upper: Int?
    /// Objective coefficient.
    public var cost: Int
  }

  public struct Term: Sendable {
    public var coefficient: Int
    public var column: ColumnID

    public init(_ coefficient: Int, _ column: ColumnID) {
      self.coefficient = coefficient
      self.column = column
    }
  }

  /// `lower <= sum of terms <= upper`; nil means unbounded on that side.
  public struct Row: Sendable {
    public var name: String
    public var terms: [Term]
    public var lower: Int?
    public var upper: Int?
  }

  public var name: String
  public private(set) var columns: [Column] = []
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
