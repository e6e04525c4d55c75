import Foundation
import SpadixSupport
import SpadixTensor

/// Reads initializers and tensor attributes, from wherever the file keeps their elements.
struct TensorReader {
  /// What is wrong with a tensor, without its place.
  struct Problem: Error {
    var id: String
    var message: String
    var help: String?

    init(_ id: String, _ message: String, help: String? = nil) {
      self.id = id
      self.message = message
      self.help = help
    }
  }

  let folder: String?
  private var files: [String: [UInt8]] = [:]

  init(folder: String?) { self.folder = folder }

  /// The locations that have been read, sorted.
  var locations: [String] { files.keys.sorted() }

  /// Where a tensor's elements lie outside the model; nil inside.
  static func location(_ tensor: Spadix_Onnx_Tensor) -> String? {
    tensor.location == 1 ? tensor.external.last { $0.key == "location" }?.value : nil
  }

  mutating func read(_ tensor: Spadix_Onnx_Tensor) throws -> ConstantTensor {
    guard let kind = TensorKind(rawValue: tensor.elementType) else {
      throw Problem(
        "onnx.tensor-type",
        "the tensor has elements of type \(TensorKind.name(tensor.elementType)); expected real numbers of 16 to 64 bits, "
          + "integers of 8 to 64 bits, or bool")
    }
    let shape = try Self.shape(tensor.dimensions)
    let count = shape.reduce(1, *)
    let elements: ConstantTensor.Elements
    if tensor.location == 1 {
      elements = try Self.elements(external(tensor, byteCount: count * kind.byteCount), kind, count)
    } else if tensor.hasRaw {
      elements = try Self.elements(tensor.raw, kind, count)
    } else {
      elements = try Self.typedElements(tensor, kind, count)
    }
    let constant = ConstantTensor(kind, shape: shape, elements, name: tensor.name)
    try constant.requireNumbers()
    return constant
  }

  private static func shape(_ dimensions: [Int64]) throws -> [Int] {
    var count = 1
    for dimension in dimensions {
      let (product, overflow) = count.multipliedReportingOverflow(by: Int(dimension))
      guard dimension >= 0, !overflow, product <= TensorType.maximumElementCount else {
        throw Problem(
          "onnx.tensor-shape",
          "the tensor has shape \(dimensions); expected dimensions of at least 0 and at most "
            + "\(TensorType.maximumElementCount) elements")
      }
      count = product
    }
    return dimensions.map(Int.init)
  }

  private static func countProblem(_ found: String, _ count: Int, _ kind: TensorKind) -> Problem {
    Problem(
      "onnx.tensor-data",
      "the tensor holds \(found); its shape needs \(count) elements of \(kind.byteCount) bytes, "
        + "\(count * kind.byteCount) bytes")
  }

  // MARK: Bytes

  private static func elements<Bytes: Collection<UInt8>>(
    _ bytes: Bytes, _ kind: TensorKind, _ count: Int
  ) throws -> ConstantTensor.Elements {
    guard bytes.count == count * kind.byteCount else { throw countProblem("\(bytes.count) bytes", count, kind) }
    switch kind {
    case .float: return .real(littleEndianValues(bytes))
    case .double: return .real(littleEndianValues(bytes, as: Double.self).map(Float.init))
    case .float16: return .real(littleEndianValues(bytes).map(HalfPrecision.value))
    case .bfloat16: return .real(littleEndianValues(bytes).map(bfloat16))
    case .uint8: return .integers(bytes.map(Int64.init))
    case .bool: return .integers(bytes.map { $0 == 0 ? 0 : 1 })
    case .int8: return .integers(bytes.map { Int64(Int8(bitPattern: $0)) })
    case .int16: return .integers(littleEndianValues(bytes, as: Int16.self).map(Int64.init))
    case .uint16: return .integers(littleEndianValues(bytes, as: UInt16.self).map(Int64.init))
    case .int32: return .integers(littleEndianValues(bytes, as: Int32.self).map(Int64.init))
    case .uint32: return .integers(littleEndianValues(bytes, as: UInt32.self).map(Int64.init))
    case .int64: return .integers(littleEndianValues(bytes))
    case .uint64: return try .integers(littleEndianValues(bytes, as: UInt64.self).map(signed))
    }
  }

