import Testing

@testable import SpadixOrder

/// Operators in place and concatenations whose operands lie next to each other.
@Suite struct PlacesTests {
  private typealias Problem = ScheduleProblem

  /// x -> a -> relu -> y
  private func unary(readsAgain: Bool) -> Problem {
    var problem = Problem(name: "unary", tensors: [], operators: [])
    let x = problem.add(.input, 2)
    let a = problem.add(.activation, 5)
    let b = problem.add(.activation, 5)
    let y = problem.add(.output, 1)
    problem.run([x], a)
    problem.run([a], b)
    problem.operators[1].mayOverwrite = true
    problem.run(readsAgain ? [a, b] : [b], y)
    return problem
  }

  @Test func resultTakesThePlaceOfAnOperand() throws {
    let problem = unary(readsAgain: false).sharing([.inPlace])
    #expect(ScheduleBudgets.minimum(unary(readsAgain: false), scope: .activations) == 10)
    #expect(ScheduleBudgets.minimum(problem, scope: .activations) == 7)
    let plan = try Scheduler().solve(problem, budget: 7)
    #expect(plan.traffic.total == 0)
    let offsets = [1, 2].map { tensor in plan.pieces.first { $0.tensor.index == tensor }?.offset }
    #expect(offsets[0] == offsets[1])
  }

  @Test func whatIsReadAgainIsNotOverwritten() {
    #expect(unary(readsAgain: true).sharing([.inPlace]).operators[1].overwritten.isEmpty)
  }

  /// x -> a, b; concat -> y -> z; with a reader of `a` before or after the concatenation.
  private func concatenation(readerWaits: Bool) -> Problem {
    var problem = Problem(name: "concat", tensors: [], operators: [])
    let x = problem.add(.input, 1)
    let a = problem.add(.activation, 3)
    let b = problem.add(.activation, 4)
    let whole = problem.add(.activation, 7)
    let z = problem.add(.output, 1)
    problem.run([x], a)
    problem.run([readerWaits ? x : a], b)
    problem.run([a, b], whole)
    problem.operators[2].isConcatenation = true
    problem.run(readerWaits ? [whole, a] : [whole], z)
    return problem
  }

  @Test func concatenationTakesThePlaceOfItsOperands() throws {
    let problem = concatenation(readerWaits: false).sharing([.adjacentConcatenation])
    #expect(problem.operators.count == 4)
    #expect(problem.operators[2].overwritten.map(\.index) == [1, 2])
    #expect(ScheduleBudgets.minimum(problem, scope: .activations) == 8)
    let plan = try Scheduler().solve(problem, budget: 8)
    #expect(plan.traffic.total == 0)
  }

  @Test func operandsThatAreReadAgainStandForTheConcatenation() throws {
    let problem = concatenation(readerWaits: true).sharing([.adjacentConcatenation])
    #expect(problem.operators.map(\.id) == [0, 1, 3])
    #expect(problem.operators[2].inputs.map { problem.tensors[$0].id } == [1, 2])
    #expect(problem.operators[2].adjacent == [problem.operators[2].inputs])
    let plan = try Scheduler().solve(problem, budget: 8)
    #expect(plan.traffic.total == 0)
    let pieces = [1, 2].map { id in plan.pieces.last { problem.tensors[$0.tensor].id == id } }
    #expect((pieces[0]?.offset).map { $0 + 3 } == pieces[1]?.offset)
  }

  /// `a` cannot have `b` and `c` right behind it.
  @Test func anOperandHasOneNeighbour() {
    var problem = Problem(name: "neighbours", tensors: [], operators: [])
    let parts = (0..<3).map { _ in problem.add(.input, 2) }
    let one = problem.add(.activation, 4)
    let other = problem.add(.activation, 4)
    let y = problem.add(.output, 1)
    problem.run([parts[0], parts[1]], one)
    problem.run([parts[0], parts[2]], other)
    problem.run([one, other], y)
    for op in 0..<2 { problem.operators[op].isConcatenation = true }
    let shared = problem.sharing([.adjacentConcatenation])
    #expect(shared.operators.map(\.id) == [1, 2])
    #expect(shared.operators[1].adjacent.count == 1)
  }

