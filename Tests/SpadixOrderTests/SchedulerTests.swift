import SpadixMIP
import SpadixSupport
import Testing

@testable import SpadixOrder

private func tensor(
  _ id: Int, _ size: Int, _ kind: ScheduleProblem.TensorKind = .activation
) -> ScheduleProblem.Tensor {
  ScheduleProblem.Tensor(id: id, name: "t\(id)", size: size, bytes: size, kind: kind)
}

private func op(_ id: Int, _ inputs: [Int], _ outputs: [Int]) -> ScheduleProblem.Operator {
  ScheduleProblem.Operator(
    id: id, name: "op", inputs: inputs.map(ScheduleProblem.TensorID.init),
    outputs: outputs.map(ScheduleProblem.TensorID.init))
}

/// A long branch and a short one that meet at the end: the tensor t1 waits while t2 and t3 are made.
private let skip = ScheduleProblem(
  name: "skip",
  tensors: [tensor(0, 4, .input), tensor(1, 4), tensor(2, 6), tensor(3, 6), tensor(4, 4), tensor(5, 2, .output)],
  operators: [op(0, [0], [1]), op(1, [1], [2]), op(2, [2], [3]), op(3, [3], [4]), op(4, [1, 4], [5])])

@Suite struct SchedulerTests {
  @Test func budgetsOfASkipConnection() {
    let budgets = ScheduleBudgets(skip, scope: .activations)
    #expect(budgets.minimum == 12)
    #expect(budgets.peak == 16)
    #expect(budgets.middle == 14)
    #expect(budgets.peakIsExact)
  }

  @Test func spillsTheWaitingTensorAtTheSmallestBudget() throws {
    let plan = try Scheduler().solve(skip, budget: 12)
    #expect(plan.traffic == ScheduleSolution.Traffic(spilled: 4, fetched: 4))
    #expect(plan.isProven)
    #expect(plan.pieces.filter { $0.tensor.index == 1 }.count == 2)
  }

  @Test func needsNoTrafficAtThePeak() throws {
    let plan = try Scheduler().solve(skip, budget: 16)
    #expect(plan.traffic.total == 0)
    #expect(plan.isProven)
  }

  /// Whichever branch comes first waits for the other: no tensor waits in every order, and still one must go.
  @Test func provesABranchWithoutSearch() throws {
    let fork = ScheduleProblem(
      name: "fork", tensors: [tensor(0, 4, .input), tensor(1, 6), tensor(2, 6), tensor(3, 1, .output)],
      operators: [op(0, [0], [1]), op(1, [0], [2]), op(2, [1, 2], [3])])
    var options = ScheduleOptions()
    options.useOrderSearch = false
    let plan = try Scheduler(options: options).solve(fork, budget: 13)
    #expect(plan.traffic.total == 12)
    #expect(plan.isProven)
  }

