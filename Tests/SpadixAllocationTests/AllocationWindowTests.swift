import SpadixSupport
import Testing

@testable import SpadixAllocation

private typealias Buffer = AllocationProblem.Buffer
private typealias Gap = AllocationProblem.Gap

/// Buffers of six steps with gaps, windows, alignments, fixed offsets, empty lifetimes and twins.
private func randomWindowProblem(seed: UInt64) -> AllocationProblem {
  var random = SplitMix64(seed: seed)
  let capacity = 3 + random.below(7)
  var buffers: [Buffer] = []
  for number in 0..<(2 + random.below(5)) {
    if random.chance(10), let twin = buffers.last {
      buffers.append(twin)
      buffers[number].id = "b\(number)"
      continue
    }
    let lower = random.below(5)
    var buffer = Buffer(
      id: "b\(number)", lower: lower, upper: lower + (random.chance(5) ? 0 : 1 + random.below(6 - lower)),
      size: random.chance(5) ? 0 : 1 + random.below(5), alignment: random.chance(20) ? 1 + random.below(4) : 1)
    var step = lower
    while step < buffer.upper {
      let upper = min(buffer.upper, step + 1 + random.below(2))
      if random.chance(45) {
        let low = random.below(buffer.size + 1)
        let window = low..<low + random.below(buffer.size - low + 1)
        buffer.gaps.append(Gap(lower: step, upper: upper, window: random.chance(20) ? nil : window))
      }
      step = upper
    }
    let places = max(0, capacity - buffer.size) / buffer.alignment + 1
    if random.chance(10) { buffer.fixedOffset = random.below(places) * buffer.alignment }
    if random.chance(10) { buffer.hint = random.below(places) * buffer.alignment }
    buffers.append(buffer)
  }
  return AllocationProblem(capacity: capacity, buffers: buffers)
}

/// Tries every offset of every buffer on a drawing of all units in all steps.
private struct EveryOffset {
  let problem: AllocationProblem
  private var isTaken: [Bool]

  init(_ problem: AllocationProblem) {
    self.problem = problem
    isTaken = [Bool](repeating: false, count: 8 * problem.capacity)
  }

  private func units(of buffer: Buffer, at offset: Int) -> [Int] {
    (buffer.lower..<buffer.upper).flatMap { step -> [Int] in
      var taken = 0..<buffer.size
      for gap in buffer.gaps where gap.lower <= step && step < gap.upper { taken = gap.window ?? 0..<0 }
      return taken.map { step * problem.capacity + offset + $0 }
    }
  }

  mutating func canPlace(from number: Int = 0) -> Bool {
    if number == problem.buffers.count { return true }
    let buffer = problem.buffers[number]
    if units(of: buffer, at: 0).isEmpty { return canPlace(from: number + 1) }
    for offset in stride(from: 0, through: problem.capacity - buffer.size, by: buffer.alignment) {
      if let fixed = buffer.fixedOffset, fixed != offset { continue }
      let units = self.units(of: buffer, at: offset)
      if units.contains(where: { isTaken[$0] }) { continue }
      for unit in units { isTaken[unit] = true }
      if canPlace(from: number + 1) { return true }
      for unit in units { isTaken[unit] = false }
    }
    return false
  }
}

@Suite struct AllocationWindowTests {
  @Test(arguments: 0..<7) func agreesWithTryingEveryOffset(part: Int) throws {
    var infeasible = 0
    for seed in 100 * part..<100 * (part + 1) {
      let problem = randomWindowProblem(seed: UInt64(seed))
      var everyOffset = EveryOffset(problem)
      let isPossible = everyOffset.canPlace()
      infeasible += isPossible ? 0 : 1
      let result = AllocationSolver().solve(problem)
      switch result.outcome {
      case .placed(let solution): try AllocationValidator.validate(solution, for: problem)
      case .infeasible: #expect(!isPossible, "seed \(seed)")
      case .notFound: Issue.record("nothing proven for seed \(seed)")
      }
      #expect((result.solution != nil) == isPossible, "seed \(seed)")
      #expect(!isPossible || result.leastCapacity <= problem.capacity, "seed \(seed)")
    }
    #expect((10...90).contains(infeasible), "\(infeasible) of 100 problems have no placement")
  }

