import SpadixMIP
import SpadixSupport

/// Computes suffix bounds backwards over the order of a schedule: each suffix is searched by itself, with the bounds of
/// the shorter ones already known.
///
/// The schedule pays for a suffix at least what the suffix costs by itself, so the search looks only for less. Where the
/// schedule pays nothing more than for a shorter suffix that is bounded tightly, nothing needs to be searched.
struct SuffixBoundBuilder {
  let core: ScheduleCore
  let capacity: Int
  let order: [Int]
  /// For each position, and the end, what the schedule pays for the operators from there on.
  let paid: [Int]
  var switches = OrderSearch.Switches()
  var cancellation: Cancellation?
  /// Labels spent on all suffixes.
  var labelLimit = Int.max
  var effortLimit = Int.max
  private(set) var labels = 0
  private(set) var effort = 0

  /// Labels spent on one suffix before it is given up.
  private static let largestSuffixSearch = 100_000

  /// Suffixes given up before the rest of the order is left to the bounds there are.
  private static let largestFailureCount = 3

  /// - Parameter drops: the gaps that the schedule drops, with steps as positions of the order.
  init(_ core: ScheduleCore, capacity: Int, order: [Int], drops: [ResidencyModel.Gap]) {
    self.core = core
    self.capacity = capacity
    self.order = order
    var position = [Int](repeating: 0, count: core.count)
    for (number, op) in order.enumerated() { position[op] = number }
    // A gap counts where both its ends are in the suffix; a store where the tensor is produced in it.
    var paid = [Int](repeating: 0, count: order.count + 1)
    var isStored = [Bool](repeating: false, count: core.tensors.count)
    for gap in drops {
      let tensor = core.tensors[gap.tensor]
      paid[gap.first] += tensor.bytes
      if !tensor.isClean, !isStored[gap.tensor] {
        isStored[gap.tensor] = true
        paid[position[tensor.producer ?? tensor.touches[0]]] += tensor.bytes
      }
    }
    for number in order.indices.reversed() { paid[number] += paid[number + 1] }
    self.paid = paid
  }

  /// Bounds for the whole order; suffixes that could not be searched in full have the bound of a shorter one.
  ///
  /// - Parameter known: bounds for the same order.
  mutating func build(on known: SuffixBound, progress: (@Sendable (String) -> Void)?) -> SuffixBound {
    var result = known
    let stride = max(4, order.count / 48)
    var searched = order.count
    var failures = 0
    for position in order.indices.reversed() where result.fromPosition[position] < paid[position] {
      let paysMore = paid[position] > paid[position + 1]
      guard paysMore || searched - position >= stride else { continue }
      if failures == Self.largestFailureCount || labels >= labelLimit || effort >= effortLimit
        || cancellation?.isCancelled == true
      {
        break
      }
      searched = position
      let description = "the last \(order.count - position) of \(order.count) operators"
      if let bound = search(from: position, result) {
        result.raise(through: position, to: bound)
        progress?("\(description) cost at least \(bound)")
      } else {
        failures += 1
        result.raise(through: position, to: relaxedBound(from: position))
        progress?("\(description) are too many to bound")
      }
    }
    return result
  }

  /// What GLPK proves of the operators from a position on.
  private func relaxedBound(from position: Int) -> Int {
    let part = core.restricted(to: order[position...].sorted())
    let model = ResidencyBound(part, capacity: capacity).model
    if model.rows.isEmpty { return 0 }
    return GLPKSolver(within: 500, for: model, cancellation: cancellation).solve(model).bound ?? 0
  }

  /// The least cost of the operators from a position on, by themselves; nil when the search was too large.
  private mutating func search(from position: Int, _ known: SuffixBound) -> Int? {
    let kept = order[position...].sorted()
    let part = core.restricted(to: kept)
    var indexOf = [Int](repeating: -1, count: core.count)
    for (number, op) in kept.enumerated() { indexOf[op] = number }
    var search = OrderSearch(part, capacity: capacity)
    search.switches = switches
    search.cancellation = cancellation
    search.suffix = SuffixBound(order: order[position...].map { indexOf[$0] })
    for offset in 0...part.count { search.suffix.raise(through: offset, to: known.fromPosition[position + offset]) }
    var least = paid[position]
    let limit = min(Self.largestSuffixSearch, labelLimit - labels)
    for width in [16, 256, Int.max] {
      let outcome = search.run(
        width: width, cutoff: least, labelLimit: limit, effortLimit: max(1, effortLimit - effort))
      labels += outcome.labels
      effort += outcome.effort
      least = outcome.cost
      if least == known.fromPosition[position] || outcome.isComplete { return least }
      if outcome.isStopped { return nil }
    }
    return nil
  }
}
