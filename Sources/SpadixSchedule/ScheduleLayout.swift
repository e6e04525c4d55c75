import SpadixSupport

/// Pieces with addresses, and what they move.
struct ScheduleLayout {
  var pieces: [ScheduleSolution.Piece]
  var traffic: ScheduleSolution.Traffic
  var nodes: Int
}

extension Scheduler {
  /// Gives every piece of residency an address. Where the pieces do not pack, GLPK is asked to drop one of the gaps that
  /// are in the way; after that, room is left free on purpose; and in the end every operator gets its operands afresh.
  func layOut(
    _ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ core: ScheduleCore, _ budget: Int, _ order: [Int],
    _ drops: [ResidencyModel.Gap]
  ) -> ScheduleLayout {
    let builder = PieceBuilder(problem, scope, core, order)
    var nodes = 0
    func packed(_ pieces: [ScheduleSolution.Piece], nodeLimit: Int? = nil) -> ScheduleLayout? {
      var options = AllocationSolver.Options()
      // After an interruption a plan is still wanted, soon.
      let isInterrupted = self.options.cancellation?.isCancelled == true
      options.nodeLimit = isInterrupted ? 20_000 : nodeLimit ?? self.options.packingNodeLimit
      let result = AllocationSolver(options: options, cancellation: isInterrupted ? nil : self.options.cancellation)
        .solve(builder.allocation(pieces, budget))
      nodes += result.nodes
      guard let solution = result.solution else { return nil }
      var placed = pieces
      for index in placed.indices { placed[index].offset = solution.offsets[index] }
      return ScheduleLayout(pieces: placed, traffic: builder.traffic(placed), nodes: nodes)
    }
    let first = builder.pieces(drops)
    if let layout = packed(first) { return layout }
    options.progress?("the plan does not pack; looking for another")
    if first.count > AllocationSolver.largestSearch || self.options.cancellation?.isCancelled == true {
      // Too many pieces for repairs, or no time: place them as they come, and evict what is in the way.
      let arena = OnlineArena(problem, scope, core, order, budget, .furthestNextUse)
      let pieces = arena.run()
      return ScheduleLayout(pieces: pieces, traffic: builder.traffic(pieces), nodes: nodes)
    }
    if options.usePacking, core.count <= options.largestModelledBlock {
      var model = ResidencyModel(core, order: order, capacity: budget)
      var current = drops
      for _ in 0..<16 {
        let core = unpackableCore(builder.pieces(current), builder, budget)
        let dropped = Set(current.map { GapKey($0) })
        let kept = model.gaps.filter { gap in
          !dropped.contains(GapKey(gap))
            && core.contains {
              $0.tensor.index == builder.original(gap.tensor) && $0.first <= gap.first && gap.last <= $0.last
            }
        }
        if kept.isEmpty { break }
        model.requireOne(of: kept)
        let result = solver().solve(model.model)
        nodes += result.nodes
        guard result.objective != nil else { break }
        current = model.drops(result.values)
        if let layout = packed(builder.pieces(current)) { return layout }
      }
    }
    // Then without a model: the cheapest gap that is in the way goes, also one between neighbouring steps.
    var cuts = builder.ends(drops)
    for _ in 0..<200 where options.cancellation?.isCancelled != true {
      let pieces = builder.pieces(endingAfter: cuts)
      if let layout = packed(pieces, nodeLimit: 50_000) { return layout }
      let inTheWay = unpackableCore(pieces, builder, budget)
      guard let cut = builder.cheapestCut(inTheWay, cuts) else { break }
      cuts[cut.tensor].insert(cut.step)
    }
    let single = builder.stacked(builder.singleStepPieces())
    return ScheduleLayout(pieces: single, traffic: builder.traffic(single), nodes: nodes)
  }

  private struct GapKey: Hashable {
    var tensor: Int
    var first: Int
    init(_ gap: ResidencyModel.Gap) {
      tensor = gap.tensor
      first = gap.first
    }
  }

  /// A small set of pieces that do not pack either.
  private func unpackableCore(
    _ pieces: [ScheduleSolution.Piece], _ builder: PieceBuilder, _ budget: Int
  ) -> [ScheduleSolution.Piece] {
    var options = AllocationSolver.Options()
    options.nodeLimit = 4_000
    options.layoutSweep = false
    let solver = AllocationSolver(options: options)
    func packs(_ some: [ScheduleSolution.Piece]) -> Bool {
      solver.solve(builder.allocation(some, budget)).solution != nil
    }
    func inside(_ first: Int, _ last: Int) -> [ScheduleSolution.Piece] {
      pieces.filter { $0.first <= last && first <= $0.last }
    }
    // Halving finds the first and the last step without which the rest packs.
    let steps = builder.stepCount
    var low = 0
    var high = steps - 1
    while low < high {
      let middle = (low + high) / 2
      if packs(inside(0, middle)) { low = middle + 1 } else { high = middle }
    }
    let last = low
    low = 0
    high = last
    while low < high {
      let middle = (low + high + 1) / 2
      if packs(inside(middle, last)) { high = middle - 1 } else { low = middle }
    }
    var kept = inside(low, last)
    if kept.count <= 80 {
      for piece in kept {
        let without = kept.filter { $0 != piece }
        if !packs(without) { kept = without }
      }
    }
    return kept
  }
}

