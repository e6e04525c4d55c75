import Foundation
import SpadixIR

/// Counts of the elements of one tensor in equal bins over a known interval, to cut rare extremes off.
struct Histogram {
  static let binCount = 2048
  let range: ValueRange
  private var bins = [UInt32](repeating: 0, count: Histogram.binCount)
  /// What elements weigh: as their channel does where channels have weights.
  private var masses = [Double](repeating: 0, count: Histogram.binCount)
  /// By index of the last axis; empty where all weigh the same.
  private let weights: [Double]
  private var total = 0

  init(over range: ValueRange, weights: [Double] = []) {
    self.range = range
    self.weights = weights
  }

  private var width: Double { (Double(range.high) - Double(range.low)) / Double(Self.binCount) }

  mutating func add(_ elements: [Float]) {
    let low = Double(range.low)
    let width = width
    guard width > 0 else { return }
    for (position, element) in elements.enumerated() {
      let bin = min(max(Int((Double(element) - low) / width), 0), Self.binCount - 1)
      bins[bin] &+= 1
      if !weights.isEmpty { masses[bin] += weights[position % weights.count] }
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
  /// within it and those that are cut off outside of it, each as its channel weighs. Zero stays inside.
  ///
  /// - Parameter function: what is read of the elements; errors are those of its results.
  func leastSquares(isSymmetric: Bool, function: ((Double) -> Double)? = nil) -> ValueRange {
    guard width > 0, total > 0 else { return range }
    let read = function ?? { $0 }
    let filled = bins.indices.filter { bins[$0] > 0 }.map { bin in
      let center = Double(range.low) + (Double(bin) + 0.5) * width
      let value = read(center)
      let slope = function == nil ? 1 : (read(center + width / 2) - read(center - width / 2)) / width
      return (
        center: center, value: value, squaredSlope: slope.isFinite ? slope * slope : 1,
        mass: weights.isEmpty ? Double(bins[bin]) : masses[bin]
      )
    }
    func error(_ low: Double, _ high: Double) -> Double {
      let step = isSymmetric ? max(-low, high) / 127 : (high - low) / 255
      let rounding = step * step / 12
      let (least, most) = (read(low), read(high))
      var sum = 0.0
      for bin in filled {
        if bin.center > high || bin.center < low {
          let excess = bin.value - (bin.center > high ? most : least)
          sum += bin.mass * excess * excess
        } else {
          sum += bin.mass * bin.squaredSlope * rounding
        }
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
