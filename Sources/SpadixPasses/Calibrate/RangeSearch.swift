import SpadixIR

/// Improves ranges one value at a time: every value tries the ranges that the methods gave it, and narrower and wider ones,
/// and keeps the one with which the whole network computes best.
///
/// A method that is the best for all values together is seldom the best for each.
struct RangeSearch {
  let trials: Trials
  /// By method, by value id.
  let choices: [[ValueRange?]]

  /// Decibels that a change of one value has to gain.
  private static let margin = 0.02
  /// Rounds over all values at most; one that changes nothing is the last.
  private static let rounds = 2
  /// Trials at most, however fast they are.
  private static let longest = 600

  /// The graph with better ranges, its decibels, and how many values have others than before.
  func improved(_ graph: Graph, decibels: Double) throws -> (graph: Graph, decibels: Double, changes: Int) {
    var (best, most) = (graph, decibels)
    let values = graph.values.indices.filter { value in
      graph.values[value].calibration != nil && Set(choices.compactMap { $0[value] }).count > 1
    }
    var left = min(trials.affordableRuns, Self.longest)
    // Where not every value can be tried, none is: the first ones are not the worst ones.
    guard left >= 2 * values.count else { return (graph, decibels, 0) }
    for _ in 0..<Self.rounds {
      var isChanged = false
      for value in values {
        for range in candidates(of: value, best.values[value].calibration) {
          if left == 0 { return finished(best, most, graph) }
          left -= 1
          var changed = best
          changed.values[value].calibration = range
          guard let found = try trials.decibels(changed), found > most + Self.margin else { continue }
          (best, most, isChanged) = (changed, found, true)
        }
      }
      if !isChanged { break }
    }
    return finished(best, most, graph)
  }

  private func candidates(of value: Int, _ present: ValueRange?) -> [ValueRange] {
    var found: [ValueRange] = []
    let scaled = present.map { range in
      [0.85, 1.15].map { ValueRange(low: range.low * $0, high: range.high * $0) }
    }
    for range in choices.compactMap({ $0[value] }) + (scaled ?? []) where range != present && !found.contains(range) {
      found.append(range)
    }
    return found
  }

  private func finished(_ graph: Graph, _ decibels: Double, _ before: Graph) -> (Graph, Double, Int) {
    let changes = graph.values.indices.filter { graph.values[$0].calibration != before.values[$0].calibration }.count
    return (graph, decibels, changes)
  }
}
