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
