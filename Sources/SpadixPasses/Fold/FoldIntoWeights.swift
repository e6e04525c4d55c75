import SpadixIR
import SpadixTensor

/// Factors and offsets one after the other on the result of a convolution, of a matrix product or of an embedding, as one.
struct AffineChain {
  var start: OperationID
  var affine: ChannelAffine
  /// That of the last operation.
  var activation: Activation
}

/// Factors and offsets per output channel, taken into the weights and bias of the operation before, or into its table.
extension ConstantFolding {
  /// Whether an operation multiplies each channel with a constant and adds one.
  static func isChannelAffine(_ operation: Operation, in graph: Graph) -> Bool {
    switch operation.op {
    case .batchNorm: operation.operands.dropFirst().allSatisfy { graph.isConstant($0) }
    case .mul: graph.type(operation.result).element == .f32 && graph.isConstant(operation.operands[1])
    case .constant, .conv2d, .matmul, .add, .relu, .clamp, .maxPool2d, .avgPool2d, .globalAvgPool2d, .concat,
      .reshape, .transpose, .pad, .softmax, .quantize, .dequantize, .requantize, .function, .npu:
      false
    }
  }

  /// The convolution or matrix product that computes a value for one reader only and whose weights can take in what that
  /// reader does per output channel; nil for all else.
  ///
  /// - Parameter acceptsStored: whether weights count that are kept in int8 and become constants yet.
  static func foldableProducer(
    of value: ValueID, in graph: Graph, _ index: UseIndex, acceptsStored: Bool = false
  ) -> OperationID? {
    func isConstant(_ operand: ValueID) -> Bool {
      if graph.isConstant(operand) { return true }
      guard acceptsStored, let producer = graph.producer(of: operand), case .dequantize = producer.op else {
        return false
      }
      return graph.isConstant(producer.operands[0])
    }
    guard let id = graph.values[value].producer, index.hasOneUse(value), graph.type(value).element == .f32 else {
      return nil
    }
    let producer = graph.operations[id]
    guard producer.operands.dropFirst().allSatisfy(isConstant) else { return nil }
    switch producer.op {
    case .conv2d(let convolution):
      let isBare = convolution.activation == .none && !convolution.residual && convolution.pooling == nil
      return isBare ? id : nil
    case .matmul(let product):
      let isBare = product.activation == .none && !product.transposeB && graph.type(producer.operands[1]).rank == 2
      return isBare ? id : nil
    case .constant, .add, .mul, .relu, .clamp, .maxPool2d, .avgPool2d, .globalAvgPool2d, .concat, .reshape, .transpose,
      .pad, .batchNorm, .softmax, .quantize, .dequantize, .requantize, .function, .npu:
      return nil
    }
  }

  /// Whether a value is computed by something whose constants can take in what is done to each channel, or by such things done
  /// to it one after the other.
  static func hasFoldableStart(_ value: ValueID, in graph: Graph, _ index: UseIndex) -> Bool {
    var value = value
    while true {
      if foldableProducer(of: value, in: graph, index, acceptsStored: true) != nil { return true }
      if foldableTable(of: value, in: graph, index) != nil { return true }
      guard let producer = graph.producer(of: value), index.hasOneUse(value), isChannelAffine(producer, in: graph),
        (producer.op.fusedActivation ?? Activation.none) == Activation.none
      else { return false }
      value = producer.operands[0]
    }
  }

  /// The `nn.gather` that takes a value for one reader only from the rows of a constant table; nil for all else. Its table can
  /// hold what that reader does to each channel, so that int8 has levels for what comes of it.
  static func foldableTable(of value: ValueID, in graph: Graph, _ index: UseIndex) -> OperationID? {
    guard let id = graph.values[value].producer, index.hasOneUse(value),
      case .function(let function) = graph.operations[id].op, let gather = function.definition as? Gather
    else { return nil }
    let table = graph.type(graph.operations[id].operands[0])
    let axis = gather.axis < 0 ? gather.axis + table.rank : gather.axis
    let isTable = graph.isConstant(graph.operations[id].operands[0]) && table.element == .f32
    return isTable && axis < table.rank - 1 ? id : nil
  }

