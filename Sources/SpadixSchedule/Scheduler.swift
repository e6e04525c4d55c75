import Foundation
import SpadixMIP
import SpadixSupport

/// Schedules graphs of atomic operators: order, residency and addresses, with a bound.
public struct Scheduler: Sendable {
  public var options: ScheduleOptions

  public init(options: ScheduleOptions = ScheduleOptions()) { self.options = options }

  /// A validated schedule for a budget of at least the largest operator's inputs and outputs.
  ///
  /// - Parameters:
  ///   - orders: legal orders that may be good, for example one of smallest peak.
  ///   - known: plans for the same problem and scope and no larger a budget: the result is none the worse.
  /// - Throws: `Diagnostic` when an operator does not fit the budget, with its tensors and what they need.
  public func solve(
    _ problem: ScheduleProblem, scope: ScheduleProblem.Scope = .activations, budget: Int,
    orders: [[ScheduleProblem.OperatorID]] = [], known: [ScheduleSolution] = []
  ) throws -> ScheduleSolution {
    let clock = ContinuousClock()
    let start = clock.now
    try problem.check()
    try Self.checkBudget(problem, scope, budget)
    if options.formulation == .joint {
      return try JointScheduler(options: options).solve(problem, scope: scope, budget: budget)
    }
    var attempt = attempt(problem, scope, budget)
    if attempt.onlyAddressesAreMissing, options.usePacking, options.formulation == .exact {
      attempt = otherOrders(attempt, problem, scope, budget)
    }
    if !attempt.solution.isProven {
      for plan in known where plan.scope == scope && plan.budget <= budget { attempt.solution.improve(with: plan) }
      if options.formulation == .exact {
        let core = ScheduleCore(problem, scope: scope)
        for order in [Array(0..<core.count)] + orders.map({ $0.map(\.index) }) {
          attempt.solution.improve(with: ruled(problem, scope, core, budget, order))
        }
      }
    }
    let elapsed = clock.now - start
    let stops = attempt.stops.union(attempt.onlyAddressesAreMissing ? [.addresses] : [])
    attempt.solution.certificate.stops =
      attempt.solution.isProven ? [] : ScheduleStop.allCases.filter { stops.contains($0) }
    attempt.solution.certificate.seconds =
      Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    try Self.validate(attempt.solution, problem)
    return attempt.solution
  }

  /// The best that rules make of an order, in no time.
  private func ruled(
    _ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ core: ScheduleCore, _ budget: Int, _ order: [Int]
  ) -> ScheduleSolution {
    var packer = Packer(options, PieceBuilder(problem, scope, core, order), budget)
    for policy in FurthestUse.Policy.allCases {
      var arena = OnlineArena(problem, scope, core, order, budget, policy)
      packer.take(arena.run())
      let pieces = packer.builder.pieces(FurthestUse.drops(core, order: order, capacity: budget, policy: policy))
      if packer.isBetter(pieces), pieces.count <= AllocationSolver.largestSearch {
        _ = packer.offer(pieces, nodeLimit: 20_000)
      }
    }
    return ScheduleSolution(
      scope: scope, budget: budget, order: order.map(ScheduleProblem.OperatorID.init),
      pieces: packer.layout?.pieces ?? [], traffic: packer.layout?.traffic ?? .init(spilled: 0, fetched: 0), bound: 0,
      certificate: ScheduleSolution.Certificate())
  }

  private struct Attempt {
    var solution: ScheduleSolution
    /// Order and residency reach the bound, but the pieces did not pack, and the plan costs more.
    var onlyAddressesAreMissing: Bool
    var stops: Set<ScheduleStop>
  }

  private func attempt(_ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ budget: Int) -> Attempt {
    let core = ScheduleCore(problem, scope: scope)
    var result = order(core, budget)
    let layout = layOut(problem, scope, core, budget, result.order, result.drops)
    result.statistics.nodes += layout.nodes
    let certificate = ScheduleSolution.Certificate(
      closedBy: BlockScheduler.Component.allCases.compactMap { component in
        let count = result.closedBy.filter { $0 == component }.count
        return count > 0 ? (component.rawValue, count) : nil
      }, blocks: result.closedBy.count, rows: result.statistics.rows, columns: result.statistics.columns,
      nodes: result.statistics.nodes, labels: result.statistics.labels)
    let solution = ScheduleSolution(
      scope: scope, budget: budget,
      order: result.order.map { ScheduleProblem.OperatorID(core.operators[$0].original ?? 0) }, pieces: layout.pieces,
      traffic: layout.traffic, bound: min(result.bound, layout.traffic.total), certificate: certificate)
    return Attempt(
      solution: solution,
      onlyAddressesAreMissing: !solution.isProven && !result.closedBy.contains(.open),
      stops: result.statistics.stops)
  }

