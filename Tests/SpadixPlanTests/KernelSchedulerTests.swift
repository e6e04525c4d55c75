import SpadixPlan
import SpadixSupport
import Testing

private typealias Problem = KernelProblem

/// Two operators in a chain: the tensor between them can stay or pass through DRAM.
private func chain(capacity: Int) -> Problem {
  let id = { (index: Int) in Problem.TensorID(index) }
  func variants(reads: Int, writes: Int) -> [Problem.Variant] {
    [Problem.Place.resident, .streamed].flatMap { input in
      [Problem.Place.resident, .streamed].map { output in
        Problem.Variant(
          inputs: [input], outputs: [output], workingRows: 2, readBytes: input == .streamed ? reads : 0,
          writtenBytes: output == .streamed ? writes : 0, cycles: 10)
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
      Problem.Operator(name: "f", inputs: [id(0)], outputs: [id(1)], variants: variants(reads: 64, writes: 80)),
      Problem.Operator(name: "g", inputs: [id(1)], outputs: [id(2)], variants: variants(reads: 80, writes: 48)),
    ])
}

@Suite struct KernelSchedulerTests {
  @Test func keepsWhatFits() throws {
    let plan = try KernelScheduler().solve(chain(capacity: 7))
    #expect(plan.trafficBytes == 64 + 48)
    #expect(plan.boundBytes == plan.trafficBytes)
    #expect(plan.pieces.map(\.tensor.index) == [1])
    #expect(plan.pieces[0].origin == .produced)
    #expect(!plan.pieces[0].spilled)
  }

  @Test func streamsWhatDoesNotFit() throws {
    let plan = try KernelScheduler().solve(chain(capacity: 6))
    #expect(plan.trafficBytes == 64 + 80 + 80 + 48)
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
    #expect(plan.trafficBytes == 0)
    #expect(plan.steps.isEmpty)
  }

  @Test(arguments: 0..<150) func methodsAgreeWithBruteForce(seed: Int) throws {
    let problem = randomKernelProblem(seed: UInt64(seed), operators: 2 + seed % 4)
    let least = try #require(KernelBruteForce.least(problem))
    let dynamic = try KernelScheduler(method: .dynamicProgram).solve(problem)
    let integer = try KernelScheduler(method: .integerProgram).solve(problem)
    #expect(dynamic.boundBytes == least.traffic, "seed \(seed)")
    #expect(integer.boundBytes == least.traffic, "seed \(seed)")
    if dynamic.trafficBytes == dynamic.boundBytes {
      let cycles = zip(problem.operators, dynamic.steps).reduce(0) { $0 + $1.0.variants[$1.1.variant].cycles }
      #expect(cycles == least.cycles, "seed \(seed)")
    }
  }

  @Test func longRandomProblemsAreProvenTheSameBothWays() throws {
    for seed in 1000..<1010 {
      let problem = randomKernelProblem(seed: UInt64(seed), operators: 40, capacity: 30)
      let dynamic = try KernelScheduler(method: .dynamicProgram).solve(problem)
      let integer = try KernelScheduler(method: .integerProgram).solve(problem)
      #expect(dynamic.certificate.closedBy == "dynamic program", "seed \(seed)")
      #expect(dynamic.boundBytes == integer.boundBytes, "seed \(seed)")
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
          variants: [
            Problem.Variant(
              inputs: [.streamed], outputs: [.resident], workingRows: 1, readBytes: 1, writtenBytes: 0, cycles: 1)
          ]))
    }
    tensors.append(Problem.Tensor(name: "out", rows: 1, bytes: 1, kind: .output))
    for number in 0..<30 {
      let sum = number == 29 ? 31 : tensors.count
      if number < 29 { tensors.append(Problem.Tensor(name: "s\(number)", rows: 1, bytes: 1, kind: .activation)) }
      ops.append(
        Problem.Operator(
          name: "g\(number)", inputs: [id(29 - number + 1)], outputs: [id(sum)],
          variants: [
            Problem.Variant(
              inputs: [.resident], outputs: [.resident], workingRows: 1, readBytes: 0, writtenBytes: 0, cycles: 1),
            Problem.Variant(
              inputs: [.streamed], outputs: [.streamed], workingRows: 1, readBytes: 60, writtenBytes: 1, cycles: 1),
          ]))
    }
    let problem = Problem(name: "wide", capacity: 40, tensors: tensors, operators: ops)
    let plan = try KernelScheduler().solve(problem)
    #expect(plan.boundBytes <= plan.trafficBytes)
    #expect(plan.certificate.closedBy == "GLPK")
  }
}

