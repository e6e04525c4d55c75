import SpadixSupport

/// Places buffers exactly, by depth-first search in the manner of MiniMalloc (Moffitt, ASPLOS 2023).
///
/// Buffers are placed in the order of non-decreasing offset, each at its lowest possible one, so every arrangement is
/// visited at most once; a partial placement is dropped when some section cannot hold what is still to come. Several
/// orders of ranks take turns under a growing node limit. Every technique has a switch, for ablation.
public struct AllocationSolver: Sendable {
  /// Limits and techniques of the search.
  public struct Options: Sendable {
    /// Search nodes, over all orders, after which the solver gives up.
    public var nodeLimit = 20_000_000
    /// Elementary steps, of about a nanosecond each, after which it gives up: a node of a large problem has more of
    /// them.
    public var effortLimit = 60_000_000_000
    /// Search where rules do not do; without it there are no tables of all pairs of buffers that meet.
    public var searches = true
    /// Try layouts in the order of time before the search, and more of them after so many nodes.
    public var layoutSweep = true
    var sweepAfterNodes = 20_000
    /// Orders of ranks that take turns, as letters from most to least significant: A area, C sections, L lower,
    /// T largest section total, U upper, W width, Z size.
    public var orders = ["WAT", "TAW", "TWA", "ZTA", "ATZ"]
    /// Where no placement was found, look for a capacity that is enough.
    public var looksForCapacity = false
    /// Only placements in non-decreasing order of offset.
    public var canonicalOnly = true
    /// No buffer where another would fit below it.
    public var checkDominance = true
    /// When a buffer that nothing can lie above leads nowhere, its siblings do not either.
    public var hatlessPruning = true
    /// Count what is still to be placed in a section against its remaining capacity.
    public var sectionInference = true
    /// Raise a section's floor to the lowest offset that one of its unplaced buffers can have.
    public var unallocatedFloor = true
    /// Split the search where no unplaced buffer crosses a step.
    public var dynamicDecomposition = true

    public init() {}
  }

  /// What a search can say.
  public enum Outcome: Sendable, Equatable {
    case placed(AllocationSolution)
    /// No placement exists.
    case infeasible
    /// Gave up at a limit, or on cancellation.
    case notFound
  }

  /// How a search ended, and what it found out on the way.
  public struct Result: Sendable {
    /// `notFound` says nothing about whether there is a placement.
    public var outcome: Outcome
    /// Search nodes, over all orders.
    public var nodes: Int
    /// Elementary steps.
    public var effort = 0
    /// No memory smaller than this holds the buffers.
    public var leastCapacity: Int
    /// The smallest memory for which a placement was seen, nil when there was none.
    public var foundCapacity: Int?

    /// Nil unless it was placed.
    public var solution: AllocationSolution? {
      if case .placed(let solution) = outcome { return solution }
      return nil
    }
  }

  /// Problems of more buffers, or of more pairs of buffers that meet, are not searched: rules have to do.
  static let largestSearch = 20_000
  private static let mostPairs = 4_000_000
  static let largestSweep = 20_000
  /// Levels of a search for which there always is room on the stack; a level takes less than a KB.
  private static let levelsOnStack = 4_000

  var options: Options
  var cancellation: Cancellation?
  /// Told what is going on, now and then.
  var progress: (@Sendable (String) -> Void)?

  public init(
    options: Options = Options(), cancellation: Cancellation? = nil, progress: (@Sendable (String) -> Void)? = nil
  ) {
    self.options = options
    self.cancellation = cancellation
    self.progress = progress
  }

  /// Sizes, steps and offsets are below 2^40 in absolute value; the problem's readers see to that.
  public func solve(_ problem: AllocationProblem) -> Result {
    // What takes nothing is in nobody's way, and may lie anywhere.
    let needed = problem.buffers.indices.filter { !problem.buffers[$0].takesNothing }
    if needed.count == problem.buffers.count { return solveNeeded(problem) }
    var result = solveNeeded(
      AllocationProblem(capacity: problem.capacity, buffers: needed.map { problem.buffers[$0] }))
    if let solution = result.solution {
      var offsets = problem.buffers.map { $0.fixedOffset ?? 0 }
      for (index, offset) in zip(needed, solution.offsets) { offsets[index] = offset }
      result.outcome = .placed(AllocationSolution(offsets: offsets))
    }
    return result
  }

