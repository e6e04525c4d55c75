/// Checks a solution of a model in integer arithmetic, knowing nothing of the solver that found it.
enum ModelChecker {
  /// What is wrong with a solution.
  enum Violation: Error, Sendable, Equatable, CustomStringConvertible {
    case valueCount(expected: Int, found: Int)
    case columnBound(column: String, value: Int)
    case row(row: String, value: Int)
    case overflow(place: String)

    var description: String {
      switch self {
      case .valueCount(let expected, let found): "expected \(expected) values, found \(found)"
      case .columnBound(let column, let value): "column \(column) has the value \(value), outside its bounds"
      case .row(let row, let value): "row \(row) has the value \(value), outside its bounds"
      case .overflow(let place): "the value of \(place) does not fit 64 bits"
      }
    }
  }

  /// The objective of a solution that keeps every bound and row; throws the first `Violation` otherwise.
  static func objective(of values: [Int], in model: Model) throws(Violation) -> Int {
    guard values.count == model.columns.count else {
      throw .valueCount(expected: model.columns.count, found: values.count)
    }
    for (column, value) in zip(model.columns, values) {
      if isOutside(value, column.lower, column.upper) { throw .columnBound(column: column.name, value: value) }
    }
    for row in model.rows {
      let value = try sum(row.terms, values, place: row.name)
      if isOutside(value, row.lower, row.upper) { throw .row(row: row.name, value: value) }
    }
    let terms = model.columns.indices.map { Model.Term(model.columns[$0].cost, Model.ColumnID($0)) }
    let (total, overflow) = try sum(terms, values, place: "the objective")
      .addingReportingOverflow(model.constantCost)
    if overflow { throw .overflow(place: "the objective") }
    return total
  }

  private static func isOutside(_ value: Int, _ lower: Int?, _ upper: Int?) -> Bool {
    if let lower, value < lower { return true }
    if let upper, value > upper { return true }
    return false
  }

  private static func sum(_ terms: [Model.Term], _ values: [Int], place: String) throws(Violation) -> Int {
    var total = 0
    for term in terms {
      let (product, productOverflow) = term.coefficient.multipliedReportingOverflow(by: values[term.column.index])
      let (next, sumOverflow) = total.addingReportingOverflow(product)
      if productOverflow || sumOverflow { throw .overflow(place: place) }
      total = next
    }
    return total
  }
}