@Suite struct KernelPlanValidatorTests {
  private typealias Violation = KernelPlanValidator.Violation

  private func plan() throws -> KernelPlan { try KernelScheduler().solve(chain(capacity: 7)) }

  @Test func rejectsAPieceThatOverlapsTheWorkingBlock() throws {
    var plan = try plan()
    plan.steps[0].workingRow = plan.pieces[0].row
    #expect(throws: Violation.overlap(first: "b", second: "the working block of f", step: 0)) {
      try KernelPlanValidator.validate(plan, for: chain(capacity: 7))
    }
  }

  @Test func rejectsAPieceOutsideTheScratchpad() throws {
    var plan = try plan()
    plan.pieces[0].row = 3
    #expect(throws: Violation.outOfScratchpad(tensor: "b", row: 3)) {
      try KernelPlanValidator.validate(plan, for: chain(capacity: 7))
    }
  }

  @Test func rejectsAMissingPiece() throws {
    var plan = try plan()
    plan.pieces = []
    #expect(throws: Violation.resultNotResident(tensor: "b", step: 0)) {
      try KernelPlanValidator.validate(plan, for: chain(capacity: 7))
    }
  }

  @Test func rejectsAPieceThatEndsTooEarly() throws {
    var plan = try plan()
    plan.pieces[0].last = 0
    #expect(throws: Violation.notResident(tensor: "b", step: 1)) {
      try KernelPlanValidator.validate(plan, for: chain(capacity: 7))
    }
  }

  @Test func rejectsAFetchOfWhatDRAMDoesNotHold() throws {
    var plan = try plan()
    plan.pieces[0].last = 0
    plan.pieces.append(
      KernelPlan.Piece(tensor: .init(1), first: 1, last: 1, row: 0, origin: .fetched, spilled: false))
    #expect(throws: Violation.notInMemory(tensor: "b", step: 1)) {
      try KernelPlanValidator.validate(plan, for: chain(capacity: 7))
    }
  }

  @Test func rejectsFalseTrafficAndBounds() throws {
    var plan = try plan()
    plan.trafficBytes -= 1
    #expect(throws: Violation.traffic(expected: 112, found: 111)) {
      try KernelPlanValidator.validate(plan, for: chain(capacity: 7))
    }
    plan.trafficBytes += 1
    plan.boundBytes = 113
    #expect(throws: Violation.boundAboveTraffic(bound: 113, traffic: 112)) {
      try KernelPlanValidator.validate(plan, for: chain(capacity: 7))
    }
  }

  @Test func rejectsAnOutputThatIsNotStored() throws {
    var plan = try plan()
    let problem = chain(capacity: 7)
    let resident = try #require(
      problem.operators[1].variants.firstIndex { $0.inputs == [.resident] && $0.outputs == [.resident] })
    plan.steps[1] = KernelPlan.Step(variant: resident, workingRow: plan.steps[1].workingRow)
    plan.pieces[0].row = 0
    plan.pieces.append(
      KernelPlan.Piece(tensor: .init(2), first: 1, last: 1, row: 0, origin: .produced, spilled: false))
    #expect(throws: Violation.self) { try KernelPlanValidator.validate(plan, for: problem) }
  }
}
