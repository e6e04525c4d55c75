import SpadixSupport
import SpadixTensor

/// Loads the elements of data definitions, each once.
public final class DataStore {
  private var tensors: [Key: Tensor] = [:]

  private struct Key: Hashable {
    var source: DataSource
    var type: TensorType
    var baseFile: String?
  }

  public init() {}

  /// The elements of a definition. Throws diagnostics at the definition: a file that is missing, damaged, or holds a
  /// tensor of another type.
  public func tensor(_ definition: DataDefinition) throws -> Tensor {
    switch definition.source {
    case .literal(let storage): return Tensor(definition.type, storage)
    case .splat, .random, .file: break
    }
    let key = Key(source: definition.source, type: definition.type, baseFile: definition.baseFile)
    if let tensor = tensors[key] { return tensor }
    let tensor = try load(definition)
    tensors[key] = tensor
    return tensor
  }

  private func load(_ definition: DataDefinition) throws -> Tensor {
    throw Diagnostic("data.unsupported", "data @\(definition.name) cannot be loaded yet", at: definition.range)
  }
}
