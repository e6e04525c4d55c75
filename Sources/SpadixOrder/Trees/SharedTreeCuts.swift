import SpadixSupport

/// The best schedule of a tree of any size in which each operator reads one tensor, which several may read.
///
/// As in `TreeCuts`, parts that nothing connects run one after the other. A tensor's readers are in groups: those that run
/// while it stays after its producer, and others for which it is fetched again, a part each with what grows from them. From
/// the leaves to the root, and so backwards in time, an operator has the costs of what was cut off below it, with profiles.
///
/// Backwards, the tensor of a group is there as soon as the first of its readers has run. The other ones have waited until
/// then at one of their valleys, and go on one after the other beside the tensor.
struct SharedTreeCuts {
  /// What the cheapest cuts cost at least.
  private(set) var bound = 0
  private(set) var order: [Int] = []
  /// The tensors that leave, each with the operator after which it does.
  private(set) var leaving: Set<FurthestUse.Drop> = []
  /// Elementary steps, of about a nanosecond each.
  private(set) var effort = 0

  /// States of an operator that are kept, and once so many elementary steps were spent.
  private static let mostStates = 1_024
  private static let fewestStates = 32
  private static let effortOfMany = 2_000_000_000
  /// All groups of so many readers of a tensor are looked at; more it may have only at the root.
  private static let mostReaders = 4
  private static let mostReadersOfRoot = 64

  /// Where a reader of a tensor is in a state of it.
  struct Choice {
    var op: Int
    /// The number of the reader's own state.
    var state: Int
    /// 0 with the producer.
    var group = 0
    /// The segments after which it waits; nil where it is the first one backwards.
    var pause: Int?
  }

  struct State {
    var cost: Int
    /// Until the first reader runs, backwards.
    var profile = TreeProfile()
    /// From then on, forwards: the other readers with what grows from them, until they wait.
    var others = TreeProfile()
    var choices: [Choice] = []

    func isNoWorse(than other: State) -> Bool {
      cost <= other.cost && profile.isNoWorse(than: other.profile) && others.isNoWorse(than: other.others)
    }
  }

  private let core: ScheduleCore
  private let capacity: Int
  private let effortLimit: Int
  private let cancellation: Cancellation?
  /// What each operator reads, and what reads each tensor.
  private let read: [Int?]
  private let readers: [[Int]]
  private let outputs: [[Int]]
  /// Of each operator, before it runs, backwards.
  private var states: [[State]]

  /// Nil where the core is no such tree.
  ///
  /// - Parameter effortLimit: for the groups of a tensor of many readers.
  init?(
    _ core: ScheduleCore, capacity: Int, effortLimit: Int = Int.max, cancellation: Cancellation? = nil
  ) {
    self.core = core
    self.cancellation = cancellation
    self.effortLimit = effortLimit
    self.capacity = capacity
    var read = [Int?](repeating: nil, count: core.count)
    var outputs = [[Int]](repeating: [], count: core.count)
    readers = core.tensors.map { tensor in tensor.touches.filter { $0 != tensor.producer } }
    for (index, tensor) in core.tensors.enumerated() {
      if readers[index].count > Self.mostReadersOfRoot { return nil }
      if let producer = tensor.producer { outputs[producer].append(index) }
      for reader in readers[index] {
        if read[reader] != nil { return nil }
        read[reader] = index
      }
    }
    // In a window operators may wait for others without reading what they make.
    for (op, node) in core.operators.enumerated() {
      let producer = read[op].flatMap { core.tensors[$0].producer }
      if node.predecessors != (producer.map { [$0] } ?? []) { return nil }
    }
    for (index, tensor) in core.tensors.enumerated() where readers[index].count > Self.mostReaders {
      // Nothing is beside its groups: what produces it reads nothing, and makes nothing else.
      guard let producer = tensor.producer else { continue }
      if read[producer] != nil || outputs[producer].count > 1 { return nil }
    }
    (self.read, self.outputs) = (read, outputs)
    states = [[State]](repeating: [], count: core.count)
    run()
  }

  private mutating func run() {
    var chosen: [Choice] = []
    func cheapest(_ states: [State]) -> State? { states.min { $0.cost < $1.cost } }
    for op in core.operators.indices.reversed() {
      var partial = [State(cost: 0)]
      for tensor in outputs[op] { partial = undominated(beside(partial, states(of: tensor))) }
      states[op] = partial
      guard read[op] == nil, let best = cheapest(alone(op)) else { continue }
      bound += best.cost
      chosen += best.choices
    }
    for (index, tensor) in core.tensors.enumerated() where tensor.producer == nil {
      guard let best = cheapest(states(of: index)) else { continue }
      bound += best.cost
      chosen += best.choices
    }
    take(chosen)
  }

