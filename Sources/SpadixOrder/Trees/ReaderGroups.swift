import SpadixMIP
import SpadixSupport

/// The cheapest groups of a tensor's many readers, a part of the tree each, where nothing else is in these parts.
///
/// No group may cost less than the prices of its readers together, so that all prices are what any groups cost at least.
/// The best prices are those of a linear program, to which groups that are too cheap come one after the other (column
/// generation); of these, the cheapest that have each reader once are chosen.
struct ReaderGroups {
  typealias State = SharedTreeCuts.State

  struct Reader {
    var footprint: Int
    /// What it costs as a group by itself.
    var alone: State
    /// As the first one of a group, backwards, and as another one.
    var first: [State]
    var paused: [State]
  }

  /// Prices are counted in such parts of a byte.
  private static let scale = 16
  private static let rounds = 150
  /// Groups that come to the program in a round.
  private static let groupsOfRound = 24
  private static let widths = [64, 256, 1_000]
  private static let mostStates = 4_000
  private static let mostUnits = 512
  private static let nodes = 20_000

  /// What the groups cost at least, and those found.
  private(set) var bound = 0
  private(set) var groups: [State] = []
  private(set) var effort = 0

  private let readers: [Reader]
  private let size: Int
  private let bytes: Int
  private let capacity: Int
  private let mostHeld: Int
  private let unit: Int
  private let cancellation: Cancellation?
  private var known: [Group] = []
  private var isKnown: Set<UInt64> = []

  private struct Group {
    var members: UInt64
    var state: State
  }

  private struct Partial {
    var state: State
    /// The cost less the prices, scaled.
    var reduced: Int
    var members: UInt64 = 0
    /// Of the reader that is the first one.
    var footprint: Int?
    /// What others hold at least while the last of them runs its first hill.
    var held = 0
    /// Whether there is such a group; otherwise only nothing is cheaper.
    var isGroup = true
  }

  /// - Parameters:
  ///   - size: of the tensor.
  ///   - bytes: what each group but one costs beside what it cuts.
  ///   - store: what more than one group cost besides.
  ///   - cancellation: after it, there is no bound, and each reader is a group.
  init(
    _ readers: [Reader], size: Int, bytes: Int, store: Int, capacity: Int, effortLimit: Int, cancellation: Cancellation?
  ) {
    // One that holds nothing while it waits may go on last, beside the tensor alone, and is in nobody's way.
    self.readers = readers.map { reader in
      var result = reader
      for index in result.paused.indices where result.paused[index].profile.rest == 0 {
        result.paused[index].others = TreeProfile()
      }
      // So that to wait anywhere else for no less is of no use.
      let free = result.paused.filter { $0.profile.rest == 0 }
      result.paused.removeAll { state in
        state.profile.rest > 0 && free.contains { $0.isNoWorse(than: state) }
      }
      return result
    }
    self.size = size
    self.bytes = bytes
    self.cancellation = cancellation
    self.capacity = capacity
    // The last one to run its first hill does so beside what all others hold.
    let hills = self.readers.flatMap(\.paused).filter { $0.profile.rest > 0 }.map { $0.profile.peak - Self.held($0) }
    mostHeld = max(0, capacity - (hills.min() ?? capacity))
    unit = 1 + mostHeld / Self.mostUnits
    for (number, reader) in readers.enumerated() { add(Group(members: 1 << UInt64(number), state: reader.alone)) }
    // At first any groups that are too cheap; where few states find none, more do; in the end all that matter.
    var stage = 0
    var least = 0
    for _ in 0..<Self.rounds where effort < effortLimit && stage <= Self.widths.count {
      guard let prices = prices() else { break }
      let width = stage < Self.widths.count ? Self.widths[stage] : nil
      let cheap = cheapGroups(prices, width: width)
      if isCancelled { break }
      if width == nil {
        let reduced = cheap.reduce(0) { min($0, $1.reduced) }
        least = max(least, (prices.reduce(0, +) + readers.count * reduced + Self.scale - 1) / Self.scale)
      }
      let before = known.count
      for group in cheap.filter(\.isGroup).prefix(Self.groupsOfRound) {
        add(Group(members: group.members, state: group.state))
      }
      if known.count == before { stage += 1 }
    }
    // One group, or at least two.
    if least > 0, !isCancelled { bound = oneGroup(below: max(least - bytes, bytes) + store) }
    if isCancelled {
      bound = 0
      groups = readers.map(\.alone)
    } else {
      choose()
    }
  }

  private var isCancelled: Bool { cancellation?.isCancelled == true }

  /// What all readers cost as one group, as far as it is below a limit.
  private mutating func oneGroup(below limit: Int) -> Int {
    let all = groups(
      Partial(state: State(cost: 0), reduced: -Self.scale * limit), [Int](repeating: 0, count: readers.count),
      width: nil, isWhole: true)
    return all.reduce(limit) { min($0, $1.state.cost) }
  }

  private mutating func add(_ group: Group) {
    if isKnown.insert(group.members).inserted { known.append(group) }
  }

  /// The largest sum of prices that are no higher than any known group.
  private func prices() -> [Int]? {
    var model = Model(name: "prices of readers")
    let columns = readers.indices.map { model.addColumn("price_\($0)", .continuous, cost: -1) }
    for (number, group) in known.enumerated() {
      let terms = readers.indices.filter { group.members >> UInt64($0) & 1 == 1 }.map { Model.Term(1, columns[$0]) }
      model.addRow("group_\(number)", terms, upper: Self.scale * (group.state.cost + bytes))
    }
    guard let relaxation = GLPKSolver(nodeLimit: 1, cancellation: cancellation).relaxation(model) else { return nil }
    return relaxation.values.map { max(0, Int($0)) }
  }

