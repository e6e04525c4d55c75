import SpadixSupport
import Testing

@testable import SpadixAllocation

private typealias Buffer = AllocationProblem.Buffer

private func randomBuffers(seed: UInt64, count: Int, steps: Int, length: Int) -> [Buffer] {
  var random = SplitMix64(seed: seed)
  return (0..<count).map { number in
    let lower = random.below(steps)
    return Buffer(
      id: "b\(number)", lower: lower, upper: lower + 1 + random.below(length), size: 1 + random.below(100),
      alignment: random.chance(10) ? 4 : 1)
  }
}

/// Whether no two buffers share units, by going through the steps with what is live sorted by offset.
private func isFree(_ offsets: [Int], _ buffers: [Buffer]) -> Bool {
  let byLower = buffers.indices.sorted { buffers[$0].lower < buffers[$1].lower }
  var live: [Int] = []
  for buffer in byLower {
    live.removeAll { buffers[$0].upper <= buffers[buffer].lower }
    for other in live
    where offsets[buffer] < offsets[other] + buffers[other].size
      && offsets[other] < offsets[buffer] + buffers[buffer].size
    {
      return false
    }
    live.append(buffer)
  }
  return true
}

@Suite struct AllocationScaleTests {
  @Test(arguments: 0..<10) func lifetimesFindEveryOverlapOnce(seed: Int) {
    let buffers = randomBuffers(seed: UInt64(seed), count: 60, steps: 4 + seed * 8, length: 1 + seed)
    let lifetimes = Lifetimes(buffers)
    for (number, buffer) in buffers.enumerated() {
      var found: [Int] = []
      lifetimes.forEachOverlap(of: number) { found.append($0) }
      let expected = buffers.indices.filter {
        $0 != number && buffers[$0].lower < buffer.upper && buffer.lower < buffers[$0].upper
      }
      #expect(found.sorted() == expected, "seed \(seed), buffer \(number)")
    }
  }

  @Test(arguments: 0..<10) func totalsAreThoseOfEveryStep(seed: Int) {
    let buffers = randomBuffers(seed: UInt64(seed), count: 40, steps: 30, length: 9)
    let problem = AllocationProblem(capacity: 1 << 20, buffers: buffers)
    let totals = StepTotals(problem)
    func total(_ step: Int) -> Int {
      buffers.reduce(0) { $0 + ($1.lower <= step && step < $1.upper ? $1.size : 0) }
    }
    #expect(totals.largest == (0..<40).map(total).max())
    for buffer in buffers {
      #expect(totals.largest(during: buffer) == (buffer.lower..<buffer.upper).map(total).max())
    }
  }

  @Test(arguments: 0..<10) func rulesLeaveNoOverlap(seed: Int) {
    let buffers = randomBuffers(seed: UInt64(seed), count: 200, steps: 60, length: 20)
    let lifetimes = Lifetimes(buffers)
    for order in LowestFit.orders(buffers) {
      #expect(isFree(LowestFit.offsets(order: order, buffers: buffers, lifetimes: lifetimes), buffers))
    }
    let totals = StepTotals(AllocationProblem(capacity: 1 << 20, buffers: buffers))
    for rank in totals.ranks(of: buffers) {
      #expect(isFree(SkylineFit.offsets(rank: rank, buffers: buffers, lifetimes: lifetimes), buffers))
    }
  }

  /// More buffers than a search takes: placed by rule where a tenth of the memory may stay free.
  @Test func manyBuffersArePlaced() throws {
    let buffers = randomBuffers(seed: 1, count: 50_000, steps: 40_000, length: 150)
    var problem = AllocationProblem(capacity: 1 << 30, buffers: buffers)
    problem.capacity = StepTotals(problem).largest * 11 / 10
    let result = AllocationSolver().solve(problem)
    let solution = try #require(result.solution)
    #expect(isFree(solution.offsets, buffers))
    #expect(solution.height(in: problem) <= problem.capacity)
  }
}
