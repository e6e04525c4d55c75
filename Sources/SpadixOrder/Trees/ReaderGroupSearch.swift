import SpadixSupport

/// Groups of a tensor's readers that cost less than prices, from reader to reader.
///
/// Backwards, when the last one of a group runs its first hill, all others hold something beside it; and forwards, when the last one
/// goes until it waits, the others wait beside it and the tensor. What all hold and the least that one of them descends are
/// known before the profiles are, and leave out most groups.
struct ReaderGroupSearch {
  typealias State = ReaderGroups.State
  typealias Reader = ReaderGroups.Reader

  /// What a group may cost: by its readers, nil for those that may not be in it, and for any.
  struct Prices {
    var readers: [Int?]
    var group: Int
    /// What groups that have each reader once cost, where none is cheaper than its prices.
    var total = 0
  }

  /// What all of a group hold at least when the last of them has run its first hill, and the least that one descends from there.
  struct Held {
    var sum = 0
    var descent = Int.max

    /// Of readers to come the least descent is known.
    func left(_ capacity: Int, toCome: Int) -> Int {
      let least = min(descent, toCome)
      return least == Int.max ? 0 : capacity - least - sum
    }

    func with(_ other: Held) -> Held { Held(sum: sum + other.sum, descent: min(descent, other.descent)) }

    func relaxed(with other: Held) -> Held {
      Held(sum: min(sum, other.sum), descent: min(descent, other.descent))
    }
  }

  struct Partial {
    var state: State
    /// The cost less the prices, scaled.
    var reduced: Int
    var members: UInt64 = 0
    /// Of the reader that is the first one.
    var footprint: Int?
    var backwards = Held()
    var forwards = Held()
    /// Whether there is such a group; otherwise only nothing is cheaper.
    var isGroup = true
  }

  private static let mostStates = 1_000

  private(set) var effort = 0

  private let readers: [Reader]
  private let size: Int
  private let bytes: Int
  private let capacity: Int
  private let scale: Int
  private let cancellation: Cancellation?

  /// - Parameters:
  ///   - bytes: what a group costs beside what it cuts.
  ///   - scale: parts of a byte in which prices are counted.
  init(_ readers: [Reader], size: Int, bytes: Int, capacity: Int, scale: Int, cancellation: Cancellation?) {
    self.readers = readers
    self.size = size
    self.bytes = bytes
    self.capacity = capacity
    self.scale = scale
    self.cancellation = cancellation
  }

  /// Groups that cost less than their prices, the cheapest first.
  ///
  /// - Parameters:
  ///   - width: states that are looked at; nil for all that matter.
  ///   - dearFirst: begins with the readers of the highest prices.
  mutating func groups(cheaperThan prices: Prices, width: Int?, dearFirst: Bool = false) -> [Partial] {
    var sequence = readers.indices.filter { prices.readers[$0] != nil }
    if dearFirst { sequence.sort { (prices.readers[$0] ?? 0, $1) > (prices.readers[$1] ?? 0, $0) } }
    return groups(start(prices), pricing(sequence, prices.readers.map { $0 ?? 0 }, mayLeave: true), width)
  }

  /// All groups that cost less than their prices, the cheapest first; nil where that takes too long.
  mutating func allGroups(cheaperThan prices: Prices, effortLimit: Int) -> [Partial]? {
    let sequence = readers.indices.filter { prices.readers[$0] != nil }
    let pricing = pricing(sequence, prices.readers.map { $0 ?? 0 }, mayLeave: true)
    var found: [Partial] = []
    var open = [(one: start(prices), next: 0)]
    let end = effort + effortLimit
    while let (one, next) = open.popLast() {
      if effort > end || cancellation?.isCancelled == true { return nil }
      if one.footprint != nil, one.reduced < 0 { found.append(one) }
      for place in next..<max(next, sequence.count) {
        extend(one, place, pricing) { open.append(($0, place + 1)) }
        if pricing.isDear(one, after: place) { break }
      }
    }
    return found.sorted { $0.reduced < $1.reduced }
  }

  /// What all readers cost as one group, as far as it is below a limit; those with a spare way to wait may take that.
  mutating func oneGroup(below limit: Int) -> Int {
    let spare = readers.map { $0.spare.map(\.cost) }
    let start = Partial(state: State(cost: 0), reduced: scale * (spare.reduce(0) { $0 + ($1 ?? 0) } - limit))
    let prices = spare.map { scale * ($0 ?? 0) }
    let all = groups(start, pricing(Array(readers.indices), prices, mayLeave: false), nil)
    return all.reduce(limit) { min($0, limit + $1.reduced / scale) }
  }

