/// The best schedule of a tree of any size: each operator makes one tensor, for one other operator (or the other way round,
/// each reads one that nothing else reads).
///
/// A tensor of a tree has one gap, from its producer to its reader, and moves or stays for all of it. Take those that move
/// out, and parts remain that have nothing to do with each other: they may as well run one after the other, and fit when
/// the smallest peak of each does. So the least traffic is that of the cheapest tensors to cut, of which no part is left that needs
/// more than the capacity. From the leaves to the root, each operator has the costs of the cuts below it, with the profile
/// of the part that it belongs to; a cut above an operator leaves no profile, so that dearer states than the
/// cheapest one with that cut are never of use.
struct TreeCuts {
  /// What the cheapest cuts cost at least, and whether those found cost no more.
  private(set) var bound = 0
  private(set) var order: [Int] = []
  private(set) var drops: [ResidencyModel.Gap] = []
  /// Elementary steps, of about a nanosecond each.
  private(set) var effort = 0
  private var cutTensors: [Int] = []

  /// States of an operator that are kept, and once so many elementary steps were spent.
  private static let mostStates = 256
  private static let fewestStates = 32
  private static let effortOfMany = 1_000_000_000

  private struct State {
    var cost: Int
    var profile: TreeProfile
    /// For each operator below the state that it is in, -1 where what lies between is cut.
    var choices: [Int32] = []
  }

  private let core: ScheduleCore
  private let capacity: Int?
  /// Operators, those below before those above.
  private let sequence: [Int]
  /// The tensors between an operator and those below it.
  private let below: [[(op: Int, tensor: Int)]]
  private let above: [Int?]

  /// Nil where the core is no tree.
  ///
  /// - Parameter capacity: nil where nothing may be cut; then the order is the one of the smallest peak.
  init?(_ core: ScheduleCore, capacity: Int?) {
    let isPassedOn = core.tensors.allSatisfy { $0.producer != nil && $0.touches.count == 2 }
    guard isPassedOn else { return nil }
    var inputs = core.operators.map { _ in [(op: Int, tensor: Int)]() }
    var outputs = inputs
    for (index, tensor) in core.tensors.enumerated() {
      inputs[tensor.touches[1]].append((op: tensor.touches[0], tensor: index))
      outputs[tensor.touches[0]].append((op: tensor.touches[1], tensor: index))
    }
    let isReversed = outputs.contains { $0.count > 1 }
    if isReversed, inputs.contains(where: { $0.count > 1 }) { return nil }
    // In a window operators may wait for others without reading what they make.
    for (op, node) in core.operators.enumerated() where node.predecessors.count != inputs[op].count { return nil }
    self.core = core
    self.capacity = capacity
    sequence = isReversed ? core.operators.indices.reversed() : Array(core.operators.indices)
    below = isReversed ? outputs : inputs
    above = (isReversed ? inputs : outputs).map { $0.first?.tensor }
    let (exact, isExact) = states(relaxing: false)
    let cost = take(exact)
    bound = isExact ? cost : leastCost(states(relaxing: true).all)
    if isReversed { order.reverse() }
    addDrops()
  }

  private func price(_ tensor: Int) -> Int { core.tensors[tensor].bytes * (core.tensors[tensor].isClean ? 1 : 2) }

  // MARK: - From the leaves to the root

