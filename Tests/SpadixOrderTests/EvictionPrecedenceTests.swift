import SpadixSupport
import Testing

@testable import SpadixOrder

/// A forward chain and a backward one that reads what the forward one made, last first, with gradients of weights beside it.
private func trainingProblem(seed: UInt64, layers: Int) -> ScheduleProblem {
  var random = SplitMix64(seed: seed)
  var problem = ScheduleProblem(name: "training \(seed)", tensors: [], operators: [])
  var values = [problem.add(.input, 1 + random.below(2))]
  for _ in 0..<layers {
    let value = problem.add(.activation, 1 + random.below(2))
    problem.run([values[values.count - 1]], value)
    values.append(value)
  }
  var gradient = problem.add(.activation, 1)
  problem.run([values[layers]], gradient)
  for value in values.dropLast().reversed() {
    problem.run([gradient, value], problem.add(.output, 1))
    let next = problem.add(.activation, 1 + random.below(2))
    problem.run(random.chance(50) ? [gradient, value] : [gradient], next)
    gradient = next
  }
  problem.run([gradient], problem.add(.output, 1))
  return problem
}

@Suite struct EvictionPrecedenceTests {
  /// The same least cost, whatever the graph.
  @Test func provesTheSame() {
    for seed in 0..<150 {
      let problem =
        switch seed % 3 {
        case 0: randomScheduleProblem(seed: UInt64(7_000 + seed), operators: 10)
        case 1: randomChainProblem(seed: UInt64(7_000 + seed), operators: 14)
        default: trainingProblem(seed: UInt64(seed), layers: 5)
        }
      let core = ScheduleCore(problem, scope: seed % 2 == 0 ? .all : .activations)
      var search = OrderSearch(core, capacity: core.smallestCapacity + seed / 6 % 4)
      let with = search.run(width: Int.max, cutoff: 10_000)
      search.switches.evictionPrecedence = false
      let without = search.run(width: Int.max, cutoff: 10_000)
      #expect(with.isComplete && without.isComplete)
      #expect(with.cost == without.cost, "\(problem.name), \(search.capacity)")
    }
  }

  /// From far fewer labels where what is made first is needed last.
  @Test func provesTrainingGraphsWithLess() {
    var (with, without) = (0, 0)
    for seed in 0..<6 {
      let core = ScheduleCore(trainingProblem(seed: UInt64(seed), layers: 9), scope: .activations)
      var search = OrderSearch(core, capacity: core.smallestCapacity + 3)
      with += search.run(width: Int.max, cutoff: 10_000).labels
      search.switches.evictionPrecedence = false
      without += search.run(width: Int.max, cutoff: 10_000).labels
    }
    #expect(with * 2 < without, "\(with) labels, \(without) without it")
  }
}
