import SpadixIR

extension Pass {
  static let fuseActivation = Pass(
    name: "fuse-activation",
    summary: "puts relu and clamp into the operation before them",
    documentation: """
      A relu or clamp that is the only reader of a convolution, matrix product, sum, product, average or rescaling \
      becomes that operation's `activation`: the store applies it for free.

          %0 = nn.conv2d %x, %w : f32[1, 8, 8, 16]
          %1 = nn.relu %0 : f32[1, 8, 8, 16]

      becomes

          %1 = nn.conv2d %x, %w {activation = relu} : f32[1, 8, 8, 16]

      An activation that is there already is composed with the new one. On quantized graphs the pass applies where \
      both results have one quantization.
      """
  ) { graph, _ in
    let plan = ActivationFusion(graph)
    return graph.rewriting { rewriter, operation in
      guard let id = graph.values[operation.result].producer else { return }
      if plan.isAbsorbed[id.index] { return }
      guard let head = plan.heads[id.index], let activation = plan.activations[id.index] else {
        rewriter.keep(operation)
        return
      }
      var op = graph.operations[head].op
      op.fusedActivation = activation
      rewriter.emit(
        op, rewriter.operands(of: graph.operations[head]), standingFor: operation.result,
        origin: graph.operations[head])
    }
  }
}

/// Which operations are fused with which, by operation id.
private struct ActivationFusion {
  /// For a relu or clamp that is fused: the operation at the start of its chain.
  var heads: [OperationID?]
  /// For the same: the activations of the chain up to here, composed.
  var activations: [Activation?]
  /// Whether the next of the chain does the work.
  var isAbsorbed: [Bool]

  init(_ graph: Graph) {
    let index = UseIndex(graph)
    heads = [OperationID?](repeating: nil, count: graph.operations.count)
    activations = graph.operations.map(\.op.fusedActivation)
    isAbsorbed = [Bool](repeating: false, count: graph.operations.count)
    for (id, operation) in graph.operations.enumerated() {
      guard let next = operation.op.elementwiseActivation, let producer = graph.values[operation.operands[0]].producer,
        let activation = activations[producer.index], index.hasOneUse(operation.operands[0]),
        graph.type(operation.operands[0]) == graph.type(operation.result)
      else { continue }
      heads[id] = heads[producer.index] ?? producer
      activations[id] = activation.followed(by: next)
      isAbsorbed[producer.index] = true
    }
  }
}