  /// The states of each operator, and whether all are there that matter.
  ///
  /// - Parameter relaxing: whether states too many become ones that are no worse than each.
  private mutating func states(relaxing: Bool) -> (all: [[State]], isComplete: Bool) {
    var all = [[State]](repeating: [], count: core.count)
    var isComplete = true
    for op in sequence {
      var partial = [State(cost: 0, profile: TreeProfile())]
      // With all cut below and above it is never of use to pay more.
      let most = below[op].reduce(above[op].map(price) ?? 0) { $0 + (all[$1.op].first?.cost ?? 0) + price($1.tensor) }
      for (other, tensor) in below[op] {
        let cut = State(cost: (all[other].first?.cost ?? 0) + price(tensor), profile: TreeProfile())
        var combined: [State] = []
        for state in partial {
          for (number, option) in (all[other] + (capacity == nil ? [] : [cut])).enumerated() {
            let isCut = number == all[other].count
            let profile = state.profile.beside(option.profile)
            effort += 100 + 20 * profile.segments.count
            if profile.peak > capacity ?? Int.max || state.cost + option.cost > most { continue }
            combined.append(
              State(
                cost: state.cost + option.cost, profile: profile,
                choices: state.choices + [isCut ? -1 : Int32(number)]))
          }
        }
        partial = undominated(combined, relaxing, &isComplete)
        // Their costs and choices are enough from here on.
        for number in all[other].indices { all[other][number].profile = TreeProfile() }
      }
      let left = above[op].map { core.tensors[$0].size } ?? 0
      for index in partial.indices {
        partial[index].profile.append(TreeProfile.Segment(hill: core.footprints[op], valley: left))
      }
      if let capacity { partial.removeAll { $0.profile.peak > capacity } }
      let least = partial.reduce(Int.max) { min($0, $1.cost) }
      if let tensor = above[op] {
        partial.removeAll { $0.cost - least >= price(tensor) && $0.cost > least }
      } else {
        partial = Array(partial.filter { $0.cost == least }.prefix(1))
      }
      all[op] = undominated(partial, relaxing, &isComplete)
    }
    return (all, isComplete)
  }

  /// States of which none is no worse than another, by cost.
  private mutating func undominated(_ states: [State], _ relaxing: Bool, _ isComplete: inout Bool) -> [State] {
    let places = states.indices.sorted {
      (states[$0].cost, states[$0].profile.peak, $0) < (states[$1].cost, states[$1].profile.peak, $1)
    }
    var result: [State] = []
    for index in places {
      let state = states[index]
      effort += 20 * result.count
      if !result.contains(where: { $0.profile.isNoWorse(than: state.profile) }) { result.append(state) }
    }
    let most = effort > Self.effortOfMany ? Self.fewestStates : Self.mostStates
    if result.count <= most { return result }
    isComplete = false
    // One of each few neighbours: the one of the smallest peak, or what is no worse than all of them.
    return result.neighbours(inParts: most).enumerated().map { part, group in
      var kept = group[group.startIndex]
      if part == 0, !relaxing { return kept }
      for state in group.dropFirst() {
        if relaxing {
          kept.profile = kept.profile.relaxed(with: state.profile)
        } else if state.profile.peak < kept.profile.peak {
          kept = state
        }
      }
      return kept
    }
  }

  private func leastCost(_ all: [[State]]) -> Int {
    sequence.reduce(0) { above[$1] == nil ? $0 + (all[$1].first?.cost ?? 0) : $0 }
  }

  // MARK: - Back to the leaves

  /// Cuts and runs as the cheapest states say; what that costs.
  private mutating func take(_ all: [[State]]) -> Int {
    var chosen = [Int](repeating: 0, count: core.count)
    var isCut = [Bool](repeating: false, count: core.tensors.count)
    for op in sequence.reversed() {
      for (number, (other, tensor)) in below[op].enumerated() {
        let choice = Int(all[op][chosen[op]].choices[number])
        isCut[tensor] = choice < 0
        chosen[other] = max(0, choice)
      }
    }
    var profiles = [TreeProfile](repeating: TreeProfile(), count: core.count)
    for op in sequence {
      var profile = TreeProfile()
      for (other, tensor) in below[op] where !isCut[tensor] {
        profile = profile.beside(profiles[other])
        profiles[other] = TreeProfile()
      }
      let left = above[op].map { core.tensors[$0].size } ?? 0
      profile.append(TreeProfile.Segment(hill: core.footprints[op], valley: left, operators: [op]))
      if above[op].map({ isCut[$0] }) ?? true {
        order += profile.segments.flatMap(\.operators)
      } else {
        profiles[op] = profile
      }
    }
    cutTensors = isCut.indices.filter { isCut[$0] }
    return leastCost(all)
  }

  private mutating func addDrops() {
    var stepOf = [Int](repeating: 0, count: core.count)
    for (step, op) in order.enumerated() { stepOf[op] = step }
    for tensor in cutTensors {
      let (first, last) = (stepOf[core.tensors[tensor].touches[0]], stepOf[core.tensors[tensor].touches[1]])
      if last - first > 1 { drops.append(ResidencyModel.Gap(tensor: tensor, first: first, last: last)) }
    }
  }
}
