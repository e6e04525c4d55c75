import SpadixAllocation
import SpadixMIP
import SpadixSupport

/// Solves kernel problems: alternatives, residency and addresses of the least cost by the problem's objective.
///
/// A dynamic program over the steps finds a plan, the optimum when the live tensors are few; GLPK looks for a better one
/// and proves that there is none. Two methods that share nothing but the problem so agree on every optimum. In problems
/// too large for either, the dynamic program follows the most promising states, and a relaxation says how far from the
/// optimum the plan can be. Then the rectangles are packed; where they do not pack, GLPK is asked again without them.
///
/// All limits count states, terms and nodes, so that plans are the same on every machine, and the time grows about
/// linearly with the operators.
public struct KernelScheduler: Sendable {
  /// Which components run; all by default. For ablation and for tests against each other.
  public enum Method: Sendable {
    case automatic
    case dynamicProgram
    case integerProgram
  }

  /// Branch-and-bound nodes of one call of GLPK.
  var nodeLimit: Int
  var method: Method
  /// Asked by every search; the best plan so far is returned.
  public var cancellation: Cancellation?
  /// Told what the search is at, now and then.
  public var progress: (@Sendable (String) -> Void)?

  public init(nodeLimit: Int = 20_000, method: Method = .automatic, cancellation: Cancellation? = nil) {
    self.nodeLimit = nodeLimit
    self.method = method
    self.cancellation = cancellation
  }

  /// How often a decision that does not pack is forbidden before plans of smaller capacity are tried.
  private static let packingRounds = 12
  /// Rectangles of the largest packing that the allocator searches for; beyond, lowest fit in several orders decides.
  private static let largestPacking = 500
  /// Terms of the largest integer program that GLPK is given: it takes seconds for each of its nodes beyond.
  private static let largestModel = 1 << 16
  /// Terms of the largest integer program that GLPK confirms an optimum with that is known already.
  private static let largestConfirmation = 1 << 14
  /// Terms times nodes, so that GLPK ends within seconds for a model of any size; and for each of the rounds that look for
  /// a plan with addresses.
  private static let modelWork = 1 << 23
  private static let packingWork = 1 << 20

  /// A valid plan for every legal problem.
  ///
  /// - Throws: `Diagnostics` for a problem that breaks a rule or has an operator that fits in no alternative.
  public func solve(_ problem: KernelProblem) throws -> KernelSolution {
    try problem.check()
    let touches = KernelTouches(problem)
    let steps = KernelSteps(problem, touches)
    var certificate = KernelSolution.Certificate(closedBy: "none", rows: 0, columns: 0, nodes: 0)
    var bound = problem.leastValue
    var best: KernelDecision?
    var isExact = false
    if method != .integerProgram, let outcome = search(steps, problem, &bound, &certificate) {
      best = outcome.decision
      isExact = outcome.isExact
    }
    var model = LazyModel(problem, touches)
    let isOpen = best.map { $0.value(in: problem) > bound } ?? true
    let largest = isExact ? Self.largestConfirmation : isOpen ? Self.largestModel : 0
    if !problem.groups.isEmpty {
      // The integer program knows no groups.
    } else if method == .integerProgram || (method == .automatic && model.terms <= largest && !isCancelled) {
      ask(&model, problem, &best, &bound, &certificate)
    } else if method == .automatic, isOpen, !isExact {
      certificate.whyOpen += ["the integer program has \(model.terms) terms, GLPK is given \(Self.largestModel)"]
    }
    if isExact, certificate.closedBy == "none", let best {
      bound = best.value(in: problem)
      certificate.closedBy = "dynamic program"
    }
    guard let decision = best ?? allStreamed(problem) else {
      throw Diagnostic(
        "schedule.no-plan",
        "no plan was found within \(nodeLimit) nodes, and not every operator has an alternative "
          + "that streams all its operands", help: "raise the node limit")
    }
    let packed = try pack(decision, &model, problem, steps, &certificate)
    let value = packed.decision.value(in: problem)
    if value > decision.value(in: problem) {
      let better = problem.objective.text(decision.value(in: problem))
      certificate.whyOpen.append("a plan of \(better) was found that has no addresses")
    }
    if value == bound, certificate.closedBy == "none" { certificate.closedBy = "relaxation" }
    if value <= bound { certificate.whyOpen = [] }
    if isCancelled { certificate.whyOpen.insert("interrupted", at: 0) }
    let plan = self.plan(packed.decision, packed.offsets, min(bound, value), certificate, problem)
    do throws(KernelValidator.Violation) {
      try KernelValidator.validate(plan, for: problem)
    } catch {
      throw Diagnostic("schedule.internal", "the plan of '\(problem.name)' did not pass the validator: \(error)")
    }
    return plan
  }

