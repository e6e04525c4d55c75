import CSpadixGLPK
import Foundation
import SpadixSupport

/// Solves models with GLPK, and checks its answers in integers.
public struct GLPKSolver: Sendable {
  /// Branch-and-bound nodes after which the best solution so far is returned. Nodes and not seconds, so that the answer
  /// does not depend on the load of the machine.
  var nodeLimit: Int
  /// Simplex iterations after which it is, nil for none: nodes of large models differ in what they take. The first
  /// relaxation only ends at the limit where there is no preprocessor.
  var iterationLimit: Int?
  /// Whether to generate cutting planes.
  var cuts: Bool
  /// Whether to run GLPK's preprocessor.
  var presolve: Bool
  /// Solutions of this cost or more are of no interest.
  var cutoff: Int?
  /// Asked at each node; a search that it stops returns its best solution.
  var cancellation: Cancellation?

  public init(
    nodeLimit: Int = 100_000, iterationLimit: Int? = nil, cuts: Bool = true, presolve: Bool = true, cutoff: Int? = nil,
    cancellation: Cancellation? = nil
  ) {
    self.nodeLimit = nodeLimit
    self.iterationLimit = iterationLimit
    self.cuts = cuts
    self.presolve = presolve
    self.cutoff = cutoff
    self.cancellation = cancellation
  }

  /// What an answer says, after its values have been checked in integers.
  public enum Status: Sendable, Equatable {
    case optimal
    /// Stopped at a limit, with a solution.
    case feasible
    /// No solution, or none below the cutoff.
    case infeasible
    /// Stopped at a limit, or given up for numerical reasons, without a usable solution.
    case unknown
  }

  /// An answer. Objectives and bounds include the model's `constantCost`.
  public struct Result: Sendable {
    /// Decides whether there are values.
    public var status: Status
    /// One value per column; empty without a solution.
    public var values: [Int]
    /// Recomputed in integers from `values`.
    public var objective: Int?
    /// No solution of the model has a smaller objective; nil when nothing is known.
    public var bound: Int?
    /// Of GLPK's branch and bound.
    public var nodes: Int
    /// GLPK's own output.
    var log: String
  }

  /// GLPK compares in double precision with relative tolerances: numbers beyond this are not told apart reliably.
  private static let largestNumber = 1 << 46

  /// Never throws: what GLPK cannot do is a status. The same model and limits give the same answer.
  public func solve(_ model: Model) -> Result {
    let (problem, divisor) = scaled(model)
    guard let problem else {
      return Result(
        status: .unknown, values: [], objective: nil, bound: nil, nodes: 0,
        log: "the model has numbers beyond \(Self.largestNumber)")
    }
    var raw = call(problem)
    if raw.status == SPADIX_GLPK_FAILED, cuts || presolve {
      // GLPK 5.0 gives up when its preprocessor leaves no columns to generate cuts for.
      var plain = self
      plain.cuts = false
      plain.presolve = false
      raw = plain.call(problem)
    }
    var result = Result(
      status: .unknown, values: [], objective: nil, bound: bound(raw, divisor: divisor, model), nodes: raw.nodes,
      log: raw.log)
    switch raw.status {
    case SPADIX_GLPK_INFEASIBLE: result.status = .infeasible
    case SPADIX_GLPK_OPTIMAL, SPADIX_GLPK_FEASIBLE:
      let values = zip(raw.values, model.columns).map { value, column -> Int in
        guard value.isFinite, abs(value) < 0x1p60 else { return Int.max }
        // Continuous columns may stand anywhere above an integer that would do; see `Model`.
        return Int(column.kind == .continuous ? (value + 1e-6).rounded(.down) : value.rounded())
      }
      do throws(ModelChecker.Violation) {
        let objective = try ModelChecker.objective(of: values, in: model)
        result.values = values
        result.objective = objective
        result.status = raw.status == SPADIX_GLPK_OPTIMAL ? .optimal : .feasible
        // Rounding must not have changed the cost: otherwise the claim of optimality is about another point.
        if result.status == .optimal {
          let claimed = raw.objective * Double(divisor) + Double(model.constantCost)
          if abs(claimed - Double(objective)) > 0.5 * Double(divisor) { result.status = .feasible }
          if result.status == .optimal { result.bound = objective } else { result.bound = nil }
        }
      } catch {
        result.status = .unknown
        result.log += "rounded solution rejected: \(error)\n"
        result.bound = nil
      }
    default: break
    }
    return result
  }

  /// The linear relaxation's values, one per column, and its bound, rounded up to the next cost that integers can reach;
  /// nil on failure, and at the limit on iterations.
  public func relaxation(_ model: Model) -> (values: [Double], bound: Int?)? {
    let (problem, divisor) = scaled(model)
    guard var problem else { return nil }
    problem.relaxation = true
    let raw = call(problem)
    return raw.status == SPADIX_GLPK_OPTIMAL ? (raw.values, bound(raw, divisor: divisor, model)) : nil
  }

  // MARK: - Between integers and doubles

  private struct Problem {
    var columnLower: [Double] = []
    var columnUpper: [Double] = []
    var columnCost: [Double] = []
    var columnIsInteger: [UInt8] = []
    var rowLower: [Double] = []
    var rowUpper: [Double] = []
    var rowStart: [Int32] = [0]
    var termColumn: [Int32] = []
    var termValue: [Double] = []
    var relaxation = false
  }

