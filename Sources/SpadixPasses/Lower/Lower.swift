import SpadixIR
import SpadixISA
import SpadixLegality
import SpadixTensor

extension Pass {
  static let lower = Pass(
    name: "lower",
    summary: "writes int8 operations as npu operators, and says why others run on the host",
    documentation: """
      An npu operator holds the integers that the machine needs: zero points, output scales, clamp bounds, multipliers. \
      Types keep their scales for people, but npu operators do not read them.

      - Max poolings with windows larger than the store's become chains of smaller ones. Padding becomes a border of \
      -128 where the store would take it for zeros.
      - A global average becomes an average over the whole image, `transpose_a` a transpose.
      - A function of single elements becomes a table of 256 entries in the store that computes its operand, where \
      nothing else reads that; else a pass over the data. Tables that follow one another become one.
      - Sums and products of two activations are computed by the store from pairs of int8 in the accumulator.
      - What the target cannot do exactly stays an nn operator with a `host_reason`, of which the first word is the \
      identifier in the table below; `spadix ops --target NAME` says which of them apply to a target.

      The integer reference gives the same bytes before and after.
      """
  ) { graph, context in
    let lowering = Lowering(graph: graph, target: context.target)
    return graph.rewriting { rewriter, operation in lowering.apply(to: operation, &rewriter) }
  }
}

/// The lowering of one graph to one target.
struct Lowering {
  let graph: Graph
  let target: Target
  let uses: UseIndex
  private let isNotNegative: NonNegativeValues

  init(graph: Graph, target: Target) {
    self.graph = graph
    self.target = target
    uses = UseIndex(graph)
    isNotNegative = NonNegativeValues(graph)
  }

  func apply(to operation: Operation, _ rewriter: inout GraphRewriter) {
    if let table = table(of: operation), absorb(table, of: operation, &rewriter) { return }
    switch lowered(operation) {
    case .pair(let binary, let isSwapped):
      let operands = rewriter.operands(of: operation)
      rewriter.emit(
        .npu(.binary(binary)), isSwapped ? operands.reversed() : operands, standingFor: operation.result,
        origin: operation)
    case .unchanged:
      rewriter.keep(operation)
    case .operators(let operators):
      var operands = rewriter.operands(of: operation)
      // The array reads its first operand only as it lies.
      if case .matmul(let product) = operation.op, product.transposeA {
        var type = graph.type(operation.operands[0])
        type.shape.swapAt(type.rank - 1, type.rank - 2)
        let transpose = NpuTranspose(permutation: Transpose(exchangingLastAxesOfRank: type.rank).permutation)
        operands[0] = rewriter.emit(.npu(.transpose(transpose)), [operands[0]], type: type)
        rewriter.setOrigin(operation, of: operands[0])
      }
      for (op, type) in operators.dropLast() {
        let value = rewriter.emit(op, operands, type: type)
        rewriter.setOrigin(operation, of: value)
        operands = [value]
      }
      if let last = operators.last {
        rewriter.emit(last.op, operands, standingFor: operation.result, origin: operation)
      }
    case .host(let reason):
      let result = rewriter.keep(operation)
      rewriter.updateProducer(of: result) { $0.hostReason = reason.description }
    }
  }

  enum Result {
    /// Constants, and what is lowered already.
    case unchanged
    /// One after the other, each with the type of its result.
    case operators([(op: Operator, type: TensorType)])
    /// Two operands, maybe in the other order.
    case pair(NpuBinary, isSwapped: Bool)
    case host(HostReason)
  }

