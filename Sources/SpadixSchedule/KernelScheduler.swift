import SpadixMIP
import SpadixSupport

/// Solves kernel problems: variants, residency and addresses for the least DRAM traffic, cycles breaking ties.
///
/// A dynamic program over the steps finds a plan, the optimum when the live tensors are few; GLPK looks for a better one
/// and proves that there is none. Two methods that share nothing but the problem so agree on every optimum. Then the
/// rectangles are packed; where they do not pack, GLPK is asked again without them.
public struct KernelScheduler: Sendable {
  /// Which components run; all by default. For ablation and for tests against each other.
  public enum Method: Sendable {
    case automatic
    case dynamicProgram
    case integerProgram
  }

  /// Branch-and-bound nodes of one call of GLPK.
  public var nodeLimit: Int
  public var method: Method
  public var cancellation: Cancellation?

  public init(nodeLimit: Int = 20_000, method: Method = .automatic, cancellation: Cancellation? = nil) {
    self.nodeLimit = nodeLimit
    self.method = method
    self.cancellation = cancellation
  }

  /// How often a decision that does not pack is forbidden before plans of smaller capacity are tried.
  private static let packingRounds = 12
  private static let packingNodes = 200_000

  /// A valid plan for every legal problem.
  ///
  /// - Throws: `Diagnostics` for a problem that breaks a rule or has an operator that fits in no variant.
  public func solve(_ problem: KernelProblem) throws -> KernelPlan {
    try problem.check()
    let touches = KernelTouches(problem)
    var certificate = KernelPlan.Certificate(closedBy: "none", rows: 0, columns: 0, nodes: 0)
    var bound = problem.operators.reduce(0) { $0 + ($1.variants.map(\.traffic).min() ?? 0) }

    var best: KernelDecision?
    var isExact = false
    if method != .integerProgram, let outcome = KernelDynamicProgram(problem, touches).run() {
      best = outcome.decision
      certificate.nodes += outcome.states
      isExact = outcome.isExact
    }
    var model = KernelModel(problem, touches)
    certificate.rows = model.model.rows.count
    certificate.columns = model.model.columns.count
    if method != .dynamicProgram {
      let incumbent = best?.traffic(in: problem)
      let result = solver(cutoff: incumbent).solve(model.model)
      certificate.nodes += result.nodes
      if let objective = result.objective {
        let decision = model.decision(result.values)
        if incumbent.map({ decision.traffic(in: problem) < $0 }) ?? true {
          best = refined(decision, problem)
        }
        if result.status == .optimal {
          bound = max(bound, objective)
          certificate.closedBy = "GLPK"
        }
      } else if result.status == .infeasible, let incumbent {
        bound = incumbent
        certificate.closedBy = "GLPK"
      }
      if result.status == .feasible || result.status == .unknown {
        bound = max(bound, min(result.bound ?? bound, best?.traffic(in: problem) ?? bound))
      }
    }
    if isExact, certificate.closedBy == "none", let best {
      bound = best.traffic(in: problem)
      certificate.closedBy = "dynamic program"
    }
    guard let decision = best ?? allStreamed(problem) else {
      throw Diagnostic(
        "schedule.no-plan",
        "no plan was found within \(nodeLimit) nodes, and not every operator has a variant "
          + "that streams all its operands", help: "raise the node limit")
    }
    let packed = try pack(decision, &model, problem, touches, &certificate)
    let traffic = packed.decision.traffic(in: problem)
    if traffic == bound, certificate.closedBy == "none" { certificate.closedBy = "least traffic of each operator" }
    let plan = self.plan(packed.decision, packed.offsets, traffic, min(bound, traffic), certificate, problem)
    do throws(KernelPlanValidator.Violation) {
      try KernelPlanValidator.validate(plan, for: problem)
    } catch {
      throw Diagnostic("schedule.internal", "the plan of '\(problem.name)' did not pass the validator: \(error)")
    }
    return plan
  }

  /// The model that GLPK would be given.
  public func model(of problem: KernelProblem) throws -> Model {
    try problem.check()
    return KernelModel(problem, KernelTouches(problem)).model
  }

  private func solver(cutoff: Int?) -> GLPKSolver {
    GLPKSolver(nodeLimit: nodeLimit, cutoff: cutoff, cancellation: cancellation)
  }

  // MARK: - Addresses

