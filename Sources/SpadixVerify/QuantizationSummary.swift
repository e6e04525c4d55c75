/// What a check of a quantized graph found.
public struct QuantizationSummary: Sendable {
  /// Operations, conversions and constants that were checked.
  public var count: Int
  /// The largest error in steps, the first of equal ones; nil when nothing is quantized or nothing was checked.
  public var largest: QuantizationError?
  /// The largest error of each, in execution order; those whose results have a scale for each channel are not among
  /// them.
  public var operations: [QuantizationError]
  /// Operations with an error beyond what is allowed, in execution order.
  public var violations: [QuantizationError]
  /// Where noise comes from, in execution order: operations of which samples were checked.
  public var noise: [OperationNoise]

  /// The operations that add most noise for what they compute, the worst first; of those that add any.
  public func worst(_ count: Int) -> [OperationNoise] {
    Array(
      noise.filter(\.isNoisy).enumerated().sorted { ($0.element.own, $0.offset) < ($1.element.own, $1.offset) }.prefix(
        count)
    )
    .map(\.element)
  }
}
