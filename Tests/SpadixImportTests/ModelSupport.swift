import Foundation
import SpadixSupport

@testable import SpadixIR
@testable import SpadixImport

/// Builds small models, field by field as a file has them.
struct ModelSupport {
  var model = Spadix_Onnx_Model()

  init(opset: Int64 = 13) {
    model.irVersion = 8
    var set = Spadix_Onnx_OperatorSet()
    set.version = opset
    model.operatorSets = [set]
    model.graph.name = "test"
  }

  mutating func input(_ name: String, _ dimensions: Int64..., kind: TensorKind = .float) {
    input(
      name,
      dimensions.map { size in
        var dimension = Spadix_Onnx_Dimension()
        dimension.size = size
        return dimension
      }, kind: kind)
  }

  mutating func input(_ name: String, symbols: String...) { input(name, symbols: symbols) }

  mutating func input(_ name: String, symbols: [String]) {
    input(
      name,
      symbols.map { symbol in
        var dimension = Spadix_Onnx_Dimension()
        if let size = Int64(symbol) { dimension.size = size } else if symbol != "?" { dimension.symbol = symbol }
        return dimension
      })
  }

  private mutating func input(_ name: String, _ dimensions: [Spadix_Onnx_Dimension], kind: TensorKind = .float) {
    var port = Spadix_Onnx_Port()
    port.name = name
    port.type.tensor.elementType = kind.rawValue
    port.type.tensor.shape.dimensions = dimensions
    model.graph.inputs.append(port)
  }

  mutating func output(_ name: String) {
    var port = Spadix_Onnx_Port()
    port.name = name
    model.graph.outputs.append(port)
  }

  mutating func weights(_ name: String, _ shape: [Int64], _ values: [Float]? = nil) {
    var tensor = Spadix_Onnx_Tensor()
    tensor.name = name
    tensor.elementType = TensorKind.float.rawValue
    tensor.dimensions = shape
    tensor.floats = values ?? (0..<Int(shape.reduce(1, *))).map { Float($0 % 7) - 3 }
    model.graph.initializers.append(tensor)
  }

  mutating func integers(_ name: String, _ values: [Int64]) {
    var tensor = Spadix_Onnx_Tensor()
    tensor.name = name
    tensor.elementType = TensorKind.int64.rawValue
    tensor.dimensions = [Int64(values.count)]
    tensor.int64S = values
    model.graph.initializers.append(tensor)
  }

  mutating func node(
    _ kind: String, _ inputs: [String], _ outputs: [String], integers: [String: [Int64]] = [:],
    integer: [String: Int64] = [:], name: String = ""
  ) {
    var node = Spadix_Onnx_Node()
    node.operator = kind
    node.inputs = inputs
    node.outputs = outputs
    node.name = name
    for (key, values) in integers.sorted(by: { $0.key < $1.key }) {
      var attribute = Spadix_Onnx_Attribute()
      attribute.name = key
      attribute.kind = 7
      attribute.integers = values
      node.attributes.append(attribute)
    }
    for (key, value) in integer.sorted(by: { $0.key < $1.key }) {
      var attribute = Spadix_Onnx_Attribute()
      attribute.name = key
      attribute.kind = 2
      attribute.integer = value
      node.attributes.append(attribute)
    }
    model.graph.nodes.append(node)
  }

  var bytes: [UInt8] { (try? model.serializedBytes()) ?? [] }

  func imported(_ options: ImportOptions = ImportOptions(), folder: String? = nil) throws -> ModelImport {
    try ModelImport(bytes, name: "test.onnx", folder: folder, options: options)
  }

  /// The graph's text, or everything that is wrong.
  func text(_ options: ImportOptions = ImportOptions()) -> String {
    do {
      let result = try imported(options)
      guard let graph = result.graph else { return result.refusals.description }
      try graph.verify()
      return graph.text()
    } catch let diagnostics as Diagnostics {
      return diagnostics.description
    } catch {
      return "\(error)"
    }
  }
}

/// Models that between them have every kind of message and most operators; where mutations start.
enum ModelSeeds {
  static let all: [Spadix_Onnx_Model] = [classifier(), shapes(), transformer(), branches()]

