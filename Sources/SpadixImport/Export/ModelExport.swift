import SpadixIR
import SpadixSupport
import SpadixTensor

/// A graph as an ONNX model: floating point as it is, int8 as pairs of QuantizeLinear and DequantizeLinear.
///
/// Both quantized and lowered graphs mean the same integers: sums of products, rescaled, rounded, clamped. Here they are the
/// real numbers that the integers stand for, with scales chosen so that dividing by the result's scale is what the output
/// stage does. Images are NHWC in graphs and NCHW in ONNX; a value is moved into the other layout where somebody needs it.
public struct ModelExport {
  let graph: Graph
  let data: DataStore
  var writer: ModelWriter
  private let names: ValueNames
  /// Names of a value by layout: as in the graph, and with channels first.
  private var plain: [String?]
  private var channelsFirst: [String?]
  private var dequantized: [String: String] = [:]

  enum Layout {
    case plain, channelsFirst
  }

  /// The bytes of a model.
  ///
  /// Throws `onnx.too-large`, what reading data throws, and `onnx.export` for an operator that ONNX cannot say.
  public static func model(of graph: Graph, data: DataStore) throws -> [UInt8] {
    var export = ModelExport(graph, data)
    return try export.run()
  }

  private init(_ graph: Graph, _ data: DataStore) {
    self.graph = graph
    self.data = data
    writer = ModelWriter(name: graph.name)
    names = ValueNames(graph)
    plain = Array(repeating: nil, count: graph.values.count)
    channelsFirst = plain
  }

  private mutating func run() throws -> [UInt8] {
    for input in graph.inputs {
      let name = writer.name(names.plain(input))
      writer.input(name, graph.values[input].type)
      plain[input.index] = name
    }
    // Outputs have their names from the start; whoever makes the value gets another.
    let outputs = graph.outputs.indices.map { writer.name(names.output($0, of: graph)) }
    for operation in graph.operations { try add(operation) }
    for (index, output) in graph.outputs.enumerated() {
      let source = try value(output, .plain)
      writer.node("Identity", [source], named: outputs[index])
      writer.output(outputs[index], graph.values[output].type)
    }
    return try writer.serialized()
  }

  // MARK: Values

  func type(_ value: ValueID) -> TensorType { graph.values[value].type }

  func wanted(_ operation: Operation) -> String { names.plain(operation.result) }

  mutating func define(_ value: ValueID, _ name: String, _ layout: Layout = .plain) {
    switch layout {
    case .plain: plain[value.index] = name
    case .channelsFirst: channelsFirst[value.index] = name
    }
  }

  /// The layout in which a value is there already.
  func layout(of value: ValueID) -> Layout {
    plain[value.index] == nil && channelsFirst[value.index] != nil ? .channelsFirst : .plain
  }

  /// The name of a value as it is stored, int8 or f32, in a layout; moved there if need be.
  mutating func value(_ value: ValueID, _ layout: Layout) throws -> String {
    if let known = layout == .plain ? plain[value.index] : channelsFirst[value.index] { return known }
    if plain[value.index] == nil && channelsFirst[value.index] == nil {
      guard let tensor = try graph.constantTensor(value, from: data) else {
        preconditionFailure("values are defined before they are used")
      }
      plain[value.index] = writer.initializer(names.plain(value), tensor.type.shape, tensor.storage)
      return try self.value(value, layout)
    }
    let (source, permutation) =
      layout == .plain ? (channelsFirst[value.index], [0, 2, 3, 1]) : (plain[value.index], [0, 3, 1, 2])
    let name = writer.node(
      "Transpose", [source ?? ""], [.integers("perm", permutation)],
      result: names.plain(value) + (layout == .plain ? "_nhwc" : "_nchw"))
    define(value, name, layout)
    return name
  }

