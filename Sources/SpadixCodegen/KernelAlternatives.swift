import SpadixKernel
import SpadixPlan

/// The ways to run each kernel of a graph: what the scheduler chooses from, and the loop nest that each way stands for.
public struct KernelAlternatives: Sendable {
  public var problem: KernelProblem
  /// Per operator and alternative.
  private(set) var nests: [[Plan.Nest]] = []

  /// - Parameter kernels: the operators, with nothing to choose from yet.
  init(_ kernels: PreparedKernels) { problem = kernels.problem }

  mutating func add(_ alternatives: [Alternative]) {
    problem.operators[nests.count].alternatives = alternatives.map(\.cost)
    nests.append(alternatives.map(\.nest))
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
    let steps = solution.steps.enumerated().map { index, step in
      let chosen = problem.operators[index].alternatives[step.alternative]
      return Plan.Step(
        inputs: chosen.inputs, outputs: chosen.outputs, nest: nests[index][step.alternative],
        workingRow: step.workingRow, workingRows: chosen.rows, cost: chosen.cost)
    }
    return Plan(
      objective: objective ?? problem.objective, steps: steps, pieces: solution.pieces, cost: solution.cost,
      bounds: Plan.Bounds(objective: solution.bound), certificate: solution.certificate)
  }
}