  private func solveNeeded(_ problem: AllocationProblem) -> Result {
    let totals = StepTotals(problem)
    let tops = problem.buffers.map { $0.size + ($0.fixedOffset ?? 0) }
    var result = Result(
      outcome: .notFound, nodes: 0, leastCapacity: max(totals.largest, tops.max() ?? 0), foundCapacity: nil)
    if result.leastCapacity > problem.capacity {
      result.outcome = .infeasible
      return result
    }
    let isPlain = problem.buffers.allSatisfy { $0.fixedOffset == nil && $0.gaps.isEmpty }
    if isPlain, place(problem, totals, &result) { return result }
    // What follows has tables of all pairs of buffers that meet, and descends one level a buffer.
    if !options.searches || problem.buffers.count > Self.largestSearch { return result }
    if Lifetimes.pairs(problem.buffers) > Self.mostPairs { return result }
    if problem.buffers.count > Self.levelsOnStack {
      return LargeStack.run(bytes: problem.buffers.count << 10) { [result] in searched(problem, isPlain, result) }
    }
    return searched(problem, isPlain, result)
  }

  /// What tables and searches make of it where rules do not do.
  private func searched(_ problem: AllocationProblem, _ isPlain: Bool, _ before: Result) -> Result {
    var result = before
    let sections = AllocationSections(problem)
    if !isPlain, placeAround(problem, sections, &result) { return result }
    result.leastCapacity = max(result.leastCapacity, SectionStacks.leastCapacity(problem, sections))
    if result.leastCapacity > problem.capacity {
      result.outcome = .infeasible
      return result
    }
    search(problem, sections, &result)
    if result.outcome == .notFound, options.looksForCapacity { lookForCapacity(problem, &result) }
    return result
  }

  /// Short searches for memories between the one that was too small and the one that is known to be enough.
  private func lookForCapacity(_ problem: AllocationProblem, _ result: inout Result) {
    var limited = options
    limited.looksForCapacity = false
    limited.nodeLimit = 50_000
    limited.effortLimit = 1_000_000_000
    var tooSmall = problem.capacity
    for _ in 0..<6 {
      guard cancellation?.isCancelled != true, let found = result.foundCapacity, found - tooSmall > 1 else { return }
      var larger = problem
      larger.capacity = tooSmall + (found - tooSmall) / 2
      progress?("looking for a placement in \(larger.capacity), one in \(found) is known")
      let other = AllocationSolver(options: limited, cancellation: cancellation).solve(larger)
      if let height = other.solution?.height(in: problem) {
        result.foundCapacity = min(found, height)
      } else {
        tooSmall = larger.capacity
      }
    }
  }

  /// The quick ways: most instances of real networks need no more.
  private func place(_ problem: AllocationProblem, _ totals: StepTotals, _ result: inout Result) -> Bool {
    let buffers = problem.buffers
    let lifetimes = Lifetimes(buffers)
    for order in LowestFit.orders(buffers) {
      if offer(LowestFit.offsets(order: order, buffers: buffers, lifetimes: lifetimes), problem, &result) {
        return true
      }
    }
    if buffers.count <= Self.largestSweep, options.layoutSweep {
      let sweep = LayoutSweep(problem: problem, width: 32)
      result.effort += sweep.effort
      if let placed = sweep.run(cancellation) { return offer(placed.offsets, problem, &result) }
    }
    for rank in totals.ranks(of: buffers) where cancellation?.isCancelled != true {
      if offer(SkylineFit.offsets(rank: rank, buffers: buffers, lifetimes: lifetimes), problem, &result) { return true }
    }
    return false
  }

