/// The type of a tensor's elements.
public enum ElementType: Hashable, Sendable {
  case f32
  case i8
  case i32
  /// Int8 with an affine meaning: `real = (q - zeroPoint) * scale`.
  case q8(Quantization)

  /// Bytes of one element in memory.
  public var byteCount: Int {
    switch self {
    case .f32, .i32: 4
    case .i8, .q8: 1
    }
  }

  /// Nil for all types but `q8`.
  public var quantization: Quantization? {
    if case .q8(let quantization) = self { quantization } else { nil }
  }

  /// Whether it is `q8`; plain `i8` has no real meaning.
  public var isQuantized: Bool { quantization != nil }

  /// Whether elements are stored as int8: `i8` and `q8`.
  public var isInt8: Bool {
    switch self {
    case .i8, .q8: true
    case .f32, .i32: false
    }
  }
}
