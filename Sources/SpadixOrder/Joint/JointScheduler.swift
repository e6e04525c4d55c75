import SpadixAllocation
import SpadixMIP
import SpadixSupport

/// Solves the joint formulation with GLPK alone. A plan exists even when GLPK finds none within its limits.
struct JointScheduler {
  let options: ScheduleOptions

  /// Beyond this GLPK does not get through the first relaxation in reasonable time.
  static let largestModel = 20_000

  func solve(
    _ problem: ScheduleProblem, scope: ScheduleProblem.Scope, budget: Int
  ) throws -> ScheduleSolution {
    let columns = JointModel.columnCount(problem, scope)
    if columns > Self.largestModel {
      throw Diagnostic(
        "schedule.joint-too-large",
        "the joint formulation of '\(problem.name)' would have about \(columns) columns; at most \(Self.largestModel) "
          + "are accepted", help: "use --formulation=exact")
    }
    var fixed = options
    fixed.formulation = .fixedOrder
    var solution = try Scheduler(options: fixed).solve(problem, scope: scope, budget: budget)
    if problem.operators.isEmpty { return solution }
    let joint = JointModel(problem, scope: scope, budget: budget)
    let result = GLPKSolver(
      nodeLimit: options.nodeLimit, iterationLimit: 4 * GLPKSolver.iterationLimit(for: joint.model),
      cutoff: solution.traffic.total, cancellation: options.cancellation
    ).solve(joint.model)
    solution.bound = 0
    var component = "open"
    // What an interruption left half done is no beginning of what more time finds.
    if result.objective != nil, options.cancellation?.isCancelled != true {
      let (order, ends) = joint.decision(result.values)
      let reordered = ScheduleCore(problem, scope: scope)
      let builder = PieceBuilder(problem, scope, reordered, order)
      let pieces = builder.pieces(endingAfter: ends)
      let allocation = builder.allocation(pieces, budget)
      if let packed = AllocationSolver(cancellation: options.cancellation).solve(allocation.problem).solution {
        solution.order = order.map(ScheduleProblem.OperatorID.init)
        solution.pieces = pieces
        for (index, offset) in allocation.offsets(packed).enumerated() { solution.pieces[index].offset = offset }
        solution.traffic = builder.traffic(pieces)
      }
    }
    switch result.status {
    case .optimal: solution.bound = min(solution.traffic.total, result.objective ?? 0)
    case .infeasible: solution.bound = solution.traffic.total
    case .feasible, .unknown: solution.bound = min(solution.traffic.total, max(0, result.bound ?? 0))
    }
    if solution.isProven { component = "GLPK, joint" }
    solution.certificate.closedBy = [(component, 1)]
    solution.certificate.blocks = 1
    solution.certificate.rows = joint.model.rows.count
    solution.certificate.columns = joint.model.columns.count
    solution.certificate.nodes = result.nodes
    try Scheduler.validate(solution, problem)
    return solution
  }
}
