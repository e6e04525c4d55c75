import SpadixSupport
import Testing

@testable import SpadixPlan

private typealias Problem = KernelProblem

/// Two operators in a chain: the tensor between them can stay or pass through DRAM.
private func chain(capacity: Int) -> Problem {
  let id = { (index: Int) in Problem.TensorID(index) }
  func alternatives(reads: Int, writes: Int) -> [Problem.Alternative] {
    [Problem.Place.resident, .streamed].flatMap { input in
      [Problem.Place.resident, .streamed].map { output in
        Problem.Alternative(
          inputs: [input], outputs: [output], rows: 2,
          cost: Cost(
            readBytes: input == .streamed ? reads : 0, writtenBytes: output == .streamed ? writes : 0, time: 10))
      }
    }
  }
  return Problem(
    name: "chain", capacity: capacity,
    tensors: [
      Problem.Tensor(name: "a", rows: 4, bytes: 64, kind: .input),
      Problem.Tensor(name: "b", rows: 5, bytes: 80, kind: .activation),
      Problem.Tensor(name: "c", rows: 3, bytes: 48, kind: .output),
    ],
    operators: [
      Problem.Operator(name: "f", inputs: [id(0)], outputs: [id(1)], alternatives: alternatives(reads: 64, writes: 80)),
      Problem.Operator(name: "g", inputs: [id(1)], outputs: [id(2)], alternatives: alternatives(reads: 80, writes: 48)),
    ], objective: .bytes)
}

@Suite struct KernelSchedulerTests {
  @Test func keepsWhatFits() throws {
    let plan = try KernelScheduler().solve(chain(capacity: 7))
    #expect(plan.cost.bytes == 64 + 48)
    #expect(plan.bound == plan.cost.bytes)
    #expect(plan.pieces.map(\.tensor.index) == [1])
    #expect(plan.pieces[0].origin == .produced)
    #expect(!plan.pieces[0].spilled)
  }

  @Test func streamsWhatDoesNotFit() throws {
    let plan = try KernelScheduler().solve(chain(capacity: 6))
    #expect(plan.cost.bytes == 64 + 80 + 80 + 48)
    #expect(!plan.pieces.contains { $0.tensor.index == 1 })
  }

  @Test func namesTheOperatorThatFitsNowhere() {
    #expect {
      try KernelScheduler().solve(chain(capacity: 1))
    } throws: { error in
      let found = (error as? Diagnostics)?.all ?? []
      return found.map(\.id) == ["schedule.operator-too-large", "schedule.operator-too-large"]
        && found[0].message == "operator 'f' needs at least 2 scratchpad rows, the target has 1"
    }
  }

  @Test func refusesNumbersThatOverflow() {
    var problem = chain(capacity: 7)
    problem.tensors[1].rows = Int.max
    #expect(throws: Diagnostics.self) { try KernelScheduler().solve(problem) }
  }

  @Test func refusesUnknownTensors() {
    var problem = chain(capacity: 7)
    problem.operators[1].inputs = [Problem.TensorID(9)]
    #expect(throws: Diagnostics.self) { try KernelScheduler().solve(problem) }
  }

  @Test func emptyProblemHasAnEmptyPlan() throws {
    let plan = try KernelScheduler().solve(Problem(name: "empty", capacity: 4, tensors: [], operators: []))
    #expect(plan.cost.bytes == 0)
    #expect(plan.steps.isEmpty)
  }

  @Test(arguments: 0..<150) func groupsAgreeWithBruteForce(seed: Int) throws {
    var problem = randomKernelProblem(seed: UInt64(seed), operators: 3 + seed % 3)
      .withRandomGroups(seed: UInt64(seed) + 1)
    if seed % 5 == 0 { problem.groups[0].isForced = true }
    let least = try #require(KernelBruteForce.leastWithGroups(problem))
    let plan = try KernelScheduler().solve(problem)
    #expect(plan.bound == least.value)
    try KernelValidator.validate(plan, for: problem)
    // Addresses may cost more than the bound, rarely.
    #expect(problem.objective.value(plan.cost) >= least.value)
  }

  @Test func refusesPlansThatBreakAGroup() throws {
    for seed in 0..<40 {
      let problem = randomKernelProblem(seed: UInt64(seed), operators: 4).withRandomGroups(seed: UInt64(seed) + 1)
      let plan = try KernelScheduler().solve(problem)
      guard let step = plan.steps.firstIndex(where: { $0.group != nil }) else { continue }
      var broken = plan
      broken.steps[step].workingRow += 1
      #expect(throws: KernelValidator.Violation.brokenGroup(step: step)) {
        try KernelValidator.validate(broken, for: problem)
      }
      return
    }
    Issue.record("no plan has a group")
  }

  @Test(arguments: 0..<150) func methodsAgreeWithBruteForce(seed: Int) throws {
    let problem = randomKernelProblem(seed: UInt64(seed), operators: 2 + seed % 4)
    let least = try #require(KernelBruteForce.least(problem))
    let dynamic = try KernelScheduler(method: .dynamicProgram).solve(problem)
    let integer = try KernelScheduler(method: .integerProgram).solve(problem)
    #expect(dynamic.bound == least.value, "seed \(seed)")
    #expect(integer.bound == least.value, "seed \(seed)")
    let rank = problem.objective.rank(dynamic.cost)
    if rank.value == dynamic.bound { #expect(rank == least, "seed \(seed)") }
  }

  @Test func longRandomProblemsAreProvenTheSameBothWays() throws {
    for seed in 1000..<1010 {
      let problem = randomKernelProblem(seed: UInt64(seed), operators: 40, capacity: 30)
      let dynamic = try KernelScheduler(method: .dynamicProgram).solve(problem)
      let integer = try KernelScheduler(method: .integerProgram).solve(problem)
      #expect(dynamic.certificate.closedBy == "dynamic program", "seed \(seed)")
      #expect(dynamic.bound == integer.bound, "seed \(seed)")
    }
  }

  @Test func truncatedStatesStillGiveAPlanAndAnHonestBound() throws {
    // Thirty tensors that stay live until one operator reads them all: more states than the dynamic program keeps.
    let id = { (index: Int) in Problem.TensorID(index) }
    var tensors = [Problem.Tensor(name: "in", rows: 1, bytes: 1, kind: .input)]
    var ops: [Problem.Operator] = []
    for number in 0..<30 {
      tensors.append(Problem.Tensor(name: "t\(number)", rows: 3 + number % 5, bytes: 20 + number, kind: .activation))
      ops.append(
        Problem.Operator(
          name: "f\(number)", inputs: [id(0)], outputs: [id(number + 1)],
          alternatives: [
            Problem.Alternative(
              inputs: [.streamed], outputs: [.resident], rows: 1, cost: Cost(readBytes: 1, time: 1))
          ]))
    }
    tensors.append(Problem.Tensor(name: "out", rows: 1, bytes: 1, kind: .output))
    for number in 0..<30 {
      let sum = number == 29 ? 31 : tensors.count
      if number < 29 { tensors.append(Problem.Tensor(name: "s\(number)", rows: 1, bytes: 1, kind: .activation)) }
      ops.append(
        Problem.Operator(
          name: "g\(number)", inputs: [id(29 - number + 1)], outputs: [id(sum)],
          alternatives: [
            Problem.Alternative(
              inputs: [.resident], outputs: [.resident], rows: 1, cost: Cost(time: 1)),
            Problem.Alternative(
              inputs: [.streamed], outputs: [.streamed], rows: 1,
              cost: Cost(readBytes: 60, writtenBytes: 1, time: 1)),
          ]))
    }
    let problem = Problem(name: "wide", capacity: 40, tensors: tensors, operators: ops, objective: .bytes)
    let plan = try KernelScheduler().solve(problem)
    #expect(plan.bound <= plan.cost.bytes)
    #expect(plan.certificate.closedBy == "GLPK")
  }
}

