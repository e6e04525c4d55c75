import SpadixSupport

/// Schedules as they are made without a solver: a fixed order, replacement by rule, and placement in an arena.
public struct ScheduleBaseline: Sendable {
  public enum Policy: String, Sendable, CaseIterable {
    case optimal
    /// What is used again last goes first.
    case belady
    /// What is largest goes first.
    case greedy
  }

  public enum Order: String, Sendable, CaseIterable {
    case `default`
    /// An order of smallest peak.
    case minPeak = "min-peak"
  }

  public enum Placement: String, Sendable, CaseIterable {
    case exact
    /// As tensors come, each at the lowest hole that holds it; what has no hole makes the rule evict, and in the end the
    /// operator's own operands leave and come back side by side.
    case online
    /// All pieces at once, from large to small, each at the lowest free offset.
    case offline
  }

  public var policy: Policy
  public var order: Order
  public var placement: Placement

  public init(policy: Policy, order: Order, placement: Placement) {
    self.policy = policy
    self.order = order
    self.placement = placement
  }

  /// - Throws: `Diagnostic` `schedule.baseline-unpackable` where the pieces do not fit in the placement's way.
  public func solve(
    _ problem: ScheduleProblem, scope: ScheduleProblem.Scope, budget: Int
  ) throws -> ScheduleSolution {
    try problem.check()
    try Scheduler.checkBudget(problem, scope, budget)
    let core = ScheduleCore(problem, scope: scope)
    let order = self.order == .default ? Array(0..<core.count) : Self.minPeakOrder(core)
    let rule: FurthestUse.Policy = policy == .greedy ? .largest : .furthestNextUse
    let builder = PieceBuilder(problem, scope, core, order)
    var pieces: [ScheduleSolution.Piece]
    if placement == .online {
      pieces = OnlineArena(problem, scope, core, order, budget, rule).run()
    } else {
      pieces = builder.pieces(FurthestUse.drops(core, order: order, capacity: budget, policy: rule))
      let allocation = builder.allocation(pieces, budget)
      let solution: AllocationSolution?
      if placement == .exact {
        solution = AllocationSolver().solve(allocation).solution
      } else {
        let bySize = pieces.indices.sorted { (allocation.buffers[$0].size, $1) > (allocation.buffers[$1].size, $0) }
        let made = AllocationSolution(offsets: LowestFit.offsets(order: bySize, buffers: allocation.buffers))
        solution = made.height(in: allocation) <= budget ? made : nil
      }
      guard let solution else { throw unpackable(problem) }
      for index in pieces.indices { pieces[index].offset = solution.offsets[index] }
    }
    let solution = ScheduleSolution(
      scope: scope, budget: budget, order: order.map(ScheduleProblem.OperatorID.init), pieces: pieces,
      traffic: builder.traffic(pieces), bound: 0, certificate: ScheduleSolution.Certificate())
    try Scheduler.validate(solution, problem)
    return solution
  }

  private func unpackable(_ problem: ScheduleProblem) -> Diagnostic {
    Diagnostic(
      "schedule.baseline-unpackable",
      "the pieces of '\(problem.name)' do not fit the budget with --policy \(policy.rawValue) "
        + "--placement \(placement.rawValue)", help: "use --policy optimal")
  }

  static func minPeakOrder(_ core: ScheduleCore) -> [Int] {
    var order: [Int] = []
    for (number, block) in core.blocks().enumerated() {
      let part = core.restricted(to: block, afterFirst: number > 0)
      let outcome = PeakSearch(core: part, labelLimit: 5_000_000).run(floor: 0)
      order += outcome.order.dropFirst(number > 0 ? 1 : 0).map { block[$0] }
    }
    return order
  }
}

/// Places tensors as they come, like an arena that knows no future, and evicts by rule where no hole is large enough.
struct OnlineArena {
  private struct Resident {
    var tensor: Int
    var first: Int
    var last: Int
    var offset: Int
  }

  private let problem: ScheduleProblem
  private let scope: ScheduleProblem.Scope
  private let operators: [ScheduleProblem.Operator]
  private let budget: Int
  private let rule: FurthestUse.Policy
  private var uses: [[Int]]

  init(
    _ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ core: ScheduleCore, _ order: [Int], _ budget: Int,
    _ rule: FurthestUse.Policy
  ) {
    self.problem = problem
    self.scope = scope
    self.budget = budget
    self.rule = rule
    operators = order.map { problem.operators[core.operators[$0].original ?? 0] }
    uses = [[Int]](repeating: [], count: problem.tensors.count)
    for (step, op) in operators.enumerated() {
      for tensor in problem.operands(of: op, in: scope) { uses[tensor.index].append(step) }
    }
  }

  /// Pieces with offsets; there always are some when every operator fits by itself.
  func run() -> [ScheduleSolution.Piece] {
    var residents: [Resident] = []
    var done: [ScheduleSolution.Piece] = []
    func retire(_ resident: Resident) {
      done.append(
        ScheduleSolution.Piece(
          tensor: ScheduleProblem.TensorID(resident.tensor), first: resident.first, last: resident.last,
          offset: resident.offset))
    }
    for (step, op) in operators.enumerated() {
      let operands = problem.operands(of: op, in: scope).map(\.index)
      for tensor in operands where !residents.contains(where: { $0.tensor == tensor }) {
        while true {
          if let offset = hole(problem.tensors[tensor].size, residents) {
            residents.append(Resident(tensor: tensor, first: step, last: step, offset: offset))
            residents.sort { ($0.offset, $0.tensor) < ($1.offset, $1.tensor) }
            break
          }
          guard let victim = victim(among: residents, sparing: operands, at: step) else { break }
          retire(residents.remove(at: victim))
        }
      }
      if operands.contains(where: { tensor in !residents.contains { $0.tensor == tensor } }) {
        for resident in residents where resident.first < step { retire(resident) }
        residents = sideBySide(operands, at: step)
      }
      for index in residents.indices where operands.contains(residents[index].tensor) { residents[index].last = step }
      for resident in residents where uses[resident.tensor].last == step { retire(resident) }
      residents.removeAll { uses[$0.tensor].last == step }
    }
    return done.sorted { ($0.first, $0.tensor.index) < ($1.first, $1.tensor.index) }
  }

  /// What the rule evicts; nil when only the operator's own operands are left.
  private func victim(among residents: [Resident], sparing operands: [Int], at step: Int) -> Int? {
    residents.indices.filter { !operands.contains(residents[$0].tensor) }.max { left, right in
      let keys = [left, right].map { index -> Int in
        let tensor = residents[index].tensor
        switch rule {
        case .largest: return problem.tensors[tensor].size
        case .furthestNextUse: return uses[tensor].first { $0 > step } ?? Int.max
        }
      }
      return keys[0] != keys[1] ? keys[0] < keys[1] : residents[left].tensor > residents[right].tensor
    }
  }

  private func sideBySide(_ operands: [Int], at step: Int) -> [Resident] {
    var end = 0
    return operands.map { tensor in
      defer { end += problem.tensors[tensor].size }
      return Resident(tensor: tensor, first: step, last: step, offset: end)
    }
  }

  private func hole(_ size: Int, _ residents: [Resident]) -> Int? {
    var end = 0
    for resident in residents {
      if resident.offset - end >= size { return end }
      end = max(end, resident.offset + problem.tensors[resident.tensor].size)
    }
    return budget - end >= size ? end : nil
  }
}