  private func lowered(_ operation: Operation) -> Result {
    let result = graph.type(operation.result)
    func one(_ op: Operator) -> Result { .operators([(op, result)]) }
    func store(_ weights: Int?, _ activation: Activation, _ make: (OutputStage) -> Operator) -> Result {
      let stage = outputStage(of: operation, weights: weights, activation)
      if let reason = target.outputStageProblem(stage) { return .host(reason) }
      return one(make(stage))
    }
    if let reason = realProblem(operation) { return .host(reason) }
    switch operation.op {
    case .constant, .npu:
      return .unchanged
    case .quantize, .dequantize:
      return .host(.conversion)
    case .batchNorm:
      return .host(.floatingPoint)
    case .softmax:
      return .host(.softmax)
    case .function(let function):
      if let binary = function.definition as? Binary { return pair(operation, binary) }
      guard let table = table(of: operation) else { return .host(.function) }
      return target.hasOutputTable ? one(Self.pass(table)) : .host(.outputTable)
    // A relu or clamp has the type of its operand: a rescaling by one.
    case .relu, .clamp:
      return store(nil, operation.op.elementwiseActivation ?? .none) { stage in
        var requantize = NpuRequantize()
        requantize.inputZeroPoint = zeroPoint(operation, 0)
        requantize.output = stage
        return .npu(.requantize(requantize))
      }
    case .requantize(let payload):
      return rescaling(operation, payload)
    case .conv2d(let payload):
      return convolution(operation, payload)
    case .matmul(let payload):
      if operation.operands.count > 2, !graph.isConstant(operation.operands[2]) { return .host(.computedWeights) }
      if zeroPoint(operation, 1) != 0 { return .host(.operandZeroPoint) }
      let isMatrix = graph.isConstant(operation.operands[1]) && graph.type(operation.operands[1]).isMatrix
      if !isMatrix, zeroPoint(operation, 0) != 0 { return .host(.operandZeroPoint) }
      return store(1, payload.activation) { stage in
        var product = NpuMatMul()
        product.transposeB = payload.transposeB
        product.inputZeroPoint = zeroPoint(operation, 0)
        product.output = stage
        return .npu(.matmul(product))
      }
    case .add(let payload):
      return store(nil, payload.activation) { stage in
        var add = NpuAdd()
        add.multipliers = payload.multipliers
        add.zeroPoints = [zeroPoint(operation, 0), zeroPoint(operation, 1)]
        add.output = stage
        return .npu(.add(add))
      }
    case .mul(let payload):
      return store(1, payload.activation) { stage in
        var product = NpuMul()
        product.inputZeroPoint = zeroPoint(operation, 0)
        product.output = stage
        return .npu(.mul(product))
      }
    case .avgPool2d(let payload):
      return store(nil, payload.activation) { stage in
        .npu(.avgPool2d(average(operation, payload.window2D, stage)))
      }
    case .globalAvgPool2d(let payload):
      let image = graph.type(operation.operands[0]).shape
      let window = Window2D(size: [image[1], image[2]], strides: [1, 1], padding: [0, 0, 0, 0])
      return store(nil, payload.activation) { stage in .npu(.avgPool2d(average(operation, window, stage))) }
    case .maxPool2d(let payload):
      return maxPooling(operation, payload)
    case .concat(let payload):
      return one(.npu(.concat(NpuConcat(axis: payload.axis))))
    case .reshape:
      return one(.npu(.reshape(NpuReshape())))
    case .pad(let payload):
      let quantization = result.element.quantization ?? Quantization(scale: 1)
      let value = QuantizedArithmetic.quantize(
        payload.value, scale: quantization.scale, zeroPoint: quantization.zeroPoint)
      return one(.npu(.pad(NpuPad(low: payload.low, high: payload.high, value: Int32(value)))))
    case .transpose(let payload):
      let permutation = payload.permutation
      let keepsLastAxis = permutation.last == permutation.count - 1
      guard keepsLastAxis || payload.exchangesLastAxes else { return .host(.permutation) }
      return one(.npu(.transpose(NpuTranspose(permutation: permutation))))
    }
  }

