import SpadixSupport

/// The smallest capacity at which some order needs no traffic.
struct PeakSearch {
  let core: ScheduleCore
  var labelLimit: Int
  var effortLimit = Int.max
  var cancellation: Cancellation?

  struct Outcome {
    var order: [Int]
    var peak: Int
    /// Whether no order has a smaller peak.
    var isExact: Bool
    var labels: Int
    var effort = 0
  }

  /// The most that is live at once in an order.
  static func peak(of order: [Int], _ core: ScheduleCore) -> Int {
    var remaining = core.tensors.map(\.touches.count)
    var live = 0
    var peak = 0
    for op in order {
      let operands = core.operators[op].operands
      for tensor in operands where remaining[tensor] == core.tensors[tensor].touches.count {
        live += core.tensors[tensor].size
      }
      peak = max(peak, live + core.operators[op].privateSize)
      for tensor in operands {
        remaining[tensor] -= 1
        if remaining[tensor] == 0 { live -= core.tensors[tensor].size }
      }
    }
    return peak
  }

  /// Of larger cores one narrow search has to do, after orders that are made in one go.
  private static let effortOfLarge = 3_000_000_000

  /// Takes the best of some orders, which of a tree is the best there is.
  private func takeConstructed(_ best: inout Outcome) {
    let tree = TreeCuts(core, capacity: nil)
    let orders =
      tree.map { [$0.order] } ?? ConstructedOrders.Rule.allCases.map { ConstructedOrders.order(core, by: $0) }
    best.isExact = tree != nil
    for order in orders {
      let peak = Self.peak(of: order, core)
      if peak < best.peak { (best.order, best.peak) = (order, peak) }
    }
  }

  /// Searches below the default order's peak; nothing below `floor` is of interest.
  func run(floor: Int) -> Outcome {
    let start = Array(0..<core.count)
    var best = Outcome(order: start, peak: Self.peak(of: start, core), isExact: true, labels: 0)
    var lower = max(floor, core.smallestCapacity)
    if core.count > BlockLimits.largestSearched {
      takeConstructed(&best)
      if best.isExact { return best }
    }
    var width = 64
    while lower < best.peak {
      // A narrow search from below finds good orders, and a full one proves the rest.
      let capacity = width == 64 ? lower : lower + (best.peak - lower) / 2
      var search = OrderSearch(core, capacity: capacity)
      search.cancellation = cancellation
      let limit = core.count > BlockLimits.largestSearched ? min(effortLimit, Self.effortOfLarge) : effortLimit
      let outcome = search.run(
        width: width, cutoff: 1, labelLimit: max(1, labelLimit - best.labels), effortLimit: max(1, limit - best.effort))
      best.labels += outcome.labels
      best.effort += outcome.effort
      if let order = outcome.order {
        best.order = order
        best.peak = min(best.peak, Self.peak(of: order, core))
      } else if outcome.isComplete {
        lower = outcome.smallestExcess == Int.max ? best.peak : max(lower + 1, capacity + outcome.smallestExcess)
        lower = min(lower, best.peak)
      } else if outcome.isStopped || best.labels >= labelLimit {
        best.isExact = false
        break
      } else if core.count > BlockLimits.largestSearched {
        best.isExact = false
        break
      } else {
        width *= 8
      }
    }
    return best
  }
}
