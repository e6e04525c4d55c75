import SpadixSupport
import Testing

@testable import SpadixOrder

/// Equal branches, each a chain of three that begins with the one input, in layers that each end with an operator that
/// reads what all branches made.
private func equalBranches(seed: UInt64, branches: Int) -> ScheduleProblem {
  var random = SplitMix64(seed: seed)
  var problem = ScheduleProblem(name: "branches \(seed)", tensors: [], operators: [])
  var value = problem.add(.input, 1 + random.below(4))
  for layer in 0..<2 {
    let sizes = (0..<3).map { _ in 1 + random.below(6) }
    let readsAgain = random.chance(50)
    var ends: [ScheduleProblem.TensorID] = []
    for _ in 0..<branches {
      var last = value
      for (number, size) in sizes.enumerated() {
        let made = problem.add(.activation, size)
        problem.run(number == 2 && readsAgain ? [last, value] : [last], made)
        last = made
      }
      ends.append(last)
    }
    let mixed = problem.add(layer == 1 ? .output : .activation, 1 + random.below(4))
    problem.run(ends, mixed)
    value = mixed
  }
  return problem
}

@Suite struct ExchangesTests {
  /// The same least cost from fewer labels.
  @Test(arguments: 0..<12) func proveTheSameWithLess(seed: Int) {
    let core = ScheduleCore(equalBranches(seed: UInt64(seed), branches: 3), scope: .activations)
    #expect(!Exchanges(core).all.isEmpty)
    var search = OrderSearch(core, capacity: core.smallestCapacity)
    let with = search.run(width: Int.max, cutoff: 10_000)
    search.switches.exchanges = false
    let without = search.run(width: Int.max, cutoff: 10_000)
    #expect(with.isComplete && without.isComplete)
    #expect(with.cost == without.cost)
    if without.labels > 200 { #expect(with.labels * 4 < without.labels * 3) }
  }

  /// Exchanging maps the core to itself.
  @Test(arguments: 0..<40) func leaveTheCoreAsItIs(seed: Int) {
    let problem =
      seed < 12
      ? equalBranches(seed: UInt64(seed), branches: 4) : randomChainProblem(seed: UInt64(seed), operators: 14)
    let core = ScheduleCore(problem, scope: .all)
    for exchange in Exchanges(core).all {
      var image = Array(core.tensors.indices)
      for (one, other) in exchange.tensors { (image[one], image[other]) = (other, one) }
      for (op, node) in core.operators.enumerated() {
        let partner = core.operators[exchange.partner[op]]
        #expect(exchange.moving.contains(op) == (exchange.partner[op] != op))
        #expect(node.operands.map { image[$0] }.sorted() == partner.operands)
        #expect(node.privateSize == partner.privateSize)
      }
      for (index, tensor) in core.tensors.enumerated() {
        let other = core.tensors[image[index]]
        #expect(tensor.size == other.size && tensor.bytes == other.bytes && tensor.isClean == other.isClean)
      }
    }
  }
}
