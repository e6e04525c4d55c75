import SpadixSupport

/// A range of constant bytes in the DRAM image.
public struct ConstantID: DenseID {
  public let index: Int
  public init(_ index: Int) { self.index = index }
}

/// The constants of a program: weights as they are read by the load commands, biases, scales, small matrices.
public struct ConstantPool: Sendable {
  public struct Constant: Sendable {
    public var name: String
    public var bytes: [UInt8]
  }

  public private(set) var all: [Constant] = []

  public init() {}

  public subscript(id: ConstantID) -> Constant {
    get { all[id] }
    set { all[id] = newValue }
  }

  public mutating func add(_ name: String, _ bytes: [UInt8]) -> ConstantID {
    all.append(Constant(name: name, bytes: bytes))
    return ConstantID(all.count - 1)
  }

  public mutating func add(_ name: String, int8 values: [Int8]) -> ConstantID {
    add(name, values.withUnsafeBytes { Array($0) })
  }

  public mutating func add(_ name: String, int32 values: [Int32]) -> ConstantID {
    add(name, littleEndian(values.map { UInt32(bitPattern: $0) }))
  }

  public mutating func add(_ name: String, float32 values: [Float]) -> ConstantID {
    add(name, littleEndian(values.map(\.bitPattern)))
  }

  private func littleEndian(_ words: [UInt32]) -> [UInt8] {
    words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } }
  }
}
