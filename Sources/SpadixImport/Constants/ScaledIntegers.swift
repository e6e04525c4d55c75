import SpadixTensor

/// Real numbers as int8, with one scale or one for each index of an axis: the weights of a quantized model, which take a
/// quarter of the memory so.
struct ScaledIntegers {
  let values: [Int8]
  let shape: [Int]
  /// Of which there are scales and zero points; nil where there is one of each.
  let axis: Int?
  let scales: [Float]
  let zeroPoints: [Int32]

  /// Smaller tensors are kept as real numbers.
  private static let fewest = 1 << 12

  /// `(x - zero) * scale`, of integers of 8 bits; nil for others, and where that has no type of the language.
  ///
  /// - Parameters:
  ///   - scale: one number, or one for each index of an axis, in a shape that broadcasts.
  ///   - zero: likewise.
  init?(_ constant: ConstantTensor, _ scale: ConstantTensor, _ zero: ConstantTensor?) {
    guard let integers = constant.integers, [.int8, .uint8].contains(constant.kind), constant.count >= Self.fewest,
      constant.count <= 1 << 24
    else { return nil }
    let shift: Int32 = constant.kind == .uint8 ? 128 : 0
    let long = scale.shape.enumerated().filter { $0.element != 1 }.map {
      $0.offset + constant.shape.count - scale.shape.count
    }
    guard long.count <= 1, scale.shape.count <= constant.shape.count else { return nil }
    axis = long.first
    scales = scale.asReals
    let zeros = zero?.asReals ?? [0]
    guard zeros.count == 1 || zeros.count == scales.count else { return nil }
    zeroPoints = scales.indices.map { Int32(zeros[zeros.count == 1 ? 0 : $0]) - shift }
    guard scales.allSatisfy({ $0.isFinite && $0 > 0 }), zeroPoints.allSatisfy({ (-128...127).contains($0) }) else {
      return nil
    }
    shape = constant.shape
    values = integers.map { Int8(truncatingIfNeeded: $0 - Int64(shift)) }
  }

  private init(values: [Int8], shape: [Int], axis: Int?, of other: ScaledIntegers) {
    (self.values, self.shape, self.axis) = (values, shape, axis)
    (scales, zeroPoints) = (other.scales, other.zeroPoints)
  }

  /// The axes in this order.
  func transposed(_ order: [Int]) -> ScaledIntegers {
    ScaledIntegers(
      values: Permutation.permute(values, shape: shape, order: order), shape: order.map { shape[$0] },
      axis: axis.flatMap { order.firstIndex(of: $0) }, of: self)
  }

  var reals: [Float] {
    guard let axis else { return values.map { Float(Int32($0) - zeroPoints[0]) * scales[0] } }
    let inner = shape[(axis + 1)...].reduce(1, *)
    return values.enumerated().map { position, value in
      let index = position / inner % scales.count
      return Float(Int32(value) - zeroPoints[index]) * scales[index]
    }
  }

  /// The type of the integers in a tensor whose axis `place` is the one of the scales.
  func type(axis place: Int?) -> Quantization {
    guard axis != nil, let place else { return Quantization(scale: scales[0], zeroPoint: zeroPoints[0]) }
    return Quantization(axis: place, scales: scales, zeroPoints: zeroPoints)
  }
}
