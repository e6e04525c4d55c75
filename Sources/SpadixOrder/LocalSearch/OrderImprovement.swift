import SpadixSupport

/// What an order costs.
protocol OrderEvaluation: AnyObject {
  /// Bytes moved; more than the limit, somehow, when it is exceeded.
  func cost(of order: [Int], limit: Int) -> Int
  /// Elementary steps so far, of about a nanosecond each.
  var effort: Int { get }
  /// Changes something else that the cost depends on, where there is such a thing.
  func vary(_ random: inout SplitMix64) -> Bool
  /// Takes the last variation back.
  func takeBack()
  /// Remembers the variations there are, and goes back to those.
  func remember()
  func restore()
}

extension OrderEvaluation {
  func vary(_ random: inout SplitMix64) -> Bool { false }
  func takeBack() {}
  func remember() {}
  func restore() {}
}

/// Improves an order by moving operators, together with what has to move with them, as long as residency by rule costs
/// less; and, where that is allowed, by running operators again.
///
/// Late acceptance hill climbing: a change is taken when it costs no more than the order did so many changes ago.
/// Integers and a fixed generator only, so that every machine finds the same order.
final class OrderImprovement {
  /// How operators may run again.
  struct Repeats {
    /// Runs beyond one of each operator.
    var limit = 0
    /// What each such run of an operator costs by itself.
    var prices: [Int] = []
    /// Whether first runs keep their order.
    var keepsOrder = false
  }

  private let core: ScheduleCore
  private let repeats: Repeats
  private let evaluation: any OrderEvaluation
  /// The same, where residency alone counts.
  private let residency: OrderCost?
  private let cancellation: Cancellation?
  @exclusivity(unchecked)
  private var isMoving: [Bool]
  @exclusivity(unchecked)
  private var random: SplitMix64
  @exclusivity(unchecked)
  private var effortOfMoves = 0

  /// Elementary steps, of about a nanosecond each.
  var effort: Int { effortOfMoves + evaluation.effort }

  /// - Parameter round: of another number, other changes are made: a run from where the last one began does not repeat it.
  init(
    _ core: ScheduleCore, capacity: Int, repeats: Repeats = Repeats(), round: Int = 0, cancellation: Cancellation?
  ) {
    random = SplitMix64(seed: Self.firstSeed &+ UInt64(round))
    self.core = core
    self.repeats = repeats
    self.cancellation = cancellation
    let cost = OrderCost(core, capacity: capacity, repeatPrices: repeats.prices)
    residency = cost
    evaluation = cost
    isMoving = [Bool](repeating: false, count: core.count)
  }

  /// For orders whose tensors have addresses.
  init(_ core: ScheduleCore, placed: PlacedCost, round: Int = 0, cancellation: Cancellation?) {
    random = SplitMix64(seed: Self.firstSeed &+ UInt64(round))
    self.core = core
    self.cancellation = cancellation
    repeats = Repeats()
    residency = nil
    evaluation = placed
    isMoving = [Bool](repeating: false, count: core.count)
  }

  func cost(of order: [Int], limit: Int = Int.max) -> Int { evaluation.cost(of: order, limit: limit) }

  func drops(of order: [Int]) -> [ResidencyModel.Gap] { residency?.drops(of: order) ?? [] }

  private static let firstSeed: UInt64 = 0x2545_F491_4F6C_DD1D
  /// Changes after which the cost of an order no longer counts: of the first round, and how it grows from round to round.
  private static let firstLength = 20
  private static let lengthening = 4
  private static let mostLength = 5_000
  /// A round ends when so many times its length brought nothing.
  private static let patience = 60
  /// One change of so many is to something else that the cost depends on, where there is such a thing.
  private static let changesPerVariation = 3
  /// An operator moves at most two to the power of this, in positions.
  private static let mostReach = 10
  /// At first a change may cost a part of what the further runs do.
  private static let shareOfRepeats = 2
  /// Producers of operands that run again one after the other, for the sake of one tensor.
  private static let deepestRepeat = 16
  /// Elementary steps after which the best order is told for the first time, and how many times as many pass until the
  /// next time.
  private static let firstTold = 20_000_000
  private static let nextTold = (5, 4)

