import SpadixCodegen
import SpadixPlan
import SpadixSupport

/// Plans for one set of alternatives, by one objective or by several.
struct Planning {
  private let alternatives: KernelAlternatives
  private var scheduler = KernelScheduler()
  /// What no plan is below, by objective.
  private var bounds: [Objective: Int] = [:]

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
    bounds[objective] = plan.bounds.objective
    // What does not pack may leave a plan with groups behind the best one without.
    if !plan.isProven, !problem.groups.isEmpty, !problem.groups[0].isForced {
      let bounds = plan.bounds
      let single = try best(objective, of: alternatives.withoutGroups)
      if objective.rank(single.cost) < objective.rank(plan.cost) { plan = single }
      plan.bounds = bounds
      plan.bounds.objective = bounds.objective.map { min($0, objective.value(plan.cost)) }
    }
    plan.bounds.time = try bound(.time, plan, problem)
    plan.bounds.bytes = try bound(.bytes, plan, problem)
    return plan
  }

  /// The best plan among fewer alternatives, where there are.
  private func best(_ objective: Objective, of alternatives: KernelAlternatives) throws -> Plan {
    var problem = alternatives.problem
    problem.objective = objective
    return alternatives.plan(try scheduler.solve(problem), for: objective)
  }

  /// Plans beside the best one by cost that may still be the fastest: costs add up the times of operators, while merged
  /// commands overlap across them as well, which no sum knows.
  mutating func rivals(_ plan: Plan, _ cancellation: Cancellation) throws -> [Plan] {
    var rivals = [try self.plan(.bytes, cancellation)]
    // Groups that take a little longer by themselves and move much less.
    if !alternatives.problem.groups.isEmpty {
      rivals = try Self.rivalWeights.map { try self.plan(.both(cyclesPerByte: $0), cancellation) } + rivals
    }
    if alternatives.problem.groups.first?.isForced == false {
      // Plans that move more of what waits, and so let merged commands run further ahead.
      let strips = alternatives.inSeveralStrips
      if !strips.problem.groups.isEmpty {
        var other = try best(.both(cyclesPerByte: Self.weights[1]), of: strips)
        other.bounds = rivals.first { $0.objective == other.objective }?.bounds ?? Plan.Bounds()
        rivals.append(other)
      }
      if !plan.groups.isEmpty {
        var single = try best(.time, of: alternatives.withoutGroups)
        single.bounds = plan.bounds
        rivals.append(single)
      }
    }
    var known = [plan.cost]
    return rivals.filter { rival in
      let isNew = !known.contains(rival.cost)
      known.append(rival.cost)
      return isNew && rival.cost.time <= plan.cost.time + plan.cost.time / Self.mostBehind
    }
  }

  private mutating func bound(_ objective: Objective, _ plan: Plan, _ problem: KernelProblem) throws -> Int? {
    if objective == plan.objective { return plan.bounds.objective }
    if bounds[objective] == nil {
      var other = problem
      other.objective = objective
      bounds[objective] = try scheduler.bound(of: other)
    }
    return bounds[objective].map { min($0, objective.value(plan.cost)) }
  }

  /// A plan that takes by this part more than the fastest does not overlap so much better.
  private static let mostBehind = 10

  /// Cycles that a byte is worth, for plans between the fastest and the one of least traffic.
  private static let weights = [1.0 / 64, 1.0 / 16, 0.25, 1, 4]
  /// The same for plans with groups that may be the fastest once their commands are merged: narrow strips, whose loads
  /// and stores overlap more than sums know, mostly come out where a byte is worth about a tenth of a cycle.
  private static let rivalWeights = [1.0 / 64, 1.0 / 16, 3.0 / 32, 0.25]

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