  static func classifier() -> Spadix_Onnx_Model {
    var support = ModelSupport()
    support.input("image", symbols: "N", "3", "8", "8")
    support.weights("w1", [4, 3, 3, 3])
    support.weights("b1", [4])
    support.node(
      "Conv", ["image", "w1", "b1"], ["c1"],
      integers: ["pads": [1, 1, 1, 1], "strides": [2, 2], "kernel_shape": [3, 3]],
      name: "conv")
    for name in ["scale", "bias", "mean", "variance"] { support.weights(name, [4], [1, 2, 0.5, 1]) }
    support.node("BatchNormalization", ["c1", "scale", "bias", "mean", "variance"], ["n1"])
    support.node("Relu", ["n1"], ["r1"])
    support.node(
      "MaxPool", ["r1"], ["p1"], integers: ["kernel_shape": [2, 2], "strides": [2, 2]], integer: ["ceil_mode": 1])
    support.node("AveragePool", ["r1"], ["p2"], integers: ["kernel_shape": [2, 2], "strides": [2, 2]])
    support.node("Concat", ["p1", "p2"], ["joined"], integer: ["axis": 1])
    support.node("Flatten", ["joined"], ["flat"])
    support.weights("w2", [32, 5])
    support.weights("b2", [5])
    support.node("Gemm", ["flat", "w2", "b2"], ["logits"])
    support.node("Softmax", ["logits"], ["probabilities"], integer: ["axis": -1])
    support.output("probabilities")
    support.output("r1")
    var model = support.model
    model.graph.inputs[0].type.tensor.shape.dimensions[0].size = 1
    return model
  }

  static func shapes() -> Spadix_Onnx_Model {
    var support = ModelSupport()
    support.input("x", 2, 3, 4, 4)
    support.node("Shape", ["x"], ["shape"])
    support.integers("zero", [0])
    support.integers("one", [1])
    support.integers("end", [Int64.max])
    support.node("Gather", ["shape", "zero"], ["batch"], integer: ["axis": 0])
    support.node("Slice", ["shape", "one", "end", "zero"], ["rest"])
    support.node("ReduceSum", ["rest"], ["sum"], integer: ["keepdims": 1])
    support.integers("minus", [-1])
    support.node("Concat", ["batch", "minus"], ["target"], integer: ["axis": 0])
    support.node("Reshape", ["x", "target"], ["flat"])
    support.node("Expand", ["one", "sum"], ["many"])
    support.node("Cast", ["sum"], ["real"], integer: ["to": 1])
    support.node("Mul", ["flat", "real"], ["scaled"])
    support.node("Transpose", ["scaled"], ["turned"], integers: ["perm": [1, 0]])
    support.node("Split", ["many"], ["a", "b"], integer: ["axis": 0])
    support.node("Size", ["a"], ["size"])
    support.node("Unsqueeze", ["turned", "one"], ["y"])
    support.output("y")
    support.output("turned")
    return support.model
  }

  static func transformer() -> Spadix_Onnx_Model {
    var support = ModelSupport(opset: 17)
    support.input("x", 1, 6, 8)
    support.weights("wq", [8, 8])
    support.weights("wk", [8, 8])
    support.node("MatMul", ["x", "wq"], ["q"])
    support.node("MatMul", ["x", "wk"], ["k"])
    support.node("Transpose", ["k"], ["kt"], integers: ["perm": [0, 2, 1]])
    support.node("MatMul", ["q", "kt"], ["scores"])
    support.node("Softmax", ["scores"], ["p"], integer: ["axis": 2])
    support.node("MatMul", ["p", "x"], ["mixed"])
    support.node("Add", ["mixed", "x"], ["sum"])
    support.node("ReduceMean", ["sum"], ["mean"], integers: ["axes": [-1]])
    support.node("ReduceMax", ["sum"], ["most"], integers: ["axes": [1]], integer: ["keepdims": 0])
    support.node("LeakyRelu", ["mean"], ["leaky"])
    support.output("leaky")
    support.output("most")
    return support.model
  }

  static func branches() -> Spadix_Onnx_Model {
    var support = ModelSupport()
    support.input("x", 1, 4, 3, 3)
    support.integers("flag", [1])
    support.node("Cast", ["flag"], ["condition"], integer: ["to": 9])
    var node = Spadix_Onnx_Node()
    node.operator = "If"
    node.inputs = ["condition"]
    node.outputs = ["y"]
    for (name, kind) in [("then_branch", "Relu"), ("else_branch", "Neg")] {
      var inner = ModelSupport()
      inner.node(kind, ["x"], ["inner"])
      inner.output("inner")
      var attribute = Spadix_Onnx_Attribute()
      attribute.name = name
      attribute.kind = 5
      attribute.graph = inner.model.graph
      node.attributes.append(attribute)
    }
    support.model.graph.nodes.append(node)
    support.integers("pads", [0, 0, 1, 1, 0, 0, 1, 1])
    support.node("Pad", ["y", "pads"], ["padded"])
    support.node("DepthToSpace", ["padded"], ["wide"], integer: ["blocksize": 2])
    support.output("wide")
    return support.model
  }
}