  /// Why an operation that computes on f32 does not run on the accelerator.
  private func realProblem(_ operation: Operation) -> HostReason? {
    let types = operation.operands.map { graph.type($0) } + [graph.type(operation.result)]
    if case .constant = operation.op { return nil }
    guard types.contains(where: { $0.element == .f32 }) else { return nil }
    switch operation.op {
    case .conv2d, .matmul:
      return operation.operands.dropFirst().allSatisfy { graph.isConstant($0) } ? .floatingPoint : .computedWeights
    case .mul:
      return graph.isConstant(operation.operands[1]) ? .floatingPoint : .computedFactor
    case .avgPool2d(let pool):
      return pool.padding.contains { $0 != 0 } && !pool.countIncludePad ? .averagePadding : .floatingPoint
    case .quantize, .dequantize:
      return .conversion
    case .constant, .add, .relu, .clamp, .maxPool2d, .globalAvgPool2d, .concat, .reshape, .transpose, .pad, .batchNorm,
      .softmax, .requantize, .function, .npu:
      return .floatingPoint
    }
  }

  // MARK: Integers

  private func quantization(_ value: ValueID) -> Quantization {
    graph.type(value).element.quantization ?? Quantization(scale: 1)
  }

  private func zeroPoint(_ operation: Operation, _ operand: Int) -> Int32 {
    quantization(operation.operands[operand]).zeroPoint
  }

  /// The scale from accumulator to result, zero point and bounds. `weights` is the operand that multiplies the first.
  private func outputStage(of operation: Operation, weights: Int?, _ activation: Activation) -> OutputStage {
    let input = quantization(operation.operands[0])
    let output = quantization(operation.result)
    let bounds = activation.clampBounds(output)
    var scales: [Float]
    if let weights {
      scales = quantization(operation.operands[weights]).scales.map {
        QuantizedArithmetic.outputScale(input: input.scale, weight: $0, output: output.scale)
      }
    } else if case .add(let add) = operation.op {
      scales = [
        QuantizedArithmetic.addScale(input: input.scale, multiplier: add.multipliers[0], output: output.scale)
      ]
    } else {
      scales = [QuantizedArithmetic.rescale(input: input.scale, output: output.scale)]
    }
    if let first = scales.first, scales.allSatisfy({ $0 == first }) { scales = [first] }
    return OutputStage(scales: scales, zeroPoint: output.zeroPoint, low: bounds.low, high: bounds.high)
  }

  /// Where scales are equal, the result's zero point is one less to subtract from the operand: a store that adds none
  /// needs none then, and saturates at the same integers.
  private func rescaling(_ operation: Operation, _ payload: Requantize) -> Result {
    var requantize = NpuRequantize()
    requantize.inputZeroPoint = zeroPoint(operation, 0)
    requantize.output = outputStage(of: operation, weights: nil, payload.activation)
    let shift = requantize.inputZeroPoint - requantize.output.zeroPoint
    if !target.hasOutputStage, requantize.output.scales == [1], (-128...127).contains(shift) {
      requantize.inputZeroPoint = shift
      requantize.output.zeroPoint = 0
    }
    if let reason = target.outputStageProblem(requantize.output) { return .host(reason) }
    return .operators([(.npu(.requantize(requantize)), graph.type(operation.result))])
  }

  private func average(_ operation: Operation, _ window: Window2D, _ stage: OutputStage) -> NpuAvgPool2D {
    var pool = NpuAvgPool2D()
    pool.window = window.size
    pool.strides = window.strides
    pool.padding = window.padding
    pool.inputZeroPoint = zeroPoint(operation, 0)
    pool.output = stage
    pool.output.scales = [
      QuantizedArithmetic.averageScale(
        input: quantization(operation.operands[0]).scale, output: quantization(operation.result).scale,
        count: window.size[0] * window.size[1], isGlobal: operation.op.isGlobalAverage)
    ]
    return pool
  }

  // MARK: Windows