  private func start(_ prices: Prices) -> Partial {
    Partial(state: State(cost: 0), reduced: scale * bytes - prices.group)
  }

  /// What the readers of a group may cost, from the first to the last place, and what those to come are good for.
  private struct Pricing {
    var sequence: [Int]
    var prices: [Int]
    var mayLeave: [Bool]
    var backwards: ReadersToCome
    var forwards: ReadersToCome

    /// Whether nothing that a group may become is cheaper than its prices.
    func isDear(_ one: Partial, after place: Int) -> Bool {
      let hasFirst = one.footprint != nil
      return one.reduced + backwards.least(after: place, hasFirst, one.backwards) >= 0
        || one.reduced + forwards.least(after: place, hasFirst, one.forwards) >= 0
    }
  }

  /// - Parameters:
  ///   - sequence: the readers that may be in a group.
  ///   - mayLeave: whether those that cannot wait with nothing may be left out, too.
  private func pricing(_ sequence: [Int], _ prices: [Int], mayLeave: Bool) -> Pricing {
    let mayLeave = sequence.map { mayLeave || readers[$0].spare != nil }
    func toCome(_ held: (State) -> Held, _ capacity: Int) -> ReadersToCome {
      ReadersToCome(
        sequence.map { options(readers[$0], prices[$0], held) }, mayLeave: mayLeave, capacity: capacity)
    }
    return Pricing(
      sequence: sequence, prices: prices, mayLeave: mayLeave, backwards: toCome(Self.backwards, capacity),
      forwards: toCome(Self.forwards, capacity - size))
  }

  /// A group with the reader of one more place, in each way that fits and may be cheap.
  private mutating func extend(_ one: Partial, _ place: Int, _ pricing: Pricing, _ take: (Partial) -> Void) {
    let number = pricing.sequence[place]
    func add(_ state: State, _ footprint: Int?) {
      effort += 20
      var other = one
      other.reduced += scale * state.cost - pricing.prices[number]
      other.footprint = footprint
      other.backwards = one.backwards.with(Self.backwards(state))
      other.forwards = one.forwards.with(Self.forwards(state))
      if pricing.isDear(other, after: place) { return }
      effort += 180
      let others = one.state.others.beside(state.others)
      if size + others.peak > capacity || (footprint ?? 0) + others.rest > capacity { return }
      let profile = one.state.profile.beside(state.profile)
      if profile.peak > capacity { return }
      other.members |= 1 << UInt64(number)
      other.state = State(
        cost: one.state.cost + state.cost, profile: profile, others: others,
        choices: one.state.choices + state.choices)
      take(other)
    }
    if one.footprint == nil { for state in readers[number].first { add(state, readers[number].footprint) } }
    for state in readers[number].paused { add(state, one.footprint) }
  }

  /// Cheap groups from place to place, in so many states.
  private mutating func groups(_ start: Partial, _ pricing: Pricing, _ width: Int?) -> [Partial] {
    var partial = [start]
    for place in pricing.sequence.indices where cancellation?.isCancelled != true {
      var next: [Partial] = []
      for one in partial {
        if pricing.mayLeave[place], !pricing.isDear(one, after: place) { next.append(one) }
        extend(one, place, pricing) { next.append($0) }
      }
      // Never one that has its first reader with one that has not.
      partial = [true, false].flatMap { hasFirst in
        undominated(next.filter { ($0.footprint != nil) == hasFirst }, width: width)
      }
    }
    return partial.filter { $0.footprint != nil }.sorted { $0.reduced < $1.reduced }
  }

  private static func backwards(_ state: State) -> Held { held(state.profile) }

  private static func forwards(_ state: State) -> Held { held(state.others) }

  private static func held(_ profile: TreeProfile) -> Held {
    profile.segments.first.map { Held(sum: $0.valley, descent: $0.hill - $0.valley) } ?? Held()
  }

  private func options(_ reader: Reader, _ price: Int, _ held: (State) -> Held) -> ReadersToCome.Options {
    func options(_ states: [State]) -> [ReadersToCome.Option] {
      states.map { ReadersToCome.Option(held: held($0), reduced: scale * $0.cost - price) }
    }
    return ReadersToCome.Options(first: options(reader.first), paused: options(reader.paused))
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
        kept.backwards = kept.backwards.relaxed(with: one.backwards)
        kept.forwards = kept.forwards.relaxed(with: one.forwards)
        kept.state.profile = kept.state.profile.relaxed(with: one.state.profile)
        kept.state.others = kept.state.others.relaxed(with: one.state.others)
        if let footprint = one.footprint { kept.footprint = min(footprint, kept.footprint ?? footprint) }
      }
    }
  }
}