  /// The search over distances by itself, without what the solver tries before it.
  @Test(arguments: 0..<7) func distanceSearchIsComplete(part: Int) throws {
    for seed in 100 * part..<100 * (part + 1) {
      var problem = randomWindowProblem(seed: UInt64(seed))
      problem.buffers.removeAll(where: \.takesNothing)
      var everyOffset = EveryOffset(problem)
      let sections = AllocationSections(problem)
      for prefersRoom in [true, false] {
        var search = DistanceSearch(problem, sections, AllocationDistances(sections), cancellation: nil)
        let outcome = search.run(nodeLimit: 1_000_000, effortLimit: Int.max, prefersRoom: prefersRoom)
        #expect(outcome == (everyOffset.canPlace() ? .found : .exhausted), "seed \(seed)")
        if outcome == .found {
          try AllocationValidator.validate(AllocationSolution(offsets: search.offsets), for: problem)
        }
        everyOffset = EveryOffset(problem)
      }
    }
  }

  /// What nobody needs may be larger than the memory; what is needed may not, even where only a window of it is taken.
  @Test func onlyWhatIsTakenHasToFit() throws {
    let dead = Buffer(id: "dead", lower: 1, upper: 1, size: 9)
    let hidden = Buffer(id: "hidden", lower: 0, upper: 2, size: 9, gaps: [Gap(lower: 0, upper: 2)])
    let live = Buffer(id: "live", lower: 0, upper: 2, size: 5)
    let problem = AllocationProblem(capacity: 5, buffers: [dead, live, hidden])
    let solution = try #require(AllocationSolver().solve(problem).solution)
    try AllocationValidator.validate(solution, for: problem)
    #expect(solution.height(in: problem) == 5)
    let window = Buffer(id: "window", lower: 2, upper: 3, size: 9, gaps: [Gap(lower: 2, upper: 3, window: 0..<1)])
    let narrow = AllocationProblem(capacity: 5, buffers: [live, window])
    #expect(AllocationSolver().solve(narrow).outcome == .infeasible)
    #expect(AllocationExplanation.irreducibleSubset(of: narrow)?.buffers == [1])
  }

  /// Twelve buffers of one unit at even offsets leave a hole after every one of them.
  @Test func alignmentsOfASectionAreProven() {
    let problem = AllocationProblem(
      capacity: 12,
      buffers: (0..<12).map { Buffer(id: "b\($0)", lower: $0 % 3, upper: 4, size: 1, alignment: 2) })
    let result = AllocationSolver().solve(problem)
    #expect(result.outcome == .infeasible)
    #expect(result.nodes == 0)
  }

  /// Instances whose sections are full, so that orders of lowest fit leave holes.
  @Test func aLimitLeavesABoundAndAKnownCapacity() throws {
    var options = AllocationSolver.Options()
    options.nodeLimit = 5
    options.layoutSweep = false
    let solver = AllocationSolver(options: options)
    var stopped = 0
    for seed in 1...40 {
      var random = SplitMix64(seed: UInt64(seed))
      let buffers = (0..<60).map { number -> Buffer in
        let lower = random.below(20)
        return Buffer(id: "b\(number)", lower: lower, upper: lower + 1 + random.below(8), size: 1 + random.below(50))
      }
      let least = solver.solve(AllocationProblem(capacity: 1 << 20, buffers: buffers)).leastCapacity
      let result = solver.solve(AllocationProblem(capacity: least, buffers: buffers))
      guard result.outcome == .notFound else { continue }
      stopped += 1
      let found = try #require(result.foundCapacity, "seed \(seed)")
      #expect(found > result.leastCapacity, "seed \(seed)")
      #expect(solver.solve(AllocationProblem(capacity: found, buffers: buffers)).solution != nil, "seed \(seed)")
    }
    #expect(stopped > 0)
  }
}
