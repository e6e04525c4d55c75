/// Shape and element type of a tensor, row-major.
public struct TensorType: Hashable, Sendable {
  /// The most elements that one tensor may have: sizes and offsets in bytes then fit everywhere they are used.
  public static let maximumElementCount = 1 << 28

  /// Sizes by axis, the last one contiguous. Empty for a scalar.
  public var shape: [Int]
  /// A per-axis quantization has as many scales as its axis of `shape` has indices.
  public var element: ElementType

  public init(_ shape: [Int], _ element: ElementType) {
    self.shape = shape
    self.element = element
  }

  /// Real numbers of 32 bits.
  public static func f32(_ shape: [Int]) -> TensorType { TensorType(shape, .f32) }
  /// Plain integers of 32 bits, such as biases of quantized operators.
  public static func i32(_ shape: [Int]) -> TensorType { TensorType(shape, .i32) }
  /// Plain integers of 8 bits, as npu operators have them.
  public static func i8(_ shape: [Int]) -> TensorType { TensorType(shape, .i8) }
  /// Int8 with one scale and one zero point.
  public static func q8(_ shape: [Int], scale: Float, zeroPoint: Int32 = 0) -> TensorType {
    TensorType(shape, .q8(Quantization(scale: scale, zeroPoint: zeroPoint)))
  }

  /// Number of axes.
  public var rank: Int { shape.count }

  /// Elements, 1 for rank 0. Traps on shapes that `checkedElementCount` refuses.
  public var elementCount: Int { shape.reduce(1, *) }

  /// Bytes in memory without padding.
  public var byteCount: Int { elementCount * element.byteCount }

  /// Elements, or nil where a dimension is not positive or the product exceeds `maximumElementCount`.
  public var checkedElementCount: Int? { Self.checkedElementCount(shape) }

  /// Elements of a shape, or nil where a dimension is not positive or the product exceeds `maximumElementCount`.
  public static func checkedElementCount(_ shape: [Int]) -> Int? {
    var count = 1
    for dimension in shape {
      guard dimension > 0 else { return nil }
      let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
      guard !overflow, product <= maximumElementCount else { return nil }
      count = product
    }
    return count
  }

  /// Elements between neighbours along each axis.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * shape[axis + 1] }
    return strides
  }
}

extension TensorType: CustomStringConvertible {
  /// As in the textual graph: `q8<0.05, -3>[1, 8, 8, 16]`. Zero points of an axis are left out when all are zero.
  public var description: String { "\(element)\(shape)" }
}

extension ElementType: CustomStringConvertible {
  public var description: String {
    switch self {
    case .f32: "f32"
    case .i8: "i8"
    case .i32: "i32"
    case .q8(let quantization): "q8<\(quantization)>"
    }
  }
}

extension Quantization: CustomStringConvertible {
  /// What stands between the angle brackets of `q8<...>`.
  public var description: String {
    guard let axis else { return "\(scale), \(zeroPoint)" }
    let zeros = zeroPoints.allSatisfy { $0 == 0 } ? "" : ", \(zeroPoints)"
    return "axis = \(axis), \(scales)\(zeros)"
  }
}