  /// A value as real numbers: dequantized by a scale for all, or for each channel, where it is int8.
  mutating func real(_ value: ValueID, _ layout: Layout, scales: [Float], zeroPoint: Int32) throws -> String {
    let source = try self.value(value, layout)
    let axis = layout == .channelsFirst ? 1 : type(value).shape.count - 1
    let key = "\(source) \(scales) \(zeroPoint) \(axis)"
    if let known = dequantized[key] { return known }
    let name = dequantize(source, scales, zeroPoint, axis: axis, wanted: names.plain(value) + "_real")
    dequantized[key] = name
    return name
  }

  /// A value as real numbers by its own type.
  mutating func real(_ value: ValueID, _ layout: Layout) throws -> String {
    guard let quantization = type(value).element.quantization else { return try self.value(value, layout) }
    guard quantization.isPerTensor else {
      throw Diagnostic(
        "onnx.export",
        "%\(names.plain(value)) has a scale for each index of an axis, and is no weight of a convolution or product",
        at: graph.values[value].range)
    }
    return try real(value, layout, scales: [quantization.scale], zeroPoint: quantization.zeroPoint)
  }

  mutating func dequantize(
    _ source: String, _ scales: [Float], _ zeroPoint: Int32, axis: Int, wanted: String
  ) -> String {
    let shape = scales.count == 1 ? [] : [scales.count]
    let scale = writer.constant("scale", shape, .f32(scales))
    let zero = writer.constant(
      "zero_point", shape, .i8([Int8](repeating: Int8(truncatingIfNeeded: zeroPoint), count: scales.count)))
    return writer.node(
      "DequantizeLinear", [source, scale, zero], scales.count == 1 ? [] : [.integer("axis", axis)], result: wanted)
  }

  /// Clamps real numbers to what lies between two integers, and makes integers of them.
  mutating func quantize(
    _ source: String, _ operation: Operation, _ layout: Layout, scale: Float, zeroPoint: Int32, low: Int32 = -128,
    high: Int32 = 127, table: [Int8]? = nil, before: (inout ModelExport, String) -> String = { $1 },
    after: (inout ModelExport, String) -> String = { $1 }
  ) {
    var source = source
    if low > -128 || high < 127 {
      let bounds = [low, high].map { Float($0 - zeroPoint) * scale }
      // Where only one side is bounded by more than int8 is, the other needs no operand.
      if low == zeroPoint && high == 127 {
        source = writer.node("Relu", [source], result: wanted(operation) + "_relu")
      } else {
        source = writer.node(
          "Clip",
          [source, writer.constant("low", [], .f32([bounds[0]])), writer.constant("high", [], .f32([bounds[1]]))],
          result: wanted(operation) + "_clip")
      }
    }
    source = before(&self, source)
    let name = writer.node(
      "QuantizeLinear",
      [source, writer.constant("scale", [], .f32([scale])), writer.constant("zero_point", [], .i8([Int8(zeroPoint)]))],
      result: wanted(operation) + (table == nil ? "" : "_scaled"))
    let result = table.map { lookUp(name, in: $0, wanted(operation)) } ?? name
    define(operation.result, after(&self, result), layout)
  }

  /// int8 through a table of 256 entries.
  mutating func lookUp(_ source: String, in table: [Int8], _ wanted: String) -> String {
    let index = writer.node(
      "Cast", [source], [.integer("to", Int(TensorKind.int32.rawValue))], result: wanted + "_index")
    let entry = writer.node(
      "Add", [index, writer.constant("first", [], .i32([128]))], result: wanted + "_entry")
    return writer.node("Gather", [writer.constant("table", [256], .i8(table)), entry], result: wanted)
  }

  func unsupported(_ operation: Operation, _ reason: String) -> Diagnostic {
    Diagnostic("onnx.export", "\(operation.op.mnemonic) cannot be exported: \(reason)", at: operation.range)
  }
}

extension Quantization {
  /// Of a value whose integers have no meaning, in an npu graph: themselves.
  static func of(_ type: TensorType) -> Quantization { type.element.quantization ?? Quantization(scale: 1) }
}