  @Test func namesTheOperatorThatDoesNotFit() {
    #expect {
      try Scheduler().solve(skip, budget: 11)
    } throws: { error in
      guard let diagnostic = error as? Diagnostic else { return false }
      return diagnostic.id == "schedule.budget-too-small"
        && diagnostic.message == "operator 2 'op' needs 12 for its inputs and outputs, the budget is 11"
        && diagnostic.notes.count == 2
    }
  }

  @Test func emptyGraphHasAnEmptyPlan() throws {
    let plan = try Scheduler().solve(ScheduleProblem(name: "empty", tensors: [], operators: []), budget: 0)
    #expect(plan.order.isEmpty)
    #expect(plan.isProven)
  }

  @Test(arguments: 0..<150) func exactEqualsBruteForce(seed: Int) throws {
    let problem =
      seed % 3 == 0
      ? randomChainProblem(seed: UInt64(seed), operators: 3 + seed % 5)
      : randomScheduleProblem(seed: UInt64(seed), operators: 3 + seed % 5)
    for scope in ScheduleProblem.Scope.allCases {
      let brute = ScheduleBruteForce(problem: problem, scope: scope)
      let budgets = ScheduleBudgets(problem, scope: scope)
      #expect(budgets.minimum == brute.smallestBudget, "seed \(seed)")
      for budget in [budgets.minimum, budgets.middle, budgets.peak] {
        let plan = try Scheduler().solve(problem, scope: scope, budget: budget)
        let least = try #require(brute.least(budget: budget))
        #expect(plan.bound == least, "seed \(seed), budget \(budget)")
        // A few tight plans do not pack; then the plan is above the bound and says so.
        #expect(plan.traffic.total >= least, "seed \(seed), budget \(budget)")
      }
      #expect(brute.least(budget: budgets.peak) == 0, "seed \(seed)")
      if budgets.peak > budgets.minimum {
        #expect((brute.least(budget: budgets.peak - 1) ?? 1) > 0, "seed \(seed)")
      }
    }
  }

  @Test(arguments: ["contraction", "split", "bounds", "search"]) func ablationsStayHonest(component: String) throws {
    for seed in 500..<540 {
      let problem = randomScheduleProblem(seed: UInt64(seed), operators: 8)
      let budgets = ScheduleBudgets(problem, scope: .all)
      var options = ScheduleOptions()
      switch component {
      case "contraction": options.useContraction = false
      case "split": options.useSplit = false
      case "bounds":
        options.useUpperBound = false
        options.useLowerBound = false
        options.usePivotBound = false
        options.useSuffixBounds = false
        options.useSafeMoves = false
        options.useDominance = false
      default: options.useOrderSearch = false
      }
      let full = try Scheduler().solve(problem, scope: .all, budget: budgets.minimum)
      let part = try Scheduler(options: options).solve(problem, scope: .all, budget: budgets.minimum)
      #expect(part.bound <= full.bound, "seed \(seed)")
      #expect(part.traffic.total >= full.bound, "seed \(seed)")
      if component != "search" { #expect(part.bound == full.bound, "seed \(seed)") }
    }
  }

  @Test func jointFormulationAgrees() throws {
    var options = ScheduleOptions()
    options.formulation = .joint
    var proven = 0
    for seed in 700..<712 {
      let problem = randomScheduleProblem(seed: UInt64(seed), operators: 4)
      let budgets = ScheduleBudgets(problem, scope: .activations)
      let joint = try Scheduler(options: options).solve(problem, budget: budgets.minimum)
      let exact = try Scheduler().solve(problem, budget: budgets.minimum)
      #expect(joint.bound <= exact.traffic.total, "seed \(seed)")
      #expect(joint.traffic.total >= exact.bound, "seed \(seed)")
      if joint.isProven && exact.isProven {
        proven += 1
        #expect(joint.traffic.total == exact.traffic.total, "seed \(seed)")
      }
    }
    #expect(proven >= 8)
  }

  @Test func fixedOrderKeepsTheOrder() throws {
    var options = ScheduleOptions()
    options.formulation = .fixedOrder
    let plan = try Scheduler(options: options).solve(skip, budget: 12)
    #expect(plan.order.map(\.index) == [0, 1, 2, 3, 4])
  }

  @Test func sameInputSamePlan() throws {
    let problem = randomScheduleProblem(seed: 77, operators: 12)
    let budget = ScheduleBudgets(problem, scope: .all).minimum
    let first = try Scheduler().solve(problem, scope: .all, budget: budget)
    let second = try Scheduler().solve(problem, scope: .all, budget: budget)
    #expect(first.order == second.order)
    #expect(first.pieces == second.pieces)
  }

  @Test func cancelledSolveReturnsAPlan() throws {
    var options = ScheduleOptions()
    let cancellation = Cancellation()
    cancellation.cancel()
    options.cancellation = cancellation
    let problem = randomScheduleProblem(seed: 78, operators: 14)
    let budget = ScheduleBudgets(problem, scope: .all).minimum
    let plan = try Scheduler(options: options).solve(problem, scope: .all, budget: budget)
    #expect(plan.bound <= plan.traffic.total)
  }

  @Test func labelLimitReturnsAPlanAndABound() throws {
    var options = ScheduleOptions()
    options.labelLimit = 5
    for seed in 800..<830 {
      let problem = randomScheduleProblem(seed: UInt64(seed), operators: 10)
      let budget = ScheduleBudgets(problem, scope: .all).minimum
      let limited = try Scheduler(options: options).solve(problem, scope: .all, budget: budget)
      let full = try Scheduler().solve(problem, scope: .all, budget: budget)
      #expect(limited.bound <= full.bound, "seed \(seed)")
      #expect(limited.traffic.total >= full.bound, "seed \(seed)")
    }
  }

  @Test func baselinesAreValidAndNoBetter() throws {
    for seed in 900..<930 {
      let problem = randomScheduleProblem(seed: UInt64(seed), operators: 9)
      let budget = ScheduleBudgets(problem, scope: .activations).middle
      let best = try Scheduler().solve(problem, budget: budget)
      for policy in [ScheduleBaseline.Policy.belady, .greedy] {
        for order in ScheduleBaseline.Order.allCases {
          for placement in ScheduleBaseline.Placement.allCases {
            let baseline = ScheduleBaseline(policy: policy, order: order, placement: placement)
            do {
              let plan = try baseline.solve(problem, scope: .activations, budget: budget)
              #expect(plan.traffic.total >= best.bound, "seed \(seed)")
            } catch let diagnostic as Diagnostic {
              #expect(diagnostic.id == "schedule.baseline-unpackable", "seed \(seed)")
            }
          }
        }
      }
    }
  }
}

