import SpadixMIP
import SpadixSupport

/// The cheapest groups of a tensor's many readers, a part of the tree each, where nothing else is in these parts.
///
/// A reader that can wait with nothing but the tensor in the scratchpad is in nobody's way, whatever else a group has: at what
/// that costs it is out of the question (`spare`). Of the others, no group may cost less than the prices of its readers
/// together, so that all prices are what any groups cost at least. The best prices are those of a linear program, to which
/// groups that are too cheap come one after the other (column generation); of these, the cheapest that have each reader
/// once are chosen.
struct ReaderGroups {
  typealias State = SharedTreeCuts.State

  struct Reader {
    var footprint: Int
    /// What it costs as a group by itself.
    var alone: State
    /// As the first one of a group, backwards, and as another one.
    var first: [State]
    var paused: [State]
    /// The cheapest way to wait with nothing.
    var spare: State?
  }

  /// Prices are counted in such parts of a byte.
  private static let scale = 16
  private static let rounds = 400
  /// Groups that come to the program in a round, and of these with the same reader.
  private static let groupsOfRound = 40
  private static let groupsOfReader = 4
  private static let widths = [64, 256]
  /// Rounds for the readers that are left, once some groups are chosen.
  private static let roundsOfRest = 6
  private static let nodes = 20_000
  /// Of the steps, the part that is left for a bound when groups are still found.
  private static let shareOfBound = 2

  /// What the groups cost at least, and those found.
  private(set) var bound = 0
  private(set) var groups: [State] = []
  private(set) var effort = 0

  private let readers: [Reader]
  private let bytes: Int
  private let cancellation: Cancellation?
  private var search: ReaderGroupSearch
  private var known: [Group] = []
  /// Groups that are chosen, what they cost, and how many may cost less.
  private var chosen: [Group] = []
  private var cost: Int
  private var mostGroups: Int
  private var isKnown: Set<UInt64> = []

  struct Group {
    var members: UInt64
    var state: State
  }

  /// - Parameters:
  ///   - size: of the tensor.
  ///   - bytes: what each group but one costs beside what it cuts.
  ///   - store: what more than one group cost besides.
  ///   - cancellation: after it, there is no bound, and each reader is a group.
  init(
    _ all: [Reader], size: Int, bytes: Int, store: Int, capacity: Int, effortLimit: Int, cancellation: Cancellation?
  ) {
    // Those in nobody's way at their lowest cost come to any group.
    let ready = all.map(Self.withSpare)
    let isFree = ready.map { reader in reader.spare.map { $0.cost <= reader.alone.cost } ?? false }
    // Those with the fewest states first, so that sums of them stay few for long.
    readers = ready.indices.filter { !isFree[$0] }.sorted {
      (ready[$0].first.count + ready[$0].paused.count, $0) < (ready[$1].first.count + ready[$1].paused.count, $1)
    }.map { ready[$0] }
    cost = readers.reduce(1) { $0 + $1.alone.cost + bytes }
    mostGroups = readers.count
    self.bytes = bytes
    self.cancellation = cancellation
    search = ReaderGroupSearch(
      readers, size: size, bytes: bytes, capacity: capacity, scale: Self.scale, cancellation: cancellation)
    for (number, reader) in readers.enumerated() { add(Group(members: 1 << UInt64(number), state: reader.alone)) }
    let free = ready.indices.filter { isFree[$0] }.map { ready[$0] }
    // First without a bound, since few groups can cost less than what is found then.
    _ = findGroups(effortLimit, bounds: false)
    completeGroups()
    choose()
    let least = leastCost(effortLimit)
    if isCancelled {
      groups = all.map(\.alone)
    } else {
      // One group, or at least two.
      let more = readers.isEmpty ? 0 : search.oneGroup(below: max(least - bytes, bytes) + store)
      bound = free.reduce(more) { $0 + ($1.spare?.cost ?? 0) }
      complete(with: free)
    }
    effort = search.effort
  }

  private var isCancelled: Bool { cancellation?.isCancelled == true }

