import SpadixSupport

/// An array of a .npy file: NumPy's format, versions 1 to 3, little endian, C order.
public struct NpyArray: Sendable {
  public enum DType: String, Sendable, CaseIterable {
    case f4, f8, i1, u1, i4, i8

    public var byteCount: Int {
      switch self {
      case .i1, .u1: 1
      case .f4, .i4: 4
      case .f8, .i8: 8
      }
    }
  }

  public let dtype: DType
  public let shape: [Int]
  /// The elements' bytes, little endian, row-major.
  public let bytes: ArraySlice<UInt8>

  public init(reading path: String) throws { try self.init(file: Files.read(path), name: path) }

  public init(file: [UInt8], name: String) throws {
    let header = try NpyHeader(file: file, name: name)
    self.dtype = header.dtype
    self.shape = header.shape
    self.bytes = file[header.dataStart...]
  }

  public var count: Int { bytes.count / dtype.byteCount }

  /// The elements as Float32; wider ones are rounded.
  public var floats: [Float] {
    switch dtype {
    case .f4: littleEndianValues(bytes)
    case .f8: littleEndianValues(bytes, as: Double.self).map { Float($0) }
    case .i1: littleEndianValues(bytes, as: Int8.self).map { Float($0) }
    case .u1: bytes.map { Float($0) }
    case .i4: littleEndianValues(bytes, as: Int32.self).map { Float($0) }
    case .i8: littleEndianValues(bytes, as: Int64.self).map { Float($0) }
    }
  }

  /// The elements as integers; nil for floating-point arrays.
  public var integers: [Int]? {
    switch dtype {
    case .f4, .f8: nil
    case .i1: littleEndianValues(bytes, as: Int8.self).map { Int($0) }
    case .u1: bytes.map { Int($0) }
    case .i4: littleEndianValues(bytes, as: Int32.self).map { Int($0) }
    case .i8: littleEndianValues(bytes, as: Int64.self).map { Int($0) }
    }
  }

  /// The elements as a tensor of a type with the same count; nil where they do not fit it: real numbers for an integer
  /// type, integers out of its range.
  public func tensor(_ type: TensorType) -> Tensor? {
    guard type.checkedElementCount == count else { return nil }
    switch type.element {
    case .f32: return Tensor(type, .f32(floats))
    case .i32:
      guard let integers, integers.allSatisfy({ Int32(exactly: $0) != nil }) else { return nil }
      return Tensor(type, .i32(integers.map { Int32($0) }))
    case .i8, .q8:
      guard let integers, integers.allSatisfy({ Int8(exactly: $0) != nil }) else { return nil }
      return Tensor(type, .i8(integers.map { Int8($0) }))
    }
  }
}

extension NpyArray {
  /// The file of a tensor, version 1.0: f4, i1 (also for quantized tensors) or i4.
  public static func file(of tensor: Tensor) -> [UInt8] {
    let dtype =
      switch tensor.storage {
      case .f32: "<f4"
      case .i8: "|i1"
      case .i32: "<i4"
      }
    let shape = tensor.type.shape
    let tuple = shape.count == 1 ? "(\(shape[0]),)" : "(\(shape.map(String.init).joined(separator: ", ")))"
    var header = Array("{'descr': '\(dtype)', 'fortran_order': False, 'shape': \(tuple), }".utf8)
    // Magic, version and length take 10 bytes; the data start at a multiple of 64.
    while (10 + header.count + 1) % 64 != 0 { header.append(UInt8(ascii: " ")) }
    header.append(UInt8(ascii: "\n"))
    return NpyHeader.magic + [1, 0, UInt8(header.count & 0xff), UInt8(header.count >> 8)] + header
      + tensor.storage.bytes
  }
}