@Suite struct ScheduleValidatorTests {
  private typealias Violation = ScheduleValidator.Violation

  private func check(_ expected: Violation, _ change: (inout ScheduleSolution) -> Void) throws {
    var plan = try Scheduler().solve(skip, budget: 12)
    change(&plan)
    #expect(throws: expected) { try ScheduleValidator.validate(plan, for: skip) }
  }

  private func index(_ plan: ScheduleSolution, _ tensor: Int) -> Int {
    plan.pieces.firstIndex { $0.tensor.index == tensor } ?? 0
  }

  @Test func rejectsAMissingOperator() throws {
    try check(.notAnOrder(reason: "expected 5 operators, found 4")) { $0.order.removeLast() }
  }

  @Test func rejectsAnOperatorTwice() throws {
    try check(.notAnOrder(reason: "operator 0 stands there twice")) { $0.order[1] = $0.order[0] }
  }

  @Test func rejectsABrokenDependence() throws {
    try check(.dependence(op: 1, tensor: 1, step: 0)) { $0.order.swapAt(0, 1) }
  }

  @Test func rejectsAnUnknownTensor() throws {
    try check(.unknownTensor(piece: 0)) { $0.pieces[0].tensor = ScheduleProblem.TensorID(99) }
  }

  @Test func rejectsAPieceAfterTheEnd() throws {
    try check(.pieceSteps(tensor: 5, first: 4, last: 5)) { $0.pieces[index($0, 5)].last = 5 }
  }

  @Test func rejectsAPieceOutsideTheBudget() throws {
    try check(.outOfMemory(tensor: 5, offset: 11)) { $0.pieces[index($0, 5)].offset = 11 }
  }

  @Test func rejectsOverlap() throws {
    try check(.overlap(tensor: 3, other: 2, step: 2)) {
      $0.pieces[index($0, 3)].offset = $0.pieces[index($0, 2)].offset
    }
  }

  @Test func rejectsATensorTwice() throws {
    try check(.twice(tensor: 0, step: 0)) { plan in
      var copy = plan.pieces[index(plan, 0)]
      copy.offset = 8
      plan.pieces.insert(copy, at: 0)
    }
  }

  @Test func rejectsAMissingPiece() throws {
    try check(.notResident(tensor: 4, op: 3, step: 3)) { $0.pieces.remove(at: index($0, 4)) }
  }

  @Test func rejectsAPieceThatEndsTooEarly() throws {
    try check(.notResident(tensor: 2, op: 2, step: 2)) { $0.pieces[index($0, 2)].last = 1 }
  }

  @Test func rejectsFalseTraffic() throws {
    let expected = ScheduleSolution.Traffic(spilled: 4, fetched: 4)
    let found = ScheduleSolution.Traffic(spilled: 0, fetched: 4)
    try check(.traffic(expected: expected, found: found)) { $0.traffic.spilled = 0 }
  }

  @Test func rejectsAFalseBound() throws {
    try check(.boundAboveTraffic(bound: 9, traffic: 8)) { $0.bound = 9 }
  }
}

@Suite struct ScheduleFileTests {
  private func read(_ text: String) throws -> ScheduleProblem {
    try ScheduleProblemReader.read(SourceText(name: "p.json", text: text))
  }

  private func id(_ text: String) -> String? {
    do {
      _ = try read(text)
      return nil
    } catch let diagnostic as Diagnostic {
      return diagnostic.id
    } catch let diagnostics as Diagnostics {
      return diagnostics.all.first?.id
    } catch {
      return "\(error)"
    }
  }

