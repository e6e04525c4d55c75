import SpadixSupport
import SpadixTensor

/// A named tensor outside the graph: weights, biases, calibration samples.
public struct DataDefinition: Sendable {
  /// Without `@`; unique in its graph.
  public var name: String
  /// What `source` must have; files of another type are refused when they are read.
  public var type: TensorType
  /// Files are only read when the tensor is asked for: see `DataStore`.
  public var source: DataSource
  /// The definition in the source text.
  public var range: SourceRange?
  /// The file that a path in `source` is relative to; nil when paths are relative to the working folder.
  var baseFile: String?

  public init(
    name: String, type: TensorType, source: DataSource, range: SourceRange? = nil, baseFile: String? = nil
  ) {
    self.name = name
    self.type = type
    self.source = source
    self.range = range
    self.baseFile = baseFile
  }
}

extension DataDefinition {
  /// The path, from the working folder, of the file that the elements are in; nil when they are in none.
  public var file: String? {
    guard case .file(let path, _) = source else { return nil }
    return Files.resolve(path, relativeTo: baseFile)
  }
}

/// Where the elements of a data definition come from.
public enum DataSource: Hashable, Sendable {
  /// A tensor of a safetensors file, or a whole .npy file when `tensor` is nil.
  case file(path: String, tensor: String?)
  /// The elements themselves; written as a list, as hex, or into a companion file.
  case literal(Tensor.Storage)
  /// Every element the same; the storage holds that one element.
  case splat(Tensor.Storage)
  /// Elements from the seeded generator, for networks of which only the structure matters.
  case random(RandomSource)
}

/// Parameters of the seeded generator, `SpadixTensor.RandomTensor`.
public struct RandomSource: Hashable, Sendable {
  /// How the elements are spread; the Laplace distribution is for f32 alone.
  public enum Distribution: Hashable, Sendable {
    /// Uniform over low ..< high for f32, over low ... high for integers. Nil: the default of the element type.
    case uniform(low: Float, high: Float)
    /// The Laplace distribution with mean 0 and this scale.
    case laplace(scale: Float)
  }

  /// The same seed, distribution and type give the same elements on every machine.
  var seed: UInt64
  /// Nil for the element type's default: -1 ..< 1 for f32, -127 ... 127 for int8, -1000 ... 1000 for i32.
  var distribution: Distribution?

  public init(seed: UInt64, distribution: Distribution? = nil) {
    self.seed = seed
    self.distribution = distribution
  }
}
