import SpadixSupport
import Testing

@testable import SpadixOrder

@Suite struct SharedTreeCutsTests {
  /// From an input or an operator, each operator reads one tensor, which up to three others read too; some make two.
  private func randomTree(_ seed: Int, operators: Int) -> ScheduleProblem {
    var random = SplitMix64(seed: UInt64(70_000 + seed))
    var problem = ScheduleProblem(name: "tree \(seed)", tensors: [], operators: [])
    var open = [problem.add(.input, 1 + random.below(9))]
    var readers = [0]
    while problem.operators.count < operators {
      let number = random.below(open.count)
      let tensor = open[number]
      readers[number] += 1
      if readers[number] == 3 {
        open.remove(at: number)
        readers.remove(at: number)
      }
      let outputs = (0..<(random.below(5) == 0 ? 2 : 1)).map { _ in problem.add(.activation, 1 + random.below(9)) }
      problem.operators.append(
        ScheduleProblem.Operator(id: problem.operators.count, name: "op", inputs: [tensor], outputs: outputs))
      open += outputs
      readers += outputs.map { _ in 0 }
    }
    let read = Set(problem.operators.flatMap(\.inputs))
    for index in problem.tensors.indices
    where problem.tensors[index].kind == .activation && !read.contains(ScheduleProblem.TensorID(index)) {
      problem.tensors[index].kind = .output
    }
    return problem
  }

  /// As cheap as the best of all schedules, where all, some or nothing fits.
  @Test func isExact() throws {
    var moving = 0
    for seed in 0..<600 {
      let problem = randomTree(seed, operators: 5 + seed % 6)
      let core = ScheduleCore(problem, scope: .activations)
      let capacity = core.smallestCapacity + seed / 6 % 4
      let cuts = try #require(SharedTreeCuts(core, capacity: capacity))
      let brute = ScheduleBruteForce(problem: problem, scope: .activations)
      let least = try #require(brute.least(budget: capacity, atMost: Int.max / 2))
      #expect(cuts.bound == least, "\(problem.name), capacity \(capacity)")
      let schedule = try #require(TreeSchedule(core, capacity: capacity)).residency
      #expect(schedule.cost == least, "\(problem.name), capacity \(capacity)")
      #expect(schedule.order.sorted() == Array(0..<core.count))
      moving += least > 0 ? 1 : 0
    }
    #expect(moving > 50, "\(moving)")
  }

  /// Chains from one tensor, of an input or an operator: never above the best schedule, and nearly always as much.
  @Test(arguments: [false, true]) func groupsOfManyReadersAreBounded(isProduced: Bool) throws {
    var (moving, proven, found) = (0, 0, 0)
    for seed in 0..<80 {
      var random = SplitMix64(seed: UInt64(90_000 + seed))
      var problem = ScheduleProblem(name: "chains \(seed)", tensors: [], operators: [])
      var root = problem.add(.input, 1 + random.below(5))
      if isProduced {
        let result = problem.add(.activation, 1 + random.below(5))
        problem.run([root], result)
        root = result
      }
      for _ in 0..<5 {
        let middle = problem.add(.activation, 1 + random.below(5))
        problem.run([root], middle)
        problem.run([middle], problem.add(.output, 4 + random.below(5)))
      }
      let core = ScheduleCore(problem, scope: .activations)
      let capacity = core.smallestCapacity + seed % 3
      let brute = ScheduleBruteForce(problem: problem, scope: .activations)
      let least = try #require(brute.least(budget: capacity, atMost: Int.max / 2))
      let tree = try #require(TreeSchedule(core, capacity: capacity))
      #expect(tree.bound <= least && tree.residency.cost >= least, "\(problem.name), capacity \(capacity)")
      moving += least > 0 ? 1 : 0
      proven += tree.bound == least ? 1 : 0
      found += tree.residency.cost == least ? 1 : 0
    }
    #expect(moving > 20, "\(moving)")
    #expect(proven >= 70 && found >= 70, "\(proven) and \(found) of 80")
  }

  /// An interruption leaves a schedule, in which each reader fetches the tensor for itself, and no bound.
  @Test func anInterruptionLeavesASchedule() throws {
    var problem = ScheduleProblem(name: "chains", tensors: [], operators: [])
    let root = problem.add(.input, 3)
    for _ in 0..<6 {
      let middle = problem.add(.activation, 2)
      problem.run([root], middle)
      problem.run([middle], problem.add(.output, 5))
    }
    let core = ScheduleCore(problem, scope: .activations)
    let cancellation = Cancellation()
    #expect(try #require(TreeSchedule(core, capacity: 7, cancellation: cancellation)).bound > 0)
    cancellation.cancel()
    let tree = try #require(TreeSchedule(core, capacity: 7, cancellation: cancellation))
    #expect(tree.bound == 0 && tree.residency.order.count == core.count)
  }

  /// What reads two tensors that operators make is no such tree.
  @Test func isNothingForOtherGraphs() {
    var problem = ScheduleProblem(name: "diamond", tensors: [], operators: [])
    let input = problem.add(.input, 1)
    let (left, right) = (problem.add(.activation, 1), problem.add(.activation, 1))
    let end = problem.add(.output, 1)
    for (number, (inputs, outputs)) in [([input], [left]), ([input], [right]), ([left, right], [end])].enumerated() {
      problem.operators.append(
        ScheduleProblem.Operator(id: number, name: "op", inputs: inputs, outputs: outputs))
    }
    #expect(SharedTreeCuts(ScheduleCore(problem, scope: .activations), capacity: 9) == nil)
  }
}
