import SpadixMIP
import Testing

@testable import SpadixOrder

@Suite struct PivotBoundTests {
  private func bound(_ model: Model) -> Int {
    model.rows.isEmpty ? 0 : GLPKSolver(nodeLimit: 500).solve(model).bound ?? 0
  }

  /// Never above the cost of the best schedule, where sizes and bytes differ, and with little and much room.
  @Test func boundsEverySchedule() throws {
    var (bounded, reached) = (0, 0)
    for seed in 0..<120 {
      let problem = randomMixedProblem(seed, from: 12_000, operators: 10)
      let core = ScheduleCore(problem, scope: seed % 4 < 2 ? .all : .activations)
      let budget = core.smallestCapacity + seed / 2 % 3
      guard let model = PivotBound(core, capacity: budget).model else { continue }
      let brute = ScheduleBruteForce(problem: problem, scope: seed % 4 < 2 ? .all : .activations)
      let least = try #require(brute.least(budget: budget, atMost: Int.max / 2))
      let bound = bound(model)
      #expect(bound <= least, "\(problem.name), budget \(budget)")
      bounded += bound > 0 ? 1 : 0
      reached += bound == least && least > 0 ? 1 : 0
    }
    #expect(bounded > 20 && reached > 10, "\(bounded) bounds above nothing, \(reached) reached")
  }

  /// Stages that take the whole scratchpad, and a small input that an operator of each stage reads: no order keeps it, or
  /// what is made of it, beside a stage. Bounds that know no order see nothing.
  @Test(arguments: [4, 7, 10]) func smallInputIsFetchedForEveryStage(stages: Int) throws {
    let problem = stagesWithSharedInput(stages)
    let core = ScheduleCore(problem, scope: .activations)
    let least = 5 * (stages - 1)
    #expect(bound(ResidencyBound(core, capacity: 20, cutEffort: 1_000_000_000).model) < least)
    #expect(bound(try #require(PivotBound(core, capacity: 20).model)) == least)
    let plan = try Scheduler().solve(problem, budget: 20)
    #expect(plan.traffic.total == least && plan.isProven)
  }

  /// A chain of stages: `wide` leaves no room, `narrow` reads what it made, and `use` a part of the input.
  private func stagesWithSharedInput(_ stages: Int) -> ScheduleProblem {
    var problem = ScheduleProblem(name: "stages", tensors: [], operators: [])
    let shared = problem.add(.input, 5)
    var last = problem.add(.input, 2)
    for stage in 0..<stages {
      let part = problem.add(.activation, 3)
      problem.run([shared], part, name: "part")
      let wide = problem.add(.activation, 18)
      problem.run([last], wide, name: "wide")
      let narrow = problem.add(.activation, 2)
      problem.run([wide], narrow, name: "narrow")
      last = problem.add(stage == stages - 1 ? .output : .activation, 2)
      problem.run([narrow, part], last, name: "use")
    }
    return problem
  }
}

@Suite struct OrderedBoundTests {
  /// Never above the cost of the best schedule, nearly always that cost, and as high as the bound that knows no order.
  @Test func boundsEverySchedule() throws {
    var (bounded, exact, higher, lower) = (0, 0, 0, 0)
    for seed in 0..<120 {
      let problem = randomMixedProblem(seed, from: 13_000, operators: 9)
      let core = ScheduleCore(problem, scope: .all)
      let budget = core.smallestCapacity + seed / 2 % 3
      var ordered = OrderedBound(core, capacity: budget)
      let all = try #require(ordered.modelWithAllOrders)
      let residency = ResidencyBound(core, capacity: budget).model
      let brute = ScheduleBruteForce(problem: problem, scope: .all)
      let least = try #require(brute.least(budget: budget, atMost: Int.max / 2))
      func bound(_ model: Model) -> Int {
        model.rows.isEmpty ? 0 : GLPKSolver(nodeLimit: 2_000).solve(model).bound ?? 0
      }
      let solved = GLPKSolver(nodeLimit: 2_000).solve(all)
      let found = solved.bound ?? 0
      if !solved.values.isEmpty {
        // Its order is legal.
        let order = ordered.order(solved.values)
        #expect(Set(order).count == core.count)
        var seen = Set<Int>()
        for op in order {
          #expect(core.operators[op].predecessors.allSatisfy(seen.contains))
          seen.insert(op)
        }
      }
      #expect(found <= least, "\(problem.name), budget \(budget)")
      // As high with the rows that relaxations violate, before any column is fixed.
      while let values = GLPKSolver().relaxation(try #require(ordered.model))?.values {
        if !ordered.addViolated(by: values) { break }
      }
      let some = try #require(ordered.model)
      #expect(some.rows.count <= all.rows.count)
      #expect(GLPKSolver().relaxation(some)?.bound == GLPKSolver().relaxation(all)?.bound, "\(problem.name)")
      bounded += found > 0 ? 1 : 0
      exact += found > 0 && found == least ? 1 : 0
      higher += found > bound(residency) ? 1 : 0
      lower += found < bound(residency) ? 1 : 0
    }
    #expect(bounded > 30 && higher > 10 && lower < 5, "\(bounded) above nothing, \(higher) higher, \(lower) lower")
    #expect(10 * exact >= 9 * bounded, "\(exact) of \(bounded) exact")
  }

  @Test func hasNoModelForOtherNumbersOfPairs() {
    let core = ScheduleCore(randomScheduleProblem(seed: 4, operators: 12), scope: .all)
    #expect(OrderedBound(core, capacity: core.smallestCapacity, pairs: 0...100).model != nil)
    #expect(OrderedBound(core, capacity: core.smallestCapacity, pairs: 101...400).model == nil)
  }
}

@Suite struct HoldingBoundTests {
  /// What takes no room stays for nothing, whatever its bytes: it adds nothing to what must leave.
  @Test func tensorsWithoutSizeStay() {
    var problem = ScheduleProblem(name: "held", tensors: [], operators: [])
    for (id, (size, bytes)) in [(2, 2), (4, 4), (0, 7), (10, 10), (1, 1)].enumerated() {
      let kind: ScheduleProblem.TensorKind = [.input, .activation, .activation, .activation, .output][id]
      problem.tensors.append(ScheduleProblem.Tensor(id: id, name: "t\(id)", size: size, bytes: bytes, kind: kind))
    }
    for (id, (inputs, outputs)) in [([0], [1, 2]), ([1], [3]), ([3, 1, 2], [4])].enumerated() {
      problem.operators.append(
        ScheduleProblem.Operator(
          id: id, name: "o\(id)", inputs: inputs.map(ScheduleProblem.TensorID.init),
          outputs: outputs.map(ScheduleProblem.TensorID.init)))
    }
    let core = ScheduleCore(problem, scope: .activations)
    let held = core.tensors.indices.filter { [1, 2].contains(core.tensors[$0].original) }.map(Int32.init)[...]
    let holding = HoldingBound(core, capacity: 12)
    func shortage(room: Int, _ resident: UInt128) -> (size: Int, cost: Int) {
      let obstacle = HoldingBound.Obstacle<UInt128>(staying: 3, room: room)
      return holding.shortage(obstacle, resident: resident, clean: 0, live: held)
    }
    // Position 0 is the tensor of 4, position 1 that of no size.
    #expect(shortage(room: 0, 2) == (0, 0))
    #expect(shortage(room: 4, 3) == (0, 0))
    #expect(shortage(room: 0, 3) == shortage(room: 0, 1))
    #expect(shortage(room: 0, 3).size == 4)
    #expect(shortage(room: 0, 3).cost > 0)
  }
}