  /// Groups that cost less than their prices, the cheapest first.
  ///
  /// - Parameter width: states that are looked at; nil for all that matter.
  private mutating func cheapGroups(_ prices: [Int], width: Int?) -> [Partial] {
    groups(
      Partial(state: State(cost: 0), reduced: Self.scale * bytes), prices, width: width, isWhole: false)
  }

  /// - Parameter isWhole: only groups of all readers.
  private mutating func groups(_ start: Partial, _ prices: [Int], width: Int?, isWhole: Bool) -> [Partial] {
    func reduced(_ state: State, _ number: Int) -> Int { Self.scale * state.cost - prices[number] }
    let toCome = toCome(reduced, isWhole: isWhole)
    var partial = [start]
    for (number, reader) in readers.enumerated() where !isCancelled {
      var next: [Partial] = []
      func add(_ one: Partial, _ state: State, _ footprint: Int?, held: Int) {
        let sum = one.reduced + reduced(state, number)
        if held > mostHeld || sum + toCome[footprint == nil ? 0 : 1][number + 1][held / unit] >= 0 { return }
        effort += 200
        let others = one.state.others.beside(state.others)
        if size + others.peak > capacity || (footprint ?? 0) + others.rest > capacity { return }
        let profile = one.state.profile.beside(state.profile)
        if profile.peak > capacity { return }
        next.append(
          Partial(
            state: State(
              cost: one.state.cost + state.cost, profile: profile, others: others,
              choices: one.state.choices + state.choices),
            reduced: sum, members: one.members | 1 << UInt64(number), footprint: footprint, held: held,
            isGroup: one.isGroup))
      }
      for one in partial {
        let others = toCome[one.footprint == nil ? 0 : 1][number + 1][one.held / unit]
        if !isWhole, one.reduced + others < 0 { next.append(one) }
        if one.footprint == nil { for state in reader.first { add(one, state, reader.footprint, held: one.held) } }
        for state in reader.paused { add(one, state, one.footprint, held: one.held + Self.held(state)) }
      }
      // Never one that has its first reader with one that has not.
      partial = [true, false].flatMap { hasFirst in
        undominated(next.filter { ($0.footprint != nil) == hasFirst }, width: width)
      }
    }
    return partial.filter { $0.footprint != nil }.sorted { $0.reduced < $1.reduced }
  }

  /// What a reader that waits holds at least, once it is above its first hill.
  private static func held(_ state: State) -> Int { state.profile.segments.first?.valley ?? 0 }

  /// What readers to come lower the cost by at most: by whether there is a first one, the next reader, and what is held,
  /// in units. Each has a first one in the end.
  private func toCome(_ reduced: (State, Int) -> Int, isWhole: Bool) -> [[[Int]]] {
    let slots = mostHeld / unit + 1
    let never = 1 << 50
    var rows = [
      [[Int]](repeating: [Int](repeating: never, count: slots), count: readers.count + 1),
      [[Int]](repeating: [Int](repeating: 0, count: slots), count: readers.count + 1),
    ]
    for number in readers.indices.reversed() {
      let first = readers[number].first.reduce(never) { min($0, reduced($1, number)) }
      // Rounded down, so that at least as many fit.
      let paused = readers[number].paused.map { (held: Self.held($0) / unit, reduced: reduced($0, number)) }
      for hasFirst in 0...1 {
        for held in 0..<slots {
          var least = isWhole ? never : rows[hasFirst][number + 1][held]
          if hasFirst == 0 { least = min(least, first + rows[1][number + 1][held]) }
          for state in paused where held + state.held < slots {
            least = min(least, state.reduced + rows[hasFirst][number + 1][held + state.held])
          }
          rows[hasFirst][number][held] = least
        }
      }
    }
    return rows
  }

  private mutating func undominated(_ all: [Partial], width: Int?) -> [Partial] {
    let sorted = all.indices.sorted { (all[$0].reduced, $0) < (all[$1].reduced, $1) }
    var result: [Partial] = []
    for index in sorted {
      let one = all[index]
      effort += 30 * result.count
      let isDominated = result.contains { other in
        (other.footprint ?? 0) <= (one.footprint ?? 0) && other.state.profile.isNoWorse(than: one.state.profile)
          && other.state.others.isNoWorse(than: one.state.others)
      }
      if isDominated { continue }
      result.append(one)
      if result.count == width { return result }
    }
    if result.count <= Self.mostStates { return result }
    // Each few neighbours become what is no worse than all of them, and no group.
    return result.neighbours(inParts: Self.mostStates).map { few in
      few.dropFirst().reduce(into: few[few.startIndex]) { kept, one in
        kept.isGroup = false
        kept.held = min(kept.held, one.held)
        kept.state.profile = kept.state.profile.relaxed(with: one.state.profile)
        kept.state.others = kept.state.others.relaxed(with: one.state.others)
        if let footprint = one.footprint { kept.footprint = min(footprint, kept.footprint ?? footprint) }
      }
    }
  }

  /// The cheapest known groups that have each reader once.
  private mutating func choose() {
    var model = Model(name: "groups of readers")
    let columns = known.indices.map { model.addColumn("group_\($0)", .binary, cost: known[$0].state.cost + bytes) }
    for number in readers.indices {
      let having = known.indices.filter { known[$0].members >> UInt64(number) & 1 == 1 }
      let terms = having.map { Model.Term(1, columns[$0]) }
      model.addRow("reader_\(number)", terms, lower: 1, upper: 1)
    }
    let result = GLPKSolver(nodeLimit: Self.nodes, cancellation: cancellation).solve(model)
    groups = readers.map(\.alone)
    if !result.values.isEmpty { groups = known.indices.filter { result.values[$0] == 1 }.map { known[$0].state } }
  }
}
