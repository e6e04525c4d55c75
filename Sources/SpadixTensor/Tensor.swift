/// A tensor in memory, row-major.
public struct Tensor: Sendable {
  /// Changed together with `storage` alone: the initializer checks that they agree, assignments do not.
  public var type: TensorType
  /// In row-major order, as many elements as the type's shape has.
  public var storage: Storage

  /// The elements; `q8` tensors store int8.
  public enum Storage: Sendable {
    case f32([Float])
    case i8([Int8])
    case i32([Int32])

    /// Elements.
    public var count: Int {
      switch self {
      case .f32(let values): values.count
      case .i8(let values): values.count
      case .i32(let values): values.count
      }
    }
  }

  /// - Precondition: the storage has the kind and the count that the type says.
  public init(_ type: TensorType, _ storage: Storage) {
    precondition(storage.count == type.elementCount, "storage does not have the type's element count")
    precondition(storage.matches(type.element), "storage does not have the type's kind")
    self.type = type
    self.storage = storage
  }

  /// An f32 tensor.
  /// - Precondition: as many values as the shape has elements.
  public init(shape: [Int], _ values: [Float]) { self.init(.f32(shape), .f32(values)) }

  /// A tensor of zeros; the zero of a quantized type is its zero point.
  public init(zeros type: TensorType) {
    let count = type.elementCount
    switch type.element {
    case .f32: self.init(type, .f32([Float](repeating: 0, count: count)))
    case .i32: self.init(type, .i32([Int32](repeating: 0, count: count)))
    case .i8: self.init(type, .i8([Int8](repeating: 0, count: count)))
    case .q8(let quantization):
      if quantization.axis == nil {
        let zero = Int8(truncatingIfNeeded: quantization.zeroPoint)
        self.init(type, .i8([Int8](repeating: zero, count: count)))
      } else {
        let real = [Float](repeating: 0, count: count)
        self.init(type, .i8(QuantizedArithmetic.quantize(real, shape: type.shape, quantization)))
      }
    }
  }

  /// The elements of an `f32` tensor.
  public var floats: [Float] {
    guard case .f32(let values) = storage else { preconditionFailure("not an f32 tensor: \(type)") }
    return values
  }

  /// The elements of an `i8` or `q8` tensor.
  public var int8s: [Int8] {
    guard case .i8(let values) = storage else { preconditionFailure("not an int8 tensor: \(type)") }
    return values
  }

  /// The elements of an `i32` tensor.
  public var int32s: [Int32] {
    guard case .i32(let values) = storage else { preconditionFailure("not an i32 tensor: \(type)") }
    return values
  }

  /// What the elements stand for: `q8` is dequantized, integers are converted.
  public var realValues: [Float] {
    switch storage {
    case .f32(let values): return values
    case .i32(let values): return values.map { Float($0) }
    case .i8(let values):
      guard case .q8(let quantization) = type.element else { return values.map { Float($0) } }
      return QuantizedArithmetic.dequantize(values, shape: type.shape, quantization)
    }
  }
}

extension Tensor.Storage {
  /// Whether elements of this type are stored so.
  public func matches(_ element: ElementType) -> Bool {
    switch (self, element) {
    case (.f32, .f32), (.i32, .i32), (.i8, .i8), (.i8, .q8): true
    case (.f32, _), (.i32, _), (.i8, _): false
    }
  }

  /// The elements as they lie in a file: little endian.
  public var bytes: [UInt8] {
    switch self {
    case .f32(let values): littleEndianBytes(values)
    case .i32(let values): littleEndianBytes(values)
    case .i8(let values): littleEndianBytes(values)
    }
  }
}

extension Tensor.Storage: Hashable {
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .f32(let values): for value in values { hasher.combine(value.bitPattern) }
    case .i8(let values): hasher.combine(values)
    case .i32(let values): hasher.combine(values)
    }
  }

  /// Equal bit for bit, so that a NaN equals itself and 0 differs from -0.
  public static func == (left: Self, right: Self) -> Bool {
    switch (left, right) {
    case (.f32(let a), .f32(let b)): a.elementsEqual(b) { $0.bitPattern == $1.bitPattern }
    case (.i8(let a), .i8(let b)): a == b
    case (.i32(let a), .i32(let b)): a == b
    case (.f32, _), (.i8, _), (.i32, _): false
    }
  }
}

extension Tensor: Equatable {
  public static func == (left: Self, right: Self) -> Bool { left.type == right.type && left.storage == right.storage }
}
