/// Why an operation runs on the host: the rule of the target, or of the hardware in general, that it breaks.
///
/// Every reason has a stable identifier for reports and tests, and a text for people. `spadix ops --target` lists them.
public enum HostReason: String, CaseIterable, Sendable {
  case conversion
  case floatingPoint = "floating-point"
  case softmax
  case function
  case outputTable = "output-table"
  case outputPair = "output-pair"
  case broadcast
  case computedWeights = "computed-weights"
  case computedFactor = "computed-factor"
  case averagePadding = "average-padding"
  case operandZeroPoint = "operand-zero-point"
  case outputZeroPoint = "output-zero-point"
  case perChannelScale = "per-channel-scale"
  case clamp
  case poolingWindow = "pooling-window"
  case accumulator
  case permutation

  /// The rule that is broken.
  public var text: String {
    switch self {
    case .conversion: "the accelerator computes in int8; the host converts from and to f32"
    case .floatingPoint: "the accelerator computes in int8; this operation has f32 operands or results"
    case .softmax: "the array has no exponential"
    case .function: "the accelerator has no command for this function"
    case .outputTable: "the target's store has no table for functions of single elements"
    case .outputPair: "the target's store does not take two activations, as products and sums of any scales do"
    case .broadcast: "the store repeats the second of two activations only, between its first axes and its last"
    case .computedWeights: "weights and biases must be constants"
    case .computedFactor: "the factor of a product must be a constant"
    case .averagePadding: "an average that leaves padding out has another divisor at the border"
    case .operandZeroPoint: "both operands of a product of activations, and weights, must have zero point 0"
    case .outputZeroPoint: "the target's store adds no zero point: the result's must be 0"
    case .perChannelScale: "the target has one scale per store: weights must share one"
    case .clamp: "the target's store confines results only by saturation and relu"
    case .poolingWindow: "the store pools square windows with equal strides, or chains of at most 8 of size 3"
    case .accumulator: "the accumulator has fewer rows than the smallest window has elements"
    case .permutation: "moves keep the last axis in place, or exchange it with the one before"
    }
  }

  /// What could be changed to bring the operation onto the accelerator; nil where there is nothing.
  public var help: String? {
    switch self {
    case .floatingPoint: "quantize the graph; an operation without an int8 form stays on the host"
    case .conversion, .softmax, .function, .broadcast, .computedWeights, .computedFactor, .poolingWindow, .permutation:
      nil
    case .outputTable: "a target with output_table, such as spadix"
    case .outputPair: "a target with output_pair, such as spadix"
    case .averagePadding: "count_include_pad = true"
    case .operandZeroPoint: "symmetric types for the operands"
    case .outputZeroPoint: "quantize{activations=symmetric}, or a target with an output stage"
    case .perChannelScale: "quantize{weights=per-tensor}, or a target with an output stage"
    case .clamp: "a scale at which the bounds become -128 or 0, and 127; or a target with an output stage"
    case .accumulator: "a target with a larger accumulator"
    }
  }

  /// As in `host_reason`: identifier and rule.
  public var description: String { "\(rawValue): \(text)" }
}