  /// Without what is of no use beside its cheapest way to wait with nothing.
  private static func withSpare(_ reader: Reader) -> Reader {
    var result = reader
    let free = reader.paused.filter { $0.profile.rest == 0 }
    result.spare = free.min { $0.cost < $1.cost }
    result.spare?.others = TreeProfile()
    result.paused.removeAll { $0.profile.rest == 0 || $0.cost >= result.spare?.cost ?? Int.max }
    return result
  }

  private mutating func add(_ group: Group) {
    if isKnown.insert(group.members).inserted { known.append(group) }
  }

  /// Groups that are cheaper than prices; what at least two of them cost at least.
  private mutating func findGroups(_ effortLimit: Int, bounds: Bool) -> Int {
    // At first any groups that are too cheap; where few states find none, more do; in the end all that matter.
    var stage = 0
    var dearFirst = false
    var highest = 0
    let stages = Self.widths.count + (bounds ? 1 : 0)
    for _ in 0..<Self.rounds where search.effort < effortLimit && stage < stages && !isCancelled {
      guard let prices = prices(of: everyone) else { break }
      var cheap: [ReaderGroupSearch.Partial] = []
      if stage < Self.widths.count {
        cheap = search.groups(cheaperThan: prices, width: Self.widths[stage], dearFirst: dearFirst)
      } else {
        cheap =
          search.allGroups(cheaperThan: prices, effortLimit: (effortLimit - search.effort) / Self.shareOfBound)
          ?? search.groups(cheaperThan: prices, width: nil)
        let reduced = cheap.reduce(0) { min($0, $1.reduced) }
        highest = max(highest, (prices.total + mostGroups * reduced + Self.scale - 1) / Self.scale)
      }
      if take(cheap) {
        (stage, dearFirst) = (0, false)
      } else {
        stage += dearFirst || stage == Self.widths.count ? 1 : 0
        dearFirst = !dearFirst && stage < Self.widths.count
      }
    }
    return isCancelled ? 0 : highest
  }

  /// What at least two groups cost at least; those chosen cost less than any that are too many.
  private mutating func leastCost(_ effortLimit: Int) -> Int {
    if readers.isEmpty { return 0 }
    mostGroups = bytes == 0 ? readers.count : min(readers.count, (cost - 1) / bytes)
    if mostGroups < 2 { return cost }
    let least = findGroups(effortLimit, bounds: true)
    choose()
    return min(cost, least)
  }

  private var everyone: UInt64 { readers.count == 64 ? UInt64.max : 1 << UInt64(readers.count) - 1 }

  /// The cheapest of some groups, not too many with the same reader; false where none is new.
  private mutating func take(_ cheap: [ReaderGroupSearch.Partial]) -> Bool {
    let before = known.count
    var count = [Int](repeating: 0, count: readers.count)
    for group in cheap where group.isGroup && known.count < before + Self.groupsOfRound {
      let members = readers.indices.filter { group.members >> UInt64($0) & 1 == 1 }
      if members.allSatisfy({ count[$0] >= Self.groupsOfReader }) { continue }
      for member in members { count[member] += 1 }
      add(Group(members: group.members, state: group.state))
    }
    return known.count > before
  }