  private struct RawResult {
    var status: Int
    var nodes: Int
    var objective: Double
    var bound: Double
    var values: [Double]
    var log: String
  }

  /// The model with every row and the objective divided by its greatest common divisor, right-hand sides rounded
  /// inwards; nil when a number is too large for doubles.
  private func scaled(_ model: Model) -> (Problem?, costDivisor: Int) {
    var problem = Problem()
    var costDivisor = 0
    for column in model.columns { costDivisor = greatestCommonDivisor(costDivisor, column.cost) }
    costDivisor = max(costDivisor, 1)
    var tooLarge = false
    func number(_ value: Int) -> Double {
      if value.magnitude > UInt(Self.largestNumber) { tooLarge = true }
      return Double(value)
    }
    for column in model.columns {
      problem.columnLower.append(column.lower.map(number) ?? -.infinity)
      problem.columnUpper.append(column.upper.map(number) ?? .infinity)
      problem.columnCost.append(number(column.cost / costDivisor))
      problem.columnIsInteger.append(column.kind == .continuous ? 0 : 1)
    }
    func append(_ terms: [Model.Term], _ lower: Int?, _ upper: Int?) {
      var divisor = 0
      for term in terms { divisor = greatestCommonDivisor(divisor, term.coefficient) }
      divisor = max(divisor, 1)
      // Columns are integers at the optimum, so the sum is a multiple of the divisor.
      problem.rowLower.append(lower.map { number(divideUp($0, divisor)) } ?? -.infinity)
      problem.rowUpper.append(upper.map { number(divideDown($0, divisor)) } ?? .infinity)
      for term in terms {
        problem.termColumn.append(Int32(term.column.index))
        problem.termValue.append(number(term.coefficient / divisor))
      }
      problem.rowStart.append(Int32(problem.termColumn.count))
    }
    for row in model.rows { append(row.terms, row.lower, row.upper) }
    if let cutoff {
      let terms = model.columns.indices.filter { model.columns[$0].cost != 0 }
        .map { Model.Term(model.columns[$0].cost, Model.ColumnID($0)) }
      append(terms, nil, cutoff - 1 - model.constantCost)
    }
    return (tooLarge ? nil : problem, costDivisor)
  }

  private func bound(_ raw: RawResult, divisor: Int, _ model: Model) -> Int? {
    guard raw.bound.isFinite, abs(raw.bound) < 0x1p53 else { return nil }
    // The relaxation is right to about nine digits; costs are multiples of the divisor.
    let tolerance = max(1e-6, abs(raw.bound) * 1e-9)
    return Int((raw.bound - tolerance).rounded(.up)) * divisor + model.constantCost
  }

  private func call(_ problem: Problem) -> RawResult {
    let columns = problem.columnCost.count
    var values = [Double](repeating: 0, count: columns)
    var log = [CChar](repeating: 0, count: 1 << 16)
    var result = spadix_glpk_result()
    withExtendedLifetime(cancellation) {
      values.withUnsafeMutableBufferPointer { values in
        log.withUnsafeMutableBufferPointer { log in
          result.values = values.baseAddress
          result.log = log.baseAddress
          result.log_capacity = log.count
          withPointers(problem) { raw in
            var options = spadix_glpk_options()
            options.node_limit = Int32(clamping: max(1, nodeLimit))
            options.iteration_limit = iterationLimit.map { Int32(clamping: max(1, $0)) } ?? 0
            options.cuts = cuts ? 1 : 0
            options.presolve = presolve ? 1 : 0
            options.relaxation = problem.relaxation ? 1 : 0
            options.cancelled = cancellation.map { UnsafePointer($0.flag) }
            var raw = raw
            spadix_glpk_solve(&raw, &options, &result)
          }
        }
      }
    }
    let text = String(decoding: log.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return RawResult(
      status: Int(result.status), nodes: Int(result.nodes), objective: result.objective, bound: result.bound,
      values: values, log: text)
  }

  private func withPointers(_ problem: Problem, _ body: (spadix_glpk_problem) -> Void) {
    problem.columnLower.withUnsafeBufferPointer { columnLower in
      problem.columnUpper.withUnsafeBufferPointer { columnUpper in
        problem.columnCost.withUnsafeBufferPointer { columnCost in
          problem.columnIsInteger.withUnsafeBufferPointer { columnIsInteger in
            problem.rowLower.withUnsafeBufferPointer { rowLower in
              problem.rowUpper.withUnsafeBufferPointer { rowUpper in
                problem.rowStart.withUnsafeBufferPointer { rowStart in
                  problem.termColumn.withUnsafeBufferPointer { termColumn in
                    problem.termValue.withUnsafeBufferPointer { termValue in
                      body(
                        spadix_glpk_problem(
                          columns: Int32(columnCost.count), rows: Int32(rowLower.count),
                          column_lower: columnLower.baseAddress, column_upper: columnUpper.baseAddress,
                          column_cost: columnCost.baseAddress, column_is_integer: columnIsInteger.baseAddress,
                          row_lower: rowLower.baseAddress, row_upper: rowUpper.baseAddress,
                          row_start: rowStart.baseAddress, term_column: termColumn.baseAddress,
                          term_value: termValue.baseAddress))
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
  }
}

private func divideUp(_ value: Int, _ divisor: Int) -> Int {
  value >= 0 ? (value / divisor) + (value % divisor == 0 ? 0 : 1) : -(-value / divisor)
}

private func divideDown(_ value: Int, _ divisor: Int) -> Int { -divideUp(-value, divisor) }