@Suite struct KernelValidatorTests {
  private typealias Violation = KernelValidator.Violation

  private func plan() throws -> KernelSolution { try KernelScheduler().solve(chain(capacity: 7)) }

  @Test func rejectsAPieceThatOverlapsTheWorkingBlock() throws {
    var plan = try plan()
    plan.steps[0].workingRow = plan.pieces[0].row
    #expect(throws: Violation.overlap(first: "b", second: "the working block of f", step: 0)) {
      try KernelValidator.validate(plan, for: chain(capacity: 7))
    }
  }

  @Test func rejectsAPieceOutsideTheScratchpad() throws {
    var plan = try plan()
    plan.pieces[0].row = 3
    #expect(throws: Violation.outOfScratchpad(tensor: "b", row: 3)) {
      try KernelValidator.validate(plan, for: chain(capacity: 7))
    }
  }

  @Test func rejectsAMissingPiece() throws {
    var plan = try plan()
    plan.pieces = []
    #expect(throws: Violation.resultNotResident(tensor: "b", step: 0)) {
      try KernelValidator.validate(plan, for: chain(capacity: 7))
    }
  }

  @Test func rejectsAPieceThatEndsTooEarly() throws {
    var plan = try plan()
    plan.pieces[0].last = 0
    #expect(throws: Violation.notResident(tensor: "b", step: 1)) {
      try KernelValidator.validate(plan, for: chain(capacity: 7))
    }
  }

  @Test func rejectsAFetchOfWhatDRAMDoesNotHold() throws {
    var plan = try plan()
    plan.pieces[0].last = 0
    plan.pieces.append(
      KernelSolution.Piece(tensor: .init(1), first: 1, last: 1, row: 0, origin: .fetched, spilled: false))
    #expect(throws: Violation.notInMemory(tensor: "b", step: 1)) {
      try KernelValidator.validate(plan, for: chain(capacity: 7))
    }
  }

  @Test func rejectsFalseCostsAndBounds() throws {
    var plan = try plan()
    let cost = plan.cost
    plan.cost.readBytes -= 1
    #expect(throws: Violation.cost(expected: cost, found: plan.cost)) {
      try KernelValidator.validate(plan, for: chain(capacity: 7))
    }
    plan.cost.readBytes += 1
    plan.bound = 113
    #expect(throws: Violation.boundAboveCost(bound: 113, value: 112)) {
      try KernelValidator.validate(plan, for: chain(capacity: 7))
    }
  }

  @Test func rejectsAnOutputThatIsNotStored() throws {
    var plan = try plan()
    let problem = chain(capacity: 7)
    let resident = try #require(
      problem.operators[1].alternatives.firstIndex { $0.inputs == [.resident] && $0.outputs == [.resident] })
    plan.steps[1] = KernelSolution.Step(alternative: resident, workingRow: plan.steps[1].workingRow)
    plan.pieces[0].row = 0
    plan.pieces.append(
      KernelSolution.Piece(tensor: .init(2), first: 1, last: 1, row: 0, origin: .produced, spilled: false))
    #expect(throws: Violation.self) { try KernelValidator.validate(plan, for: problem) }
  }
}
