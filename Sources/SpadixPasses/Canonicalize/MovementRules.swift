import SpadixIR

/// Rules for operators that only move elements.
extension CanonicalizationRules {
  func reshape(_ operation: Operation, _ rewriter: inout GraphRewriter) -> Bool {
    let operand = operation.operands[0]
    if graph.type(operand) == graph.type(operation.result) { return forward(operation, &rewriter) }
    guard let producer = graph.producer(of: operand), case .reshape = producer.op else { return false }
    rewriter.emit(
      operation.op, [rewriter[producer.operands[0]]], standingFor: operation.result, origin: operation)
    return true
  }

  func transpose(_ operation: Operation, _ transpose: Transpose, _ rewriter: inout GraphRewriter) -> Bool {
    let operand = operation.operands[0]
    let permutation = transpose.permutation
    if permutation == Array(permutation.indices) { return forward(operation, &rewriter) }
    if let producer = graph.producer(of: operand), case .transpose(let first) = producer.op {
      rewriter.emit(
        .transpose(Transpose(permutation: permutation.map { first.permutation[$0] })),
        [rewriter[producer.operands[0]]], standingFor: operation.result, origin: operation)
      return true
    }
    // Elements keep their row-major order when the axes longer than 1 keep theirs.
    let shape = graph.type(operand).shape
    let long = permutation.filter { shape[$0] != 1 }
    // Scales along an axis would have to follow it.
    guard long == long.sorted(), graph.type(operand).element.quantization?.axis == nil else { return false }
    rewriter.emit(.reshape(Reshape()), [rewriter[operand]], standingFor: operation.result, origin: operation)
    return true
  }

  /// Matrix products read their second operand either way, and the first one only as it is without a move.
  func product(_ operation: Operation, _ product: MatMul, _ rewriter: inout GraphRewriter) -> Bool {
    var product = product
    var operands = operation.operands
    func readUntransposed(_ operand: Int) -> Bool {
      guard let matrix = transposedMatrix(operands[operand]) else { return false }
      rewriter.adoptRange(graph.knownRange(of: operands[operand]), of: rewriter[matrix])
      operands[operand] = matrix
      return true
    }
    if product.transposeA, readUntransposed(0) { product.transposeA = false }
    if readUntransposed(1) { product.transposeB.toggle() }
    guard operands != operation.operands else { return false }
    rewriter.emit(.matmul(product), operands.map { rewriter[$0] }, standingFor: operation.result, origin: operation)
    return true
  }

  /// What a value is the transpose of, in its last two axes only.
  private func transposedMatrix(_ value: ValueID) -> ValueID? {
    guard let producer = graph.producer(of: value), case .transpose(let transpose) = producer.op,
      transpose.exchangesLastAxes
    else { return nil }
    return producer.operands[0]
  }

  func pad(_ operation: Operation, _ pad: Pad, _ rewriter: inout GraphRewriter) -> Bool {
    (pad.low + pad.high).allSatisfy { $0 == 0 } && forward(operation, &rewriter)
  }

  func quantize(_ operation: Operation, _ rewriter: inout GraphRewriter) -> Bool {
    guard let producer = graph.producer(of: operation.operands[0]), case .dequantize = producer.op,
      graph.type(producer.operands[0]) == graph.type(operation.result)
    else { return false }
    rewriter.replace(operation.result, with: rewriter[producer.operands[0]])
    return true
  }
}

extension Transpose {
  /// Whether the last two axes are exchanged and all others stay.
  var exchangesLastAxes: Bool {
    let rank = permutation.count
    guard rank >= 2 else { return false }
    return permutation == Array(0..<rank - 2) + [rank - 1, rank - 2]
  }

  init(exchangingLastAxesOfRank rank: Int) { self.init(permutation: Array(0..<rank - 2) + [rank - 1, rank - 2]) }
}
