import SpadixSupport

/// A bound from prices for being outside the scratchpad, for every way through the ideals of a small block: a Lagrangian
/// relaxation, whose multipliers the subgradient method finds.
///
/// A tensor that is live but outside beside an operator is fetched at the end of that gap between two of its uses, and was
/// stored. The bytes of the fetch are shared out, as prices, among all operators that may run in the gap, and those of the
/// store among all that may run beside the tensor. So a schedule costs at least, for each operator, the least price of
/// tensors that make room beside it. That depends on what has run before and nothing else: the cheapest way through the
/// ideals bounds every schedule, and what it costs from an ideal on bounds the labels of the order search.
struct LagrangianBound {
  /// No schedule costs less.
  private(set) var total = 0

  private var index = IdealIndex()
  private var targetOfMove: [Int32] = []
  /// What the cheapest way from each ideal to the end costs when all live tensors are outside, which is paid for.
  private var costToGo: [Double] = []
  private var firstLive: [Int] = []
  /// For each live tensor of each ideal, prices that a schedule owes unless it has paid for the fetch, or the store.
  private var fetchPrices: [Double] = []
  private var storePrices: [Double] = []
  /// Costs are multiples of this.
  private let unit: Int

  /// Prices and their sums are as exact as this.
  private let margin: Double

  /// Of all bytes that may move, far more than rounding makes of sums of parts of them.
  private static let precision = 1e-11
  /// The step is shortened by this when so many iterations in a row brought nothing; then it was too long.
  private static let shortening = 0.7
  private static let patience = 10
  private static let shortestStep = 0.01

  /// Nil when there are more moves between ideals than the limit, or it was cancelled.
  ///
  /// - Parameters:
  ///   - cutoff: what the best schedule costs; a bound above says that there is no better one.
  ///   - effortLimit: elementary steps for all iterations.
  init?(
    _ core: ScheduleCore, capacity: Int, keys: [UInt64], cutoff: Int, moveLimit: Int, effortLimit: Int,
    cancellation: Cancellation?, effort: inout Int
  ) {
    unit = max(1, core.tensors.reduce(0) { greatestCommonDivisor($0, $1.bytes) })
    margin = Self.precision * core.tensors.reduce(0) { $0 + 2 * Double($1.bytes) * Double($1.touches.count) }
    guard
      let graph = IdealGraph(
        core, capacity: capacity, keys: keys, moveLimit: moveLimit, keepsLive: true, cancellation: cancellation,
        effort: &effort)
    else { return nil }
    var prices = Prices(core, graph)
    let end = effort + effortLimit
    var best = prices
    var least = -1.0
    var step = 1.0
    var sinceBest = 0
    var room = Room(most: core.tensors.count)
    while effort < end, step > Self.shortestStep {
      if cancellation?.isCancelled == true { return nil }
      let way = prices.cheapestWay(graph, &room)
      effort += prices.effortOfWay
      if way.cost > least {
        (least, best, sinceBest) = (way.cost, prices, 0)
        if bound(least) >= cutoff { break }
      } else {
        sinceBest += 1
        if sinceBest % Self.patience == 0 { step *= Self.shortening }
      }
      effort += prices.raise(along: way.moves, graph, by: step * (Double(cutoff) - way.cost), &room)
    }
    total = bound(least)
    index = graph.index
    targetOfMove = graph.moves.map(\.target)
    firstLive = graph.firstLive
    costToGo = best.costsToGo(graph, &room)
    (fetchPrices, storePrices) = best.owed(graph)
    for ideal in costToGo.indices {
      for live in firstLive[ideal]..<firstLive[ideal + 1] { costToGo[ideal] -= fetchPrices[live] }
    }
  }

  /// A cost in whole units that is no more than what was computed says.
  @inline(__always)
  private func bound(_ cost: Double) -> Int {
    let units = (cost - margin) / Double(unit)
    return units <= 0 ? 0 : Int(units.rounded(.up)) * unit
  }

  // MARK: - Looking up

  /// The ideal that an operator leads to, from that of so many operators with a key.
  func target(_ count: Int, key: UInt64, after op: Int) -> Int? {
    index.moves(of: index.ideal(count, key: key)).first { index.opOfMove[$0] == Int32(op) }.map {
      Int(targetOfMove[$0])
    }
  }

  /// What it costs to complete from an ideal, at least, when these of its live tensors are resident, the fetches of the
  /// others are paid, and these are stored that were not in DRAM from the start.
  @inline(__always)
  func cost<Positions: PositionSet>(from ideal: Int, resident: Positions, stored: Positions) -> Int {
    var cost = costToGo[ideal]
    let first = firstLive[ideal]
    resident.forEach { cost += fetchPrices[first + $0] }
    stored.forEach { cost -= storePrices[first + $0] }
    return bound(cost)
  }
}

/// Prices of tensors that are outside beside operators.
private struct Prices {
  /// A live tensor beside an operator that does not touch it, in one gap between its touches; its number is that of the price for
  /// the fetch.
  private struct Place {
    var size: Double
    var store: Int
  }