  /// Lowest fit for buffers with gaps, around those that are fixed.
  private func placeAround(
    _ problem: AllocationProblem, _ sections: AllocationSections, _ result: inout Result
  ) -> Bool {
    let distances = AllocationDistances(sections)
    for order in LowestFit.orders(problem.buffers) {
      let offsets = LowestFit.offsets(order: order, buffers: problem.buffers, distances: distances)
      if let offsets, offer(offsets, problem, &result) { return true }
    }
    return false
  }

  /// Whether the capacity is enough for a placement.
  private func offer(_ offsets: [Int], _ problem: AllocationProblem, _ result: inout Result) -> Bool {
    let solution = AllocationSolution(offsets: offsets)
    let height = solution.height(in: problem)
    result.foundCapacity = min(result.foundCapacity ?? Int.max, height)
    if height <= problem.capacity { result.outcome = .placed(solution) }
    return height <= problem.capacity
  }

  /// Several searches take turns under a growing limit, until one finds a placement or has been through all of them.
  private func search(_ problem: AllocationProblem, _ sections: AllocationSections, _ result: inout Result) {
    let tables = AllocationTables(problem, sections)
    let rankings = options.orders.map { AllocationRanking(order: $0, problem, sections) }
    let hasWindows = problem.buffers.contains { $0.gaps.contains { $0.window != nil } }
    let isPlain = problem.buffers.allSatisfy { $0.fixedOffset == nil && $0.gaps.isEmpty }
    let distances = hasWindows ? AllocationDistances(sections) : nil
    var isSwept = !isPlain || !options.layoutSweep
    var limit = max(1000, 4 * problem.buffers.count)
    /// Whether the search is over.
    func note(_ nodes: Int, _ spent: Int, _ offsets: [Int]?, isExhausted: Bool) -> Bool {
      result.nodes += nodes
      result.effort += spent
      if let offsets {
        result.outcome = .placed(AllocationSolution(offsets: offsets))
        result.foundCapacity = problem.capacity
      } else if isExhausted {
        result.outcome = .infeasible
        result.leastCapacity = max(result.leastCapacity, problem.capacity + 1)
      }
      return result.outcome != .notFound || cancellation?.isCancelled == true || result.nodes >= options.nodeLimit
        || result.effort >= options.effortLimit
    }
    while true {
      let best = result.foundCapacity.map { ", one of \($0) is known" } ?? ""
      progress?("\(result.nodes) nodes without a placement in \(problem.capacity)\(best)")
      for ranking in rankings {
        let search = AllocationSearch(tables, capacity: problem.capacity, options: options, cancellation: cancellation)
        let outcome = search.run(
          nodeLimit: min(limit, options.nodeLimit - result.nodes), effortLimit: options.effortLimit - result.effort,
          ranking: ranking.sorted)
        let isFound = outcome == .found
        // It stacks upwards, and so does not see what can be done with windows.
        let isExhausted = outcome == .exhausted && !hasWindows
        if note(search.nodes, search.effort, isFound ? search.solution : nil, isExhausted: isExhausted) { return }
      }
      if let distances {
        for prefersRoom in [true, false] {
          var search = DistanceSearch(problem, sections, distances, cancellation: cancellation)
          let outcome = search.run(
            nodeLimit: min(2 * limit, options.nodeLimit - result.nodes),
            effortLimit: options.effortLimit - result.effort,
            prefersRoom: prefersRoom)
          let offsets = outcome == .found ? search.offsets : nil
          if note(search.nodes, search.effort, offsets, isExhausted: outcome == .exhausted) { return }
        }
      }
      limit *= 2
      if !isSwept, result.nodes >= options.sweepAfterNodes {
        isSwept = true
        let sweep = LayoutSweep(problem: problem, width: 1024)
        result.effort += sweep.effort
        if let placed = sweep.run(cancellation) {
          _ = note(0, 0, placed.offsets, isExhausted: false)
          return
        }
      }
    }
  }
}
