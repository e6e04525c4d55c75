import SpadixIR
import SpadixSupport
import SpadixTensor

/// Writes the int8 graph that a plan describes.
struct QuantizationRewriter {
  let graph: Graph
  let plan: QuantizationPlan
  let data: DataStore
  /// By value id of the source: the int8 form in the new graph, as far as it has been made.
  private var int8Forms: [ValueID?]
  /// By value id of the source: whether somebody reads the f32 form.
  private let needsReal: [Bool]
  private var remarks: [Diagnostic] = []

  static func rewrite(_ graph: Graph, plan: QuantizationPlan, context: inout PassContext) throws -> Graph {
    var writer = QuantizationRewriter(graph: graph, plan: plan, data: context.data)
    var result = try graph.rewriting { rewriter, operation in
      guard let id = graph.values[operation.result].producer, let form = plan.forms[id.index] else {
        rewriter.keep(operation)
        return
      }
      try writer.write(operation, form, &rewriter)
    }.eliminatingDead()
    for remark in writer.remarks { context.report(remark) }
    // Types say from here on what ranges and samples were for.
    for value in result.values.indices {
      result.values[value].calibration = nil
      result.values[value].samples = nil
    }
    return result.removingUnusedData()
  }

  private init(graph: Graph, plan: QuantizationPlan, data: DataStore) {
    self.graph = graph
    self.plan = plan
    self.data = data
    int8Forms = [ValueID?](repeating: nil, count: graph.values.count)
    var needsReal = [Bool](repeating: false, count: graph.values.count)
    for output in graph.outputs { needsReal[output.index] = true }
    for (operation, form) in zip(graph.operations, plan.forms) where form == nil {
      for operand in operation.operands { needsReal[operand.index] = true }
    }
    self.needsReal = needsReal
  }

  private mutating func write(_ operation: Operation, _ form: Int8Form, _ rewriter: inout GraphRewriter) throws {
    switch operation.op {
    case .conv2d(let convolution):
      try write(convolution, operation, &rewriter)
    case .matmul(let product):
      if form.roles[1] == .weights {
        let isMatrix = graph.type(operation.operands[1]).rank == 2
        let weights = try weights(of: operation, bias: 2, perChannel: isMatrix && !product.transposeB)
        try writeWeighted(operation, operation.op, weights, bias: 2, addend: nil, &rewriter)
      } else {
        try writeProduct(operation, &rewriter)
      }
    case .mul:
      let weights = try weights(of: operation, bias: nil, perChannel: true)
      try writeWeighted(operation, operation.op, weights, bias: nil, addend: nil, &rewriter)
    case .relu, .clamp:
      var requantize = Requantize()
      requantize.activation = operation.op.elementwiseActivation ?? .none
      let input = try int8(operation.operands[0], &rewriter)
      let type = quantization(operation.result)
      if graph.values[operation.operands[0]].producer != nil, quantization(operation.operands[0]) == type,
        requantize.activation.clampBounds(type) == (-128, 127)
      {
        // The operand saturates where the activation confines.
        int8Forms[operation.result.index] = input
        finishReal(operation, input, &rewriter)
        return
      }
      finish(operation, .requantize(requantize), [input], &rewriter)
    case .add, .softmax, .globalAvgPool2d, .avgPool2d, .maxPool2d, .concat, .reshape, .transpose, .pad:
      var operands: [ValueID] = []
      for operand in operation.operands { operands.append(try int8(operand, &rewriter)) }
      finish(operation, operation.op, operands, &rewriter)
    case .function where operation.op.fakeQuantize != nil:
      try writeFake(operation, form, &rewriter)
    case .function:
      var operands: [ValueID] = []
      for (operand, role) in zip(operation.operands, form.roles) {
        operands.append(role == .untouched ? rewriter[operand] : try int8(operand, &rewriter))
      }
      finish(operation, operation.op, operands, &rewriter)
    case .constant, .batchNorm, .quantize, .dequantize, .requantize, .npu:
      rewriter.keep(operation)
    }
  }

  /// Operand and result have one type, or the operand is confined to what the integers stand for.
  private mutating func writeFake(
    _ operation: Operation, _ form: Int8Form, _ rewriter: inout GraphRewriter
  ) throws {
    let input = try int8(operation.operands[0], &rewriter)
    let type = quantization(operation.result)
    guard let fake = operation.op.fakeQuantize, !form.keepsType || fake.quantization != type else {
      // The int8 form stands for the operand already.
      int8Forms[operation.result.index] = input
      finishReal(operation, input, &rewriter)
      return
    }
    var requantize = Requantize()
    requantize.activation = Activation(low: fake.range.low, high: fake.range.high)
    finish(operation, .requantize(requantize), [input], &rewriter)
  }

