/// The units that are taken between every two steps at which something changes.
struct StepTotals {
  /// The steps at which buffers begin, end, or change what they take, ascending.
  private let steps: [Int]
  /// Level 0: the total from each step to the next. Level k: the largest of 2^k totals from there on.
  private let levels: [[Int]]

  init(_ problem: AllocationProblem) {
    var changes: [(step: Int, units: Int)] = []
    for buffer in problem.buffers where buffer.size > 0 && buffer.lower < buffer.upper {
      changes.append((buffer.lower, buffer.size))
      changes.append((buffer.upper, -buffer.size))
      for gap in buffer.gaps {
        let units = buffer.size - (gap.window?.count ?? 0)
        changes.append((gap.lower, -units))
        changes.append((gap.upper, units))
      }
    }
    changes.sort { $0.step < $1.step }
    var steps: [Int] = []
    var totals: [Int] = []
    var total = 0
    for (index, change) in changes.enumerated() {
      total += change.units
      if index + 1 < changes.count, changes[index + 1].step == change.step { continue }
      steps.append(change.step)
      totals.append(total)
    }
    var levels = [totals]
    var width = 1
    while 2 * width <= totals.count {
      let last = levels[levels.count - 1]
      levels.append((0...totals.count - 2 * width).map { max(last[$0], last[$0 + width]) })
      width *= 2
    }
    self.steps = steps
    self.levels = levels
  }

  /// The most that is taken at once.
  var largest: Int { levels[0].max() ?? 0 }

  /// The most that is taken at once during a lifetime that begins and ends at known steps.
  func largest(during buffer: AllocationProblem.Buffer) -> Int {
    let first = index(of: buffer.lower)
    let end = index(of: buffer.upper)
    if first >= end { return 0 }
    let level = Int.bitWidth - 1 - (end - first).leadingZeroBitCount
    return max(levels[level][first], levels[level][end - (1 << level)])
  }

  private func index(of step: Int) -> Int {
    var low = 0
    var high = steps.count
    while low < high {
      let middle = (low + high) / 2
      if steps[middle] < step { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Buffers from most to least: by the most that is taken during them, their length and their area, in some order.
  func ranks(of buffers: [AllocationProblem.Buffer]) -> [[Int]] {
    let totals = buffers.map { largest(during: $0) }
    let widths = buffers.map { $0.upper - $0.lower }
    let areas = buffers.indices.map { Double(buffers[$0].size) * Double(widths[$0]) }
    func ranked(_ key: (Int) -> (Double, Double, Double)) -> [Int] {
      let keys = buffers.indices.map(key)
      return buffers.indices.sorted { keys[$0] != keys[$1] ? keys[$0] > keys[$1] : $0 < $1 }
    }
    return [
      ranked { (Double(totals[$0]), Double(widths[$0]), areas[$0]) },
      ranked { (Double(widths[$0]), areas[$0], Double(totals[$0])) },
      ranked { (Double(buffers[$0].size), Double(totals[$0]), areas[$0]) },
    ]
  }
}