  private func sizeRead(by op: Int) -> Int { read[op].map { core.tensors[$0].size } ?? 0 }

  // MARK: - From the leaves to the root

  /// A reader that is a group by itself.
  private func alone(_ op: Int) -> [State] {
    states[op].indices.compactMap { number in
      var profile = states[op][number].profile
      profile.append(TreeProfile.Segment(hill: core.footprints[op], valley: sizeRead(by: op)))
      if profile.peak > capacity { return nil }
      return State(
        cost: states[op][number].cost, profile: profile, choices: [Choice(op: op, state: number)])
    }
  }

  /// A reader of a group before it runs as the first one, backwards.
  private func first(_ op: Int) -> [State] {
    states[op].indices.map { number in
      State(
        cost: states[op][number].cost, profile: states[op][number].profile,
        choices: [Choice(op: op, state: number)])
    }
  }

  /// Another one, which waits at any of its valleys.
  private func paused(_ op: Int) -> [State] {
    let size = sizeRead(by: op)
    var result: [State] = []
    for (number, state) in states[op].enumerated() {
      var profile = TreeProfile()
      for pause in 0...state.profile.segments.count {
        if pause > 0 { profile.append(state.profile.segments[pause - 1]) }
        let hill = hillAfter(pause, state.profile, op)
        if hill + size > capacity { continue }
        var others = TreeProfile()
        others.append(TreeProfile.Segment(hill: hill, valley: profile.rest))
        result.append(
          State(
            cost: state.cost, profile: profile, others: others,
            choices: [Choice(op: op, state: number, pause: pause)]))
      }
    }
    return result
  }

  /// What a reader needs beside the tensor after a pause, backwards.
  private func hillAfter(_ pause: Int, _ profile: TreeProfile, _ op: Int) -> Int {
    let hill = pause < profile.segments.count ? profile.segments[pause].hill : 0
    return max(hill, core.footprints[op] - sizeRead(by: op))
  }

  /// What the first reader needs, and the others after it.
  private func segment(_ op: Int, _ others: TreeProfile, operators: [Int] = []) -> TreeProfile.Segment {
    let size = sizeRead(by: op)
    let hill = max(core.footprints[op] + others.rest, size + others.peak)
    return TreeProfile.Segment(hill: hill, valley: size, operators: operators)
  }

  /// What a tensor's readers may cost, with the profile of those that are in one part with its producer.
  private mutating func states(of tensor: Int) -> [State] {
    if readers[tensor].count > Self.mostReaders { return [stateOfRoot(tensor)] }
    let groups = groups(of: tensor)
    let (bytes, isClean) = (core.tensors[tensor].bytes, core.tensors[tensor].isClean)
    let all = groups.count - 1
    // The cheapest way to fetch the tensor for some readers.
    var fetched = [State?](repeating: nil, count: groups.count)
    fetched[0] = State(cost: 0)
    for set in groups.indices.dropFirst() {
      // The group of the lowest reader, and the others.
      let lowest = set & -set
      for part in groups.indices where part & ~set == 0 && part & lowest != 0 {
        guard let rest = fetched[set & ~part], let group = groups[part].min(by: { $0.cost < $1.cost }) else { continue }
        let cost = rest.cost + group.cost + bytes
        if let best = fetched[set], best.cost <= cost { continue }
        let number = 1 + rest.choices.reduce(0) { max($0, $1.group) }
        fetched[set] = State(cost: cost, choices: rest.choices + group.choices.map { Self.choice($0, inGroup: number) })
      }
    }
    guard let fetchedForAll = fetched[all] else { return [] }
    if core.tensors[tensor].producer == nil {
      // It is loaded once in any case.
      return [State(cost: fetchedForAll.cost - bytes, choices: fetchedForAll.choices)]
    }
    var result: [State] = []
    for set in groups.indices {
      guard let rest = fetched[all & ~set] else { continue }
      let cost = rest.cost + (set == all || isClean ? 0 : bytes)
      for group in set == 0 ? [State(cost: 0)] : groups[set] {
        result.append(
          State(cost: cost + group.cost, profile: group.profile, choices: rest.choices + group.choices))
      }
    }
    return undominated(result)
  }

