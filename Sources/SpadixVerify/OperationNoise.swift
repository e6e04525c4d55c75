import Foundation

/// How much noise an int8 operation adds to what it computes, and why.
public struct OperationNoise: Sendable {
  /// The value in floating point, such as `%conv1`.
  public var value: String
  /// Of the operator in floating point: `nn.conv2d`.
  public var mnemonic: String
  /// Line of the graph file; nil when unknown.
  public var sourceLine: Int?
  /// Energies, over all samples that were checked.
  var energies: Energies
  /// Whether the result's type has one scale for all weights, no zero point: what a target with an output stage
  /// improves.
  var hasOneWeightScale: Bool
  /// Whether no value of the graph has a zero point other than 0.
  var isSymmetric: Bool

  /// Sums of squares over the elements of a value.
  struct Energies: Sendable {
    /// What the operation means in floating point, for the int8 operands that it gets.
    var signal = 0.0
    /// What its int8 result is away from that.
    var noise = 0.0
    /// The part of the noise in elements beyond the ends of the result's type.
    var cut = 0.0
    /// What weights and biases in int8 are away from it alone.
    var weights = 0.0
    /// The value in floating point all the way, and what the int8 result is away from that.
    var exact = 0.0
    var total = 0.0
  }

  /// What makes the largest part of the noise.
  public enum Cause: String, Sendable {
    /// Elements beyond the range that the type was made for.
    case range
    /// The integers of weights and biases.
    case weights
    /// The integers of the result.
    case rounding
  }

  /// Signal to noise with only this operation in int8, in decibels.
  public var own: Double { Self.decibels(energies.signal, energies.noise) }
  /// Signal to noise with everything before it in int8 as well; nil where that was not measured.
  public var total: Double? { energies.exact > 0 ? Self.decibels(energies.exact, energies.total) : nil }

  /// Whether there is any noise in a result that is not all zeros.
  var isNoisy: Bool { energies.noise > 0 && energies.signal > 0 }

  /// What most of the noise comes from.
  public var cause: Cause {
    let rounding = energies.noise - energies.cut - energies.weights
    if energies.cut >= energies.weights, energies.cut >= rounding { return .range }
    return energies.weights >= rounding ? .weights : .rounding
  }

  /// The nearest way out.
  public var wayOut: String {
    switch cause {
    case .range: "values beyond the calibrated range: more samples, or calibrate{method=minmax}"
    case .weights:
      hasOneWeightScale
        ? "one scale serves all channels of the weights: a target with an output stage has one for each"
        : "the weights of a channel differ much in size: train with their magnitudes bounded"
    case .rounding:
      isSymmetric
        ? "the type is symmetric and its values are not: a target with an output stage has zero points"
        : "few large values take the levels of many small ones: calibrate{method=least-squares}"
    }
  }

  /// Ten times the logarithm of a ratio; 200 at most, where there is no noise.
  static func decibels(_ signal: Double, _ noise: Double) -> Double {
    noise > 0 && signal > 0 ? min(10 * log10(signal / noise), 200) : signal > 0 ? 200 : 0
  }
}
