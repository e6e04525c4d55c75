import Foundation
import SpadixTensor

/// Elements divided by a power of the squares around them, along the last axis.
public struct LocalResponseNorm: FunctionOperator {
  /// Channels whose squares are summed, 1...65535.
  var size = 1
  /// Factor of the mean square.
  var alpha: Float = 1e-4
  /// The power.
  var beta: Float = 0.75
  /// Added to the scaled mean square.
  var bias: Float = 1

  public init() {}
  public init(size: Int, alpha: Float, beta: Float, bias: Float) {
    self.size = size
    self.alpha = alpha
    self.beta = beta
    self.bias = bias
  }

  public static let mnemonic = "nn.local_response_norm"
  public static let summary = "Elements divided by a power of the sum of squares around them, along the last axis"
  public static let documentation = """
    `y[..., c] = x[..., c] / (bias + alpha / size * sum of x[..., k]^2)^beta` over the k from `c - (size - 1) / 2` to \
    `c + size / 2` that exist, divisions rounded down; computed in Float64 and rounded.

    Quantized: the row is dequantized, normalized in the same steps, and quantized.
    """
  public static let operands = [OperandDescription("input", "[..., C]")]
  public static let attributes: [AttributeField<LocalResponseNorm>] = [
    .integer("size", \.size, required: true, "elements whose squares are summed"),
    .real("alpha", \.alpha, "factor of the mean square"),
    .real("beta", \.beta, "the power"),
    .real("bias", \.bias, "what is added to the mean square"),
  ]

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    guard check.minimumRank(0, "input", 1) else { return nil }
    check.realFunction(Self.operands)
    if !(1...65_535).contains(size) { check.report("size", "size = \(size): expected 1...65535") }
    return check.shape(0)
  }

  public func int8Form(_ operands: [TensorType]) -> FunctionInt8Form { .real }

  public func evaluate(_ operands: [Tensor], _ type: TensorType) throws -> Tensor {
    let width = type.shape[type.rank - 1]
    let values = operands[0].floats
    var result = values
    for start in stride(from: 0, to: values.count, by: width) {
      for channel in 0..<width {
        let window = max(0, channel - (size - 1) / 2)...min(width - 1, channel + size / 2)
        let squares = window.reduce(0.0) { $0 + Double(values[start + $1]) * Double(values[start + $1]) }
        let base = Double(bias) + Double(alpha) / Double(size) * squares
        result[start + channel] = Float(Double(values[start + channel]) / pow(base, Double(beta)))
      }
    }
    return Tensor(type, .f32(result))
  }

  public func range(_ operands: [ValueRange?]) -> ValueRange? { nil }
}
