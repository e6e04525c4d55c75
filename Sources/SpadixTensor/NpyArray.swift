import SpadixSupport

/// An array of a .npy file: NumPy's format, versions 1 to 3, either byte order, C or Fortran order.
public struct NpyArray: Sendable {
  /// The `descr` of the header without its byte order: kind and bytes of an element.
  public enum DType: String, Sendable, CaseIterable {
    case b1, i1, u1, i2, u2, i4, u4, i8, u8, f2, f4, f8

    /// How an element's bytes are read.
    var format: NumberFormat {
      switch self {
      case .b1: .bool
      case .i1: .i8
      case .u1: .u8
      case .i2: .i16
      case .u2: .u16
      case .i4: .i32
      case .u4: .u32
      case .i8: .i64
      case .u8: .u64
      case .f2: .f16
      case .f4: .f32
      case .f8: .f64
      }
    }

    /// Bytes of one element.
    var byteCount: Int { format.byteCount }
  }

  /// As in the file; `bytes` are little endian whatever its byte order was.
  public let dtype: DType
  /// Empty for a single number.
  public let shape: [Int]
  /// The elements' bytes, little endian, row-major.
  let bytes: ArraySlice<UInt8>

  /// Reads a file; `-` is standard input.
  ///
  /// Throws `npy.*`, `file.*` and `memory.short`.
  public init(reading path: String) throws {
    let file = try Files.read(path) { start in try NpyHeader.checkMagic(start, name: path) }
    try self.init(file: file, name: path)
  }

  /// Throws `npy.magic`, with what it is instead, for a file that does not start as a .npy file does.
  public static func checkMagic(_ start: some Collection<UInt8>, name: String) throws {
    try NpyHeader.checkMagic(start, name: name)
  }

  /// Reads the bytes of a file that diagnostics call `name`.
  ///
  /// Throws `npy.*`, and `memory.short` where elements have to be reordered and there is no room.
  public init(file: [UInt8], name: String) throws {
    let header = try NpyHeader(file: file, name: name)
    self.dtype = header.dtype
    self.shape = header.shape
    let bytes = file[header.dataStart...]
    if header.isBigEndian || header.isFortranOrder {
      try Memory.require(2 * bytes.count, for: "'\(name)' is not in little-endian C order; converting it")
    }
    let swapped = header.isBigEndian ? Self.swapped(bytes, width: dtype.byteCount) : bytes
    self.bytes = header.isFortranOrder ? Self.transposed(swapped, shape: shape, width: dtype.byteCount) : swapped
  }

  /// Elements.
  public var count: Int { bytes.count / dtype.byteCount }

  /// The elements as Float32; wider ones are rounded.
  var floats: [Float] { dtype.format.reals(bytes) }

  /// The elements as integers; nil for floating-point arrays.
  public var integers: [Int]? { dtype.format.integers(bytes) }

  /// The elements as a tensor of a type with the same count; nil where they do not fit it: real numbers for an integer
  /// type, integers out of its range.
  public func tensor(_ type: TensorType) -> Tensor? { dtype.format.tensor(bytes, type) }

  private static func swapped(_ bytes: ArraySlice<UInt8>, width: Int) -> ArraySlice<UInt8> {
    var result = Array(bytes)
    if width > 1 {
      for start in stride(from: 0, to: result.count, by: width) { result[start..<start + width].reverse() }
    }
    return result[...]
  }

  /// Elements in the order of C, the last axis fastest, from that of Fortran, the first axis fastest.
  private static func transposed(_ bytes: ArraySlice<UInt8>, shape: [Int], width: Int) -> ArraySlice<UInt8> {
    guard shape.count > 1, !bytes.isEmpty else { return bytes }
    var strides: [Int] = []
    var step = width
    for length in shape {
      strides.append(step)
      step *= length
    }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = [Int](repeating: 0, count: shape.count)
    var offset = bytes.startIndex
    while true {
      result += bytes[offset..<offset + width]
      var axis = shape.count - 1
      while axis >= 0, index[axis] + 1 == shape[axis] {
        offset -= index[axis] * strides[axis]
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return result[...] }
      index[axis] += 1
      offset += strides[axis]
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
