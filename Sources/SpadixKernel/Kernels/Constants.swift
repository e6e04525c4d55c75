import SpadixSupport

/// A range of constant bytes in the DRAM image.
public struct ConstantID: DenseID {
  public let index: Int
  public init(_ index: Int) { self.index = index }
}

/// The constants of a program: weights as they are read by the load commands, biases, scales, small matrices.
public struct ConstantPool: Sendable {
  /// Bytes that become part of the DRAM image.
  public struct Constant: Sendable {
    /// For symbols: that of the value that it was made of.
    public var name: String
    /// As they lie in DRAM.
    public var bytes: [UInt8]
  }

  /// By `ConstantID`.
  public private(set) var all: [Constant] = []

  public init() {}

  /// The constant of an id of this pool.
  public subscript(id: ConstantID) -> Constant {
    get { all[id] }
    set { all[id] = newValue }
  }

  /// Adds bytes as they are.
  public mutating func add(_ name: String, _ bytes: [UInt8]) -> ConstantID {
    all.append(Constant(name: name, bytes: bytes))
    return ConstantID(all.count - 1)
  }

  /// Adds a byte for each value.
  public mutating func add(_ name: String, int8 values: [Int8]) -> ConstantID {
    add(name, values.withUnsafeBytes { Array($0) })
  }

  /// Adds four little-endian bytes for each value.
  public mutating func add(_ name: String, int32 values: [Int32]) -> ConstantID {
    add(name, littleEndian(values.map { UInt32(bitPattern: $0) }))
  }

  /// Adds four little-endian bytes for each value.
  public mutating func add(_ name: String, float32 values: [Float]) -> ConstantID {
    add(name, littleEndian(values.map(\.bitPattern)))
  }

  private func littleEndian(_ words: [UInt32]) -> [UInt8] {
    words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } }
  }
}