  // MARK: Values

  func quantization(_ value: ValueID) -> Quantization {
    guard let quantization = plan.quantizations[value.index] else {
      preconditionFailure("\(graph.describe(value)) has no int8 form")
    }
    return quantization
  }

  /// The int8 form of a value: there already, a constant's integers, or `nn.quantize`.
  mutating func int8(_ value: ValueID, _ rewriter: inout GraphRewriter) throws -> ValueID {
    if let form = int8Forms[value.index] { return form }
    let quantization = quantization(value)
    let name = graph.values[value].name
    let form: ValueID
    if let tensor = try graph.constantTensor(value, from: data) {
      let type = TensorType(tensor.type.shape, .q8(quantization))
      let elements = QuantizedArithmetic.quantize(tensor.floats, shape: type.shape, quantization)
      form = rewriter.emitConstant(Tensor(type, .i8(elements)), name: graph.dataName(of: value))
    } else {
      form = rewriter.emit(
        .quantize(Quantize()), [rewriter[value]], type: TensorType(graph.type(value).shape, .q8(quantization)),
        name: name.map { "\($0)_q8" })
    }
    setInt8Form(form, of: value, &rewriter)
    return form
  }

  private mutating func setInt8Form(_ form: ValueID, of value: ValueID, _ rewriter: inout GraphRewriter) {
    int8Forms[value.index] = form
    rewriter.setCounterpart(value, of: form)
  }

  /// Adds the int8 operation that computes a result, what confines it to its activation's bounds where the target's
  /// store cannot, and `nn.dequantize` for readers in f32.
  mutating func finish(
    _ operation: Operation, _ op: Operator, _ operands: [ValueID], _ rewriter: inout GraphRewriter
  ) {
    let confinement = confinement(of: operation, op.fusedActivation ?? .none)
    var computed = op
    computed.fusedActivation = confinement.activation
    var result = operands[0]
    if !isRescaling(op, of: operands, to: confinement, rewriter) {
      result = rewriter.emit(
        computed, operands, type: TensorType(graph.type(operation.result).shape, .q8(confinement.computed)),
        name: confinement.rescalings.isEmpty ? int8Name(of: operation.result) : nil)
      rewriter.setOrigin(operation, of: result)
    }
    finish(operation, result, confinement, &rewriter)
  }

  /// Lets an int8 value in the computed type, confined as far as that type does it, be the result of an operation.
  mutating func finish(
    _ operation: Operation, _ computed: ValueID, _ confinement: Confinement, _ rewriter: inout GraphRewriter
  ) {
    let value = operation.result
    let shape = graph.type(value).shape
    var result = computed
    for (index, rescaling) in confinement.rescalings.enumerated() {
      var requantize = Requantize()
      requantize.activation = rescaling.activation
      let isLast = index == confinement.rescalings.count - 1
      result = rewriter.emit(
        .requantize(requantize), [result], type: TensorType(shape, .q8(rescaling.type)),
        name: isLast ? int8Name(of: value) : nil)
      rewriter.setOrigin(operation, of: result)
    }
    setInt8Form(result, of: value, &rewriter)
    finishReal(operation, result, &rewriter)
  }

  /// Gives readers in f32 the real values of a result's int8 form.
  private mutating func finishReal(_ operation: Operation, _ result: ValueID, _ rewriter: inout GraphRewriter) {
    let value = operation.result
    if needsReal[value.index] {
      rewriter.emit(
        .dequantize(Dequantize()), [result], standingFor: value, type: .f32(graph.type(value).shape), origin: operation)
    } else {
      rewriter.replace(value, with: result)
    }
  }

  /// The name of the int8 form of a result, which has the result's own unless the f32 form needs that.
  func int8Name(of value: ValueID) -> String? {
    let name = graph.values[value].name
    return needsReal[value.index] ? name.map { "\($0)_q8" } : name
  }

  /// How the result of an operation is confined to the bounds of its activation; reports what is left to the host.
  mutating func confinement(of operation: Operation, _ activation: Activation) -> Confinement {
    guard let range = plan.ranges[operation.result.index] else {
      preconditionFailure("values with an int8 form have ranges")
    }
    let confinement = Confinement(
      activation, wanted: quantization(operation.result), range: range, hasClamp: plan.scheme.hasClamp)
    if !confinement.isExact {
      let (low, high) = activation.bounds
      remarks.append(
        Diagnostic(
          "quantize.clamp",
          "the target's store cannot confine \(graph.describe(operation.result)) to [\(low), \(high)]: the host does it",
          at: operation.range, severity: .remark,
          help: "an upper bound of at least 0, or a target with an output stage"))
    }
    return confinement
  }

