import SpadixAllocation
import SpadixSupport
import Testing

private typealias Buffer = AllocationProblem.Buffer

private func randomAllocation(seed: UInt64, buffers: Int, capacity: Int) -> AllocationProblem {
  var random = SplitMix64(seed: seed)
  return AllocationProblem(
    capacity: capacity,
    buffers: (0..<buffers).map { number in
      let lower = random.below(6)
      return Buffer(
        id: "b\(number)", lower: lower, upper: lower + 1 + random.below(4), size: 1 + random.below(4),
        alignment: random.chance(20) ? 2 : 1)
    })
}

/// Whether the buffers from a number on can be placed beside the ones before, by trying every offset.
private func canPlace(_ problem: AllocationProblem, _ number: Int = 0, _ offsets: [Int] = []) -> Bool {
  if number == problem.buffers.count { return true }
  let buffer = problem.buffers[number]
  for offset in stride(from: 0, through: problem.capacity - buffer.size, by: buffer.alignment) {
    let isFree = offsets.indices.allSatisfy { other in
      let placed = problem.buffers[other]
      return placed.upper <= buffer.lower || buffer.upper <= placed.lower || offset + buffer.size <= offsets[other]
        || offsets[other] + placed.size <= offset
    }
    if isFree, canPlace(problem, number + 1, offsets + [offset]) { return true }
  }
  return false
}

@Suite struct AllocationSolverTests {
  @Test(arguments: 0..<150) func agreesWithTryingEveryOffset(seed: Int) throws {
    let problem = randomAllocation(seed: UInt64(seed), buffers: 5 + seed % 3, capacity: 6 + seed % 4)
    var options = AllocationSolver.Options()
    options.layoutSweep = seed % 2 == 0
    let result = AllocationSolver(options: options).solve(problem)
    if let solution = result.solution { try AllocationValidator.validate(solution, for: problem) }
    #expect(result.outcome != .notFound, "seed \(seed)")
    #expect((result.solution != nil) == canPlace(problem), "seed \(seed)")
  }

  @Test(arguments: 0..<7) func everyTechniqueCanBeSwitchedOff(technique: Int) {
    for seed in 300..<330 {
      let problem = randomAllocation(seed: UInt64(seed), buffers: 6, capacity: 7)
      var options = AllocationSolver.Options()
      options.layoutSweep = false
      switch technique {
      case 0: options.canonicalOnly = false
      case 1: options.checkDominance = false
      case 2: options.hatlessPruning = false
      case 3: options.sectionInference = false
      case 4: options.unallocatedFloor = false
      case 5: options.dynamicDecomposition = false
      default: options.orders = ["Z"]
      }
      #expect((AllocationSolver(options: options).solve(problem).solution != nil) == canPlace(problem), "seed \(seed)")
    }
  }

  @Test func fixedBuffersStay() throws {
    let problem = AllocationProblem(
      capacity: 8,
      buffers: [
        Buffer(id: "a", lower: 0, upper: 2, size: 4), Buffer(id: "b", lower: 1, upper: 3, size: 2, fixedOffset: 3),
        Buffer(id: "c", lower: 2, upper: 4, size: 3),
      ])
    // Nothing of size 4 fits beside 3 ..< 5 in 8 but below 3 or from 5 on, where only 3 are left.
    #expect(AllocationSolver().solve(problem).outcome == .infeasible)
    var wider = problem
    wider.capacity = 9
    let solution = try #require(AllocationSolver().solve(wider).solution)
    try AllocationValidator.validate(solution, for: wider)
    #expect(solution.offsets[1] == 3)
  }

  @Test func gapsLetOthersIn() throws {
    let problem = AllocationProblem(
      capacity: 4,
      buffers: [
        Buffer(id: "a", lower: 0, upper: 6, size: 4, gaps: [AllocationProblem.Gap(lower: 2, upper: 4)]),
        Buffer(id: "b", lower: 2, upper: 4, size: 4),
      ])
    let solution = try #require(AllocationSolver().solve(problem).solution)
    try AllocationValidator.validate(solution, for: problem)
  }

