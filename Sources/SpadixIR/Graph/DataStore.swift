import SpadixSupport
import SpadixTensor

/// Loads the elements of data definitions, each file and each tensor once.
public final class DataStore {
  private struct Key: Hashable {
    var source: DataSource
    var type: TensorType
    var baseFile: String?
  }

  private var tensors: [Key: Tensor] = [:]
  private var files: [String: Safetensors] = [:]

  public init() {}

  /// The elements of a definition. Throws a diagnostic at the definition: a file that is missing or damaged, a tensor
  /// of another type, real numbers that are not finite.
  public func tensor(_ definition: DataDefinition) throws -> Tensor {
    if case .literal(let storage) = definition.source {
      let tensor = Tensor(definition.type, storage)
      try checkFinite(tensor, definition)
      return tensor
    }
    let key = Key(source: definition.source, type: definition.type, baseFile: definition.baseFile)
    if let tensor = tensors[key] { return tensor }
    let tensor = try load(definition)
    try checkFinite(tensor, definition)
    tensors[key] = tensor
    return tensor
  }

  /// Forgets what was loaded, to free memory.
  func removeAll() {
    tensors = [:]
    files = [:]
  }

  private func load(_ definition: DataDefinition) throws -> Tensor {
    let type = definition.type
    let count = type.elementCount
    // The elements, once more while they are made, and what the first of their users makes of them.
    try Memory.require(3 * type.byteCount, for: "data @\(definition.name) of type \(type)")
    switch definition.source {
    case .literal(let storage): return Tensor(type, storage)
    case .splat(let element):
      switch element {
      case .f32(let values): return Tensor(type, .f32([Float](repeating: values[0], count: count)))
      case .i8(let values): return Tensor(type, .i8([Int8](repeating: values[0], count: count)))
      case .i32(let values): return Tensor(type, .i32([Int32](repeating: values[0], count: count)))
      }
    case .random(let source): return source.tensor(type)
    case .file(let path, let tensorName):
      let resolved = Files.resolve(path, relativeTo: definition.baseFile)
      do {
        guard let tensorName else { return try npyTensor(resolved, type) }
        return try safetensorsTensor(resolved, tensorName, type)
      } catch var diagnostic as Diagnostic {
        // Errors inside a file have their own place there; the definition that asked for the file is told as well.
        if diagnostic.range == nil {
          diagnostic.range = definition.range
        } else {
          diagnostic.notes.append(Diagnostic.Note("needed by data @\(definition.name)", at: definition.range))
        }
        throw diagnostic
      }
    }
  }

  private func safetensorsTensor(_ path: String, _ name: String, _ type: TensorType) throws -> Tensor {
    let file: Safetensors
    if let known = files[path] {
      file = known
    } else {
      file = try Safetensors(reading: path)
      files[path] = file
    }
    guard let entry = file[name] else {
      let names = file.entries.map(\.name)
      throw Diagnostic(
        "data.missing-tensor", "'\(path)' holds no tensor '\(name)'",
        help: nearest(name, among: names).map { "did you mean '\($0)'?" }
          ?? "it holds \(names.isEmpty ? "none" : names.prefix(8).joined(separator: ", "))"
          + (names.count > 8 ? " and \(names.count - 8) more" : ""))
    }
    let found = "'\(name)' of '\(path)' is \(entry.dtype.rawValue)\(entry.shape)"
    guard entry.shape == type.shape else {
      let hint = ShapeHint.text(
        found: entry.shape, expected: type.shape, array: "tensors['\(name)']", isWeights: true)
      throw Diagnostic("data.shape", "\(found); expected the shape \(type.shape)", help: hint)
    }
    guard let format = entry.dtype.format, let tensor = format.tensor(file.bytes(of: entry), type) else {
      throw Diagnostic(
        "data.type", "\(found), whose numbers do not fit \(type.element)",
        help: "convert the tensor, or change the type of the definition")
    }
    return tensor
  }

  private func npyTensor(_ path: String, _ type: TensorType) throws -> Tensor {
    let array = try NpyArray(reading: path)
    guard array.shape == type.shape else {
      let hint = ShapeHint.text(
        found: array.shape, expected: type.shape, array: "numpy.load('\(path)')", isWeights: nil)
      throw Diagnostic(
        "data.shape", "'\(path)' is \(array.dtype)\(array.shape); expected the shape \(type.shape)",
        help: hint.map { "\($0) (save it with numpy.save)" })
    }
    guard let tensor = array.tensor(type) else {
      throw Diagnostic("data.type", "'\(path)' holds \(array.dtype) elements that do not fit \(type.element)")
    }
    return tensor
  }

  /// A NaN or infinity in weights or samples would only show as garbage much later.
  private func checkFinite(_ tensor: Tensor, _ definition: DataDefinition) throws {
    guard case .f32(let values) = tensor.storage, let index = values.firstIndex(where: { !$0.isFinite }) else { return }
    throw Diagnostic(
      "data.not-finite", "data @\(definition.name) holds \(values[index]) at element \(index); expected finite numbers",
      at: definition.range)
  }
}

extension RandomSource {
  /// The elements that the generator gives for a type.
  func tensor(_ type: TensorType) -> Tensor {
    let count = type.elementCount
    switch type.element {
    case .f32:
      switch distribution {
      case .laplace(let scale): return Tensor(type, .f32(RandomTensor.laplace(count: count, seed: seed, scale: scale)))
      case .uniform(let low, let high):
        return Tensor(type, .f32(RandomTensor.uniform(count: count, seed: seed, low: low, high: high)))
      case nil: return Tensor(type, .f32(RandomTensor.uniform(count: count, seed: seed, low: -1, high: 1)))
      }
    case .i8, .q8: return Tensor(type, .i8(integers(count, default: 127).map { Int8(truncatingIfNeeded: $0) }))
    case .i32: return Tensor(type, .i32(integers(count, default: 1000)))
    }
  }

  private func integers(_ count: Int, default bound: Int32) -> [Int32] {
    guard case .uniform(let low, let high) = distribution else {
      return RandomTensor.integers(count: count, seed: seed, low: -bound, high: bound)
    }
    return RandomTensor.integers(count: count, seed: seed, low: Int32(low), high: Int32(high))
  }
}