  /// The best order found, and what residency by rule costs for it; that of the start at worst.
  ///
  /// - Parameter onTheWay: told an order that is better than the last one, now and then.
  func run(
    from order: [Int], effortLimit: Int, onTheWay: ((_ order: [Int], _ cost: Int) -> Void)? = nil
  ) -> (order: [Int], cost: Int) {
    var best = order
    var bestCost = cost(of: order)
    let start = effort
    let end = start + effortLimit
    var toldCost = bestCost
    var nextTold = start + Self.firstTold
    func tell() {
      guard bestCost < toldCost, effort >= nextTold else { return }
      onTheWay?(best, bestCost)
      toldCost = bestCost
      nextTold = start + max(Self.firstTold, (effort - start) / Self.nextTold.1 * Self.nextTold.0)
    }
    evaluation.remember()
    var length = Self.firstLength
    while bestCost > 0, effort < end, cancellation?.isCancelled != true {
      // Each round starts from the best order and accepts worse ones for longer than the round before.
      var current = best
      evaluation.restore()
      var currentCost = bestCost
      // Runs have prices of their own, so that hardly any change leaves the cost as it is.
      var history = [Int](repeating: bestCost + priceOfRepeats(best) / Self.shareOfRepeats, count: length)
      var sinceImprovement = 0
      var number = 0
      while bestCost > 0, sinceImprovement < Self.patience * length, effort < end {
        if number & 63 == 0 {
          if cancellation?.isCancelled == true { break }
          // A plan with addresses is told with what was varied last, so only when it is the best.
          if residency != nil { tell() }
        }
        let isVaried = number % Self.changesPerVariation == 0 && evaluation.vary(&random)
        guard let candidate = isVaried ? current : changed(current) else {
          effortOfMoves += 50
          sinceImprovement += 1
          number += 1
          continue
        }
        let late = history[number % length]
        let limit = max(late, currentCost)
        let candidateCost = cost(of: candidate, limit: limit)
        sinceImprovement += 1
        if candidateCost <= limit {
          current = candidate
          currentCost = candidateCost
          if candidateCost < bestCost {
            best = candidate
            bestCost = candidateCost
            sinceImprovement = 0
            evaluation.remember()
            tell()
          } else if candidateCost == bestCost, candidate.count < best.count {
            // Runs that bring nothing.
            best = candidate
          }
        } else if isVaried {
          evaluation.takeBack()
        }
        history[number % length] = min(late, currentCost)
        number += 1
      }
      length = min(length * Self.lengthening, Self.mostLength)
    }
    evaluation.restore()
    return (best, bestCost)
  }

  private func next(_ bound: Int) -> Int { random.below(bound) }

  /// An order a little different, nil when the change chosen changes nothing.
  private func changed(_ order: [Int]) -> [Int]? {
    if repeats.limit == 0 { return moved(order) }
    let isRepeated = order.count > core.count
    switch next(5) {
    case 0: return withRepeat(order)
    case 1 where isRepeated: return withoutRepeat(order)
    // Each of two runs may be enough, and neither can be added or left out by itself.
    case 2 where isRepeated: return withRepeat(withoutRepeat(order))
    default: return repeats.keepsOrder ? withRepeat(order) : moved(order)
    }
  }

  /// An operator moves some positions up with everything in between that it waits for, or down with everything that
  /// waits for it.
  private func moved(_ order: [Int]) -> [Int]? {
    let from = next(order.count)
    let reach = 1 << (1 + next(max(1, min(Self.mostReach, Int.bitWidth - order.count.leadingZeroBitCount))))
    let distance = 1 + next(reach)
    let direction = next(2) == 0 ? -1 : 1
    let to = min(order.count - 1, max(0, from + direction * distance))
    effortOfMoves += 10 * distance + 2 * order.count
    if to == from { return nil }
    var moving: [Int] = []
    var staying: [Int] = []
    isMoving[order[from]] = true
    for position in stride(from: from, through: to, by: direction) {
      let op = order[position]
      let mayNotPass = direction < 0 ? core.operators[op].successors : core.operators[op].predecessors
      if isMoving[op] || mayNotPass.contains(where: { isMoving[$0] }) {
        isMoving[op] = true
        moving.append(op)
      } else {
        staying.append(op)
      }
    }
    for op in moving { isMoving[op] = false }
    if staying.isEmpty { return nil }
    var result = order
    for (number, op) in (staying + moving).enumerated() { result[from + direction * number] = op }
    return result
  }

  // MARK: - Running again

  /// The producer of something that is read runs again before that, now and then with the producers of its operands.
  private func withRepeat(_ order: [Int]) -> [Int]? {
    effortOfMoves += 4 * order.count
    // What is fetched, as often as not; but several small tensors may have to be made again in place of a large one.
    let (tensor, step): (Int, Int)
    if next(2) == 0 {
      let gaps = drops(of: order)
      guard !gaps.isEmpty else { return nil }
      let gap = gaps[next(gaps.count)]
      (tensor, step) = (gap.tensor, gap.last)
    } else {
      step = next(order.count)
      let operands = core.operators[order[step]].operands
      guard !operands.isEmpty else { return nil }
      tensor = operands[next(operands.count)]
    }
    guard let producer = core.tensors[tensor].producer, producer != order[step] else { return nil }
    var added: [Int] = []
    let later = order[step...]
    func run(_ op: Int, depth: Int) {
      if added.contains(op) || added.count > repeats.limit { return }
      for operand in core.operators[op].operands {
        guard depth < Self.deepestRepeat, let source = core.tensors[operand].producer, source != op else { continue }
        // What is used later is likely to be there.
        let isUsedLater = later.contains { $0 != source && core.operators[$0].operands.contains(operand) }
        if next(4) < (isUsedLater ? 1 : 3) { run(source, depth: depth + 1) }
      }
      added.append(op)
    }
    run(producer, depth: 0)
    if order.count + added.count - core.count > repeats.limit { return nil }
    return Array(order[..<step] + added + later)
  }

  /// What the further runs cost by themselves.
  private func priceOfRepeats(_ order: [Int]) -> Int {
    if order.count == core.count { return 0 }
    return order.reduce(0) { $0 + repeats.prices[$1] } - repeats.prices.reduce(0, +)
  }

  /// One of the later runs of an operator is left out.
  private func withoutRepeat(_ order: [Int]) -> [Int] {
    effortOfMoves += 4 * order.count
    var seen = [Bool](repeating: false, count: core.count)
    var repeated: [Int] = []
    for (position, op) in order.enumerated() {
      if seen[op] { repeated.append(position) }
      seen[op] = true
    }
    var result = order
    result.remove(at: repeated[next(repeated.count)])
    return result
  }
}
