import SpadixIR
import SpadixTensor

/// Products that only a layer normalization reads, over their channels.
///
/// The normalization takes the mean over the channels off each row. Where it is taken off the weights of each input and off
/// the bias as well, the result is the same, and the product's own result is smaller: what all channels have in common, which
/// nobody sees, no longer takes levels of an int8.
extension ConstantFolding {
  /// The part of the energy of weights and biases below which what channels have in common stays: that of roundings.
  private static let smallestCommonPart = 0x1p-20

  /// Whether the operation is such a product, with something to take off.
  func center(_ operation: Operation, _ rewriter: inout GraphRewriter) throws -> Bool {
    let result = operation.result
    let channels = graph.type(result).shape.last ?? 1
    guard isNormalized(result, channels), graph.values[result].calibration == nil,
      Self.foldableProducer(of: result, in: graph, index) != nil, !operation.hasGroups
    else { return false }
    let constants = try operation.operands.dropFirst().compactMap { try graph.constantTensor($0, from: data) }
    guard constants.count == operation.operands.count - 1,
      constants.allSatisfy({ $0.type.element == .f32 && $0.type.shape.last == channels })
    else { return false }
    var (common, energy) = (0.0, 0.0)
    let centered = constants.map { tensor in
      var elements = tensor.floats
      for row in stride(from: 0, to: elements.count, by: channels) {
        let mean = elements[row..<(row + channels)].reduce(0) { $0 + Double($1) } / Double(channels)
        common += mean * mean * Double(channels)
        for place in row..<(row + channels) {
          energy += Double(elements[place]) * Double(elements[place])
          elements[place] = Float(Double(elements[place]) - mean)
        }
      }
      return Tensor(tensor.type, .f32(elements))
    }
    guard common > Self.smallestCommonPart * energy else { return false }
    let emitted = zip(centered, operation.operands.dropFirst()).map {
      rewriter.emitConstant($0, name: graph.dataName(of: $1))
    }
    rewriter.emit(operation.op, [rewriter[operation.operands[0]]] + emitted, standingFor: result, origin: operation)
    return true
  }

  /// Whether nobody but a layer normalization over its last axis reads a value, which reshapes may leave alone.
  private func isNormalized(_ start: ValueID, _ channels: Int) -> Bool {
    var value = start
    while let use = index.onlyUse(of: value), use.operand == 0, graph.type(value).shape.last == channels {
      let reader = graph.operations[use.operation]
      if case .function(let function) = reader.op { return function.definition is LayerNorm }
      guard case .reshape = reader.op else { return false }
      value = reader.result
    }
    return false
  }
}

extension Operation {
  fileprivate var hasGroups: Bool {
    if case .conv2d(let convolution) = op { return convolution.groups > 1 }
    return false
  }
}
