import Foundation
import SpadixIR

/// The interval that the elements of one tensor fall into, over all samples.
struct RangeObserver {
  private(set) var low = Float.infinity
  private(set) var high = -Float.infinity

  /// Takes in elements; returns the position of the first that is not finite, after which the interval means nothing.
  mutating func observe(_ elements: [Float]) -> Int? {
    for (position, element) in elements.enumerated() {
      guard element.isFinite else { return position }
      low = min(low, element)
      high = max(high, element)
    }
    return nil
  }

  /// Nil before the first element.
  var range: ValueRange? { low <= high ? ValueRange(low: low, high: high) : nil }
}

/// Counts of the elements of one tensor in equal bins over a known interval, to cut rare extremes off.
struct Histogram {
  static let binCount = 2048
  let range: ValueRange
  private var bins = [UInt32](repeating: 0, count: Histogram.binCount)
  private var total = 0

  init(over range: ValueRange) { self.range = range }

  private var width: Double { (Double(range.high) - Double(range.low)) / Double(Self.binCount) }

  mutating func add(_ elements: [Float]) {
    let low = Double(range.low)
    let width = width
    guard width > 0 else { return }
    for element in elements {
      let bin = Int((Double(element) - low) / width)
      bins[min(max(bin, 0), Self.binCount - 1)] &+= 1
    }
    total += elements.count
  }

  /// The interval without the bins at its ends that together hold at most (100 - percentile) / 2 percent of the elements
  /// on either side. Zero stays inside where it was.
  func interval(percentile: Double) -> ValueRange {
    guard width > 0, total > 0 else { return range }
    let allowed = Double(total) * (100 - percentile) / 200
    var first = 0
    var cut = Double(bins[0])
    while cut <= allowed, first < Self.binCount - 1 {
      first += 1
      cut += Double(bins[first])
    }
    var last = Self.binCount - 1
    cut = Double(bins[last])
    while cut <= allowed, last > first {
      last -= 1
      cut += Double(bins[last])
    }
    return ValueRange(
      low: first == 0 ? range.low : Float(Double(range.low) + Double(first) * width),
      high: last == Self.binCount - 1 ? range.high : Float(Double(range.low) + Double(last + 1) * width))
  }

  /// The interval that 256 levels serve best: the least sum of squared errors of all elements, those that are rounded
  /// within it and those that are cut off outside of it. Zero stays inside.
  func leastSquares(isSymmetric: Bool) -> ValueRange {
    guard width > 0, total > 0 else { return range }
    let centers = (0..<Self.binCount).map { Double(range.low) + (Double($0) + 0.5) * width }
    func error(_ low: Double, _ high: Double) -> Double {
      let step = isSymmetric ? max(-low, high) / 127 : (high - low) / 255
      let rounding = step * step / 12
      var sum = 0.0
      for (bin, count) in bins.enumerated() where count > 0 {
        let center = centers[bin]
        let excess = center > high ? center - high : center < low ? low - center : 0
        sum += Double(count) * (excess * excess + (excess > 0 ? 0 : rounding))
      }
      return sum
    }
    // Each end in turn, twice: the best place of one depends little on that of the other.
    var (low, high) = (min(Double(range.low), 0), max(Double(range.high), 0))
    let (lowest, highest) = (low, high)
    let ratios = (0...95).map { exp2(-Double($0) / 12) }
    for _ in 0..<2 {
      high = ratios.map { highest * $0 }.min { error(low, $0) < error(low, $1) } ?? high
      low = ratios.map { lowest * $0 }.min { error($0, high) < error($1, high) } ?? low
    }
    return ValueRange(low: Float(max(low, Double(range.low))), high: Float(min(high, Double(range.high))))
  }
}