  /// Whether a rescaling would change nothing, because its operand has the computed type and no bound is left to apply.
  private func isRescaling(
    _ op: Operator, of operands: [ValueID], to confinement: Confinement, _ rewriter: GraphRewriter
  ) -> Bool {
    guard case .requantize = op, !confinement.rescalings.isEmpty, confinement.activation.bounds.low < 0 else {
      return false
    }
    return rewriter.graph.type(operands[0]).element.quantization == confinement.computed
  }

  // MARK: Products with constants

  /// Int8 weights of an operation whose operand 1 they are, and whose input is operand 0.
  mutating func weights(of operation: Operation, bias: Int?, perChannel: Bool) throws -> WeightQuantization {
    let weights = try floats(operation.operands[1])
    let shape = graph.type(operation.operands[1]).shape
    let columns = max(1, shape.last ?? 1)
    let hasChannels = perChannel && plan.scheme.weights == .perChannel && columns > 1
    let maxima: [Float]
    do {
      maxima = try WeightQuantization.gridMaxima(
        of: weights, maxima: WeightQuantization.maxima(of: weights, channels: columns))
    } catch {
      throw Diagnostic.notFinite(error.element, at: error.position, constant: operation.operands[1], in: graph)
    }
    let biases = try bias.flatMap { $0 < operation.operands.count ? try floats(operation.operands[$0]) : nil }
    if let biases, let bias,
      let bad = biases.firstIndex(where: { !($0.magnitude <= QuantizationScheme.largestMagnitude) })
    {
      throw Diagnostic.notFinite(biases[bad], at: bad, constant: operation.operands[bias], in: graph)
    }
    let inputScale = quantization(operation.operands[0]).scale
    // With a transposed matrix the columns of the weights are not the channels of the bias: one scale has to serve all.
    var channelMaxima = maxima
    if let biases, biases.count != maxima.count {
      channelMaxima = [Float](repeating: maxima.max() ?? 0, count: biases.count)
    }
    let result = WeightQuantization(
      maxima: channelMaxima, perChannel: hasChannels, bias: biases, inputScale: inputScale,
      load: load(of: operation, weights, columns: columns, largest: maxima.max() ?? 0))
    if result.isCoarsenedByBias {
      remarks.append(
        Diagnostic(
          "quantize.bias-scale",
          "a bias of \(graph.describe(operation.result)) does not fit the accumulator beside the weights' own scale; "
            + "the scale was enlarged", at: operation.range, severity: .remark))
    }
    return result
  }

  /// What the products of an operation add up to in the accumulator.
  private func load(
    of operation: Operation, _ weights: [Float], columns: Int, largest: Float
  ) -> WeightQuantization.AccumulatorLoad {
    let outputs = max(1, graph.type(operation.result).shape.last ?? 1)
    let zeroPoint = quantization(operation.operands[0]).zeroPoint
    let count = max(1, weights.count / outputs)
    var sum = Double(count) * Double(largest)
    // The exact sums are worth a look only where as many of the largest weight could overflow.
    if count > 1 << 14, columns == outputs {
      var sums = [Double](repeating: 0, count: columns)
      for (position, weight) in weights.enumerated() { sums[position % columns] += Double(weight.magnitude) }
      sum = sums.max() ?? sum
    }
    return WeightQuantization.AccumulatorLoad(
      weights: sum, count: count, input: max(127 - zeroPoint, 128 + zeroPoint))
  }

  private func floats(_ constant: ValueID) throws -> [Float] {
    guard let tensor = try graph.constantTensor(constant, from: data) else {
      preconditionFailure("\(graph.describe(constant)) is no constant")
    }
    return tensor.floats
  }

  mutating func writeWeighted(
    _ operation: Operation, _ op: Operator, _ weights: WeightQuantization, bias: Int?, addend: ValueID?,
    _ rewriter: inout GraphRewriter
  ) throws {
    var operands = try weightedOperands(of: operation, weights, bias: bias, &rewriter)
    if let addend { operands.append(try int8(addend, &rewriter)) }
    finish(operation, op, operands, &rewriter)
  }