  /// The best of a few schedules whose ties fell otherwise; the first one that packs ends it.
  private func otherOrders(
    _ first: Attempt, _ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ budget: Int
  ) -> Attempt {
    var best = first
    for number in 0..<options.reorderings where first.solution.certificate.labels <= options.largestReorderedSearch {
      if options.cancellation?.isCancelled == true || !best.onlyAddressesAreMissing { break }
      options.progress?("the plan does not pack; order \(number + 1) of \(options.reorderings)")
      let reordering = ScheduleReordering(problem, number: number)
      let other = attempt(reordering.problem, scope, budget)
      var certificate = best.solution.certificate
      certificate.nodes += other.solution.certificate.nodes
      certificate.labels += other.solution.certificate.labels
      if other.solution.traffic.total < best.solution.traffic.total {
        best = other
        best.solution = reordering.restored(other.solution)
      }
      best.solution.certificate.nodes = certificate.nodes
      best.solution.certificate.labels = certificate.labels
    }
    return best
  }

  /// The model whose optimum a schedule is: residency for its order, or the joint formulation of everything.
  public static func model(
    of plan: ScheduleSolution, for problem: ScheduleProblem, formulation: ScheduleOptions.Formulation
  ) -> Model {
    if formulation == .joint { return JointModel(problem, scope: plan.scope, budget: plan.budget).model }
    let core = ScheduleCore(problem, scope: plan.scope)
    return ResidencyModel(core, order: plan.order.map(\.index), capacity: plan.budget).model
  }

  static func validate(_ solution: ScheduleSolution, _ problem: ScheduleProblem) throws {
    do throws(ScheduleValidator.Violation) {
      try ScheduleValidator.validate(solution, for: problem)
    } catch {
      throw Diagnostic("schedule.internal", "the schedule of '\(problem.name)' did not pass the validator: \(error)")
    }
  }

  static func checkBudget(_ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ budget: Int) throws {
    if budget < 0 || budget > ScheduleProblem.largestSize {
      throw Diagnostic("schedule.budget", "expected a budget of 0 to 2^40, found \(budget)")
    }
    guard let largest = ScheduleBudgets.largestOperator(problem, scope: scope), largest.size > budget else { return }
    let op = problem.operators[largest.op]
    let notes = problem.operands(of: op, in: scope).map { tensor in
      Diagnostic.Note(
        "tensor \(problem.tensors[tensor].id) '\(problem.tensors[tensor].name)' takes \(problem.tensors[tensor].size)")
    }
    throw Diagnostic(
      "schedule.budget-too-small",
      "operator \(op.id) '\(op.name)' needs \(largest.size) for its inputs and outputs, the budget is \(budget)",
      notes: notes, help: "give a budget of at least \(largest.size)")
  }

  // MARK: - Order and residency

  private struct Ordered {
    var order: [Int] = []
    /// With steps of the whole order.
    var drops: [ResidencyModel.Gap] = []
    var bound = 0
    var closedBy: [BlockScheduler.Component] = []
    var statistics = ScheduleStatistics()
  }

  private func order(_ core: ScheduleCore, _ budget: Int) -> Ordered {
    if options.useContraction, options.formulation == .exact {
      let contraction = Contraction(core)
      var result = orderBlocks(contraction.core, budget, numberedAs: core)
      result.drops = contraction.expanded(result.drops, order: result.order)
      result.order = contraction.expanded(result.order)
      return result
    }
    return orderBlocks(core, budget, numberedAs: core)
  }

  /// - Parameter whole: the core whose numbers of tensors the drops get.
  private func orderBlocks(_ core: ScheduleCore, _ budget: Int, numberedAs whole: ScheduleCore) -> Ordered {
    var result = Ordered()
    // Tensors of a block carry the problem's numbers.
    var indexOfOriginal: [Int: Int] = [:]
    for (index, tensor) in whole.tensors.enumerated() { indexOfOriginal[tensor.original] = index }
    let blocks = options.useSplit ? core.blocks() : (core.count > 0 ? [Array(0..<core.count)] : [])
    for (number, block) in blocks.enumerated() {
      let part = core.restricted(to: block, afterFirst: number > 0)
      if blocks.count > 1 { options.progress?("block \(number + 1) of \(blocks.count), \(part.count) operators") }
      var scheduler = BlockScheduler(part, capacity: budget, options: options, statistics: result.statistics)
      let outcome = scheduler.solve()
      result.statistics = scheduler.statistics
      let overlap = number > 0 ? 1 : 0
      let offset = result.order.count - overlap
      result.drops += outcome.drops.map { gap in
        ResidencyModel.Gap(
          tensor: indexOfOriginal[part.tensors[gap.tensor].original] ?? 0, first: gap.first + offset,
          last: gap.last + offset)
      }
      result.order += outcome.order.dropFirst(overlap).map { block[$0] }
      result.bound += outcome.bound
      result.closedBy.append(outcome.closedBy)
    }
    return result
  }
}
