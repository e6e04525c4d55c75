/// Sums of some of a list of sizes: what leaves a scratchpad leaves as a whole.
enum SubsetSums {
  /// Sums kept; of more than these the target itself has to do.
  private static let mostSums = 2_000

  /// The smallest sum that is not below a target; the target itself where there are too many sums to tell, or none.
  ///
  /// - Parameter effort: elementary steps are added.
  static func least(of sizes: [Int], atLeast target: Int, effort: inout Int) -> Int {
    if target <= 0 { return max(0, target) }
    // Ascending, all below the target; of the others only the least counts.
    var below = [0]
    var best = Int.max
    for size in sizes where size > 0 {
      var merged: [Int] = []
      merged.reserveCapacity(2 * below.count)
      effort += 4 * below.count
      var index = 0
      for sum in below {
        let raised = sum + size
        while index < below.count, below[index] <= raised {
          if merged.last != below[index] { merged.append(below[index]) }
          index += 1
        }
        if raised >= target {
          best = min(best, raised)
          break
        }
        if merged.last != raised { merged.append(raised) }
      }
      for sum in below[index...] where merged.last != sum { merged.append(sum) }
      below = merged
      if best == target || below.count > mostSums { return target }
    }
    return best == Int.max ? target : best
  }
}