  /// The int8 input, and weights and bias as new constants.
  mutating func weightedOperands(
    of operation: Operation, _ quantized: WeightQuantization, bias: Int?, _ rewriter: inout GraphRewriter
  ) throws -> [ValueID] {
    var operands = [try int8(operation.operands[0], &rewriter)]
    let weights = operation.operands[1]
    let shape = graph.type(weights).shape
    let elements = quantized.quantize(try floats(weights), channels: max(1, shape.last ?? 1))
    let type =
      quantized.scales.count == 1
      ? Quantization(scale: quantized.scales[0]) : Quantization(axis: shape.count - 1, scales: quantized.scales)
    operands.append(
      rewriter.emitConstant(
        Tensor(TensorType(shape, .q8(type)), .i8(elements)), name: graph.dataName(of: weights)))
    if let bias, bias < operation.operands.count {
      let inputScale = quantization(operation.operands[0]).scale
      let integers = try floats(operation.operands[bias]).enumerated().map { channel, real in
        let scale = type.scale(at: channel)
        guard (Double(real) / (Double(inputScale) * Double(scale))).magnitude < 0x1p31 else {
          throw Diagnostic(
            "quantize.bias-range",
            "the bias \(real) of \(graph.describe(operation.result)) has no int32 beside an input of scale \(inputScale)",
            at: operation.range, help: "widen the range of the input")
        }
        return QuantizedArithmetic.quantizeBias(real, input: inputScale, weight: scale)
      }
      operands.append(
        rewriter.emitConstant(
          Tensor(.i32([integers.count]), .i32(integers)), name: graph.dataName(of: operation.operands[bias])))
    }
    return operands
  }

  /// The most products of two symmetric int8 that 30 bits hold.
  private static let deepestProduct = 1 << 16

  /// A product of two activations; its bias is in units of the product of their scales. Where it does not fit int32 in
  /// these units, or so many products could wrap, the product stays in f32.
  private mutating func writeProduct(_ operation: Operation, _ rewriter: inout GraphRewriter) throws {
    var operands = [try int8(operation.operands[0], &rewriter), try int8(operation.operands[1], &rewriter)]
    let depth = depth(of: operation)
    if depth > Self.deepestProduct {
      remarks.append(
        Diagnostic(
          "quantize.depth",
          "sums of \(depth) products of two activations do not fit int32; \(graph.describe(operation.result)) stays in f32",
          at: operation.range, severity: .remark))
      writeReal(operation, operands, &rewriter)
      return
    }
    if operation.operands.count > 2 {
      let (a, b) = (quantization(operation.operands[0]).scale, quantization(operation.operands[1]).scale)
      let biases = try floats(operation.operands[2])
      for (channel, real) in biases.enumerated() where !(real.magnitude <= QuantizationScheme.largestMagnitude) {
        throw Diagnostic.notFinite(real, at: channel, constant: operation.operands[2], in: graph)
      }
      if let bias = biases.first(where: { (Double($0) / (Double(a) * Double(b))).magnitude >= 0x1p31 }) {
        remarks.append(
          Diagnostic(
            "quantize.bias-range",
            "the bias \(bias) of \(graph.describe(operation.result)) does not fit int32 in units of \(Double(a) * Double(b)); "
              + "the product stays in f32", at: operation.range, severity: .remark,
            help: "widen the range of an operand"))
        writeReal(operation, operands, &rewriter)
        return
      }
      let integers = biases.map { QuantizedArithmetic.quantizeBias($0, input: a, weight: b) }
      operands.append(
        rewriter.emitConstant(
          Tensor(.i32([integers.count]), .i32(integers)), name: graph.dataName(of: operation.operands[2])))
    }
    finish(operation, operation.op, operands, &rewriter)
  }

  private func depth(of operation: Operation) -> Int {
    guard case .matmul(let product) = operation.op else { return 1 }
    let shape = graph.type(operation.operands[0]).shape
    return shape[shape.count - (product.transposeA ? 2 : 1)]
  }

  /// An operation on the real values of its int8 operands; constants come last and stay as they are.
  private mutating func writeReal(_ operation: Operation, _ int8: [ValueID], _ rewriter: inout GraphRewriter) {
    let value = operation.result
    let operands = operation.operands.enumerated().map { position, operand in
      position < int8.count
        ? rewriter.emit(.dequantize(Dequantize()), [int8[position]], type: graph.type(operand)) : rewriter[operand]
    }
    let result = rewriter.emit(operation.op, operands, standingFor: value, origin: operation)
    let form = rewriter.emit(
      .quantize(Quantize()), [result], type: TensorType(graph.type(value).shape, .q8(quantization(value))),
      name: graph.values[value].name.map { "\($0)_q8" })
    setInt8Form(form, of: value, &rewriter)
  }
}