  private func problem(_ tensors: String, _ ops: String) -> String {
    #"{"name": "p", "tensors": [\#(tensors)], "ops": [\#(ops)]}"#
  }

  private let a = #"{"id": 1, "name": "a", "bytes_int8": 4, "kind": "input"}"#
  private let b = #"{"id": 2, "name": "b", "bytes_int8": 4, "kind": "output"}"#

  @Test func readsAndSortsTopologically() throws {
    let c = #"{"id": 3, "name": "c", "bytes_int8": 4, "kind": "activation"}"#
    let read = try read(
      problem(
        "\(a), \(b), \(c)",
        #"{"id": 8, "type": "g", "inputs": [3], "outputs": [2]}, {"id": 7, "type": "f", "inputs": [1], "outputs": [3]}"#
      ))
    #expect(read.operators.map(\.id) == [7, 8])
  }

  @Test func namesEachKindOfBadInput() {
    let f = #"{"id": 0, "type": "f", "inputs": [1], "outputs": [2]}"#
    #expect(id(problem("\(a), \(b)", f)) == nil)
    #expect(id("{") == "json.syntax")
    #expect(id("[]") == "schedule.format")
    #expect(id(problem("\(a), \(a)", "")) == "schedule.duplicate-id")
    #expect(id(problem("\(a), \(b)", "\(f), \(f)")) == "schedule.duplicate-id")
    #expect(id(problem(a, f)) == "schedule.unknown-tensor")
    #expect(id(problem("\(a), \(b)", "")) == "schedule.not-produced")
    #expect(
      id(problem("\(a), \(b)", "\(f), " + #"{"id": 1, "type": "f", "inputs": [1], "outputs": [2]}"#))
        == "schedule.produced-twice")
    #expect(id(problem("\(a), \(b)", #"{"id": 0, "type": "f", "inputs": [2], "outputs": [2]}"#)) == "schedule.cycle")
    #expect(id(problem(#"{"id": 1, "bytes_int8": -4, "kind": "input"}"#, "")) == "schedule.tensor-size")
    #expect(
      id(problem(#"{"id": 1, "bytes_int8": 9223372036854775807, "kind": "input"}"#, "")) == "schedule.tensor-size")
    #expect(id(problem(#"{"id": 1, "bytes_int8": 1.5, "kind": "input"}"#, "")) == "schedule.format")
    #expect(id(problem(#"{"id": 1, "bytes_int8": 4, "kind": "weight"}"#, "")) == "schedule.format")
  }

  @Test func planReadsBack() throws {
    let plan = try Scheduler().solve(skip, budget: 12)
    let text = ScheduleSolutionFile.json(plan, for: skip).text(pretty: true)
    let again = try ScheduleSolutionFile.read(SourceText(name: "plan.json", text: text), for: skip)
    #expect(again.order == plan.order)
    #expect(again.pieces == plan.pieces)
    #expect(again.traffic == plan.traffic)
    #expect(again.bound == plan.bound)
    try ScheduleValidator.validate(again, for: skip)
  }

  @Test func damagedPlansAreRefused() throws {
    let plan = try Scheduler().solve(skip, budget: 12)
    let text = ScheduleSolutionFile.json(plan, for: skip).text(pretty: true)
    for (old, new) in [
      ("\"tensors\": \"activations\"", "\"tensors\": \"some\""), ("\"total\": 8", "\"total\": 9"),
      ("\"bound\": 8", "\"bound\": 7"), ("\"tensor\": 0", "\"tensor\": 77"), ("\"first\": 0", "\"first\": true"),
    ] {
      let damaged = text.replacing(old, with: new)
      #expect(damaged != text)
      #expect(throws: Diagnostic.self) {
        try ScheduleSolutionFile.read(SourceText(name: "plan.json", text: damaged), for: skip)
      }
    }
  }

  @Test func picturesAndTablesNameWhatMoves() throws {
    let plan = try Scheduler().solve(skip, budget: 12)
    let svg = SchedulePicture.svg(plan, for: skip)
    #expect(svg.contains("spilled: 4 bytes"))
    #expect(svg.contains("fetched before step 4: 4 bytes"))
    let table = ScheduleTable.text(plan, for: skip)
    #expect(table.contains("traffic    8 (spilled 4, fetched 4)"))
    #expect(table.contains("8, proven optimal"))
  }
}
