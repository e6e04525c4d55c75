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
  var elements: Elements
  /// The name in the model that the elements go by; tensors of a name and an id are the same.
  var name: String
  var id: Int

  init(_ kind: TensorKind, shape: [Int], _ elements: Elements, name: String = "", id: Int = -1) {
    self.kind = kind
    self.shape = shape
    self.elements = elements
    self.name = name
    self.id = id
  }

  init(integers: [Int], kind: TensorKind = .int64) {
    self.init(kind, shape: [integers.count], .integers(integers.map(Int64.init)))
  }

  var count: Int { elements.count }
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
