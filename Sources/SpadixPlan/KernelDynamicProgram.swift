import SpadixMIP
import SpadixSupport

/// Chooses variants and residency step by step, keeping the cheapest way into each reachable state.
///
/// A state after a step says which tensors stay in the scratchpad until their next touch, and of which of them DRAM has
/// a copy. Networks have few live tensors at a time, so the states are few and the result is the optimum but for
/// addresses; where they are many, the search either gives up or goes on with the most promising ones. Costs are compared
/// as (bytes, cycles).
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

  /// The cheapest decision; nil when a step has no variant that fits, or when the search gave up or was cancelled.
  func run() -> Outcome? {
    var isExact = true
    var layers = [KernelStates.initial]
    layers.reserveCapacity(steps.steps.count + 1)
    var expansion = KernelExpansion(steps)
    var total = 0
    for step in steps.steps.indices {
      if cancellation?.isCancelled == true { return nil }
      if step % 64 == 63 { progress?("step \(step + 1) of \(steps.steps.count)") }
      var next = KernelStates(touchedCount: steps.steps[step].touched.count)
      expansion.begin(step, wishes: residents?.stays[step])
      let limit = stateLimit(of: step)
      for state in 0..<layers[step].count {
        let complete = expansion.extend(layers[step], state, choiceLimit: choiceLimit, into: &next)
        if !complete { isExact = false }
        if case .giveUp = overflow, !isExact || next.count > limit || expansion.work > workLimit { return nil }
      }
      expansion.end()
      if next.count == 0 { return nil }
      total += next.count
      if next.count > limit, case .keepBest(let prices) = overflow {
        isExact = false
        next = prices.best(limit, of: next, after: step)
      }
      layers[step].close()
      layers.append(next)
    }
    let last = layers[steps.steps.count]
    guard
      let best = (0..<last.count).min(by: {
        (last.traffic[$0], last.cycles[$0], $0) < (last.traffic[$1], last.cycles[$1], $1)
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
    var chain: [Int] = []
    var index = best
    for step in steps.steps.indices.reversed() {
      chain.append(index)
      index = Int(layers[step + 1].parent[index])
    }
    chain.reverse()
    var open = [KernelDecision.Span?](repeating: nil, count: steps.tensorCount)
    var spans: [KernelDecision.Span] = []
    for (step, state) in chain.enumerated() {
      for (choice, item) in zip(layers[step + 1].choices(of: state), steps.steps[step].touched)
      where choice & KernelStates.Choice.isPresent != 0 {
        var span =
          open[item.tensor]
          ?? KernelDecision.Span(
            tensor: KernelProblem.TensorID(item.tensor), first: step, last: step,
            origin: choice & KernelStates.Choice.isFetched != 0 ? .fetched : .produced,
            spilled: choice & KernelStates.Choice.isSpilled != 0)
        span.last = step
        if choice & KernelStates.Choice.isKept != 0 {
          open[item.tensor] = span
        } else {
          open[item.tensor] = nil
          spans.append(span)
        }
      }
    }
    spans.sort { ($0.first, $0.tensor.index) < ($1.first, $1.tensor.index) }
    return KernelDecision(
      variants: chain.enumerated().map { Int(layers[$0.offset + 1].variant[$0.element]) }, spans: spans)
  }
}