  private static func signed(_ value: UInt64) throws -> Int64 {
    guard let value = Int64(exactly: value) else {
      throw Problem("onnx.tensor-data", "the tensor holds \(value); expected integers below 2^63")
    }
    return value
  }

  private static func bfloat16(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

  // MARK: Typed fields

  private static func typedElements(
    _ tensor: Spadix_Onnx_Tensor, _ kind: TensorKind, _ count: Int
  ) throws -> ConstantTensor.Elements {
    func check(_ found: Int, _ field: String) throws {
      if found != count { throw countProblem("\(found) elements in \(field)", count, kind) }
    }
    switch kind {
    case .float:
      try check(tensor.floats.count, "float_data")
      return .real(tensor.floats)
    case .double:
      try check(tensor.doubles.count, "double_data")
      return .real(tensor.doubles.map(Float.init))
    case .int64:
      try check(tensor.int64S.count, "int64_data")
      return .integers(tensor.int64S)
    case .uint32, .uint64:
      try check(tensor.uint64S.count, "uint64_data")
      return try .integers(tensor.uint64S.map(signed))
    case .float16, .bfloat16:
      try check(tensor.int32S.count, "int32_data")
      let bits = tensor.int32S.map { UInt16(truncatingIfNeeded: $0) }
      return .real(bits.map(kind == .float16 ? HalfPrecision.value : bfloat16))
    case .int32, .int16, .int8, .uint16, .uint8, .bool:
      try check(tensor.int32S.count, "int32_data")
      let values = tensor.int32S.map(Int64.init)
      if let bounds = kind.bounds, let bad = values.first(where: { !bounds.contains($0) }) {
        throw Problem("onnx.tensor-data", "the tensor holds \(bad), which is no \(TensorKind.name(kind.rawValue))")
      }
      return .integers(values)
    }
  }

  // MARK: External data

  private mutating func external(_ tensor: Spadix_Onnx_Tensor, byteCount: Int) throws -> ArraySlice<UInt8> {
    var location: String?
    var offset = 0
    var length: Int?
    for entry in tensor.external {
      switch entry.key {
      case "location": location = entry.value
      case "offset": offset = try Self.size(entry.value, "offset")
      case "length": length = try Self.size(entry.value, "length")
      default: break
      }
    }
    guard let location else {
      throw Problem("onnx.external-data", "the tensor's data are external, and no location is given")
    }
    let file = try self.file(location)
    guard offset <= file.count, length ?? byteCount <= file.count - offset else {
      throw Problem(
        "onnx.external-data",
        "'\(location)' has \(file.count) bytes; the tensor needs \(length ?? byteCount) from \(offset) on")
    }
    return file[offset..<offset + (length ?? (file.count - offset >= byteCount ? byteCount : file.count - offset))]
  }

  private static func size(_ text: String, _ name: String) throws -> Int {
    guard let value = Int(text), value >= 0 else {
      throw Problem("onnx.external-data", "\(name) = '\(text)': expected a number of bytes")
    }
    return value
  }

  /// Whose folder is the one that the model was named in: neither the working folder, nor where a link leads.
  private mutating func file(_ location: String) throws -> [UInt8] {
    if let known = files[location] { return known }
    guard let folder else {
      throw Problem(
        "onnx.external-data", "the tensor's data are in '\(location)', beside a model that came through a pipe",
        help: "give the model as a file")
    }
    let steps = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.hasPrefix("/"), !location.isEmpty, !steps.contains(".."), !location.utf8.contains(0) else {
      throw Problem(
        "onnx.external-data", "the tensor's data are in '\(location)'; expected a file in the folder of the model",
        help: "put the file beside the model, and save the model with that location")
    }
    do {
      let bytes = try Files.read(folder.isEmpty ? location : folder + "/" + location)
      files[location] = bytes
      return bytes
    } catch let diagnostic as Diagnostic {
      throw Problem("onnx.external-data", diagnostic.message, help: "put the file beside the model")
    }
  }
}
