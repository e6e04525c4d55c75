import SpadixMIP

/// Computes suffix bounds backwards over a reference order: each suffix is searched by itself, with the bounds of the
/// shorter ones already known.
struct SuffixBoundBuilder {
  let core: ScheduleCore
  let capacity: Int
  let order: [Int]
  var switches: OrderSearch.Switches
  var cancellation: Cancellation?
  /// Labels spent on one suffix before it is given up.
  var labelLimit: Int
  private(set) var labels = 0

  init(
    _ core: ScheduleCore, capacity: Int, order: [Int], switches: OrderSearch.Switches, labelLimit: Int,
    cancellation: Cancellation?
  ) {
    self.core = core
    self.capacity = capacity
    self.order = order
    self.switches = switches
    self.labelLimit = labelLimit
    self.cancellation = cancellation
  }

  /// Bounds for the whole order; suffixes that could not be searched in full have the bound of a shorter one.
  mutating func build(progress: (@Sendable (String) -> Void)?) -> SuffixBound {
    var result = SuffixBound(order: order)
    let stride = max(4, order.count / 48)
    var position = order.count
    var failures = 0
    while position > stride, failures < 6, cancellation?.isCancelled != true {
      let known = position
      position -= stride
      if let bound = search(from: position, result) {
        result.raise(from: 0, through: position, to: bound)
        if bound > result.bound[known] { refine(position, known, &result) }
        progress?("the last \(order.count - position) operators cost at least \(bound)")
      } else {
        failures += 1
        result.raise(from: 0, through: position, to: relaxedBound(from: position))
        progress?("the last \(order.count - position) operators are too many to bound")
      }
    }
    return result
  }

  /// What GLPK proves of the operators from a position on.
  private func relaxedBound(from position: Int) -> Int {
    let part = core.restricted(to: order[position...].sorted())
    guard part.smallestCapacity <= capacity else { return 0 }
    let model = ResidencyBound(part, capacity: capacity).model
    if model.rows.isEmpty { return 0 }
    return GLPKSolver(nodeLimit: 500, cancellation: cancellation).solve(model).bound ?? 0
  }

  /// Finds where between two positions the bound changes.
  private mutating func refine(_ low: Int, _ high: Int, _ result: inout SuffixBound) {
    let middle = (low + high) / 2
    guard middle > low, result.bound[low] > result.bound[high] else { return }
    guard let bound = search(from: middle, result) else { return }
    result.raise(from: low + 1, through: middle, to: bound)
    refine(middle, high, &result)
    refine(low, middle, &result)
  }

  /// The least cost of the operators from a position on, by themselves; nil when the search was too large.
  private mutating func search(from position: Int, _ known: SuffixBound) -> Int? {
    let kept = order[position...].sorted()
    let part = core.restricted(to: kept)
    if part.smallestCapacity > capacity { return nil }
    var indexOf = [Int](repeating: -1, count: core.count)
    for (number, op) in kept.enumerated() { indexOf[op] = number }
    var search = OrderSearch(part, capacity: capacity)
    search.switches = switches
    search.cancellation = cancellation
    search.suffix = SuffixBound(order: order[position...].map { indexOf[$0] })
    for offset in 0...part.count { search.suffix.bound[offset] = known.bound[position + offset] }
    let least = known.bound[position]
    var cutoff = Int.max / 4
    for width in [8, 64, 512, Int.max] {
      let outcome = search.run(width: width, cutoff: cutoff, labelLimit: labelLimit)
      labels += outcome.labels
      if outcome.order != nil { cutoff = outcome.cost }
      if cutoff == least || outcome.isComplete { return cutoff < Int.max / 4 ? cutoff : nil }
      if outcome.labels > labelLimit { return nil }
    }
    return nil
  }
}

extension SuffixBound {
  /// Raises the bounds of a range of positions to at least a value.
  mutating func raise(from first: Int, through last: Int, to value: Int) {
    guard first <= last else { return }
    for index in first...last where bound[index] < value { bound[index] = value }
  }
}