  private func convolution(_ operation: Operation, _ payload: Conv2D) -> Result {
    let stage = outputStage(of: operation, weights: 1, payload.activation)
    if let reason = target.outputStageProblem(stage) { return .host(reason) }
    let roles = ConvolutionOperands(count: operation.operands.count, residual: payload.residual)
    if let bias = roles.bias, !graph.isConstant(operation.operands[bias]) { return .host(.computedWeights) }
    var convolution = NpuConv2D()
    convolution.strides = payload.strides
    convolution.padding = payload.padding
    convolution.dilations = payload.dilations
    convolution.groups = payload.groups
    convolution.inputZeroPoint = zeroPoint(operation, 0)
    convolution.output = stage
    if let addend = roles.addend {
      convolution.residual = true
      convolution.residualMultipliers = payload.residualMultipliers
      convolution.residualZeroPoint = zeroPoint(operation, addend)
    }
    let result = graph.type(operation.result)
    guard let pooling = payload.pooling else { return .operators([(.npu(.conv2d(convolution)), result)]) }
    if target.storePoolingProblem(window: pooling.window, strides: pooling.strides) == nil,
      target.storePads(pooling.padding, isNotNegative: stage.low >= 0)
    {
      convolution.pooling = pooling
      return .operators([(.npu(.conv2d(convolution)), result)])
    }
    // A graph fused for another target: the pooling becomes an operation of its own again.
    let window = Window2D(
      size: graph.type(operation.operands[1]).shape.dropLast(2), strides: payload.strides, padding: payload.padding,
      dilations: payload.dilations)
    let input = graph.type(operation.operands[0]).shape
    let size = window.outputSize(of: [input[1], input[2]])
    let image = TensorType([input[0], size[0], size[1], result.shape[3]], result.element)
    switch pools(pooling.window2D, image: image, isNotNegative: stage.low >= 0) {
    case .operators(let pools): return .operators([(.npu(.conv2d(convolution)), image)] + pools)
    case .host(let reason): return .host(reason)
    case .unchanged, .pair: return .unchanged
    }
  }

  private func maxPooling(_ operation: Operation, _ payload: MaxPool2D) -> Result {
    let input = operation.operands[0]
    return pools(
      payload.window2D, image: graph.type(input), isNotNegative: isNotNegative[input])
  }

  /// A max pooling in the store, or several, with a border where the store cannot pad.
  private func pools(_ window: Window2D, image: TensorType, isNotNegative: Bool) -> Result {
    if target.storePoolingProblem(window: window.size, strides: window.strides) == nil,
      target.storePads(window.padding, isNotNegative: isNotNegative)
    {
      let pool = NpuMaxPool2D(window: window.size, strides: window.strides, padding: window.padding)
      return .operators([(.npu(.maxPool2d(pool)), pooled(image, window))])
    }
    guard window.size[0] == window.size[1], window.strides[0] == window.strides[1],
      let chain = PoolingChain(window: window.size[0], stride: window.strides[0])
    else { return .host(.poolingWindow) }
    var operators: [(op: Operator, type: TensorType)] = []
    var current = image
    if window.padding != [0, 0, 0, 0] {
      // Less than every int8, so the border is never the maximum.
      let pad = NpuPad(
        low: [0, window.padding[0], window.padding[1], 0], high: [0, window.padding[2], window.padding[3], 0],
        value: -128)
      current.shape[1] += window.padding[0] + window.padding[2]
      current.shape[2] += window.padding[1] + window.padding[3]
      operators.append((.npu(.pad(pad)), current))
    }
    for stage in chain.stages {
      let size = [stage.window, stage.window]
      let strides = [stage.stride, stage.stride]
      if let reason = target.storePoolingProblem(window: size, strides: strides) { return .host(reason) }
      current = pooled(current, Window2D(size: size, strides: strides, padding: [0, 0, 0, 0]))
      operators.append((.npu(.maxPool2d(NpuMaxPool2D(window: size, strides: strides))), current))
    }
    return .operators(operators)
  }

  private func pooled(_ image: TensorType, _ window: Window2D) -> TensorType {
    let size = window.outputSize(of: [image.shape[1], image.shape[2]])
    return TensorType([image.shape[0], size[0], size[1], image.shape[3]], image.element)
  }
}