  private var places: [Place] = []
  /// Places beside the operator of each move, one after the other; none where everything fits.
  private var placesOfMove: [Int32] = []
  private var firstPlace: [Int] = []
  private let opOfMove: [Int32]

  /// What of the direction is left after each way: steps along a single way go to and fro.
  private static let smoothing = 0.95

  /// Price of a place for the fetch; those of one gap amount to the bytes of its tensor at most.
  private var fetchPrices: [Double] = []
  private var gaps = Shares()
  private var sumOfGap: [UInt64: Int] = [:]
  /// Price of a tensor beside an operator, for its store; those of one tensor amount to its bytes at most.
  private var storePrices: [Double] = []
  private var stores = Shares()
  private var sumOfStore: [Int?]
  /// Both.
  private var prices: [Double] = []
  /// How much of what each price is for was outside along the ways so far, the last ones most.
  private var fetchDirection: [Double] = []
  private var storeDirection: [Double] = []

  /// Elementary steps of one search for the cheapest way.
  private(set) var effortOfWay = 0

  /// What shares of something amount to at most, and which ones there are.
  private struct Shares {
    var most: [Double] = []
    var members: [[Int]] = []
    /// The sum that each share belongs to, and the operator that it is for.
    var sum: [Int] = []
    var op: [Int] = []

    /// The nearest shares that amount to no more: each loses the same, down to nothing.
    func limit(_ shares: inout [Double], of sum: Int) {
      var total = 0.0
      for share in members[sum] { total += shares[share] }
      if total <= most[sum] { return }
      var (loss, count) = (0.0, members[sum].count)
      while true {
        loss = (total - most[sum]) / Double(count)
        // Those that would lose more than they are lose what they are, and the others more.
        let before = count
        (total, count) = (0, 0)
        for share in members[sum] where shares[share] > loss {
          total += shares[share]
          count += 1
        }
        if count >= before || count == 0 { break }
      }
      for share in members[sum] { shares[share] = max(0, shares[share] - loss) }
    }
  }

  init(_ core: ScheduleCore, _ graph: IdealGraph) {
    opOfMove = graph.index.opOfMove
    var known: [UInt64: Int32] = [:]
    var storeOf: [UInt64: Int] = [:]
    sumOfStore = [Int?](repeating: nil, count: core.tensors.count)
    for ideal in 0..<graph.index.idealCount {
      for number in graph.index.moves(of: ideal) {
        firstPlace.append(placesOfMove.count)
        guard graph.moves[number].leastOutside > 0 else { continue }
        let op = Int(opOfMove[number])
        for live in graph.firstLive[ideal]..<graph.firstLive[ideal + 1] {
          let tensor = Int(graph.liveTensors[live])
          if core.operators[op].operands.contains(tensor) || core.tensors[tensor].size == 0 { continue }
          let gap = Self.gap(tensor, graph.touchesRun[live])
          let key = gap << 16 | UInt64(op)
          if let place = known[key] {
            placesOfMove.append(place)
            continue
          }
          let bytes = Double(core.tensors[tensor].bytes)
          let sum = sumOfGap[gap] ?? gaps.most.count
          if sum == gaps.most.count {
            sumOfGap[gap] = sum
            gaps.most.append(bytes)
            gaps.members.append([])
          }
          var store = -1
          if !core.tensors[tensor].isClean {
            let all = sumOfStore[tensor] ?? stores.most.count
            if all == stores.most.count {
              sumOfStore[tensor] = all
              stores.most.append(bytes)
              stores.members.append([])
            }
            let storeKey = UInt64(tensor) << 16 | UInt64(op)
            store = storeOf[storeKey] ?? stores.sum.count
            if store == stores.sum.count {
              storeOf[storeKey] = store
              stores.members[all].append(store)
              stores.sum.append(all)
              stores.op.append(op)
            }
          }
          let place = places.count
          known[key] = Int32(place)
          gaps.members[sum].append(place)
          gaps.sum.append(sum)
          gaps.op.append(op)
          places.append(Place(size: Double(core.tensors[tensor].size), store: store))
          placesOfMove.append(Int32(place))
        }
      }
    }
    firstPlace.append(placesOfMove.count)
    effortOfWay = 20 * graph.moves.count + 10 * placesOfMove.count
    fetchPrices = gaps.sum.map { gaps.most[$0] / Double(gaps.members[$0].count) }
    storePrices = stores.sum.map { stores.most[$0] / Double(stores.members[$0].count) }
    fetchDirection = [Double](repeating: 0, count: fetchPrices.count)
    storeDirection = [Double](repeating: 0, count: storePrices.count)
    add()
  }

  /// A number for a gap of a tensor; there are fewer than 2^16 operators, and so touches.
  private static func gap(_ tensor: Int, _ touchesRun: Int32) -> UInt64 { UInt64(tensor) << 16 | UInt64(touchesRun) }

  private mutating func add() {
    prices = zip(fetchPrices, places).map { $0 + ($1.store < 0 ? 0 : storePrices[$1.store]) }
  }

