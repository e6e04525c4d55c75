import SpadixMIP

/// Places buffers exactly, by depth-first search in the manner of MiniMalloc (Moffitt, ASPLOS 2023).
///
/// Buffers are placed in the order of non-decreasing offset, each at its lowest possible one, so every arrangement is
/// visited at most once; a partial placement is dropped when some section cannot hold what is still to come. Several
/// orders of ranks take turns under a growing node limit. Every technique has a switch, for ablation.
public struct AllocationSolver: Sendable {
  public struct Options: Sendable {
    /// Search nodes, over all orders, after which the solver gives up.
    public var nodeLimit = 20_000_000
    /// Try layouts in the order of time before the search, and more of them after so many nodes.
    public var layoutSweep = true
    public var sweepAfterNodes = 20_000
    /// Orders of ranks that take turns, as letters from most to least significant: A area, C sections, L lower,
    /// T largest section total, U upper, W width, Z size.
    public var orders = ["WAT", "TAW", "TWA", "ZTA", "ATZ"]
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

  public enum Outcome: Sendable, Equatable {
    case placed(AllocationSolution)
    /// No placement exists.
    case infeasible
    /// Gave up at the node limit, or on cancellation; or none found for buffers with windows, for which the search is
    /// not complete.
    case notFound
  }

  public struct Result: Sendable {
    public var outcome: Outcome
    public var nodes: Int

    public var solution: AllocationSolution? {
      if case .placed(let solution) = outcome { return solution }
      return nil
    }
  }

  /// Problems of more buffers are left to lowest fit and to layouts in time.
  static let largestSearch = 4_000

  public var options: Options
  public var cancellation: Cancellation?

  public init(options: Options = Options(), cancellation: Cancellation? = nil) {
    self.options = options
    self.cancellation = cancellation
  }

  /// Sizes, steps and offsets are below 2^40 in absolute value; the problem's readers see to that.
  public func solve(_ problem: AllocationProblem) -> Result {
    let sections = AllocationSections(problem)
    for section in 0..<sections.count where sections.totals[section] > problem.capacity {
      return Result(outcome: .infeasible, nodes: 0)
    }
    var nodes = 0
    let isPlain = problem.buffers.allSatisfy { $0.fixedOffset == nil && $0.gaps.isEmpty }
    if isPlain, let placed = greedy(problem) { return Result(outcome: .placed(placed), nodes: 0) }
    if isPlain, options.layoutSweep, let placed = LayoutSweep(problem: problem, width: 32).run() {
      return Result(outcome: .placed(placed), nodes: 0)
    }
    var isSwept = !isPlain || !options.layoutSweep
    // The search descends one level a buffer.
    if problem.buffers.count > Self.largestSearch { return Result(outcome: .notFound, nodes: nodes) }
    let tables = AllocationTables(problem, sections)
    let rankings = options.orders.map { AllocationRanking(order: $0, problem, sections) }
    var limit = max(1000, 4 * problem.buffers.count)
    while nodes < options.nodeLimit {
      for ranking in rankings {
        let search = AllocationSearch(tables, capacity: problem.capacity, options: options, cancellation: cancellation)
        let outcome = search.run(
          nodeLimit: min(limit, options.nodeLimit - nodes), ranking: ranking.sorted)
        nodes += search.nodes
        switch outcome {
        case .found:
          return Result(outcome: .placed(AllocationSolution(offsets: search.solution)), nodes: nodes)
        case .exhausted:
          let hasWindows = problem.buffers.contains { $0.gaps.contains { $0.window != nil } }
          return Result(outcome: hasWindows ? .notFound : .infeasible, nodes: nodes)
        case .limit:
          if cancellation?.isCancelled == true || nodes >= options.nodeLimit {
            return Result(outcome: .notFound, nodes: nodes)
          }
        }
      }
      limit *= 2
      if !isSwept, nodes >= options.sweepAfterNodes {
        isSwept = true
        if let placed = LayoutSweep(problem: problem, width: 1024).run() {
          return Result(outcome: .placed(placed), nodes: nodes)
        }
      }
    }
    return Result(outcome: .notFound, nodes: nodes)
  }

  /// Lowest fit in the order of decreasing size, then the hints alone: most instances of real networks need no more.
  private func greedy(_ problem: AllocationProblem) -> AllocationSolution? {
    let buffers = problem.buffers
    guard buffers.count <= 40_000 else { return nil }
    let bySize = buffers.indices.sorted { (buffers[$0].size, $1) > (buffers[$1].size, $0) }
    let byArea = buffers.indices.sorted {
      let left = buffers[$0].size.multipliedFullWidth(by: buffers[$0].upper - buffers[$0].lower)
      let right = buffers[$1].size.multipliedFullWidth(by: buffers[$1].upper - buffers[$1].lower)
      return left.high != right.high
        ? left.high > right.high
        : left.low != right.low ? left.low > right.low : $0 < $1
    }
    for order in [bySize, byArea] {
      let offsets = LowestFit.offsets(order: order, buffers: buffers)
      let solution = AllocationSolution(offsets: offsets)
      if solution.height(in: problem) <= problem.capacity { return solution }
    }
    return nil
  }
}

/// Places buffers one after the other, each at the lowest offset that is free during its whole lifetime.
enum LowestFit {
  static func offsets(order: [Int], buffers: [AllocationProblem.Buffer]) -> [Int] {
    var offsets = [Int](repeating: 0, count: buffers.count)
    var placed: [Int] = []
    placed.reserveCapacity(buffers.count)
    for buffer in order {
      let this = buffers[buffer]
      // `placed` is sorted by offset, so one pass finds the first hole.
      var offset = this.hint.map { $0 / this.alignment * this.alignment } ?? 0
      func firstHole(from start: Int) -> Int {
        var offset = start
        for other in placed where buffers[other].lower < this.upper && this.lower < buffers[other].upper {
          if offsets[other] >= offset + this.size { break }
          let end = offsets[other] + buffers[other].size
          if end > offset { offset = (end + this.alignment - 1) / this.alignment * this.alignment }
        }
        return offset
      }
      let hinted = offset
      offset = firstHole(from: hinted)
      if offset != hinted { offset = firstHole(from: 0) }
      offsets[buffer] = offset
      let position = placed.firstIndex { offsets[$0] > offset } ?? placed.count
      placed.insert(buffer, at: position)
    }
    return offsets
  }
}