  /// A value that no plan is below: of the dynamic program where it is exact, otherwise of the relaxation.
  public func bound(of problem: KernelProblem) throws -> Int {
    try problem.check()
    let steps = KernelSteps(problem, KernelTouches(problem))
    var exact = KernelDynamicProgram(exact: steps)
    exact.cancellation = cancellation
    if let outcome = exact.run() { return outcome.decision.value(in: problem) }
    return problem.groups.isEmpty ? KernelPrices(steps).bound : problem.leastValue
  }

  private var isCancelled: Bool { cancellation?.isCancelled == true }

  /// The dynamic program: exact where the states allow it, among the most promising states where not.
  private func search(
    _ steps: KernelSteps, _ problem: KernelProblem, _ bound: inout Int, _ certificate: inout KernelSolution.Certificate
  ) -> KernelDynamicProgram.Outcome? {
    var exact = KernelDynamicProgram(exact: steps)
    exact.cancellation = cancellation
    exact.progress = progress
    if let outcome = exact.run() {
      certificate.nodes += outcome.states
      return outcome
    }
    let prices = KernelPrices(steps)
    // The prices know no groups.
    if problem.groups.isEmpty { bound = max(bound, prices.bound) }
    var guided = KernelDynamicProgram(steps: steps, guidedBy: prices)
    certificate.whyOpen = [
      "the dynamic program kept \(guided.stateLimit) states a step of more than \(exact.stateLimit)"
    ]
    // First with the residents that the prices choose, then with all choices open, unless the first is optimal.
    var decided = guided
    decided.residents = prices.residents()
    decided.progress = progress
    guided.progress = progress
    guided.cancellation = cancellation
    var best: KernelDynamicProgram.Outcome?
    for program in [decided, guided] where best.map({ $0.decision.value(in: problem) > bound }) ?? true {
      guard let outcome = program.run() else { continue }
      certificate.nodes += outcome.states
      if best.map({ outcome.decision.value(in: problem) < $0.decision.value(in: problem) }) ?? true {
        best = outcome
        best?.isExact = false
      }
    }
    return best
  }