  func foldIntoWeights(_ operation: Operation, _ rewriter: inout GraphRewriter) throws -> Bool {
    guard let id = graph.values[operation.result].producer, let chain = chains[id.index] else { return false }
    let affine = chain.affine
    let producer = graph.operations[chain.start]
    if case .function = producer.op { return try foldIntoTable(operation, producer, chain, &rewriter) }
    guard let weights = try graph.constantTensor(producer.operands[1], from: data) else { return false }
    let bias =
      producer.operands.count > 2 ? try graph.constantTensor(producer.operands[2], from: data)?.floats : nil
    let channels = affine.factors.count
    let newWeights = Self.scale(weights.floats, byColumn: affine.factors)
    let newBias = (0..<channels).map { channel in
      guard let bias else { return affine.offsets[channel] }
      return bias[channel] * affine.factors[channel] + affine.offsets[channel]
    }
    try requireFinite(newWeights, operation)
    try requireFinite(newBias, operation)
    let biasName = producer.operands.count > 2 ? graph.dataName(of: producer.operands[2]) : "bias"
    let operands = [
      rewriter[producer.operands[0]],
      rewriter.emitConstant(Tensor(weights.type, .f32(newWeights)), name: graph.dataName(of: producer.operands[1])),
      rewriter.emitConstant(Tensor(shape: [channels], newBias), name: biasName),
    ]
    var op = producer.op
    op.fusedActivation = chain.activation
    rewriter.emit(op, operands, standingFor: operation.result, origin: producer)
    return true
  }

  private func foldIntoTable(
    _ operation: Operation, _ gather: Operation, _ chain: AffineChain, _ rewriter: inout GraphRewriter
  ) throws -> Bool {
    guard let table = try graph.constantTensor(gather.operands[0], from: data) else { return false }
    var elements = Self.scale(table.floats, byColumn: chain.affine.factors)
    let offsets = chain.affine.offsets
    for place in elements.indices { elements[place] += offsets[place % offsets.count] }
    try requireFinite(elements, operation)
    let name = graph.dataName(of: gather.operands[0])
    let operands = [
      rewriter.emitConstant(Tensor(table.type, .f32(elements)), name: name), rewriter[gather.operands[1]],
    ]
    rewriter.emit(gather.op, operands, standingFor: operation.result, origin: gather)
    return true
  }

  /// What an operation for which `isChannelAffine` holds does to each channel; nil for others.
  static func channelAffine(_ operation: Operation, in graph: Graph, _ data: DataStore) throws -> ChannelAffine? {
    if case .batchNorm(let norm) = operation.op { return try ChannelAffine(operation, norm, in: graph, data) }
    guard isChannelAffine(operation, in: graph),
      let factor = try graph.constantTensor(operation.operands[1], from: data)?.floats
    else { return nil }
    let channels = graph.type(operation.result).shape.last ?? 1
    return ChannelAffine(
      factors: factor.count == channels ? factor : [Float](repeating: factor[0], count: channels),
      offsets: [Float](repeating: 0, count: channels))
  }

  /// Multiplies column c of a row-major matrix, or index c of a tensor's last axis, with `factors[c]`.
  private static func scale(_ elements: [Float], byColumn factors: [Float]) -> [Float] {
    [Float](unsafeUninitializedCapacity: elements.count) { buffer, count in
      elements.withUnsafeBufferPointer { elements in
        factors.withUnsafeBufferPointer { factors in
          for row in stride(from: 0, to: elements.count, by: factors.count) {
            for column in 0..<factors.count { buffer[row + column] = elements[row + column] * factors[column] }
          }
        }
      }
      count = elements.count
    }
  }
}