  @Test(arguments: [
    ([[1, 4, 8, 8], [1, 2, 8, 8]], [1, 6, 8, 8], true), ([[2, 4, 8], [2, 2, 8]], [2, 6, 8], false),
    ([[3, 8], [3, 8]], [6, 8], true), ([[3, 8], [3, 8]], [3, 16], false),
  ])
  func bytesFollowEachOtherAlongTheFirstDimension(inputs: [[Int]], output: [Int], follow: Bool) {
    #expect(OperatorKinds.isConcatenation("Concat", inputs: inputs, outputs: [output]) == follow)
  }

  /// Alignment leaves bytes between two operands that nobody may find there.
  @Test func paddedOperandsAreNotAdjacent() {
    let problem = concatenation(readerWaits: true).aligned(to: 2).sharing([.adjacentConcatenation])
    #expect(problem.operators.count == 4)
  }

  @Test func validatorSeesWhatLiesElsewhere() throws {
    let problem = concatenation(readerWaits: true).sharing([.adjacentConcatenation])
    var plan = try Scheduler().solve(problem, budget: 20)
    let last = try #require(plan.pieces.lastIndex { problem.tensors[$0.tensor].id == 2 })
    plan.pieces[last].offset = 12
    #expect(throws: ScheduleValidator.Violation.apart(tensor: 1, other: 2, op: 3, step: 2)) {
      try ScheduleValidator.validate(plan, for: problem)
    }
  }

  @Test func validatorSeesWhatIsOverwrittenTooEarly() throws {
    var problem = unary(readsAgain: false).sharing([.inPlace])
    let plan = try Scheduler().solve(problem, budget: 20)
    problem.operators[2].inputs.append(problem.operators[1].inputs[0])
    #expect(throws: ScheduleValidator.Violation.self) { try ScheduleValidator.validate(plan, for: problem) }
  }

  /// Rules, an arena, changes with addresses, and the sweep of large problems put what lies together where it has to be.
  @Test(arguments: 0..<60) func placedStepAfterStep(number: Int) throws {
    let given = randomPlacesProblem(seed: UInt64(700_000 + number), operators: 14)
    let problem = given.sharing([.inPlace, .adjacentConcatenation])
    let budget = ScheduleBudgets.minimum(problem, scope: .all) + number % 3
    let core = ScheduleCore(problem, scope: .all)
    let order = Array(0..<core.count)
    let builder = PieceBuilder(problem, .all, core, order)
    var plans: [[ScheduleSolution.Piece]] = []
    for policy in FurthestUse.Policy.allCases {
      var arena = OnlineArena(problem, .all, core, order, budget, policy)
      plans.append(arena.run())
      let ends = builder.ends(FurthestUse.drops(core, order: order, capacity: budget, policy: policy))
      var sweep = EvictingSweep(builder.timetable(endingAfter: ends), budget: budget, effortLimit: 10_000_000)
      let swept = sweep.run(below: Int.max, cancellation: nil)
      plans.append(try #require(swept))
    }
    let placed = PlacedCost(problem, .all, budget)
    let pieces = placed.pieces(of: order)
    #expect(placed.cost(of: order, limit: Int.max) == builder.traffic(pieces).total)
    plans.append(pieces)
    for pieces in plans {
      let plan = ScheduleSolution(
        scope: .all, budget: budget, order: order.map(Problem.OperatorID.init), pieces: pieces,
        traffic: builder.traffic(pieces), bound: 0, certificate: ScheduleSolution.Certificate())
      try ScheduleValidator.validate(plan, for: problem)
      var simulation = PlacesSimulation(given, problem, plan)
      try simulation.run()
      #expect(simulation.traffic == plan.traffic)
    }
  }
}
