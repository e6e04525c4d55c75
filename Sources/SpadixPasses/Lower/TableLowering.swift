import SpadixIR
import SpadixTensor

/// Functions of single int8 as tables in the store.
extension Lowering {
  /// What an operation does to each int8, from -128 on, where it is a function of single elements; nil for others.
  func table(of operation: Operation) -> [Int8]? {
    guard let first = operation.operands.first, let input = graph.type(first).element.quantization,
      let output = graph.type(operation.result).element.quantization, input.isPerTensor, output.isPerTensor
    else { return nil }
    if case .function(let function) = operation.op {
      return (function.definition as? Unary)?.table(input: input, output: output)
    }
    let activation: Activation
    switch operation.op {
    case .requantize(let requantize): activation = requantize.activation
    case .relu, .clamp: activation = operation.op.elementwiseActivation ?? .none
    default: return nil
    }
    let scale = QuantizedArithmetic.rescale(input: input.scale, output: output.scale)
    let bounds = activation.clampBounds(output)
    return QuantizedArithmetic.everyInt8.map {
      QuantizedArithmetic.requantize(
        Int32($0) - input.zeroPoint, scale: scale, zeroPoint: output.zeroPoint, low: bounds.low, high: bounds.high)
    }
  }

  /// A table on its own: one pass over the data.
  static func pass(_ table: [Int8]) -> Operator {
    var requantize = NpuRequantize()
    requantize.output.table = table
    return .npu(.requantize(requantize))
  }

  /// Puts the table of an operation into the store that computes its operand, or the elements of that in another shape;
  /// false where there is none that could have one.
  func absorb(_ table: [Int8], of operation: Operation, _ rewriter: inout GraphRewriter) -> Bool {
    guard target.hasOutputTable, let moved = movedAlone(operation.operands[0]) else { return false }
    let value = rewriter[moved.last ?? operation.operands[0]]
    guard let producer = rewriter.graph.producer(of: value), case .npu(var npu) = producer.op, var output = npu.output
    else { return false }
    // Where the store does without, rescaling and clamps stay operations that other targets have as well.
    if !operation.op.isFunction && output.table == nil && !npu.isBinary { return false }
    // The largest of what a table gives is what it gives for the largest only where it never falls.
    if npu.isPooled && zip(table, table.dropFirst()).contains(where: { $0 > $1 }) { return false }
    output.table = output.table.map { QuantizedArithmetic.compose($0, then: table) } ?? table
    npu.output = output
    rewriter.updateProducer(of: value) { $0.op = .npu(npu) }
    for value in moved.dropFirst() {
      rewriter.setType(TensorType(graph.type(value).shape, graph.type(operation.result).element), of: rewriter[value])
    }
    rewriter.takeOver(operation.result, by: rewriter[operation.operands[0]])
    return true
  }

  /// A value, and before it those that it has the elements of in another shape or order; nil where one has other readers.
  private func movedAlone(_ value: ValueID) -> [ValueID]? {
    var moved = [value]
    while uses.hasOneUse(moved[moved.count - 1]) {
      guard let producer = graph.producer(of: moved[moved.count - 1]) else { return nil }
      switch producer.op {
      case .reshape, .transpose: moved.append(producer.operands[0])
      default: return moved
      }
    }
    return nil
  }

  /// Sums and products of two activations in the store.
  func pair(_ operation: Operation, _ binary: Binary) -> Result {
    let result = graph.type(operation.result)
    var types = operation.operands.map { graph.type($0) }
    guard var pair = binary.pairStage(types[0], types[1], result) else { return .host(.function) }
    if !target.hasOutputPair { return .host(.outputPair) }
    let isSwapped = pair.function == .product && types[0].shape != result.shape
    if isSwapped {
      types.swapAt(0, 1)
      pair.zeroPoints.swapAt(0, 1)
    }
    guard types[0].shape == result.shape, NpuBinary.repetition(of: types[1].shape, in: types[0].shape) != nil else {
      return .host(.broadcast)
    }
    return .pair(NpuBinary(pair), isSwapped: isSwapped)
  }
}

extension Operator {
  var isFunction: Bool { if case .function = self { true } else { false } }
}

extension NpuOperator {
  fileprivate var isBinary: Bool { if case .binary = self { true } else { false } }

  fileprivate var isPooled: Bool {
    if case .conv2d(let convolution) = self { convolution.pooling != nil } else { false }
  }
}