  @Test func nodeLimitIsNotCalledInfeasible() {
    var options = AllocationSolver.Options()
    options.nodeLimit = 1
    options.layoutSweep = false
    for seed in 0..<100 {
      let problem = randomAllocation(seed: UInt64(seed), buffers: 7, capacity: 7)
      let outcome = AllocationSolver(options: options).solve(problem).outcome
      if outcome == .infeasible { #expect(!canPlace(problem), "seed \(seed)") }
    }
  }

  @Test func explanationIsIrreducible() throws {
    let problem = AllocationProblem(
      capacity: 10,
      buffers: [
        Buffer(id: "a", lower: 0, upper: 3, size: 6), Buffer(id: "b", lower: 1, upper: 2, size: 5),
        Buffer(id: "c", lower: 2, upper: 5, size: 2), Buffer(id: "d", lower: 0, upper: 9, size: 1),
      ])
    let subset = try #require(AllocationExplanation.irreducibleSubset(of: problem))
    #expect(subset.buffers == [0, 1])
    #expect(subset.isIrreducible)
  }
}

@Suite struct AllocationFileTests {
  private func read(_ text: String) throws -> AllocationProblem {
    try AllocationFile.read(SourceText(name: "p.csv", text: text), capacity: 100)
  }

  @Test func writesWhatItReads() throws {
    let text = "id,lower,upper,size,alignment,hint,gaps\na,0,9,4,2,-1,2-4@1:3 5-6\nb,1,3,5,1,8,\n"
    let problem = try read(text)
    #expect(problem.buffers[0].gaps.count == 2)
    #expect(problem.buffers[0].gaps[0].window == 1..<3)
    #expect(problem.buffers[1].hint == 8)
    let solution = AllocationSolution(offsets: [0, 8])
    let written = try AllocationFile.text(solution, addedTo: SourceText(name: "p.csv", text: text))
    #expect(
      written == "id,lower,upper,size,alignment,hint,gaps,offset\na,0,9,4,2,-1,2-4@1:3 5-6,0\nb,1,3,5,1,8,,8\n")
  }

  @Test func endIsTheLastStep() throws {
    let problem = try read("buffer_id,start,end,size\nx,3,5,7\n")
    #expect(problem.buffers == [Buffer(id: "x", lower: 3, upper: 6, size: 7)])
  }

  @Test(arguments: [
    "", "id,lower,upper\n", "id,lower,upper,size,colour\n", "id,lower,upper,size,size\n",
    "id,lower,upper,size\na,0,1\n",
    "id,lower,upper,size\na,0,1,x\n", "id,lower,upper,size\na,5,1,3\n", "id,lower,upper,size\na,0,1,-3\n",
    "id,lower,upper,size\na,0,1,9223372036854775807\n", "id,lower,upper,size\na,0,1,3\na,0,1,3\n",
    "id,lower,upper,size,alignment\na,0,1,3,0\n", "id,lower,upper,size,gaps\na,0,4,3,1\n",
    "id,lower,upper,size,gaps\na,0,4,3,1-9\n", "id,lower,upper,size,gaps\na,0,4,3,1-2@2:1\n",
    "id,lower,upper,size,offset\na,0,4,3,98\n",
  ]) func malformedTextIsRefused(text: String) {
    #expect(throws: Diagnostic.self) { try read(text) }
  }
}

@Suite struct AllocationValidatorTests {
  private let problem = AllocationProblem(
    capacity: 10,
    buffers: [
      Buffer(id: "a", lower: 0, upper: 4, size: 4, alignment: 2), Buffer(id: "b", lower: 3, upper: 5, size: 4),
    ])

  private func check(_ expected: AllocationValidator.Violation, _ offsets: [Int]) {
    #expect(throws: expected) {
      try AllocationValidator.validate(AllocationSolution(offsets: offsets), for: problem)
    }
  }

  @Test func namesEachViolation() throws {
    check(.offsetCount(expected: 2, found: 1), [0])
    check(.outOfRange(buffer: "b", offset: 7), [0, 7])
    check(.outOfRange(buffer: "a", offset: -2), [-2, 4])
    check(.misaligned(buffer: "a", offset: 3, alignment: 2), [3, 0])
    check(.overlap(first: "a", second: "b", step: 3), [0, 3])
    try AllocationValidator.validate(AllocationSolution(offsets: [0, 4]), for: problem)
  }
}
