import SpadixSupport

/// A lower bound for blocks that are too large for others: what windows of an order cost at least, added up.
///
/// A window is a part of the operators, with tensors of its own. Leave all other operators out of a schedule, and let other
/// tensors only take room beside operators that touch them: what is left is a schedule for the window, and it moves no
/// more of the window's own tensors than the whole one. No tensor is two windows' own, so that they add up, whatever the
/// schedule's order is. A good order only makes windows in which much has to move.
struct WindowBound {
  /// Operators of the smallest windows. Two neighbours that are searched in full become one.
  static let defaultSize = 24
  private static let largest = 1_600
  /// Elementary steps for a window, for each of its operators, and for all windows.
  private static let effortPerOperator = 1_000_000
  private static let mostEffort = 30_000_000_000
  /// Of tensors that more operators touch, only what happens within the first window counts.
  private static let mostTouches = 12

  /// No schedule costs less.
  private(set) var total = 0
  /// The order with the operators of each window as is best for it.
  private(set) var order: [Int]
  /// A tensor and the operator of that order after which it leaves.
  private(set) var drops: Set<FurthestUse.Drop> = []
  private(set) var statistics = ScheduleStatistics()

  private let smallest: Int
  private let core: ScheduleCore
  private let capacity: Int
  private let given: [Int]
  private let ancestors: [Bitset]
  private let options: ScheduleOptions
  private let position: [Int]
  /// For each position the tensors that are touched there first.
  private let beginning: [[Int]]

  private struct Window {
    var range: Range<Int>
    var bound: Int
    /// Whether no schedule for it costs more than the bound.
    var isExact: Bool
    /// The operators of the range, in the best order found.
    var order: [Int]
    var drops: [FurthestUse.Drop] = []
  }

  /// - Parameter smallest: operators of the smallest windows.
  init(
    _ core: ScheduleCore, capacity: Int, order: [Int], options: ScheduleOptions, smallest: Int = defaultSize
  ) {
    self.smallest = smallest
    self.core = core
    self.capacity = capacity
    self.order = order
    self.options = options
    given = order
    ancestors = core.ancestors()
    var position = [Int](repeating: 0, count: core.count)
    for (step, op) in order.enumerated() { position[op] = step }
    var beginning = [[Int]](repeating: [], count: core.count)
    for (index, tensor) in core.tensors.enumerated() {
      beginning[tensor.touches.map { position[$0] }.min() ?? 0].append(index)
    }
    (self.position, self.beginning) = (position, beginning)
    run()
  }

  private mutating func run() {
    var windows = stride(from: 0, to: core.count, by: smallest).map { start in
      Window(range: start..<min(core.count, start + smallest), bound: 0, isExact: false, order: [])
    }
    for index in windows.indices { windows[index] = solved(windows[index].range) }
    var size = 2 * smallest
    var hasMerged = true
    while hasMerged, !isOver, size <= Self.largest {
      hasMerged = false
      var merged: [Window] = []
      var index = 0
      while index < windows.count {
        defer { index += 1 }
        guard index + 1 < windows.count, windows[index].isExact, windows[index + 1].isExact,
          windows[index + 1].range.upperBound - windows[index].range.lowerBound <= size
        else {
          merged.append(windows[index])
          continue
        }
        let parts = [windows[index], windows[index + 1]]
        var whole = solved(parts[0].range.lowerBound..<parts[1].range.upperBound)
        index += 1
        if whole.isExact || whole.bound > parts[0].bound + parts[1].bound {
          hasMerged = true
          merged.append(whole)
        } else {
          // The parts are better known than the whole.
          whole.bound = parts[0].bound + parts[1].bound
          whole.order = parts.flatMap(\.order)
          whole.drops = parts.flatMap(\.drops)
          merged.append(whole)
        }
      }
      windows = merged
      size *= 2
    }
    total = windows.reduce(0) { $0 + $1.bound }
    order = windows.flatMap(\.order)
    drops = Set(windows.flatMap(\.drops))
  }

  private var isOver: Bool { options.cancellation?.isCancelled == true || statistics.effort >= Self.mostEffort }

  private mutating func solved(_ range: Range<Int>) -> Window {
    let own = Array(given[range])
    var window = Window(range: range, bound: 0, isExact: false, order: own)
    if isOver { return window }
    var members = Set(own)
    var moves = Set<Int>()
    for step in range {
      for tensor in beginning[step] {
        moves.insert(tensor)
        if core.tensors[tensor].touches.count <= Self.mostTouches { members.formUnion(core.tensors[tensor].touches) }
      }
    }
    // In the given order, which is legal.
    let operators = members.sorted { position[$0] < position[$1] }
    let part = core.window(operators, movesTensor: moves.contains, ancestors)
    var limited = options
    limited.effortLimit = Self.effortPerOperator * operators.count
    limited.labelLimit = max(0, options.labelLimit - statistics.labels)
    limited.progress = nil
    var scheduler = BlockScheduler(part, capacity: capacity, options: limited)
    let outcome = scheduler.searchWindow()
    statistics.add(scheduler.statistics)
    window.bound = outcome.bound
    window.isExact = outcome.closedBy != .open
    let numberOf = Dictionary(uniqueKeysWithValues: moves.map { (core.tensors[$0].original, $0) })
    window.drops = outcome.drops.compactMap { gap in
      numberOf[part.tensors[gap.tensor].original].map {
        FurthestUse.Drop(tensor: $0, after: operators[outcome.order[gap.first]])
      }
    }
    window.order = outcome.order.map { operators[$0] }.filter { range.contains(position[$0]) }
    return window
  }
}
