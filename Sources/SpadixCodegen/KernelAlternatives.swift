import SpadixKernel
import SpadixPlan
import SpadixSupport

/// The ways to run each kernel of a graph: what the scheduler chooses from, and the loop nest that each way stands for.
public struct KernelAlternatives: Sendable {
  /// What the scheduler solves, with the cost of each alternative.
  public var problem: KernelProblem
  /// Per operator and alternative.
  private(set) var nests: [[Plan.Nest]] = []
  /// Per group of the problem and alternative.
  private var ways: [[GroupEnumeration.Way]] = []

  /// - Parameter kernels: the operators, with nothing to choose from yet.
  init(_ kernels: PreparedKernels) { problem = kernels.problem }

  mutating func add(_ alternatives: [Alternative]) {
    problem.operators[nests.count].alternatives = alternatives.map(\.cost)
    nests.append(alternatives.map(\.nest))
  }

  mutating func add(_ groups: [(range: GroupRange, ways: [GroupEnumeration.Way])], isForced: Bool) {
    for group in groups {
      var it = KernelProblem.Group(
        operators: group.range.steps, inputs: group.range.inputs, outputs: group.range.outputs,
        alternatives: group.ways.map { way in
          KernelProblem.Alternative(
            inputs: way.inputs.map { $0 == .resident ? .resident : .streamed },
            outputs: way.outputs.map { $0 == .resident ? .resident : .streamed }, rows: way.rows,
            cost: way.costs.reduce(.zero, +))
        })
      it.isForced = isForced
      problem.groups.append(it)
      ways.append(group.ways)
    }
  }

  /// The same without groups.
  public var withoutGroups: KernelAlternatives {
    var single = self
    single.problem.groups = []
    single.ways = []
    return single
  }

  /// The same without groups of one strip.
  public var inSeveralStrips: KernelAlternatives {
    var several = self
    several.problem.groups = []
    several.ways = []
    for (group, ways) in zip(problem.groups, ways) {
      let kept = ways.indices.filter { ways[$0].strips > 1 }
      if kept.isEmpty { continue }
      var it = group
      it.alternatives = kept.map { group.alternatives[$0] }
      several.problem.groups.append(it)
      several.ways.append(kept.map { ways[$0] })
    }
    return several
  }

  /// A way to run an operator, as the scheduler sees it and as the emitter needs it.
  struct Alternative: Sendable {
    var cost: KernelProblem.Alternative
    var nest: Plan.Nest

    init(_ cost: KernelProblem.Alternative, _ nest: Plan.Nest) {
      self.cost = cost
      self.nest = nest
    }
  }

  /// The plan that a solution of the problem stands for.
  ///
  /// - Parameter objective: what the problem was solved for; its own objective when nil.
  public func plan(_ solution: KernelSolution, for objective: Objective? = nil) -> Plan {
    var groups: [Plan.Group] = []
    let steps = solution.steps.enumerated().map { index, step in
      if let group = step.group {
        let (first, way) = (problem.groups[group].operators.lowerBound, ways[group][step.alternative])
        if index == first {
          groups.append(
            Plan.Group(
              steps: problem.groups[group].operators, strips: way.strips, row: step.workingRow, rows: way.rows))
        }
        return way.step(index - first)
      }
      let chosen = problem.operators[index].alternatives[step.alternative]
      return Plan.Step(
        inputs: chosen.inputs.map(Plan.Place.init), outputs: chosen.outputs.map(Plan.Place.init),
        nest: nests[index][step.alternative], workingRow: step.workingRow, workingRows: chosen.rows, cost: chosen.cost)
    }
    var plan = Plan(
      objective: objective ?? problem.objective, steps: steps, pieces: solution.pieces, cost: solution.cost,
      bounds: Plan.Bounds(objective: solution.bound), certificate: solution.certificate)
    plan.groups = groups
    return plan
  }
}
