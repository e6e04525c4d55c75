import SpadixIR
import SpadixTensor

/// Factors and offsets of the channels of a join, which move to what is joined.
///
/// In int8 a join has one scale. Where it lies before a normalization, operands that are as different in size as they like lie
/// side by side; behind it they are of about the same size, and each may have its own weights to put the factors into.
extension CanonicalizationRules {
  /// The join along the channels that a factor or offset for each of them is applied to; nil for all else.
  private func join(behind operation: Operation) -> (producer: Operation, concat: Concat)? {
    guard ConstantFolding.isChannelAffine(operation, in: graph), let joined = operation.operands.first,
      let producer = graph.producer(of: joined), case .concat(let concat) = producer.op, index.hasOneUse(joined),
      graph.values[operation.result].calibration == nil, graph.type(joined).element == .f32
    else { return nil }
    let rank = graph.type(joined).rank
    guard rank > 0, (concat.axis + rank) % rank == rank - 1, producer.operands.count > 1 else { return nil }
    return (producer, concat)
  }

  /// Whether one of the operations that a value comes from, each for the next one alone, moves before a join in this round, so
  /// that what reads the value is behind that join in a later one.
  func movesBeforeConcat(_ value: ValueID) -> Bool {
    var value = value
    while let producer = graph.producer(of: value), index.hasOneUse(value),
      ConstantFolding.isChannelAffine(producer, in: graph)
    {
      if join(behind: producer) != nil { return true }
      value = producer.operands[0]
    }
    return false
  }

  func affineOfConcat(_ operation: Operation, _ rewriter: inout GraphRewriter) throws -> Bool {
    guard let (producer, concat) = join(behind: operation) else { return false }
    let shape = graph.type(operation.operands[0]).shape
    let (rank, channels) = (shape.count, shape[shape.count - 1])
    let constants = try operation.operands.dropFirst().compactMap { try graph.constantTensor($0, from: data) }
    guard constants.count == operation.operands.count - 1, constants.allSatisfy({ $0.type.element == .f32 }) else {
      return false
    }
    var start = 0
    let parts = producer.operands.enumerated().map { part, operand in
      let type = graph.type(operand)
      let width = type.shape[rank - 1]
      defer { start += width }
      let slices = zip(constants, operation.operands.dropFirst()).map { constant, old in
        if constant.type.shape != [channels] || channels == 1 { return rewriter[old] }
        return rewriter.emitConstant(
          Tensor(shape: [width], Array(constant.floats[start..<start + width])),
          name: "\(graph.dataName(of: old)).\(part)")
      }
      let name = graph.values[operation.result].name.map { "\($0).\(part)" }
      let value = rewriter.emit(operation.op, [rewriter[operand]] + slices, type: type, name: name)
      rewriter.setOrigin(operation, of: value)
      return value
    }
    rewriter.emit(.concat(concat), parts, standingFor: operation.result, origin: producer)
    return true
  }
}
