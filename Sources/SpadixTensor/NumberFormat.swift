/// How a file holds numbers: what numpy and torch write.
public enum NumberFormat: Sendable {
  case bool, u8, i8, u16, i16, u32, i32, u64, i64
  /// IEEE 754 in 16, 32 and 64 bits, and the upper half of a Float32.
  case f16, bf16, f32, f64

  /// Bytes of one element.
  var byteCount: Int {
    switch self {
    case .bool, .u8, .i8: 1
    case .u16, .i16, .f16, .bf16: 2
    case .u32, .i32, .f32: 4
    case .u64, .i64, .f64: 8
    }
  }

  /// Little-endian elements as Float32: exact but for wider ones, which are rounded to the nearest even.
  func reals(_ bytes: ArraySlice<UInt8>) -> [Float] {
    switch self {
    case .f32: littleEndianValues(bytes)
    case .f64: littleEndianValues(bytes, as: Double.self).map { Float($0) }
    case .f16: littleEndianValues(bytes, as: UInt16.self).map { Self.half($0) }
    case .bf16: littleEndianValues(bytes, as: UInt16.self).map { Float(bitPattern: UInt32($0) << 16) }
    case .bool, .u8: bytes.map { Float($0) }
    case .i8: littleEndianValues(bytes, as: Int8.self).map { Float($0) }
    case .u16: littleEndianValues(bytes, as: UInt16.self).map { Float($0) }
    case .i16: littleEndianValues(bytes, as: Int16.self).map { Float($0) }
    case .u32: littleEndianValues(bytes, as: UInt32.self).map { Float($0) }
    case .i32: littleEndianValues(bytes, as: Int32.self).map { Float($0) }
    case .u64: littleEndianValues(bytes, as: UInt64.self).map { Float($0) }
    case .i64: littleEndianValues(bytes, as: Int64.self).map { Float($0) }
    }
  }

  /// Little-endian elements as integers; nil for real numbers. What is larger than an `Int` becomes the largest one.
  func integers(_ bytes: ArraySlice<UInt8>) -> [Int]? {
    switch self {
    case .f16, .bf16, .f32, .f64: nil
    case .bool, .u8: bytes.map { Int($0) }
    case .i8: littleEndianValues(bytes, as: Int8.self).map { Int($0) }
    case .u16: littleEndianValues(bytes, as: UInt16.self).map { Int($0) }
    case .i16: littleEndianValues(bytes, as: Int16.self).map { Int($0) }
    case .u32: littleEndianValues(bytes, as: UInt32.self).map { Int($0) }
    case .i32: littleEndianValues(bytes, as: Int32.self).map { Int($0) }
    case .u64: littleEndianValues(bytes, as: UInt64.self).map { Int(clamping: $0) }
    case .i64: littleEndianValues(bytes, as: Int64.self).map { Int($0) }
    }
  }

  /// Little-endian elements as a tensor of a type with the same count. Every number that the type can hold is taken;
  /// nil for real numbers where it holds integers, and for integers out of its range.
  public func tensor(_ bytes: ArraySlice<UInt8>, _ type: TensorType) -> Tensor? {
    guard type.checkedElementCount == bytes.count / byteCount else { return nil }
    switch (type.element, self) {
    case (.f32, _): return Tensor(type, .f32(reals(bytes)))
    case (.i8, .i8), (.q8, .i8): return Tensor(type, .i8(littleEndianValues(bytes)))
    case (.i32, .i32): return Tensor(type, .i32(littleEndianValues(bytes)))
    case (.i32, _):
      guard let integers = integers(bytes), integers.allSatisfy({ Int32(exactly: $0) != nil }) else { return nil }
      return Tensor(type, .i32(integers.map { Int32($0) }))
    case (.i8, _), (.q8, _):
      guard let integers = integers(bytes), integers.allSatisfy({ Int8(exactly: $0) != nil }) else { return nil }
      return Tensor(type, .i8(integers.map { Int8($0) }))
    }
  }

  /// IEEE 754 binary16; every value is a Float32 as well.
  private static func half(_ bits: UInt16) -> Float {
    let sign: Float = bits & 0x8000 == 0 ? 1 : -1
    let exponent = Int(bits >> 10 & 0x1F)
    let fraction = bits & 0x3FF
    if exponent == 0 { return sign * Float(fraction) * 0x1p-24 }
    let high = UInt32(bits & 0x8000) << 16
    if exponent == 31 { return Float(bitPattern: high | 0x7F80_0000 | UInt32(fraction) << 13) }
    return Float(bitPattern: high | UInt32(exponent + 112) << 23 | UInt32(fraction) << 13)
  }
}
