import SpadixSupport
import Testing

@testable import SpadixPlan

private typealias Problem = KernelProblem

/// A plan for a problem of any size: the work grows with the operators and not faster, and the bound holds.
@Suite struct KernelGrowthTests {
  private func id(_ index: Int) -> Problem.TensorID { Problem.TensorID(index) }

  /// Alternatives with all combinations of places for the operands, each reading and writing 64 bytes for what streams.
  private func alternatives(inputs: Int) -> [Problem.Alternative] {
    let places: [Problem.Place] = [.resident, .streamed]
    var result: [Problem.Alternative] = []
    for choice in 0..<(1 << inputs) {
      let operands = (0..<inputs).map { places[choice >> $0 & 1] }
      for output in places {
        result.append(
          Problem.Alternative(
            inputs: operands, outputs: [output], rows: 2,
            cost: Cost(
              readBytes: 64 * operands.filter { $0 == .streamed }.count, writtenBytes: output == .streamed ? 64 : 0,
              time: 4)))
      }
    }
    return result
  }

  /// Each operator reads one or two results among the last few, or from far back; results nobody reads are outputs.
  private func network(_ count: Int, seed: UInt64, window: Int, capacity: Int) -> Problem {
    var random = SplitMix64(seed: seed)
    var problem = Problem(name: "network", capacity: capacity, tensors: [], operators: [], objective: .bytes)
    problem.tensors.append(Problem.Tensor(name: "x", rows: 4, bytes: 64, kind: .input))
    var isRead = [true]
    for index in 1...count {
      func operand() -> Int { max(0, index - 1 - random.below(window)) }
      let first = operand()
      let second = random.chance(50) ? operand() : random.below(index)
      let inputs = first == second || random.chance(50) ? [first] : [first, second]
      for input in inputs { isRead[input] = true }
      problem.tensors.append(Problem.Tensor(name: "t\(index)", rows: 4, bytes: 64, kind: .activation))
      isRead.append(false)
      problem.operators.append(
        Problem.Operator(
          name: "o\(index)", inputs: inputs.map(id), outputs: [id(index)],
          alternatives: alternatives(inputs: inputs.count)))
    }
    for (index, read) in isRead.enumerated() where !read { problem.tensors[index].kind = .output }
    return problem
  }

  @Test(arguments: [1, 3, 12]) func workGrowsWithTheOperators(window: Int) throws {
    // Nodes are counted, not seconds, so that the test says the same on every machine.
    let small = try KernelScheduler().solve(network(200, seed: 1, window: window, capacity: 80))
    let large = try KernelScheduler().solve(network(800, seed: 1, window: window, capacity: 80))
    #expect(large.certificate.nodes <= 6 * max(small.certificate.nodes, 800), "window \(window)")
    for plan in [small, large] where plan.cost.bytes > plan.bound {
      #expect(!plan.certificate.whyOpen.isEmpty)
      #expect(plan.bound * 4 >= plan.cost.bytes, "the bound is far away")
    }
  }

  @Test func plansAreRepeatable() throws {
    let problem = network(300, seed: 7, window: 12, capacity: 60)
    let plans = try [0, 1].map { _ in try KernelScheduler().solve(problem) }
    #expect(plans[0].cost == plans[1].cost)
    #expect(plans[0].pieces.map(\.row) == plans[1].pieces.map(\.row))
    #expect(plans[0].certificate.whyOpen == plans[1].certificate.whyOpen)
  }

  @Test(arguments: 0..<200) func pricesBoundEveryPlan(seed: Int) throws {
    let problem = randomKernelProblem(seed: UInt64(seed), operators: 2 + seed % 4)
    let least = try #require(KernelBruteForce.least(problem))
    let steps = KernelSteps(problem, KernelTouches(problem))
    let prices = KernelPrices(steps)
    #expect(prices.bound <= least.value, "seed \(seed)")
    // A search among very few states: dearer, never cheaper than what is possible.
    var guided = KernelDynamicProgram(steps: steps, guidedBy: prices)
    guided.stateLimit = 2
    for residents in [nil, prices.residents()] {
      guided.residents = residents
      if let outcome = guided.run() {
        #expect(outcome.decision.value(in: problem) >= least.value, "seed \(seed)")
      }
    }
  }

  @Test(arguments: 2000..<2010) func pricesBoundLongProblems(seed: Int) throws {
    let problem = randomKernelProblem(seed: UInt64(seed), operators: 40, capacity: 30)
    let optimum = try KernelScheduler(method: .dynamicProgram).solve(problem).bound
    #expect(KernelPrices(KernelSteps(problem, KernelTouches(problem))).bound <= optimum)
  }

  @Test func anExactSearchGivesUpWhereStatesAreTooMany() throws {
    let problem = network(200, seed: 3, window: 20, capacity: 60)
    var exact = KernelDynamicProgram(exact: KernelSteps(problem, KernelTouches(problem)))
    exact.stateLimit = 16
    let outcome = exact.run()
    #expect(outcome == nil)
  }
}
