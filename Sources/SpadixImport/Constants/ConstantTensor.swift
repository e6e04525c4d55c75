/// A tensor whose elements are known at import: weights, shapes, and what is computed of them.
struct ConstantTensor {
  /// Integers of all widths, and booleans as 0 and 1, are held as Int64, real numbers of all widths as Float32.
  enum Elements {
    case real([Float])
    case integers([Int64])

    var count: Int {
      switch self {
      case .real(let values): values.count
      case .integers(let values): values.count
      }
    }
  }

  var kind: TensorKind
  /// May have dimensions of 0, unlike tensors of a graph.
  var shape: [Int]
  private var storage: Storage
  /// The name in the model that the elements go by; tensors of a name and an id are the same.
  var name: String
  var id: Int

  init(_ kind: TensorKind, shape: [Int], _ elements: Elements, name: String = "", id: Int = -1) {
    self.kind = kind
    self.shape = shape
    self.storage = .elements(elements)
    self.name = name
    self.id = id
  }

  /// Integers of 8 bits that are kept as their bytes.
  init(_ kind: TensorKind, shape: [Int], bytes: [UInt8], name: String) {
    self.kind = kind
    self.shape = shape
    storage = .bytes(bytes)
    self.name = name
    id = -1
  }

  /// Real numbers that are kept as integers.
  init(_ integers: ScaledIntegers, shape: [Int], name: String = "") {
    kind = .float
    self.shape = shape
    storage = .scaled(integers)
    self.name = name
    id = -1
  }

  /// One real number in every place: as many as the weights of large networks are may be made by a single node.
  init(splat value: Float, shape: [Int]) {
    kind = .float
    self.shape = shape
    storage = .splat(value)
    name = ""
    id = -1
  }

  private enum Storage {
    case elements(Elements)
    case splat(Float)
    /// Of int8 or uint8.
    case bytes([UInt8])
    case scaled(ScaledIntegers)
  }

  var elements: Elements {
    get {
      switch storage {
      case .elements(let elements): elements
      case .splat(let value): .real([Float](repeating: value, count: count))
      case .bytes(let bytes):
        .integers(bytes.map { kind == .int8 ? Int64(Int8(bitPattern: $0)) : Int64($0) })
      case .scaled(let integers): .real(integers.reals)
      }
    }
    set { storage = .elements(newValue) }
  }

  /// The bytes of integers of 8 bits, where they are kept so.
  var bytes: [UInt8]? { if case .bytes(let bytes) = storage { bytes } else { nil } }

  /// The number that all elements are, where only that is kept.
  var splat: Float? { if case .splat(let value) = storage { value } else { nil } }

  /// The integers that the elements are kept as; nil where they are kept as themselves.
  var scaled: ScaledIntegers? { if case .scaled(let integers) = storage { integers } else { nil } }

  init(integers: [Int], kind: TensorKind = .int64) {
    self.init(kind, shape: [integers.count], .integers(integers.map(Int64.init)))
  }

  var count: Int {
    switch storage {
    case .elements(let elements): elements.count
    case .splat: shape.reduce(1, *)
    case .bytes(let bytes): bytes.count
    case .scaled(let integers): integers.values.count
    }
  }
  var isEmpty: Bool { count == 0 }

  var reals: [Float]? { if case .real(let values) = elements { values } else { nil } }
  var integers: [Int64]? { if case .integers(let values) = elements { values } else { nil } }

  /// All elements as real numbers.
  var asReals: [Float] {
    switch elements {
    case .real(let values): values
    case .integers(let values): values.map(Float.init)
    }
  }
}

extension ConstantTensor {
  /// Throws the place of the first element that is no number.
  func requireNumbers(from start: Int = 0) throws(TensorReader.Problem) {
    guard case .real(let values) = elements, let bad = values[start...].firstIndex(where: \.isNaN) else { return }
    var rest = bad
    let index = shape.reversed().map { size in
      defer { rest /= size }
      return rest % size
    }
    throw TensorReader.Problem(
      "onnx.not-finite",
      "the tensor\(name.isEmpty ? "" : " '\(name)'") holds NaN at \(Array(index.reversed())); expected numbers",
      help: "look at the model before it was exported: training may have diverged")
  }
}
