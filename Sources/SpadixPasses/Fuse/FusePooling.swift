import SpadixIR
import SpadixISA
import SpadixLegality

extension Pass {
  static let fusePooling = Pass(
    name: "fuse-pooling",
    summary: "puts max pooling into the store of the convolution before it",
    documentation: """
      Gemmini's store takes the maximum over windows while it moves results out of the accumulator. A max pooling that \
      is the only reader of a convolution becomes the convolution's `pool_window`, `pool_strides` and `pool_padding` \
      where the target can do it: a square window and equal strides of at most 3. Without an output stage the store \
      counts elements outside the image as 0, so that padding needs a relu, or a clamp from 0, before it. Overlapping \
      windows are fused only where the rows under one window fit the accumulator.

      Results do not change: rounding and clamping are monotone, so the maximum may be taken after them.
      """
  ) { graph, context in
    let target = context.target
    let index = UseIndex(graph)
    return graph.rewriting { rewriter, operation in
      if let use = index.onlyUse(of: operation.result),
        fusedConvolution(operation, into: graph.operations[use.operation], in: graph, target) != nil
      {
        return
      }
      if let operand = operation.operands.first, index.hasOneUse(operand), let producer = graph.producer(of: operand),
        let fused = fusedConvolution(producer, into: operation, in: graph, target)
      {
        rewriter.emit(
          .conv2d(fused), rewriter.operands(of: producer), standingFor: operation.result, origin: producer)
      } else {
        rewriter.keep(operation)
      }
    }
  }
}

/// The convolution with the pooling that reads it; nil where the two are something else or the target cannot do it.
private func fusedConvolution(
  _ producer: Operation, into reader: Operation, in graph: Graph, _ target: Target
) -> Conv2D? {
  guard case .conv2d(var convolution) = producer.op, convolution.pooling == nil, case .maxPool2d(let pool) = reader.op
  else { return nil }
  let pooling = FusedPooling(window: pool.window, strides: pool.strides, padding: pool.padding)
  let image = graph.type(producer.result)
  let zeroPoint = image.element.quantization?.zeroPoint ?? 0
  let isNotNegative = convolution.activation.bounds.low >= 0 && zeroPoint == 0
  guard target.storePoolingProblem(window: pool.window, strides: pool.strides) == nil,
    target.storePads(pool.padding, isNotNegative: isNotNegative),
    target.isStorePoolingProfitable(pooling, width: image.shape[2])
  else { return nil }
  convolution.pooling = pooling
  return convolution
}
