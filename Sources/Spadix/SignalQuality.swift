import Foundation

/// How near values are to their reference, over any number of samples. Sums are taken in Float64, in order.
public struct SignalQuality: Sendable {
  private var signal = 0.0
  private var noise = 0.0
  private var power = 0.0
  private var product = 0.0
  /// Largest absolute difference.
  public private(set) var maximumError = 0.0

  public init() {}

  /// - Precondition: both have the same count.
  public mutating func add(_ values: [Float], reference: [Float]) {
    precondition(values.count == reference.count, "values and reference differ in count")
    for (value, exact) in zip(values, reference) {
      let value = Double(value)
      let exact = Double(exact)
      let error = value - exact
      signal += exact * exact
      noise += error * error
      power += value * value
      product += value * exact
      maximumError = max(maximumError, error.magnitude)
    }
  }

  /// Ratio of signal to quantization noise in decibels: 10 log10(sum r^2 / sum (v - r)^2); infinite without noise.
  public var decibels: Double {
    if noise == 0 { return .infinity }
    return signal == 0 ? -.infinity : 10 * log10(signal / noise)
  }

  /// Cosine of the angle between values and reference; 1 when both are zero everywhere.
  public var cosine: Double {
    if signal == 0 && power == 0 { return 1 }
    if signal == 0 || power == 0 { return 0 }
    return product / (signal.squareRoot() * power.squareRoot())
  }
}