  /// The largest sum of prices that are no higher than any known group of some readers.
  private func prices(of some: UInt64) -> ReaderGroupSearch.Prices? {
    var model = Model(name: "prices of readers")
    let numbers = readers.indices.filter { some >> UInt64($0) & 1 == 1 }
    let columns = numbers.map { number in
      model.addColumn(
        "price_\(number)", .continuous, upper: readers[number].spare.map { Self.scale * $0.cost }, cost: -1)
    }
    // Of all there are at least two, and no more than can cost less than what is known.
    let isAll = some == everyone
    let two = model.addColumn("two", .continuous, upper: isAll ? nil : 0, cost: -2)
    let many = model.addColumn("many", .continuous, upper: isAll ? Self.scale * cost : 0, cost: mostGroups)
    for (number, group) in known.enumerated() where group.members & ~some == 0 {
      var terms = [Model.Term(1, two), Model.Term(-1, many)]
      for (place, reader) in numbers.enumerated() where group.members >> UInt64(reader) & 1 == 1 {
        terms.append(Model.Term(1, columns[place]))
      }
      model.addRow("group_\(number)", terms, upper: Self.scale * (group.state.cost + bytes))
    }
    guard let relaxation = GLPKSolver(nodeLimit: 1, cancellation: cancellation).relaxation(model) else { return nil }
    let rounded = relaxation.values.map { max(0, Int($0)) }
    let (least, most) = (rounded[numbers.count], rounded[numbers.count + 1])
    var prices = ReaderGroupSearch.Prices(
      readers: [Int?](repeating: nil, count: readers.count), group: least - most,
      total: 2 * least - mostGroups * most)
    for (place, reader) in numbers.enumerated() {
      prices.readers[reader] = rounded[place]
      prices.total += rounded[place]
    }
    return prices
  }

  // MARK: - The choice

  /// Chooses the group that the relaxation has most of, and looks for groups of those that are left, until none is.
  private mutating func completeGroups() {
    var left = everyone
    while left != 0, !isCancelled {
      for _ in 0..<Self.roundsOfRest {
        guard let prices = prices(of: left) else { return }
        if !take(search.groups(cheaperThan: prices, width: Self.widths[0])) { break }
      }
      let (model, columns) = choice(of: left)
      guard let relaxation = GLPKSolver(nodeLimit: 1, cancellation: cancellation).relaxation(model) else { return }
      let most = columns.indices.max { (relaxation.values[$0], $1) < (relaxation.values[$1], $0) }
      guard let most, relaxation.values[most] > 0.001 else { return }
      left &= ~known[columns[most]].members
    }
  }

  /// Known groups of some readers that have each of them once; the first columns are the groups with these numbers.
  private func choice(of some: UInt64) -> (Model, [Int]) {
    var model = Model(name: "groups of readers")
    let numbers = known.indices.filter { known[$0].members & ~some == 0 }
    let columns = numbers.map { model.addColumn("group_\($0)", .binary, cost: known[$0].state.cost + bytes) }
    for (number, reader) in readers.enumerated() where some >> UInt64(number) & 1 == 1 {
      var terms = numbers.indices.filter { known[numbers[$0]].members >> UInt64(number) & 1 == 1 }
        .map { Model.Term(1, columns[$0]) }
      if let spare = reader.spare {
        terms.append(Model.Term(1, model.addColumn("spare_\(number)", .binary, cost: spare.cost)))
      }
      model.addRow("reader_\(number)", terms, lower: 1, upper: 1)
    }
    // In one of them is what is in nobody's way.
    if some == everyone { model.addRow("one", columns.map { Model.Term(1, $0) }, lower: 1) }
    return (model, numbers)
  }

  /// The cheapest known groups that have each reader once.
  private mutating func choose() {
    if readers.isEmpty { return }
    let (model, columns) = choice(of: everyone)
    let result = GLPKSolver(nodeLimit: Self.nodes, cancellation: cancellation).solve(model)
    guard let objective = result.objective, objective < cost else { return }
    cost = objective
    chosen = columns.indices.filter { result.values[$0] == 1 }.map { known[columns[$0]] }
  }

  /// Gives the readers that are in no group to the first one.
  private mutating func complete(with free: [Reader]) {
    let members = chosen.reduce(0) { $0 | $1.members }
    var spare = free + readers.indices.filter { members >> UInt64($0) & 1 == 0 }.map { readers[$0] }
    groups = chosen.map(\.state)
    if groups.isEmpty, let last = spare.popLast() { groups = [last.alone] }
    for reader in spare {
      // Without a choice each is a group by itself.
      guard let state = reader.spare else {
        groups.append(reader.alone)
        continue
      }
      groups[0].cost += state.cost
      groups[0].choices += state.choices
    }
  }
}
