import Foundation
import SpadixSupport
import SpadixTensor

/// An ONNX model while it is made: nodes, initializers, and names that nothing else has.
struct ModelWriter {
  private var graph = Spadix_Onnx_Graph()
  private var names = UniqueNames()
  private var constants: [String: String] = [:]

  /// Quantization per axis came with version 13.
  static let operatorSet: Int64 = 13

  init(name: String) { graph.name = name }

  mutating func name(_ wanted: String) -> String { names.take(wanted) }

  // MARK: Nodes

  /// Adds a node with one result, whose name is made of the wanted one. Operands that are left out are empty.
  mutating func node(
    _ kind: String, _ operands: [String], _ attributes: [Attribute] = [], result wanted: String
  ) -> String {
    let result = name(wanted)
    node(kind, operands, attributes, named: result)
    return result
  }

  /// Adds a node whose result has a name that was taken before.
  mutating func node(_ kind: String, _ operands: [String], _ attributes: [Attribute] = [], named result: String) {
    var node = Spadix_Onnx_Node()
    node.operator = kind
    node.name = result
    node.inputs = operands
    node.outputs = [result]
    node.attributes = attributes.map(\.message)
    graph.nodes.append(node)
  }

  struct Attribute {
    fileprivate var message = Spadix_Onnx_Attribute()

    static func integer(_ name: String, _ value: Int) -> Attribute {
      var it = Attribute()
      it.message.name = name
      it.message.kind = 2
      it.message.integer = Int64(value)
      return it
    }

    static func integers(_ name: String, _ values: [Int]) -> Attribute {
      var it = Attribute()
      it.message.name = name
      it.message.kind = 7
      it.message.integers = values.map { Int64($0) }
      return it
    }

    static func real(_ name: String, _ value: Float) -> Attribute {
      var it = Attribute()
      it.message.name = name
      it.message.kind = 1
      it.message.real = value
      return it
    }
  }

  // MARK: Initializers

  /// Adds elements under a name of their own.
  mutating func initializer(_ wanted: String, _ shape: [Int], _ storage: Tensor.Storage) -> String {
    let name = name(wanted)
    initializer(named: name, shape, kind(storage), storage.bytes)
    return name
  }

  /// A constant that many nodes may share: the same elements have one name.
  mutating func constant(_ wanted: String, _ shape: [Int], _ storage: Tensor.Storage) -> String {
    let key = "\(kind(storage)) \(shape) \(storage.bytes)"
    if let known = constants[key] { return known }
    let name = initializer(wanted, shape, storage)
    constants[key] = name
    return name
  }

  /// A list of 64-bit integers, as shapes and pads are given.
  mutating func integers(_ wanted: String, _ values: [Int]) -> String {
    let key = "int64 \(values)"
    if let known = constants[key] { return known }
    let name = name(wanted)
    initializer(named: name, [values.count], .int64, littleEndianBytes(values.map { Int64($0) }))
    constants[key] = name
    return name
  }

  private func kind(_ storage: Tensor.Storage) -> TensorKind {
    switch storage {
    case .f32: .float
    case .i8: .int8
    case .i32: .int32
    }
  }

  private mutating func initializer(named name: String, _ shape: [Int], _ kind: TensorKind, _ bytes: [UInt8]) {
    var tensor = Spadix_Onnx_Tensor()
    tensor.name = name
    tensor.dimensions = shape.map { Int64($0) }
    tensor.elementType = kind.rawValue
    tensor.raw = Data(bytes)
    graph.initializers.append(tensor)
  }

  // MARK: Ports

  mutating func input(_ name: String, _ type: TensorType) { graph.inputs.append(Self.port(name, type)) }

  mutating func output(_ name: String, _ type: TensorType) { graph.outputs.append(Self.port(name, type)) }

  private static func port(_ name: String, _ type: TensorType) -> Spadix_Onnx_Port {
    var port = Spadix_Onnx_Port()
    port.name = name
    port.type.tensor.elementType =
      switch type.element {
      case .f32: TensorKind.float.rawValue
      case .i8, .q8: TensorKind.int8.rawValue
      case .i32: TensorKind.int32.rawValue
      }
    port.type.tensor.shape.dimensions = type.shape.map { size in
      var dimension = Spadix_Onnx_Dimension()
      dimension.size = Int64(size)
      return dimension
    }
    return port
  }

  // MARK: File

  /// Throws `onnx.too-large` for a model that a protocol buffer cannot hold.
  func serialized() throws -> [UInt8] {
    let bytes = graph.initializers.reduce(0) { $0 + $1.raw.count }
    guard bytes < 2_000_000_000 else {
      throw Diagnostic("onnx.too-large", "the graph has \(bytes) bytes of constants; an ONNX file holds 2 GB")
    }
    var model = Spadix_Onnx_Model()
    model.irVersion = 8
    model.producer = "spadix"
    var operators = Spadix_Onnx_OperatorSet()
    operators.version = Self.operatorSet
    model.operatorSets = [operators]
    model.graph = graph
    let data: Data = try model.serializedData()
    return [UInt8](data)
  }
}