  private func pack(
    _ decision: KernelDecision, _ model: inout KernelModel, _ problem: KernelProblem, _ touches: KernelTouches,
    _ certificate: inout KernelPlan.Certificate
  ) throws -> (decision: KernelDecision, offsets: [Int]) {
    if let offsets = offsets(of: decision, problem) { return (decision, offsets) }
    var current = decision
    if method != .dynamicProgram {
      for _ in 0..<Self.packingRounds {
        let (spans, steps) = unpackableCore(current, problem)
        model.forbid(current, spans: spans, steps: steps)
        let result = solver(cutoff: nil).solve(model.model)
        certificate.nodes += result.nodes
        guard result.objective != nil else { break }
        current = refined(model.decision(result.values), problem)
        if let offsets = offsets(of: current, problem) { return (current, offsets) }
      }
    }
    // With less of the scratchpad promised, holes hurt less.
    for percent in [98, 95, 92, 88, 84, 80, 75, 70, 60, 50, 40, 30, 20, 10] {
      var smaller = problem
      smaller.capacity = problem.capacity / 100 * percent + problem.capacity % 100 * percent / 100
      guard let outcome = KernelDynamicProgram(smaller, touches).run() else { break }
      if let offsets = offsets(of: outcome.decision, problem) { return (outcome.decision, offsets) }
    }
    if let streamed = allStreamed(problem), let offsets = offsets(of: streamed, problem) { return (streamed, offsets) }
    throw Diagnostic(
      "schedule.unpackable", "no plan of '\(problem.name)' could be packed into \(problem.capacity) scratchpad rows",
      help: "give every operator a variant that streams all its operands")
  }

  private func offsets(of decision: KernelDecision, _ problem: KernelProblem) -> [Int]? {
    var options = AllocationSolver.Options()
    options.nodeLimit = Self.packingNodes
    return AllocationSolver(options: options).solve(decision.allocation(in: problem)).solution?.offsets
  }

  /// A small set of rectangles that do not pack either: a shortest range of steps, then single rectangles left out
  /// while the rest stays unpackable.
  private func unpackableCore(
    _ decision: KernelDecision, _ problem: KernelProblem
  ) -> (spans: [KernelDecision.Span], steps: [Int]) {
    let allocation = decision.allocation(in: problem)
    var options = AllocationSolver.Options()
    options.nodeLimit = 20_000
    let solver = AllocationSolver(options: options)
    func packs(_ indices: [Int]) -> Bool {
      let part = AllocationProblem(capacity: problem.capacity, buffers: indices.map { allocation.buffers[$0] })
      return solver.solve(part).solution != nil
    }
    var kept = Array(allocation.buffers.indices)
    var first = 0
    var last = problem.operators.count - 1
    func inside(_ first: Int, _ last: Int) -> [Int] {
      allocation.buffers.indices.filter { allocation.buffers[$0].lower <= last && allocation.buffers[$0].upper > first }
    }
    while first < last, !packs(inside(first + 1, last)) { first += 1 }
    while first < last, !packs(inside(first, last - 1)) { last -= 1 }
    kept = inside(first, last)
    if kept.count <= 60 {
      for index in kept {
        let without = kept.filter { $0 != index }
        if !packs(without) { kept = without }
      }
    }
    let spans = kept.filter { $0 < decision.spans.count }.map { decision.spans[$0] }
    let steps = kept.filter { $0 >= decision.spans.count }.map { $0 - decision.spans.count }
    return (spans, steps)
  }

  // MARK: - Decisions

  /// Gives each operator the cheapest and fastest variant of its places that the free rows allow.
  private func refined(_ decision: KernelDecision, _ problem: KernelProblem) -> KernelDecision {
    var result = decision
    for (step, op) in problem.operators.enumerated() {
      let held = decision.spans.reduce(0) {
        $0 + ($1.first <= step && step <= $1.last ? problem.tensors[$1.tensor].rows : 0)
      }
      let chosen = op.variants[decision.variants[step]]
      let candidates = op.variants.indices.filter {
        op.variants[$0].inputs == chosen.inputs && op.variants[$0].outputs == chosen.outputs
          && op.variants[$0].workingRows <= problem.capacity - held
      }
      if let best = candidates.min(by: {
        (op.variants[$0].traffic, op.variants[$0].cycles, $0) < (op.variants[$1].traffic, op.variants[$1].cycles, $1)
      }) {
        result.variants[step] = best
      }
    }
    return result
  }

  /// Every operator in its cheapest variant that keeps nothing; nil when one has none that fits.
  private func allStreamed(_ problem: KernelProblem) -> KernelDecision? {
    var variants: [Int] = []
    for op in problem.operators {
      let candidates = op.variants.indices.filter {
        (op.variants[$0].inputs + op.variants[$0].outputs).allSatisfy { $0 == .streamed }
          && op.variants[$0].workingRows <= problem.capacity
      }
      guard
        let best = candidates.min(by: {
          (op.variants[$0].traffic, op.variants[$0].cycles, $0) < (op.variants[$1].traffic, op.variants[$1].cycles, $1)
        })
      else { return nil }
      variants.append(best)
    }
    return KernelDecision(variants: variants, spans: [])
  }

  private func plan(
    _ decision: KernelDecision, _ offsets: [Int], _ traffic: Int, _ bound: Int,
    _ certificate: KernelPlan.Certificate, _ problem: KernelProblem
  ) -> KernelPlan {
    let pieces = zip(decision.spans, offsets).map { span, row in
      KernelPlan.Piece(
        tensor: span.tensor, first: span.first, last: span.last, row: row, origin: span.origin, spilled: span.spilled)
    }
    let steps = decision.variants.enumerated().map { step, variant in
      KernelPlan.Step(variant: variant, workingRow: offsets[decision.spans.count + step])
    }
    return KernelPlan(
      steps: steps, pieces: pieces, trafficBytes: traffic, boundBytes: bound, certificate: certificate)
  }
}
