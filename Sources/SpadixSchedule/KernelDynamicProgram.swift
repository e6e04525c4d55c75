/// Chooses variants and residency step by step, keeping the cheapest way into each reachable state.
///
/// A state after a step says of every live tensor whether it is kept in the scratchpad until its next touch and whether
/// DRAM holds it too. Networks have few live tensors at a time, so the states are few; where they are not, only the
/// cheapest are kept and the result is no longer known to be optimal. Costs are compared as (bytes, cycles).
struct KernelDynamicProgram {
  let problem: KernelProblem
  let touches: KernelTouches
  /// States kept after a step.
  var stateLimit = 4096
  /// Ways on from one state that are looked at.
  var choiceLimit = 4096

  init(_ problem: KernelProblem, _ touches: KernelTouches) {
    self.problem = problem
    self.touches = touches
    // Bounds the memory of all layers together.
    stateLimit = max(64, min(4096, (1 << 19) / max(1, problem.operators.count)))
  }

  struct Outcome {
    var decision: KernelDecision
    /// Whether no state was dropped, so that the decision is optimal but for addresses.
    var isExact: Bool
    var states: Int
  }

  /// Where a live tensor is between two of its touches.
  private enum Status: UInt8 {
    /// Not in the scratchpad; DRAM holds it.
    case stored = 0
    /// Kept, and DRAM holds it too.
    case keptClean = 1
    /// Kept, and only there.
    case keptDirty = 2
  }

  private struct State {
    /// One per live tensor, in the order of `live`.
    var statuses: [Status]
    var traffic: Int
    var cycles: Int
    var parent: Int
    var variant: Int
    /// One per tensor that the step touches.
    var choice: [Choice]
  }

  /// What was decided for a tensor touched in a step.
  private struct Choice {
    var isPresent: Bool
    var isFetched: Bool
    var isSpilled: Bool
    var isKept: Bool
  }

  private struct Touched {
    var tensor: KernelProblem.TensorID
    var touch: KernelTouches.Touch
    var hasNext: Bool
    /// Position among the tensors that are live before the step; nil for a first touch.
    var before: Int?
  }

  private struct Key: Hashable {
    var statuses: [Status]
  }

  /// The cheapest decision, or nil when a step has no variant that fits.
  func run() -> Outcome? {
    var isExact = true
    var layers: [[State]] = [
      [State(statuses: [], traffic: 0, cycles: 0, parent: -1, variant: -1, choice: [])]
    ]
    var live: [KernelProblem.TensorID] = []
    var touchedByStep: [[Touched]] = []
    var total = 0
    for step in problem.operators.indices {
      let touched = touchedTensors(at: step, live: live)
      touchedByStep.append(touched)
      let touchedIDs = Set(touched.map(\.tensor))
      // Tensors that are not touched come first and keep their status; then the touched ones with a next touch.
      let passing = live.indices.filter { !touchedIDs.contains(live[$0]) }
      let staying = touched.indices.filter { touched[$0].hasNext }
      let variants = paretoVariants(of: step)
      var next: [State] = []
      var known: [Key: Int] = [:]
      for (index, state) in layers[step].enumerated() {
        let complete = extend(state, index, step, live, touched, passing, staying, variants) { candidate in
          let key = Key(statuses: candidate.statuses)
          if let other = known[key] {
            if (candidate.traffic, candidate.cycles) < (next[other].traffic, next[other].cycles) {
              next[other] = candidate
            }
          } else {
            known[key] = next.count
            next.append(candidate)
          }
        }
        if !complete { isExact = false }
      }
      if next.isEmpty { return nil }
      total += next.count
      if next.count > stateLimit {
        isExact = false
        // Cheapest first; of equals the one that was reached first, so that the result is repeatable.
        let kept = next.indices.sorted {
          (next[$0].traffic, next[$0].cycles, $0) < (next[$1].traffic, next[$1].cycles, $1)
        }
        next = kept.prefix(stateLimit).map { next[$0] }
      }
      layers.append(next)
      live = passing.map { live[$0] } + staying.map { touched[$0].tensor }
    }
    let last = layers[problem.operators.count]
    guard
      let best = last.indices.min(by: {
        (last[$0].traffic, last[$0].cycles, $0) < (last[$1].traffic, last[$1].cycles, $1)
      })
    else { return nil }
    return Outcome(
      decision: decision(layers, best, touchedByStep), isExact: isExact, states: total)
  }

  private func touchedTensors(at step: Int, live: [KernelProblem.TensorID]) -> [Touched] {
    let op = problem.operators[step]
    var result: [Touched] = []
    for tensor in op.inputs + op.outputs where !result.contains(where: { $0.tensor == tensor }) {
      let all = touches.touches[tensor]
      guard let position = all.firstIndex(where: { $0.step == step }) else { continue }
      result.append(
        Touched(
          tensor: tensor, touch: all[position], hasNext: position + 1 < all.count,
          before: live.firstIndex(of: tensor)))
    }
    return result
  }

  /// For each pattern of places, the variants worth considering: cheapest first, each needing fewer rows than the last.
  private func paretoVariants(of step: Int) -> [[Int]] {
    let variants = problem.operators[step].variants
    var groups: [[Int]] = []
    for index in variants.indices {
      if let group = groups.firstIndex(where: {
        variants[$0[0]].inputs == variants[index].inputs && variants[$0[0]].outputs == variants[index].outputs
      }) {
        groups[group].append(index)
      } else {
        groups.append([index])
      }
    }
    return groups.map { group in
      let sorted = group.sorted {
        (variants[$0].traffic, variants[$0].cycles, variants[$0].workingRows, $0)
          < (variants[$1].traffic, variants[$1].cycles, variants[$1].workingRows, $1)
      }
      var kept: [Int] = []
      for index in sorted {
        if let last = kept.last, variants[index].workingRows >= variants[last].workingRows { continue }
        kept.append(index)
      }
      return kept
    }
  }