  /// What tensors that make room beside the operator of a move cost at least.
  ///
  /// They are taken as wholes as far as this: of the cheapest for their size, the last one that is needed leaves, and dearer
  /// ones of the others stay, in part; or it stays, and the next ones leave, the last in part.
  ///
  /// - Parameter visit: told places, and how much of them is outside.
  @inline(__always)
  private func price(
    _ number: Int, _ graph: IdealGraph, _ room: inout Room, visit: (_ place: Int, _ part: Double) -> Void = { _, _ in }
  ) -> Double {
    let least = Double(graph.moves[number].leastOutside)
    if least <= 0 { return 0 }
    room.removeAll()
    for entry in firstPlace[number]..<firstPlace[number + 1] {
      let place = Int(placesOfMove[entry])
      room.insert(place, size: places[place].size, price: prices[place])
    }
    return room.leastPrice(ofSize: least, visit)
  }

  /// The cheapest way through the ideals, and the moves that it takes.
  mutating func cheapestWay(_ graph: IdealGraph, _ room: inout Room) -> (cost: Double, moves: [Int]) {
    var cost = [Double](repeating: .infinity, count: graph.index.idealCount)
    var arrival = [Int32](repeating: -1, count: graph.index.idealCount)
    var source = [Int32](repeating: -1, count: graph.index.idealCount)
    cost[0] = 0
    for ideal in cost.indices {
      for number in graph.index.moves(of: ideal) {
        let target = Int(graph.moves[number].target)
        if cost[ideal] >= cost[target] { continue }
        let total = cost[ideal] + price(number, graph, &room)
        // Prices change little from way to way: the next one finds places in their order.
        if graph.moves[number].leastOutside > 0 { room.writePlaces(to: &placesOfMove, from: firstPlace[number]) }
        if total < cost[target] {
          (cost[target], arrival[target], source[target]) = (total, Int32(number), Int32(ideal))
        }
      }
    }
    var moves: [Int] = []
    var ideal = cost.count - 1
    while ideal > 0 {
      moves.append(Int(arrival[ideal]))
      ideal = Int(source[ideal])
    }
    return (cost[cost.count - 1], moves)
  }

  /// Raises the prices of what is outside along a way and the ones before, and lowers others where shares would be too large.
  ///
  /// - Parameter gain: by how much the way should become dearer.
  /// - Returns: elementary steps that it took.
  mutating func raise(along moves: [Int], _ graph: IdealGraph, by gain: Double, _ room: inout Room) -> Int {
    for index in fetchDirection.indices { fetchDirection[index] *= Self.smoothing }
    for index in storeDirection.indices { storeDirection[index] *= Self.smoothing }
    var outside: [(place: Int, part: Double)] = []
    for number in moves { _ = price(number, graph, &room) { outside.append(($0, $1)) } }
    for (place, part) in outside {
      fetchDirection[place] += (1 - Self.smoothing) * part
      if places[place].store >= 0 { storeDirection[places[place].store] += (1 - Self.smoothing) * part }
    }
    let effort = 100 * moves.count + 10 * (fetchPrices.count + storePrices.count)
    let norm = fetchDirection.reduce(0) { $0 + $1 * $1 } + storeDirection.reduce(0) { $0 + $1 * $1 }
    if norm == 0 { return effort }
    for index in fetchPrices.indices { fetchPrices[index] += gain / norm * fetchDirection[index] }
    for index in storePrices.indices { storePrices[index] += gain / norm * storeDirection[index] }
    for sum in gaps.most.indices { gaps.limit(&fetchPrices, of: sum) }
    for sum in stores.most.indices { stores.limit(&storePrices, of: sum) }
    add()
    return effort
  }

  /// What the cheapest way from each ideal to the end costs.
  func costsToGo(_ graph: IdealGraph, _ room: inout Room) -> [Double] {
    var cost = [Double](repeating: .infinity, count: graph.index.idealCount)
    cost[cost.count - 1] = 0
    for ideal in cost.indices.dropLast().reversed() {
      for number in graph.index.moves(of: ideal) {
        cost[ideal] = min(cost[ideal], cost[Int(graph.moves[number].target)] + price(number, graph, &room))
      }
    }
    return cost
  }

  /// For each live tensor of each ideal, the prices of its gap, and those for its store, beside operators that have not run.
  func owed(_ graph: IdealGraph) -> (fetch: [Double], store: [Double]) {
    var fetch = [Double](repeating: 0, count: graph.liveTensors.count)
    var store = fetch
    for ideal in 0..<graph.index.idealCount {
      for live in graph.firstLive[ideal]..<graph.firstLive[ideal + 1] {
        let tensor = Int(graph.liveTensors[live])
        if let sum = sumOfGap[Self.gap(tensor, graph.touchesRun[live])] {
          for share in gaps.members[sum] where !graph.hasRun(gaps.op[share], ideal) {
            fetch[live] += fetchPrices[share]
          }
        }
        if let sum = sumOfStore[tensor] {
          for share in stores.members[sum] where !graph.hasRun(stores.op[share], ideal) {
            store[live] += storePrices[share]
          }
        }
      }
    }
    return (fetch, store)
  }
}
