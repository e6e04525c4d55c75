import SpadixIR
import SpadixReference
import SpadixSupport
import SpadixTensor

extension Pass {
  static let foldConstants = Pass(
    name: "fold-constants",
    summary: "computes what depends on constants only, and puts per-channel factors into weights",
    documentation: """
      - A batch normalization, or a product with a constant, that is the only reader of a convolution or of a matrix \
      product with constant weights goes into weights and bias: `w[..., o] * f[o]` and `b[o] * f[o] + d[o]`; of an \
      embedding, a `nn.gather` of a constant, into its table.
      - Weights that a matrix product reads transposed are transposed once, so that columns can have scales of their own.
      - What the channels of a product have in common is taken off its weights and bias where only a `nn.layer_norm` over \
      these channels reads it, which takes it off anyway. Values with a written range are left alone.
      - Operations of which all operands are constants are computed by the reference evaluators. Results of more than \
      16 M elements are left to be computed.

      Repeats until nothing changes, so that chains fold whole.
      """
  ) { graph, context in
    var current = graph
    // Every round removes an operation, a transpose_b or what channels have in common, so this ends.
    while true {
      var hasChanged = false
      let folding = try ConstantFolding(graph: current, data: context.data)
      let next = try current.rewriting { rewriter, operation in
        if try folding.apply(to: operation, &rewriter) { hasChanged = true }
      }
      if !hasChanged { return current }
      current = next.eliminatingDead()
    }
  }
}

extension Graph {
  /// Whether an operation is a function, which has no activation fused.
  fileprivate func isFunction(_ operation: OperationID) -> Bool {
    if case .function = operations[operation].op { return true }
    return false
  }
}

/// The rules of `fold-constants` over one graph.
struct ConstantFolding {
  let graph: Graph
  let data: DataStore
  let index: UseIndex
  /// By operation id: whether its only reader takes it in.
  private let isAbsorbed: [Bool]
  /// By operation id: the start of the chain of factors and offsets that ends here and goes into weights.
  let chains: [AffineChain?]

  static let largestResult = 1 << 24

  init(graph: Graph, data: DataStore) throws {
    self.graph = graph
    self.data = data
    let index = UseIndex(graph)
    self.index = index
    var isAbsorbed = [Bool](repeating: false, count: graph.operations.count)
    var chains = [AffineChain?](repeating: nil, count: graph.operations.count)
    for (id, operation) in graph.operations.enumerated() where Self.isChannelAffine(operation, in: graph) {
      guard let producer = graph.values[operation.operands[0]].producer,
        let affine = try Self.channelAffine(operation, in: graph, data)
      else { continue }
      let activation = operation.op.fusedActivation ?? .none
      if let chain = chains[producer.index], chain.activation == .none, index.hasOneUse(operation.operands[0]),
        activation == .none || !graph.isFunction(chain.start)
      {
        chains[id] = AffineChain(
          start: chain.start, affine: chain.affine.followed(by: affine), activation: activation)
      } else if Self.foldableProducer(of: operation.operands[0], in: graph, index) != nil
        || (activation == .none && Self.foldableTable(of: operation.operands[0], in: graph, index) != nil)
      {
        chains[id] = AffineChain(start: producer, affine: affine, activation: activation)
      } else {
        continue
      }
      isAbsorbed[producer.index] = true
    }
    self.isAbsorbed = isAbsorbed
    self.chains = chains
  }

  /// Whether the rules changed anything; the operation is kept if not.
  func apply(to operation: Operation, _ rewriter: inout GraphRewriter) throws -> Bool {
    if let id = graph.values[operation.result].producer, isAbsorbed[id.index] { return true }
    if try evaluate(operation, &rewriter) { return true }
    if try foldIntoWeights(operation, &rewriter) { return true }
    if try untranspose(operation, &rewriter) { return true }
    if try center(operation, &rewriter) { return true }
    rewriter.keep(operation)
    return false
  }

  /// Computes an operation whose operands are all constants.
  private func evaluate(_ operation: Operation, _ rewriter: inout GraphRewriter) throws -> Bool {
    if case .constant = operation.op { return false }
    let type = graph.type(operation.result)
    guard !operation.operands.isEmpty, operation.operands.allSatisfy({ graph.isConstant($0) }),
      let count = type.checkedElementCount, count <= Self.largestResult
    else { return false }
    let operands = try operation.operands.compactMap { try graph.constantTensor($0, from: data) }
    let isReal = type.element == .f32 && operands.allSatisfy { $0.type.element == .f32 }
    let results =
      isReal
      ? try FloatEvaluator(graph: graph, data: data).evaluate(operation, operands: operands)
      : try IntegerEvaluator(graph: graph, data: data).evaluate(operation, operands: operands)
    if case .f32(let elements) = results[0].storage { try requireFinite(elements, operation) }
    let name = graph.values[operation.result].name ?? "folded"
    rewriter.replace(operation.result, with: rewriter.emitConstant(results[0], name: name))
    return true
  }

  /// Throws `fold.not-finite` for results of constants that no Float32 holds, with the place of the operation.
  func requireFinite(_ elements: [Float], _ operation: Operation) throws {
    guard let position = elements.firstIndex(where: { !$0.isFinite }) else { return }
    throw Diagnostic(
      "fold.not-finite",
      "\(operation.op.mnemonic) of constants gives \(elements[position]) as element \(position); expected finite numbers",
      at: operation.range, help: "look for a division by 0, and for an overflow")
  }

  /// Reads constant weights the other way round, once.
  private func untranspose(_ operation: Operation, _ rewriter: inout GraphRewriter) throws -> Bool {
    guard case .matmul(var product) = operation.op, product.transposeB,
      let weights = try graph.constantTensor(operation.operands[1], from: data), weights.type.rank == 2,
      case .f32(let elements) = weights.storage
    else { return false }
    let (rows, columns) = (weights.type.shape[0], weights.type.shape[1])
    let transposed = [Float](unsafeUninitializedCapacity: elements.count) { buffer, count in
      for row in 0..<rows {
        for column in 0..<columns { buffer[column * rows + row] = elements[row * columns + column] }
      }
      count = elements.count
    }
    product.transposeB = false
    var operands = rewriter.operands(of: operation)
    operands[1] = rewriter.emitConstant(
      Tensor(shape: [columns, rows], transposed), name: graph.dataName(of: operation.operands[1]))
    rewriter.emit(.matmul(product), operands, standingFor: operation.result, origin: operation)
    return true
  }
}