  /// Every way on from a state; false when the limit on ways cut some off.
  private func extend(
    _ state: State, _ index: Int, _ step: Int, _ live: [KernelProblem.TensorID], _ touched: [Touched], _ passing: [Int],
    _ staying: [Int], _ groups: [[Int]], _ emit: (State) -> Void
  ) -> Bool {
    let variants = problem.operators[step].variants
    let passingStatuses = passing.map { state.statuses[$0] }
    var passingRows = 0
    var budget = choiceLimit
    for position in passing where state.statuses[position] != .stored {
      passingRows += problem.tensors[live[position]].rows
    }
    for group in groups {
      let pattern = variants[group[0]]
      var choices = [Choice](
        repeating: Choice(isPresent: false, isFetched: false, isSpilled: false, isKept: false), count: touched.count)
      var statuses = [Status](repeating: .stored, count: touched.count)

      func finish(_ presentRows: Int, _ traffic: Int) {
        let free = problem.capacity - passingRows - presentRows
        guard let variant = group.first(where: { variants[$0].workingRows <= free }) else { return }
        emit(
          State(
            statuses: passingStatuses + staying.map { statuses[$0] },
            traffic: state.traffic + traffic + variants[variant].traffic,
            cycles: state.cycles + variants[variant].cycles, parent: index,
            variant: variant, choice: choices))
      }

      func choose(_ number: Int, _ presentRows: Int, _ traffic: Int) {
        if budget == 0 { return }
        if passingRows + presentRows > problem.capacity { return }
        if number == touched.count {
          budget -= 1
          finish(presentRows, traffic)
          return
        }
        let item = touched[number]
        let tensor = problem.tensors[item.tensor]
        func go(_ choice: Choice, _ status: Status, _ cost: Int) {
          choices[number] = choice
          statuses[number] = status
          choose(number + 1, presentRows + (choice.isPresent ? tensor.rows : 0), traffic + cost)
        }
        let place =
          item.touch.isProduction
          ? pattern.outputs[item.touch.position] : pattern.inputs[item.touch.position]
        if item.touch.isProduction {
          switch place {
          case .streamed:
            go(Choice(isPresent: false, isFetched: false, isSpilled: false, isKept: false), .stored, 0)
          case .resident:
            let mustStore = tensor.kind == .output
            if item.hasNext {
              if !mustStore {
                go(Choice(isPresent: true, isFetched: false, isSpilled: false, isKept: true), .keptDirty, 0)
              }
              go(Choice(isPresent: true, isFetched: false, isSpilled: true, isKept: true), .keptClean, tensor.bytes)
              go(Choice(isPresent: true, isFetched: false, isSpilled: true, isKept: false), .stored, tensor.bytes)
            } else {
              go(
                Choice(isPresent: true, isFetched: false, isSpilled: mustStore, isKept: false), .stored,
                mustStore ? tensor.bytes : 0)
            }
          }
          return
        }
        let status = item.before.map { state.statuses[$0] } ?? .stored
        switch (place, status) {
        case (.resident, .stored):
          if item.hasNext {
            go(Choice(isPresent: true, isFetched: true, isSpilled: false, isKept: true), .keptClean, tensor.bytes)
          }
          go(Choice(isPresent: true, isFetched: true, isSpilled: false, isKept: false), .stored, tensor.bytes)
        case (.resident, .keptClean):
          if item.hasNext {
            go(Choice(isPresent: true, isFetched: false, isSpilled: false, isKept: true), .keptClean, 0)
          }
          go(Choice(isPresent: true, isFetched: false, isSpilled: false, isKept: false), .stored, 0)
        case (.resident, .keptDirty):
          // What DRAM does not hold can only stay, or end with its last use.
          go(
            Choice(isPresent: true, isFetched: false, isSpilled: false, isKept: item.hasNext),
            item.hasNext ? .keptDirty : .stored, 0)
        case (.streamed, .stored):
          go(Choice(isPresent: false, isFetched: false, isSpilled: false, isKept: false), .stored, 0)
        case (.streamed, .keptClean):
          // Kept up to a step that does not need it: worth while only to go on.
          if item.hasNext {
            go(Choice(isPresent: true, isFetched: false, isSpilled: false, isKept: true), .keptClean, 0)
          }
        case (.streamed, .keptDirty): break
        }
      }
      choose(0, 0, 0)
    }
    return budget > 0
  }

  private func decision(_ layers: [[State]], _ best: Int, _ touchedByStep: [[Touched]]) -> KernelDecision {
    var chain: [State] = []
    var index = best
    for step in problem.operators.indices.reversed() {
      let state = layers[step + 1][index]
      chain.append(state)
      index = state.parent
    }
    chain.reverse()
    var open = [KernelDecision.Span?](repeating: nil, count: problem.tensors.count)
    var spans: [KernelDecision.Span] = []
    for (step, state) in chain.enumerated() {
      for (choice, item) in zip(state.choice, touchedByStep[step]) where choice.isPresent {
        var span =
          open[item.tensor.index]
          ?? KernelDecision.Span(
            tensor: item.tensor, first: step, last: step, origin: choice.isFetched ? .fetched : .produced,
            spilled: choice.isSpilled)
        span.last = step
        if choice.isKept {
          open[item.tensor.index] = span
        } else {
          open[item.tensor.index] = nil
          spans.append(span)
        }
      }
    }
    spans.sort { ($0.first, $0.tensor.index) < ($1.first, $1.tensor.index) }
    return KernelDecision(variants: chain.map(\.variant), spans: spans)
  }
}
