import Foundation
import SpadixSupport
import Testing

@testable import SpadixMIP

/// A knapsack whose best content is found by trying all subsets.
private func knapsack(weights: [Int], values: [Int], capacity: Int) -> (model: Model, best: Int) {
  var model = Model(name: "knapsack")
  let columns = values.indices.map { model.addColumn("take\($0)", .binary, cost: -values[$0]) }
  model.addRow("capacity", zip(weights, columns).map { Model.Term($0, $1) }, upper: capacity)
  var best = 0
  for subset in 0..<(1 << values.count) {
    let taken = values.indices.filter { subset & (1 << $0) != 0 }
    if taken.reduce(0, { $0 + weights[$1] }) <= capacity { best = max(best, taken.reduce(0) { $0 + values[$1] }) }
  }
  return (model, best)
}

@Suite struct GLPKSolverTests {
  @Test func solvesRandomKnapsacks() {
    var generator = SplitMix64(seed: 7)
    for _ in 0..<50 {
      let weights = (0..<10).map { _ in 1 + generator.below(50) }
      let values = (0..<10).map { _ in 1 + generator.below(1000) * 64 }
      let (model, best) = knapsack(weights: weights, values: values, capacity: 120)
      let result = GLPKSolver().solve(model)
      #expect(result.status == .optimal)
      #expect(result.objective == -best)
      #expect(result.bound == -best)
    }
  }

  @Test func infeasibleModelHasNoSolution() {
    var model = Model(name: "infeasible")
    let x = model.addColumn("x", .binary)
    model.addRow("two", [Model.Term(1, x)], lower: 2)
    let result = GLPKSolver().solve(model)
    #expect(result.status == .infeasible)
    #expect(result.values.isEmpty)
    #expect(GLPKSolver(presolve: false).solve(model).status == .infeasible)
  }

  @Test func cutoffExcludesTheOptimum() {
    let (model, best) = knapsack(weights: [3, 4, 5], values: [10, 20, 30], capacity: 9)
    #expect(GLPKSolver(cutoff: -best + 1).solve(model).objective == -best)
    #expect(GLPKSolver(cutoff: -best).solve(model).status == .infeasible)
  }

