import SpadixTensor

/// What makes a tensor type legal.
enum TypeRules {
  static let maximumRank = 8

  /// The first broken rule; nil when the type is legal.
  static func problem(_ type: TensorType) -> (id: String, message: String)? {
    guard type.rank <= maximumRank else {
      return ("ir.type-rank", "the type has rank \(type.rank); expected at most \(maximumRank)")
    }
    if let dimension = type.shape.first(where: { $0 < 1 }) {
      return ("ir.type-dimension", "the shape \(type.shape) has a dimension of \(dimension); expected at least 1")
    }
    guard type.checkedElementCount != nil else {
      return (
        "ir.type-size",
        "the shape \(type.shape) has too many elements; expected at most \(TensorType.maximumElementCount)"
      )
    }
    return type.element.quantization.flatMap { problem($0, shape: type.shape) }
  }

  private static func problem(_ quantization: Quantization, shape: [Int]) -> (id: String, message: String)? {
    if let axis = quantization.axis {
      guard shape.indices.contains(axis) else {
        return ("ir.type-axis", "the quantized axis is \(axis); expected one of the \(shape.count) axes of \(shape)")
      }
      guard quantization.scales.count == shape[axis], quantization.zeroPoints.count == shape[axis] else {
        return (
          "ir.type-scales",
          "found \(quantization.scales.count) scales and \(quantization.zeroPoints.count) zero points; expected "
            + "\(shape[axis]) of each, one for each index of axis \(axis)"
        )
      }
    } else if quantization.scales.count != 1 || quantization.zeroPoints.count != 1 {
      return ("ir.type-scales", "expected one scale and one zero point for a type without quantized axis")
    }
    if let scale = quantization.scales.first(where: { !($0.isFinite && $0 > 0) }) {
      return ("ir.type-scale", "the scale is \(scale); expected a finite number greater than 0")
    }
    if let zeroPoint = quantization.zeroPoints.first(where: { !(-128...127).contains($0) }) {
      return ("ir.type-zero-point", "the zero point is \(zeroPoint); expected -128...127")
    }
    return nil
  }
}
