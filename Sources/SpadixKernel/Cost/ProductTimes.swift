import SpadixTiming

/// Array cycles of the taps of a multiplication for one pair of blocks.
struct ProductCycles {
  /// Cycles in which the array is busy.
  var busy = 0
  /// Those that it takes for them.
  var cycles = 0
  var computes = 0
}

/// What is known of products: tiles of one form recur in all tilings of a kernel, and kernels in a network.
struct ProductTimes: Sendable {
  private struct Key: Hashable {
    var window: Int
    var rows: Range<Int>
    var columns: Range<Int>
    var taps: Range<Int>
    var plane: PlaneLayout
    var newWeights: Bool

    // Tens of thousands of these are looked up for each kernel: one word to hash, everything to compare.
    func hash(into hasher: inout Hasher) {
      var word = window &* 31 &+ rows.lowerBound
      for next in [rows.upperBound, columns.lowerBound, columns.upperBound, taps.lowerBound, taps.upperBound] {
        word = (word &* 0x1E37_79B9_7F4A_7C15) ^ (word >> 29) &+ next
      }
      word = (word &* 0x1E37_79B9_7F4A_7C15) ^ (word >> 29) &+ plane.pitch &+ (plane.ring ?? -1) << 20
      word = word &* 31 &+ plane.firstRow &+ (plane.starts.first ?? 0) << 16
      hasher.combine(word)
    }
  }

  private var known: [Key: ProductCycles] = [:]
  private var numbers: [InputWindow: Int] = [:]
  private var last: (key: Key, cycles: ProductCycles)?

  /// A number that stands for a window in what is looked up.
  mutating func number(of window: InputWindow) -> Int {
    if let known = numbers[window] { return known }
    numbers[window] = numbers.count
    return numbers.count - 1
  }

  /// Cycles and computes of all taps for one pair of blocks.
  ///
  /// - Parameters:
  ///   - window: the multiplication's, with its number.
  mutating func cycles(
    _ it: TileMultiply, _ window: InputWindow, number: Int, dim: Int, _ moves: MoveTime
  ) -> ProductCycles {
    let key = Key(
      window: number, rows: it.tile.rows, columns: it.tile.columns, taps: it.taps, plane: it.source.plane,
      newWeights: !it.weights.isShared)
    // Chunks of one tile follow one another.
    if let last, last.key == key { return last.cycles }
    let cycles: ProductCycles
    if let known = known[key] {
      cycles = known
    } else {
      cycles = Self.sum(it, window, dim, moves)
      known[key] = cycles
    }
    last = (key, cycles)
    return cycles
  }

  private static func sum(_ it: TileMultiply, _ window: InputWindow, _ dim: Int, _ moves: MoveTime) -> ProductCycles {
    let least = moves.leastRows
    var sum = ProductCycles()
    for tap in it.taps {
      let runs = window.runs(
        rows: it.tile.rows, columns: it.tile.columns, tap: tap, plane: it.source.plane, dim: dim, least: least)
      guard let last = runs.last else { continue }
      let change = it.weights.isShared ? 0 : dim - max(last.count, least)
      var cycles = change
      for run in runs {
        sum.busy += max(run.count, least)
        cycles += max(run.count, moves.leastCompute(rows: max(run.count, least)))
      }
      sum.busy += change
      sum.cycles += cycles
      sum.computes += runs.count
    }
    return sum
  }
}