  /// The same for a tensor of many readers at the root.
  private mutating func stateOfRoot(_ tensor: Int) -> State {
    let (bytes, isClean) = (core.tensors[tensor].bytes, core.tensors[tensor].isClean)
    let all = readers[tensor].map { op in
      let alone = alone(op).min { $0.cost < $1.cost } ?? State(cost: 0)
      // It is never of use to pay more than where it has the tensor for itself.
      let most = alone.cost + (isClean ? 1 : 2) * bytes
      return ReaderGroups.Reader(
        footprint: core.footprints[op], alone: alone, first: undominated(first(op).filter { $0.cost < most }),
        paused: undominated(paused(op).filter { $0.cost < most }))
    }
    let groups = ReaderGroups(
      all, size: core.tensors[tensor].size, bytes: bytes, store: isClean ? 0 : bytes, capacity: capacity,
      effortLimit: effortLimit, cancellation: cancellation)
    effort += groups.effort
    var state = State(cost: groups.bound)
    for (number, group) in groups.groups.enumerated() {
      // One group is there with the producer, or when the tensor is loaded in any case.
      state.choices += group.choices.map { Self.choice($0, inGroup: number) }
    }
    return state
  }

  private static func choice(_ choice: Choice, inGroup group: Int) -> Choice {
    var result = choice
    result.group = group
    return result
  }

  /// For each set of a tensor's readers, as bits, what they cost as one group.
  private mutating func groups(of tensor: Int) -> [[State]] {
    let list = readers[tensor]
    let bytes = core.tensors[tensor].bytes
    var groups = [[State]](repeating: [], count: 1 << list.count)
    var waiting = groups
    for (number, op) in list.enumerated() {
      groups[1 << number] = undominated(alone(op))
      if list.count > 1 { waiting[1 << number] = undominated(paused(op)) }
    }
    let least = list.indices.map { groups[1 << $0].reduce(Int.max) { min($0, $1.cost) } }
    let firsts = list.map { first($0) }
    for set in groups.indices where set.nonzeroBitCount > 1 {
      let members = list.indices.filter { set >> $0 & 1 == 1 }
      // It is never of use to pay more than where each has the tensor for itself.
      let most =
        members.reduce(0) { $0 + least[$1] + bytes } + (core.tensors[tensor].isClean ? 0 : bytes)
      let lowest = set & -set
      waiting[set] = undominated(beside(waiting[set & ~lowest], waiting[lowest], most: most))
      var found: [State] = []
      for number in members {
        for var state in beside(firsts[number], waiting[set & ~(1 << number)], most: most) {
          state.profile.append(segment(list[number], state.others))
          state.others = TreeProfile()
          if state.profile.peak <= capacity { found.append(state) }
        }
      }
      groups[set] = undominated(found)
    }
    return groups
  }

  private mutating func beside(_ one: [State], _ two: [State], most: Int = Int.max) -> [State] {
    var result: [State] = []
    for state in one {
      for other in two where state.cost + other.cost <= most {
        let profile = state.profile.beside(other.profile)
        effort += 100 + 20 * profile.segments.count
        if profile.peak > capacity { continue }
        result.append(
          State(
            cost: state.cost + other.cost, profile: profile, others: state.others.beside(other.others),
            choices: state.choices + other.choices))
      }
    }
    return result
  }

  /// States of which none is no worse than another, by cost; where they are too many, each few neighbours become what is no
  /// worse than all of them.
  private mutating func undominated(_ states: [State]) -> [State] {
    if states.count < 2 { return states }
    let places = states.indices.sorted {
      (states[$0].cost, states[$0].profile.peak, $0) < (states[$1].cost, states[$1].profile.peak, $1)
    }
    var result: [State] = []
    for index in places {
      effort += 20 * result.count
      if !result.contains(where: { $0.isNoWorse(than: states[index]) }) { result.append(states[index]) }
    }
    let most = effort > Self.effortOfMany ? Self.fewestStates : Self.mostStates
    if result.count <= most { return result }
    return result.neighbours(inParts: most).map { group in
      group.dropFirst().reduce(into: group[group.startIndex]) { kept, state in
        kept.profile = kept.profile.relaxed(with: state.profile)
        kept.others = kept.others.relaxed(with: state.others)
      }
    }
  }

  // MARK: - Back to the leaves