  private func ask(
    _ model: inout LazyModel, _ problem: KernelProblem, _ best: inout KernelDecision?, _ bound: inout Int,
    _ certificate: inout KernelSolution.Certificate
  ) {
    certificate.rows = model.value.model.rows.count
    certificate.columns = model.value.model.columns.count
    let incumbent = best?.value(in: problem)
    progress?("integer program of \(certificate.rows) rows")
    let result = solver(cutoff: incumbent, model, work: Self.modelWork).solve(model.value.model)
    certificate.nodes += result.nodes
    if let objective = result.objective {
      let decision = model.value.decision(result.values)
      if incumbent.map({ decision.value(in: problem) < $0 }) ?? true {
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
      bound = max(bound, min(result.bound ?? bound, best?.value(in: problem) ?? bound))
      certificate.whyOpen.append("GLPK stopped after \(result.nodes) nodes")
    }
  }

  /// The model that GLPK would be given.
  func model(of problem: KernelProblem) throws -> Model {
    try problem.check()
    return KernelModel(problem, KernelTouches(problem)).model
  }

  private func solver(cutoff: Int?, _ model: LazyModel, work: Int) -> GLPKSolver {
    let limit = method == .integerProgram ? nodeLimit : min(nodeLimit, max(1, work / max(1, model.terms)))
    return GLPKSolver(nodeLimit: limit, cutoff: cutoff, cancellation: cancellation)
  }

  // MARK: - Addresses

  private func pack(
    _ decision: KernelDecision, _ model: inout LazyModel, _ problem: KernelProblem, _ steps: KernelSteps,
    _ certificate: inout KernelSolution.Certificate
  ) throws -> (decision: KernelDecision, offsets: [Int]) {
    progress?("addresses")
    if let offsets = offsets(of: decision, problem) { return (decision, offsets) }
    var current = decision
    if method != .dynamicProgram, problem.groups.isEmpty, model.terms <= Self.largestModel {
      for _ in 0..<Self.packingRounds where !isCancelled {
        let (spans, steps) = unpackableCore(current, problem)
        model.value.forbid(current, spans: spans, steps: steps)
        let result = solver(cutoff: nil, model, work: Self.packingWork).solve(model.value.model)
        certificate.nodes += result.nodes
        guard result.objective != nil else { break }
        current = refined(model.value.decision(result.values), problem)
        if let offsets = offsets(of: current, problem) { return (current, offsets) }
      }
    }
    // With less of the scratchpad promised, holes hurt less.
    for percent in [99, 98, 95, 92, 88, 84, 80, 75, 70, 60, 50, 40, 30, 20, 10] where !isCancelled {
      var smaller = problem
      smaller.capacity = problem.capacity / 100 * percent + problem.capacity % 100 * percent / 100
      let steps = KernelSteps(smaller, KernelTouches(smaller))
      var ignored = (bound: 0, certificate: certificate)
      guard let outcome = search(steps, smaller, &ignored.bound, &ignored.certificate) else { break }
      if let offsets = offsets(of: outcome.decision, problem) { return (outcome.decision, offsets) }
    }
    if let streamed = allStreamed(problem), let offsets = offsets(of: streamed, problem) { return (streamed, offsets) }
    throw Diagnostic(
      "schedule.unpackable", "no plan of '\(problem.name)' could be packed into \(problem.capacity) scratchpad rows",
      help: "give every operator an alternative that streams all its operands")
  }

  private func offsets(of decision: KernelDecision, _ problem: KernelProblem) -> [Int]? {
    let allocation = decision.allocation(in: problem)
    if let offsets = KernelPacking(allocation, stepCount: problem.operators.count).run() { return offsets }
    guard allocation.buffers.count <= Self.largestPacking, !isCancelled else { return nil }
    return packs(allocation, nodes: 200_000, effort: 300_000_000)
  }

  /// Offsets by the allocator's search; nil also when it gives up after so many nodes or elementary steps.
  private func packs(_ allocation: AllocationProblem, nodes: Int, effort: Int) -> [Int]? {
    var options = AllocationSolver.Options()
    options.nodeLimit = nodes
    options.effortLimit = effort
    return AllocationSolver(options: options, cancellation: cancellation).solve(allocation).solution?.offsets
  }

  /// A small set of rectangles that do not pack either: a shortest range of steps, then single rectangles left out
  /// while the rest stays unpackable.
  private func unpackableCore(
    _ decision: KernelDecision, _ problem: KernelProblem
  ) -> (spans: [KernelDecision.Span], steps: [Int]) {
    let allocation = decision.allocation(in: problem)
    func packs(_ indices: [Int]) -> Bool {
      let part = AllocationProblem(capacity: problem.capacity, buffers: indices.map { allocation.buffers[$0] })
      return self.packs(part, nodes: 20_000, effort: 20_000_000) != nil
    }
    func inside(_ first: Int, _ last: Int) -> [Int] {
      allocation.buffers.indices.filter { allocation.buffers[$0].lower <= last && allocation.buffers[$0].upper > first }
    }
    // What a range holds does not pack, what a shorter one inside it holds may.
    func firstThatPacks(_ range: Range<Int>, _ packs: (Int) -> Bool) -> Int {
      var (low, high) = (range.lowerBound, range.upperBound)
      while low < high {
        let middle = (low + high) / 2
        if packs(middle) { high = middle } else { low = middle + 1 }
      }
      return low
    }
    let end = problem.operators.count - 1
    let first = firstThatPacks(1..<end + 1) { packs(inside($0, end)) } - 1
    let last = end - (firstThatPacks(1..<end - first + 1) { packs(inside(first, end - $0)) } - 1)
    var kept = inside(first, last)
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

  /// Gives each operator the cheapest and fastest alternative of its places that the free rows allow.
  private func refined(_ decision: KernelDecision, _ problem: KernelProblem) -> KernelDecision {
    var result = decision
    var held = [Int](repeating: 0, count: problem.operators.count)
    for span in decision.spans {
      for step in span.first...span.last { held[step] += problem.tensors[span.tensor].rows }
    }
    for (step, op) in problem.operators.enumerated() {
      let chosen = op.alternatives[decision.units[step].alternative]
      let candidates = op.alternatives.indices.filter {
        op.alternatives[$0].inputs == chosen.inputs && op.alternatives[$0].outputs == chosen.outputs
          && op.alternatives[$0].rows <= problem.capacity - held[step]
      }
      if let best = cheapest(candidates, of: op, problem.objective) { result.units[step].alternative = best }
    }
    return result
  }

  private func cheapest(_ candidates: [Int], of op: KernelProblem.Operator, _ objective: Objective) -> Int? {
    candidates.min {
      (objective.rank(op.alternatives[$0].cost), $0) < (objective.rank(op.alternatives[$1].cost), $1)
    }
  }

  /// Every operator in its cheapest alternative that keeps nothing; nil when one has none that fits.
  private func allStreamed(_ problem: KernelProblem) -> KernelDecision? {
    var alternatives: [Int] = []
    for op in problem.operators {
      let candidates = op.alternatives.indices.filter {
        (op.alternatives[$0].inputs + op.alternatives[$0].outputs).allSatisfy { $0 == .streamed }
          && op.alternatives[$0].rows <= problem.capacity
      }
      guard let best = cheapest(candidates, of: op, problem.objective) else { return nil }
      alternatives.append(best)
    }
    return KernelDecision(alternatives: alternatives, spans: [])
  }

  private func plan(
    _ decision: KernelDecision, _ offsets: [Int], _ bound: Int,
    _ certificate: KernelSolution.Certificate, _ problem: KernelProblem
  ) -> KernelSolution {
    let pieces = zip(decision.spans, offsets).map { span, row in
      KernelSolution.Piece(
        tensor: span.tensor, first: span.first, last: span.last, row: row, origin: span.origin, spilled: span.spilled)
    }
    let steps = decision.units.enumerated().flatMap { index, unit in
      unit.steps.map { _ in
        KernelSolution.Step(
          alternative: unit.alternative, workingRow: offsets[decision.spans.count + index], group: unit.group)
      }
    }
    return KernelSolution(
      steps: steps, pieces: pieces, cost: decision.cost(in: problem), bound: bound, certificate: certificate)
  }
}

extension KernelProblem {
  /// What the operators cost at least, alone or in groups, wherever their operands are: no plan is below.
  fileprivate var leastValue: Int {
    var least = [Int?](repeating: nil, count: operators.count + 1)
    least[0] = 0
    func offer(_ alternatives: [Alternative], _ steps: Range<Int>) {
      guard let before = least[steps.lowerBound], let own = alternatives.map({ objective.value($0.cost) }).min()
      else { return }
      least[steps.upperBound] = min(least[steps.upperBound] ?? Int.max, before + own)
    }
    var next = 0
    let ordered = groups.sorted { $0.operators.lowerBound < $1.operators.lowerBound }
    for (step, op) in operators.enumerated() {
      offer(op.alternatives, step..<step + 1)
      while next < ordered.count, ordered[next].operators.lowerBound == step {
        offer(ordered[next].alternatives, ordered[next].operators)
        next += 1
      }
    }
    return least[operators.count] ?? 0
  }
}

/// The integer program of a problem, built when it is first asked for.
private struct LazyModel {
  /// About how many terms its rows have; known without building it.
  let terms: Int
  lazy var value = KernelModel(problem, touches)
  private let problem: KernelProblem
  private let touches: KernelTouches

  init(_ problem: KernelProblem, _ touches: KernelTouches) {
    self.problem = problem
    self.touches = touches
    terms = KernelModel.termCount(problem, touches)
  }
}
