import SpadixSupport
import Testing

@testable import SpadixAllocation

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

  /// Six thousand buffers that fill their memory without a hole, which no rule finds: rectangles cut into parts again
  /// and again, one rectangle after the other in time, all of them above a buffer that lives throughout.
  @Test func thousandsOfTightBuffersAreSearched() throws {
    var random = SplitMix64(seed: 11)
    var buffers = [Buffer(id: "all", lower: 0, upper: 6_000, size: 1)]
    for block in 0..<600 {
      var parts = [(lower: 10 * block, upper: 10 * block + 10, bottom: 1, top: 65)]
      while parts.count < 10 {
        let number = random.below(parts.count)
        let part = parts[number]
        var (one, other) = (part, part)
        if random.below(2) == 0, part.upper - part.lower > 1 {
          one.upper = part.lower + 1 + random.below(part.upper - part.lower - 1)
          other.lower = one.upper
        } else if part.top - part.bottom > 1 {
          one.top = part.bottom + 1 + random.below(part.top - part.bottom - 1)
          other.bottom = one.top
        } else {
          continue
        }
        parts[number] = one
        parts.append(other)
      }
      for part in parts {
        let id = "\(buffers.count)"
        buffers.append(Buffer(id: id, lower: part.lower, upper: part.upper, size: part.top - part.bottom))
      }
    }
    let problem = AllocationProblem(capacity: 65, buffers: buffers)
    let result = AllocationSolver().solve(problem)
    #expect(result.nodes > 0, "a rule found it, so that nothing is shown")
    try AllocationValidator.validate(#require(result.solution), for: problem)
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

  /// Against every step of every pair, on random offsets of buffers with gaps and windows.
  @Test(arguments: 0..<60) func findsTheFirstOverlapOfAll(seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    let buffers = (0..<8).map { number in
      let lower = random.below(12)
      let upper = lower + random.below(8)
      var buffer = Buffer(id: "\(number)", lower: lower, upper: upper, size: 1 + random.below(6))
      if upper - lower > 2, random.below(2) == 0 {
        let window = random.below(2) == 0 ? nil : 0..<1 + random.below(buffer.size)
        buffer.gaps = [.init(lower: lower + 1, upper: upper - 1, window: window)]
      }
      return buffer
    }
    let offsets = buffers.map { _ in random.below(40) }
    func taken(_ number: Int, _ step: Int) -> Range<Int> {
      let buffer = buffers[number]
      guard buffer.lower <= step, step < buffer.upper else { return 0..<0 }
      let gap = buffer.gaps.first { $0.lower <= step && step < $0.upper }
      guard let taken = gap == nil ? 0..<buffer.size : gap?.window else { return 0..<0 }
      return offsets[number] + taken.lowerBound..<offsets[number] + taken.upperBound
    }
    var expected: (first: String, second: String)?
    for second in buffers.indices {
      for first in 0..<second where expected == nil {
        if (0..<20).contains(where: { taken(first, $0).overlaps(taken(second, $0)) }) {
          expected = (buffers[first].id, buffers[second].id)
        }
      }
    }
    let problem = AllocationProblem(capacity: 100, buffers: buffers)
    do throws(AllocationValidator.Violation) {
      try AllocationValidator.validate(AllocationSolution(offsets: offsets), for: problem)
      #expect(expected == nil, "seed \(seed)")
    } catch .overlap(let first, let second, _) {
      #expect(expected?.first == first && expected?.second == second, "seed \(seed)")
    } catch {
      Issue.record("seed \(seed): \(error)")
    }
  }
}