  /// Cuts and runs as the choices for the roots say.
  private mutating func take(_ roots: [Choice]) {
    var choices = core.operators.indices.map { Choice(op: $0, state: 0) }
    var open = roots
    while let choice = open.popLast() {
      choices[choice.op] = choice
      open += states[choice.op][choice.state].choices
    }
    var profiles = [TreeProfile](repeating: TreeProfile(), count: core.count)
    // Groups for which a tensor is fetched run at once, backwards, as their parts end there.
    func grown(from tensor: Int) -> TreeProfile {
      let groups = Dictionary(grouping: readers[tensor]) { choices[$0].group }
      for (number, members) in groups.sorted(by: { $0.key < $1.key }) where number > 0 {
        order += profile(of: members, choices, profiles).segments.flatMap(\.operators)
      }
      return profile(of: groups[0] ?? [], choices, profiles)
    }
    for op in core.operators.indices.reversed() {
      profiles[op] = outputs[op].reduce(TreeProfile()) { $0.beside(grown(from: $1)) }
      if read[op] == nil { order += profile(of: [op], choices, profiles).segments.flatMap(\.operators) }
    }
    for tensor in core.tensors.indices where core.tensors[tensor].producer == nil {
      order += grown(from: tensor).segments.flatMap(\.operators)
    }
    order.reverse()
    var stepOf = [Int](repeating: 0, count: core.count)
    for (step, op) in order.enumerated() { stepOf[op] = step }
    for (index, tensor) in core.tensors.enumerated() {
      let touches = tensor.touches.sorted { stepOf[$0] < stepOf[$1] }
      func group(_ op: Int) -> Int { op == tensor.producer ? 0 : choices[op].group }
      for (op, next) in zip(touches, touches.dropFirst()) where group(op) != group(next) {
        leaving.insert(FurthestUse.Drop(tensor: index, after: op))
      }
    }
  }

  /// A group of readers, with their operators.
  private func profile(of members: [Int], _ choices: [Choice], _ profiles: [TreeProfile]) -> TreeProfile {
    guard let first = members.first(where: { choices[$0].pause == nil }) else { return TreeProfile() }
    var profile = profiles[first]
    var others: [Waiting] = []
    for op in members where op != first {
      let pause = min(choices[op].pause ?? 0, profiles[op].segments.count)
      var part = TreeProfile()
      for segment in profiles[op].segments.prefix(pause) { part.append(segment) }
      profile = profile.beside(part)
      others.append(
        Waiting(
          hill: hillAfter(pause, profiles[op], op), valley: part.rest,
          operators: profiles[op].segments.dropFirst(pause).flatMap(\.operators) + [op],
          last: part.segments.last?.operators.last))
    }
    // Few hold little for long: for them those that descend the most come first, which needs the least room.
    let sequence =
      members.count > Self.mostReaders
      ? sequence(of: others, after: profile.segments.flatMap(\.operators), sizeRead(by: first))
      : others.indices.sorted { (others[$0].descent, $1) > (others[$1].descent, $0) }.map { others[$0] }
    var held = 0
    var peak = 0
    for other in sequence {
      peak = max(peak, held + other.hill)
      held += other.valley
    }
    var segment = TreeProfile.Segment(hill: peak, valley: held)
    segment = self.segment(first, TreeProfile(segment), operators: [first] + sequence.reversed().flatMap(\.operators))
    profile.append(segment)
    return profile
  }

  /// A reader that waits, with what runs before that, backwards.
  private struct Waiting {
    var hill: Int
    var valley: Int
    var operators: [Int]
    /// What ends its waiting.
    var last: Int?

    var descent: Int { hill - valley }
  }

  /// Readers in the order in which they begin to wait, forwards: those first that wait the longest, as far as there is room, since
  /// what they hold then is in nobody's way at an end of the scratchpad.
  ///
  /// - Parameter operators: those that run when all wait, backwards.
  private func sequence(of others: [Waiting], after operators: [Int], _ size: Int) -> [Waiting] {
    var place: [Int: Int] = [:]
    for (index, op) in operators.enumerated() { place[op] = index }
    let places = others.map { $0.last.flatMap { place[$0] } ?? -1 }
    var left = others.indices.sorted { (places[$0], $0) < (places[$1], $1) }
    var result: [Int] = []
    var held = 0
    // One that descends less than another never has to come before it, so that what goes first is enough to know.
    func fits(_ index: Int) -> Bool {
      var held = held + others[index].valley
      if size + held - others[index].valley + others[index].hill > capacity { return false }
      let rest = left.filter { $0 != index }.sorted {
        (others[$0].descent, $1) > (others[$1].descent, $0)
      }
      for next in rest {
        if size + held + others[next].hill > capacity { return false }
        held += others[next].valley
      }
      return true
    }
    while !left.isEmpty {
      let next = left.first(where: fits) ?? left[0]
      left.removeAll { $0 == next }
      held += others[next].valley
      result.append(next)
    }
    return result.map { others[$0] }
  }
}