/// Turns dropped gaps into pieces, and pieces into rectangles and traffic.
struct PieceBuilder {
  private let problem: ScheduleProblem
  private let core: ScheduleCore
  private let scope: ScheduleProblem.Scope
  /// For each tensor of the problem the steps that touch it, ascending; empty when it is not scheduled.
  private var steps: [[Int]]
  private let operators: [ScheduleProblem.Operator]

  var stepCount: Int { operators.count }

  init(_ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ core: ScheduleCore, _ order: [Int]) {
    self.problem = problem
    self.core = core
    self.scope = scope
    operators = order.map { problem.operators[core.operators[$0].original ?? 0] }
    steps = [[Int]](repeating: [], count: problem.tensors.count)
    for (step, op) in operators.enumerated() {
      for tensor in problem.operands(of: op, in: scope) { steps[tensor.index].append(step) }
    }
  }

  /// The problem's number of a tensor of the core.
  func original(_ tensor: Int) -> Int { core.tensors[tensor].original }

  /// Pieces without addresses yet, sorted by first step, then tensor.
  func pieces(_ drops: [ResidencyModel.Gap]) -> [ScheduleSolution.Piece] { pieces(endingAfter: ends(drops)) }

  /// For each tensor of the problem the steps after which a dropped gap begins.
  func ends(_ drops: [ResidencyModel.Gap]) -> [Set<Int>] {
    var ends = [Set<Int>](repeating: [], count: problem.tensors.count)
    for gap in drops { ends[original(gap.tensor)].insert(gap.first) }
    return ends
  }

  /// The use within one of the pieces after which ending the tensor's piece costs least.
  func cheapestCut(_ pieces: [ScheduleSolution.Piece], _ cuts: [Set<Int>]) -> (tensor: Int, step: Int)? {
    var best: (cost: Int, tensor: Int, step: Int)?
    for piece in pieces {
      let index = piece.tensor.index
      let tensor = problem.tensors[index]
      let paysStore = tensor.kind == .activation && cuts[index].isEmpty
      let cost = tensor.bytes * (paysStore ? 2 : 1)
      for step in steps[index] where piece.first <= step && step < piece.last {
        if best.map({ (cost, index, step) < ($0.cost, $0.tensor, $0.step) }) ?? true { best = (cost, index, step) }
      }
    }
    return best.map { ($0.tensor, $0.step) }
  }

  /// Pieces that end after the given steps of each tensor, and at last uses.
  func pieces(endingAfter ends: [Set<Int>]) -> [ScheduleSolution.Piece] {
    pieces { tensor, step in ends[tensor].contains(step) }
  }

  /// Every operand comes for its operator alone.
  func singleStepPieces() -> [ScheduleSolution.Piece] { pieces { _, _ in true } }

  /// Pieces of a single step, one on top of the other in each step.
  func stacked(_ pieces: [ScheduleSolution.Piece]) -> [ScheduleSolution.Piece] {
    var top = [Int](repeating: 0, count: operators.count)
    var placed = pieces
    for index in placed.indices {
      placed[index].offset = top[placed[index].first]
      top[placed[index].first] += problem.tensors[placed[index].tensor].size
    }
    return placed
  }

  private func pieces(endsAfter: (Int, Int) -> Bool) -> [ScheduleSolution.Piece] {
    var result: [ScheduleSolution.Piece] = []
    for (tensor, uses) in steps.enumerated() {
      var first: Int?
      for (number, step) in uses.enumerated() {
        let start = first ?? step
        if number + 1 == uses.count || endsAfter(tensor, step) {
          result.append(
            ScheduleSolution.Piece(
              tensor: ScheduleProblem.TensorID(tensor), first: start, last: step, offset: 0))
          first = nil
        } else {
          first = start
        }
      }
    }
    return result.sorted { ($0.first, $0.tensor.index) < ($1.first, $1.tensor.index) }
  }

  func allocation(_ pieces: [ScheduleSolution.Piece], _ budget: Int) -> AllocationProblem {
    AllocationProblem(
      capacity: budget,
      buffers: pieces.map { piece in
        AllocationProblem.Buffer(
          id: problem.tensors[piece.tensor].name, lower: piece.first, upper: piece.last + 1,
          size: problem.tensors[piece.tensor].size)
      })
  }

  func traffic(_ pieces: [ScheduleSolution.Piece]) -> ScheduleSolution.Traffic {
    var count = [Int](repeating: 0, count: problem.tensors.count)
    for piece in pieces { count[piece.tensor.index] += 1 }
    var traffic = ScheduleSolution.Traffic(spilled: 0, fetched: 0)
    for (index, tensor) in problem.tensors.enumerated() where count[index] > 1 {
      traffic.fetched += (count[index] - 1) * tensor.bytes
      if tensor.kind == .activation { traffic.spilled += tensor.bytes }
    }
    return traffic
  }
}
