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
    let problem = concatenation(readerWaits: true).sharing([.concatenationViews])
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
    let shared = problem.sharing([.concatenationViews])
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
    let problem = concatenation(readerWaits: true).aligned(to: 2).sharing([.concatenationViews])
    #expect(problem.operators.count == 4)
  }

  /// Two operands of an operator are parts of one concatenation; an element of the one is read where the other is written.
  @Test func whatIsReadTwiceIsNotOverwritten() {
    var problem = Problem(name: "twice", tensors: [], operators: [])
    let x = problem.add(.input, 1)
    let parts = (0..<3).map { _ in problem.add(.activation, 2) }
    let wholes = (0..<2).map { _ in problem.add(.activation, 4) }
    let product = problem.add(.activation, 4)
    let y = problem.add(.output, 1)
    for part in parts { problem.run([x], part) }
    problem.run([parts[0], parts[1]], wholes[0])
    problem.run([parts[1], parts[2]], wholes[1])
    for op in 3...4 { problem.operators[op].isConcatenation = true }
    problem.run(wholes, product)
    problem.operators[5].mayOverwrite = true
    problem.run([product, parts[1]], y)
    let shared = problem.sharing([.inPlace, .concatenationViews])
    #expect(shared.operators.map(\.id) == [0, 1, 2, 5, 6])
    #expect(shared.operators[3].adjacent.count == 2)
    #expect(shared.operators[3].overwritten.isEmpty)
  }

  /// An operand of one byte that is read for all of four is as large as they are when offsets are multiples of four.
  @Test func alignmentMakesNoOperandAsLarge() {
    var problem = Problem(name: "scalar", tensors: [], operators: [])
    let x = problem.add(.input, 4)
    let factor = problem.add(.activation, 1)
    let product = problem.add(.activation, 4)
    let y = problem.add(.output, 1)
    problem.run([x], factor)
    problem.run([factor, x], product)
    problem.operators[1].mayOverwrite = true
    problem.run([product, x], y)
    #expect(problem.aligned(to: 4).sharing([.inPlace]).operators[1].overwritten.isEmpty)
  }

  /// With places in common a schedule moves no more, at a budget that allows one without.
  @Test(arguments: 0..<40) func placesInCommonAreNoWorse(number: Int) throws {
    let given = randomPlacesProblem(seed: UInt64(800_000 + number), operators: 16)
    let budgets = ScheduleBudgets(given, scope: .activations)
    let budget = [budgets.minimum, budgets.middle, budgets.peak][number % 3]
    let without = try Scheduler().solve(given, budget: budget)
    for allowed in [[.inPlace], [.adjacentConcatenation, .concatenationViews]] as [Set<Problem.Sharing>] {
      let alternatives = given.alternatives(sharing: allowed)
      let choice = try Scheduler().solve(anyOf: alternatives, scope: .activations, budget: budget)
      #expect(choice.plan.traffic.total <= without.traffic.total)
      #expect(choice.plan.bound <= choice.plan.traffic.total)
      try ScheduleValidator.validate(choice.plan, for: alternatives[choice.alternative])
    }
  }

  /// A copy of a concatenation can be written over while one of its operands is still needed; operands that stand for it cannot.
  /// So neither alternative bounds the other.
  @Test func theBestOfTheAlternatives() throws {
    var problem = Problem(name: "alternatives", tensors: [], operators: [])
    let x = problem.add(.input, 1)
    let a = problem.add(.activation, 3)
    let b = problem.add(.activation, 4)
    let whole = problem.add(.activation, 7)
    let sum = problem.add(.activation, 7)
    let y = problem.add(.output, 1)
    problem.run([x], a)
    problem.run([x], b)
    problem.run([a, b], whole)
    problem.operators[2].isConcatenation = true
    problem.run([whole], sum)
    problem.operators[3].mayOverwrite = true
    problem.run([sum, a], y)
    let alternatives = problem.alternatives(sharing: [.inPlace, .adjacentConcatenation, .concatenationViews])
    #expect(alternatives.map { ScheduleBudgets.minimum($0, scope: .activations) } == [14, 14])
    let bounds = try (14...16).map { budget in
      try alternatives.map { try Scheduler().solve($0, budget: budget).bound }
    }
    for (budget, both) in zip(14...16, bounds) {
      let choice = try Scheduler().solve(anyOf: alternatives, scope: .activations, budget: budget)
      #expect(choice.plan.bound <= min(both[0], both[1]))
      #expect(choice.plan.traffic.total >= min(both[0], both[1]))
    }
  }

  /// Offsets are multiples also where the budget is none.
  @Test(arguments: 0..<20) func alignedInAnyBudget(number: Int) throws {
    let problem = randomScheduleProblem(seed: UInt64(810_000 + number), operators: 12).aligned(to: 4)
    let budget = ScheduleBudgets.minimum(problem, scope: .activations) + 3 + number % 2 * 4
    let plan = try Scheduler().solve(problem, budget: budget)
    #expect(plan.budget == budget)
    #expect(plan.pieces.allSatisfy { $0.offset % 4 == 0 })
  }

  @Test func validatorSeesWhatIsMisaligned() throws {
    let problem = unary(readsAgain: false).aligned(to: 4)
    var plan = try Scheduler().solve(problem, budget: 40)
    plan.pieces[0].offset = 30
    #expect(throws: ScheduleValidator.Violation.misaligned(tensor: 0, offset: 30, alignment: 4)) {
      try ScheduleValidator.validate(plan, for: problem)
    }
  }

  @Test func validatorSeesWhatLiesElsewhere() throws {
    let problem = concatenation(readerWaits: true).sharing([.concatenationViews])
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
    let problem = given.sharing([.inPlace, .concatenationViews])
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
