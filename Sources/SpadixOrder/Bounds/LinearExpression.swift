import SpadixMIP

/// A constant and a sum of columns times constants, whose columns are 0 or 1.
struct LinearExpression {
  var constant = 0
  var terms: [Model.Term] = []

  /// The least value, and the most.
  var least: Int { terms.reduce(constant) { $0 + min(0, $1.coefficient) } }
  var most: Int { terms.reduce(constant) { $0 + max(0, $1.coefficient) } }

  static func column(_ column: Model.ColumnID) -> LinearExpression {
    LinearExpression(terms: [Model.Term(1, column)])
  }

  static func constant(_ value: Int) -> LinearExpression { LinearExpression(constant: value) }

  static func + (left: LinearExpression, right: LinearExpression) -> LinearExpression {
    LinearExpression(constant: left.constant + right.constant, terms: left.terms + right.terms)
  }

  static func - (left: LinearExpression, right: LinearExpression) -> LinearExpression {
    left + -1 * right
  }

  static func * (factor: Int, right: LinearExpression) -> LinearExpression {
    LinearExpression(
      constant: factor * right.constant, terms: right.terms.map { Model.Term(factor * $0.coefficient, $0.column) })
  }
}

extension Model {
  /// Adds a row that an expression is at least a value, unless it always is.
  mutating func require(_ name: String, _ expression: LinearExpression, atLeast value: Int) {
    if expression.least >= value { return }
    addRow(name, expression.terms, lower: value - expression.constant)
  }
}
