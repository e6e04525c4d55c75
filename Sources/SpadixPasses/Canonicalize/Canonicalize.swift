import SpadixIR
import SpadixSupport

extension Pass {
  static let canonicalize = Pass(
    name: "canonicalize",
    summary: "rewrites operations into simpler or more regular ones of the same meaning",
    documentation: """
      Repeats these rules until none applies:

      - Operations that change nothing disappear: a reshape or rescaling to the type that is there already, an identity \
      transpose, a border of width 0, the join of one tensor, a product with ones, a pooling with a 1x1 window.
      - Chains become one operation: reshape of reshape, transpose of transpose, relu and clamp of relu and clamp. A \
      transpose that only moves axes of length 1 becomes a reshape.
      - `nn.clamp {low = 0}` becomes `nn.relu`; bounds that are infinite on both sides disappear.
      - A relu or clamp after a max pooling moves before it, where the operation that computes the pooled image can \
      take it in.
      - A transpose of a product's second operand becomes `transpose_b`; one that undoes a `transpose_a` disappears.
      - A border of zeros goes into the padding of the convolution or average that reads it.
      - A global average becomes an average whose window is the image.
      - Factors and offsets of the channels of a join that nothing else reads move to what is joined.
      - A batch normalization that no convolution, matrix product or embedding can take into its constants becomes a depthwise 1x1 \
      convolution, which has an int8 form.
      - `nn.quantize` of `nn.dequantize` of the same type is the original value.
      """
  ) { graph, context in
    var current = graph
    // Every rule shortens a chain or replaces an operator by one that stands later in the list above, so this ends; each
    // round shortens a chain of any length by at least one operation.
    while true {
      var hasChanged = false
      let rules = CanonicalizationRules(graph: current, data: context.data)
      let next = try current.rewriting { rewriter, operation in
        if try rules.apply(to: operation, &rewriter) { hasChanged = true } else { rewriter.keep(operation) }
      }
      if !hasChanged { return current }
      current = next.eliminatingDead()
    }
  }
}

/// The rules of `canonicalize`. Each looks at an operation and its producers in the graph before the round, and either
/// lets something else stand for the result or leaves the operation alone.
struct CanonicalizationRules {
  let graph: Graph
  let data: DataStore
  let index: UseIndex

  init(graph: Graph, data: DataStore) {
    self.graph = graph
    self.data = data
    self.index = UseIndex(graph)
  }

  /// Whether a rule applied.
  func apply(to operation: Operation, _ rewriter: inout GraphRewriter) throws -> Bool {
    switch operation.op {
    case .reshape: reshape(operation, &rewriter)
    case .transpose(let transpose): self.transpose(operation, transpose, &rewriter)
    case .pad(let pad): self.pad(operation, pad, &rewriter)
    case .concat: operation.operands.count == 1 && forward(operation, &rewriter)
    case .relu: elementwiseActivation(operation, .relu, &rewriter)
    case .clamp(let clamp):
      elementwiseActivation(operation, Activation(low: clamp.low, high: clamp.high), &rewriter)
    case .mul(let mul): try self.mul(operation, mul, &rewriter)
    case .conv2d(let convolution): self.convolution(operation, convolution, &rewriter)
    case .maxPool2d(let pool):
      pool.window == [1, 1] && pool.strides == [1, 1] && pool.padding == [0, 0, 0, 0] && forward(operation, &rewriter)
    case .avgPool2d(let pool): averagePooling(operation, pool, &rewriter)
    case .globalAvgPool2d(let pool): globalAverage(operation, pool, &rewriter)
    case .batchNorm(let norm): try batchNorm(operation, norm, &rewriter)
    case .quantize: quantize(operation, &rewriter)
    case .requantize(let requantize):
      requantize.activation == .none && graph.type(operation.operands[0]) == graph.type(operation.result)
        && forward(operation, &rewriter)
    case .matmul(let product): self.product(operation, product, &rewriter)
    case .constant, .add, .softmax, .dequantize, .function, .npu:
      false
    }
  }

  /// Lets the first operand stand for the result; always true, so that it reads as the end of a condition.
  func forward(_ operation: Operation, _ rewriter: inout GraphRewriter) -> Bool {
    rewriter.replace(operation.result, with: rewriter[operation.operands[0]])
    return true
  }
}
