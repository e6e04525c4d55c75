import SpadixCodegen
import SpadixSupport
import SpadixPlan

/// Plans for one set of alternatives, by one objective or by several.
struct Planning {
  private let alternatives: KernelAlternatives
  private var scheduler = KernelScheduler()

  init(_ alternatives: KernelAlternatives, progress: (@Sendable (String) -> Void)?) {
    self.alternatives = alternatives
    if let progress { scheduler.progress = { progress("plan: \($0)") } }
  }

  /// The best plan by an objective, with bounds for time and bytes as well.
  mutating func plan(_ objective: Objective, _ cancellation: Cancellation) throws -> Plan {
    scheduler.cancellation = cancellation
    var problem = alternatives.problem
    problem.objective = objective
    var plan = alternatives.plan(try scheduler.solve(problem), for: objective)
    plan.bounds.time = try bound(.time, plan, problem)
    plan.bounds.bytes = try bound(.bytes, plan, problem)
    return plan
  }

  private func bound(_ objective: Objective, _ plan: Plan, _ problem: KernelProblem) throws -> Int? {
    if objective == plan.objective { return plan.bounds.objective }
    var other = problem
    other.objective = objective
    return min(try scheduler.bound(of: other), objective.value(plan.cost))
  }

  /// Cycles that a byte is worth, for plans between the fastest and the one of least traffic.
  private static let weights = [1.0 / 64, 1.0 / 16, 0.25, 1, 4]

  /// Plans of which none is better in both time and bytes, the fastest first.
  mutating func front() throws -> [Compilation.FrontPoint] {
    let objectives = [.time] + Self.weights.map { Objective.both(cyclesPerByte: $0) } + [.bytes]
    var points: [Compilation.FrontPoint] = []
    for objective in objectives {
      var problem = alternatives.problem
      problem.objective = objective
      let solution = try scheduler.solve(problem)
      points.append(Compilation.FrontPoint(objective: objective, cost: solution.cost, bound: solution.bound))
    }
    var front: [Compilation.FrontPoint] = []
    for (index, point) in points.enumerated() {
      let isBeaten = points.enumerated().contains { other, it in
        let isNoWorse = it.cost.time <= point.cost.time && it.cost.bytes <= point.cost.bytes
        let isSame = it.cost.time == point.cost.time && it.cost.bytes == point.cost.bytes
        return isNoWorse && (!isSame || other < index)
      }
      if !isBeaten { front.append(point) }
    }
    return front
  }
}
