import SpadixSupport

/// Collects tensors and metadata and lays them out as a safetensors file, in the order in which they were added.
public struct SafetensorsWriter: Sendable {
  /// Written in this order; keys must differ.
  public var metadata: [Safetensors.Metadata] = []
  private var tensors: [(name: String, dtype: Safetensors.DType, shape: [Int], content: Content)] = []

  /// Tensors in memory are taken as they lie there, and become bytes one at a time.
  private enum Content {
    case bytes([UInt8])
    case storage(Tensor.Storage)

    var bytes: [UInt8] {
      switch self {
      case .bytes(let bytes): bytes
      case .storage(let storage): storage.bytes
      }
    }
  }

  public init() {}

  /// Adds a tensor. Names must differ.
  /// - Precondition: as many bytes as dtype and shape need.
  public mutating func add(_ name: String, _ dtype: Safetensors.DType, shape: [Int], bytes: [UInt8]) {
    precondition(bytes.count == shape.reduce(dtype.byteCount, *), "the bytes of '\(name)' do not fit its shape")
    tensors.append((name, dtype, shape, .bytes(bytes)))
  }

  /// Adds a tensor as it lies in memory; quantized ones as I8.
  public mutating func add(_ name: String, _ tensor: Tensor) {
    let dtype: Safetensors.DType =
      switch tensor.storage {
      case .f32: .f32
      case .i8: .i8
      case .i32: .i32
      }
    tensors.append((name, dtype, tensor.type.shape, .storage(tensor.storage)))
  }

  /// Adds a tensor from its elements in row-major order. Names must differ.
  /// - Precondition: as many bytes as dtype and shape need.
  mutating func add<Element: LittleEndianElement>(
    _ name: String, _ dtype: Safetensors.DType, shape: [Int], values: [Element]
  ) {
    add(name, dtype, shape: shape, bytes: littleEndianBytes(values))
  }

  /// The file. The data start at a multiple of 8 bytes.
  public func serialized() -> [UInt8] {
    var members: [JSONValue.Member] = []
    if !metadata.isEmpty {
      members.append(
        JSONValue.Member("__metadata__", .object(metadata.map { JSONValue.Member($0.key, .string($0.value)) })))
    }
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.shape.reduce(tensor.dtype.byteCount, *)
      members.append(
        JSONValue.Member(
          tensor.name,
          [
            "dtype": .string(tensor.dtype.rawValue), "shape": .array(tensor.shape.map { .integer($0) }),
            "data_offsets": [.integer(offset), .integer(end)],
          ]))
      offset = end
    }
    var header = Array(JSONValue.object(members).text().utf8)
    while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
    var file = littleEndianBytes([UInt64(header.count)])
    file.reserveCapacity(8 + header.count + offset)
    file += header
    for tensor in tensors { file += tensor.content.bytes }
    return file
  }

  /// Writes `serialized()`, aside first. Throws `file.*`.
  public func write(to path: String) throws { try Files.write(serialized(), to: path) }
}
