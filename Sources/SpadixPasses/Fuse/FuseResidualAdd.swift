import SpadixIR

extension Pass {
  static let fuseResidualAdd = Pass(
    name: "fuse-residual-add",
    summary: "adds a residual in the accumulator of the convolution that produces the other addend",
    documentation: """
      A sum of which one addend is a convolution that nobody else reads becomes part of that convolution, so that the \
      convolution's result is never rounded to int8 and never moved:

          %1 = nn.conv2d %x, %w, %b : f32[1, 8, 8, 16]
          %2 = nn.add %1, %skip {activation = relu} : f32[1, 8, 8, 16]

      becomes

          %2 = nn.conv2d %x, %w, %b, %skip {activation = relu, residual = true} : f32[1, 8, 8, 16]

      Where both addends qualify, the convolution that comes later takes the other one in: the earlier one has to be \
      computed before anyway. The fused convolution stands where the sum stood, after both addends. Convolutions with \
      an activation, a residual or a pooling of their own are left alone, so `fuse-activation` belongs before this \
      pass. f32 only: quantization chooses the weights' scale for the sum.
      """
  ) { graph, _ in
    let index = UseIndex(graph)
    var absorbed = [Bool](repeating: false, count: graph.operations.count)
    // By the sum's result: the operand that is a convolution to be fused.
    var chosen = [Int?](repeating: nil, count: graph.values.count)
    for operation in graph.operations {
      guard case .add = operation.op, graph.type(operation.result).element == .f32,
        let side = convolutionSide(of: operation, in: graph, index),
        let producer = graph.values[operation.operands[side]].producer
      else { continue }
      chosen[operation.result.index] = side
      absorbed[producer.index] = true
    }
    return graph.rewriting { rewriter, operation in
      if let producer = graph.values[operation.result].producer, absorbed[producer.index] { return }
      guard case .add(let add) = operation.op, let side = chosen[operation.result.index],
        let convolution = graph.producer(of: operation.operands[side]), case .conv2d(var payload) = convolution.op
      else {
        rewriter.keep(operation)
        return
      }
      payload.residual = true
      payload.activation = add.activation
      let operands = rewriter.operands(of: convolution) + [rewriter[operation.operands[1 - side]]]
      rewriter.emit(.conv2d(payload), operands, standingFor: operation.result, origin: convolution)
    }
  }
}

/// Which addend is a convolution that can take the other one in: the one computed last, where both can.
private func convolutionSide(of add: Operation, in graph: Graph, _ index: UseIndex) -> Int? {
  let sides = (0..<2).filter { side in
    guard let producer = graph.producer(of: add.operands[side]), case .conv2d(let convolution) = producer.op else {
      return false
    }
    // A constant addend is data, not an activation that an array could add.
    return !convolution.residual && convolution.activation == .none && convolution.pooling == nil
      && index.hasOneUse(add.operands[side]) && !graph.isConstant(add.operands[1 - side])
  }
  func position(_ side: Int) -> Int { graph.values[add.operands[side]].producer?.index ?? 0 }
  return sides.max { position($0) < position($1) }
}
