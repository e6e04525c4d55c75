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
