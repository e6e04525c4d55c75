import SpadixSupport

/// Chooses alternatives and residency step by step, keeping the cheapest way into each reachable state.
///
/// A state after a step says which tensors stay in the scratchpad until their next touch, and of which of them DRAM has
/// a copy. Networks have few live tensors at a time, so the states are few and the result is the optimum but for
/// addresses; where they are many, the search either gives up or goes on with the most promising ones. Costs are
/// compared as the objective ranks them.
struct KernelDynamicProgram {
  /// What happens where the states become too many.
  enum Overflow {
    /// There is no result.
    case giveUp
    /// The best ones by these prices go on, and the result is no longer known to be optimal.
    case keepBest(KernelPrices)
  }

  struct Outcome {
    var decision: KernelDecision
    /// Whether no state was dropped, so that the decision is optimal but for addresses.
    var isExact: Bool
    var states: Int
  }

  let steps: KernelSteps
  /// States kept after a step.
  var stateLimit: Int
  /// Ways on from one state that are looked at.
  var choiceLimit = 4096
  /// Ways on from all states together, for `giveUp`.
  var workLimit = 1 << 22
  var overflow = Overflow.giveUp
  /// Which tensors stay, where that is decided before.
  var residents: KernelResidents?
  var cancellation: Cancellation?
  var progress: (@Sendable (String) -> Void)?

  /// An exact search, in states that a few hundred megabytes hold.
  init(exact steps: KernelSteps) {
    self.steps = steps
    stateLimit = max(64, min(4096, (1 << 19) / max(1, steps.steps.count)))
  }

  /// A search among the most promising states, of which fewer are kept in longer problems.
  init(steps: KernelSteps, guidedBy prices: KernelPrices) {
    self.steps = steps
    stateLimit = max(16, min(256, (1 << 17) / max(1, steps.steps.count)))
    choiceLimit = 64
    overflow = .keepBest(prices)
  }

  /// The cheapest decision; nil when a step has no alternative that fits, or when the search gave up or was cancelled.
  func run() -> Outcome? {
    var isExact = true
    // Before each step, and behind the last.
    var layers = [KernelStates](repeating: KernelStates(), count: steps.steps.count + 1)
    layers[0] = KernelStates.initial
    var expansion = KernelExpansion(steps)
    var total = 0
    for first in steps.steps.indices {
      if cancellation?.isCancelled == true { return nil }
      if first % 64 == 63 { progress?("step \(first + 1) of \(steps.steps.count)") }
      if first > 0 {
        total += layers[first].count
        let limit = stateLimit(of: first - 1)
        if layers[first].count > limit, case .keepBest(let prices) = overflow {
          isExact = false
          layers[first] = prices.best(limit, of: layers[first], after: first - 1)
        }
      }
      let layer = layers[first]
      // The operator by itself, then the groups that begin with it.
      let single = KernelSteps.GroupStep(index: -1, end: first + 1, step: steps.steps[first])
      for way in (steps.isForced[first] ? [] : [single]) + steps.groupSteps[first] where layer.count > 0 {
        var next = KernelStates()
        swap(&next, &layers[way.end])
        let isGroup = way.index >= 0
        expansion.begin(way.step, wishes: isGroup ? nil : residents?.stays[first])
        let limit = stateLimit(of: way.end - 1)
        for state in 0..<layer.count {
          let complete = expansion.extend(
            layer, state, first: first, group: isGroup ? way.index : nil, choiceLimit: choiceLimit, into: &next)
          if !complete { isExact = false }
          if case .giveUp = overflow, !isExact || next.count > limit || expansion.work > workLimit { return nil }
        }
        expansion.end()
        swap(&next, &layers[way.end])
      }
      layers[first].close()
    }
    total += layers[steps.steps.count].count
    let last = layers[steps.steps.count]
    guard
      let best = (0..<last.count).min(by: {
        (last.ranks[$0], $0) < (last.ranks[$1], $1)
      })
    else { return nil }
    return Outcome(decision: decision(layers, best), isExact: isExact, states: total)
  }

  /// A step of many operands and patterns takes more time for each state.
  private func stateLimit(of step: Int) -> Int {
    guard case .keepBest = overflow else { return stateLimit }
    let one = steps.steps[step]
    return max(4, min(stateLimit, (1 << 16) / max(1, one.groups.count * one.touched.count)))
  }

  private func decision(_ layers: [KernelStates], _ best: Int) -> KernelDecision {
    var chain: [(end: Int, state: Int)] = []
    var (end, state) = (steps.steps.count, best)
    while end > 0 {
      chain.append((end, state))
      let way = layers[end].ways[state]
      (end, state) = (Int(way.first), Int(way.parent))
    }
    chain.reverse()
    var units: [KernelDecision.Unit] = []
    var open = [KernelDecision.Span?](repeating: nil, count: steps.tensorCount)
    var spans: [KernelDecision.Span] = []
    for (end, state) in chain {
      let way = layers[end].ways[state]
      let first = Int(way.first)
      let group = steps.groupSteps[first].first { $0.index == way.group }
      units.append(
        KernelDecision.Unit(steps: first..<end, group: group?.index, alternative: Int(way.alternative)))
      for (choice, item) in zip(layers[end].choices(of: state), (group?.step ?? steps.steps[first]).touched)
      where choice & KernelStates.Choice.isPresent != 0 {
        var span =
          open[item.tensor]
          ?? KernelDecision.Span(
            tensor: KernelProblem.TensorID(item.tensor), first: first, last: end - 1,
            origin: choice & KernelStates.Choice.isFetched != 0 ? .fetched : .produced,
            spilled: choice & KernelStates.Choice.isSpilled != 0)
        span.last = end - 1
        if choice & KernelStates.Choice.isKept != 0 {
          open[item.tensor] = span
        } else {
          open[item.tensor] = nil
          spans.append(span)
        }
      }
    }
    spans.sort { ($0.first, $0.tensor.index) < ($1.first, $1.tensor.index) }
    return KernelDecision(units: units, spans: spans)
  }
}