  @Test func emptyModelHasItsConstantCost() {
    var model = Model(name: "empty")
    model.constantCost = 12
    let result = GLPKSolver().solve(model)
    #expect(result.status == .optimal || result.status == .unknown)
    if result.status == .optimal { #expect(result.objective == 12) }
  }

  @Test func relaxationBoundsTheOptimum() throws {
    let (model, best) = knapsack(weights: [3, 4, 5], values: [10, 20, 30], capacity: 6)
    let bound = try #require(GLPKSolver().relaxation(model)?.bound)
    #expect(bound <= -best)
  }

  @Test func numbersBeyondDoublesAreRefused() {
    var model = Model(name: "large")
    let x = model.addColumn("x", .binary, cost: 3)
    let y = model.addColumn("y", .binary, cost: 4)
    model.addRow("large", [Model.Term(Int.max / 2, x), Model.Term(1, y)], lower: 1)
    #expect(GLPKSolver().solve(model).status == .unknown)
  }

  @Test func cancelledSolveReturns() {
    let cancellation = Cancellation()
    cancellation.cancel()
    var model = Model(name: "parity")
    let columns = (0..<40).map { model.addColumn("x\($0)", .binary, cost: 1) }
    model.addRow("sum", columns.map { Model.Term(2, $0) } + [Model.Term(1, columns[0])], lower: 41, upper: 41)
    let result = GLPKSolver(cancellation: cancellation).solve(model)
    #expect(result.status == .unknown)
    #expect(result.values.isEmpty)
  }

  @Test func nodeLimitIsHonest() {
    // Parity: 2 x = odd has no integer solution, but the relaxation needs exponentially many nodes to see it.
    var model = Model(name: "parity")
    let columns = (0..<30).map { model.addColumn("x\($0)", .binary, cost: 1) }
    let slack = model.addColumn("slack", .binary, cost: 1000)
    model.addRow("sum", columns.map { Model.Term(2, $0) } + [Model.Term(1, slack)], lower: 31, upper: 31)
    let result = GLPKSolver(nodeLimit: 3, cuts: false, presolve: false).solve(model)
    if let objective = result.objective, let bound = result.bound { #expect(bound <= objective) }
    #expect(result.bound.map { $0 <= 1015 } ?? true)
  }

  @Test func iterationLimitIsHonestAndRepeatable() throws {
    var random = SplitMix64(seed: 21)
    var model = Model(name: "cover")
    let columns = (0..<60).map { model.addColumn("x\($0)", .binary, cost: 10 + random.below(10)) }
    for row in 0..<30 {
      model.addRow("row\(row)", columns.map { Model.Term(1 + random.below(9), $0) }, lower: 60 + random.below(60))
    }
    let best = try #require(GLPKSolver().solve(model).objective)
    for presolve in [false, true] {
      for limit in [1, 10, 40, 100, 1000] {
        let solver = GLPKSolver(iterationLimit: limit, presolve: presolve)
        let (first, second) = (solver.solve(model), solver.solve(model))
        #expect(first.status == second.status && first.values == second.values && first.bound == second.bound)
        if let bound = first.bound { #expect(bound <= best) }
        if let objective = first.objective { #expect(objective >= best) }
        if limit == 1 { #expect(first.status != .optimal) }
        if limit == 1, !presolve { #expect(first.status == .unknown) }
      }
    }
  }

  @Test func solvesOnManyThreadsAtOnce() async {
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 {
        group.addTask {
          let (model, best) = knapsack(weights: [3, 4, 5, 6], values: [10, 20, 30, 37], capacity: 11)
          return GLPKSolver().solve(model).objective == -best
        }
      }
      for await correct in group { #expect(correct) }
    }
  }
}

@Suite struct ModelCheckerTests {
  private func model() -> Model {
    var model = Model(name: "small")
    let x = model.addColumn("x", .integer, upper: 5, cost: 2)
    let y = model.addColumn("y", .continuous, lower: -3, cost: 1)
    model.addRow("sum", [Model.Term(1, x), Model.Term(2, y)], lower: 1, upper: 4)
    model.constantCost = 100
    return model
  }

  @Test func acceptsAndCosts() throws {
    #expect(try ModelChecker.objective(of: [4, 0], in: model()) == 108)
  }

  @Test func rejectsEachKindOfViolation() {
    #expect(throws: ModelChecker.Violation.valueCount(expected: 2, found: 1)) {
      try ModelChecker.objective(of: [1], in: model())
    }
    #expect(throws: ModelChecker.Violation.columnBound(column: "x", value: 6)) {
      try ModelChecker.objective(of: [6, 0], in: model())
    }
    #expect(throws: ModelChecker.Violation.row(row: "sum", value: 5)) {
      try ModelChecker.objective(of: [5, 0], in: model())
    }
    #expect(throws: ModelChecker.Violation.overflow(place: "sum")) {
      try ModelChecker.objective(of: [0, Int.max], in: model())
    }
  }
}

@Suite struct LPFormatTests {
  @Test func writesEveryKindOfRowAndBound() {
    var model = Model(name: "all kinds")
    let x = model.addColumn("x y", .binary, cost: -3)
    let y = model.addColumn("y", .continuous, lower: nil)
    let z = model.addColumn("z", .integer, lower: 1, upper: 9)
    model.addRow("equal", [Model.Term(1, x), Model.Term(-2, y)], lower: 4, upper: 4)
    model.addRow("range", [Model.Term(1, z)], lower: 2, upper: 3)
    let text = LPFormat.text(model)
    #expect(
      text == """
        \\ all kinds
        Minimize
         cost: - 3 c0_x_y
        Subject To
         r0_equal: + 1 c0_x_y - 2 c1_y = 4
         r1_range_lower: + 1 c2_z >= 2
         r1_range_upper: + 1 c2_z <= 3
        Bounds
         0 <= c0_x_y <= 1
         c1_y free
         1 <= c2_z <= 9
        General
         c0_x_y
         c2_z
        End

        """)
  }
}
