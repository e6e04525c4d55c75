import SpadixIR

/// Rules for relu, clamp and products with a constant.
extension CanonicalizationRules {
  func elementwiseActivation(
    _ operation: Operation, _ activation: Activation, _ rewriter: inout GraphRewriter
  ) -> Bool {
    let operand = operation.operands[0]
    if activation == .none { return forward(operation, &rewriter) }
    if let producer = graph.producer(of: operand) {
      if let first = producer.op.elementwiseActivation {
        let op = Self.elementwise(first.followed(by: activation))
        rewriter.emit(op, [rewriter[producer.operands[0]]], standingFor: operation.result, origin: operation)
        return true
      }
      if case .maxPool2d = producer.op, index.hasOneUse(operand),
        let fusible = graph.producer(of: producer.operands[0]), fusible.op.fusedActivation != nil
      {
        let image = graph.values[producer.operands[0]]
        let bounds = activation.bounds
        let range = graph.knownRange(of: producer.operands[0])?.clamped(low: bounds.low, high: bounds.high)
        let activated = rewriter.emit(
          operation.op, [rewriter[producer.operands[0]]], type: image.type,
          calibration: range ?? graph.knownRange(of: operation.result))
        rewriter.emit(producer.op, [activated], standingFor: operation.result, origin: producer)
        return true
      }
    }
    let op = Self.elementwise(activation)
    if op == operation.op { return false }
    rewriter.emit(op, [rewriter[operand]], standingFor: operation.result, origin: operation)
    return true
  }

  private static func elementwise(_ activation: Activation) -> Operator {
    switch activation {
    case .none: .clamp(Clamp())
    case .relu: .relu(Relu())
    case .clamp(let low, let high): .clamp(Clamp(low: low, high: high))
    }
  }

  /// A product with ones is its other factor, or the activation that was fused into it.
  func mul(_ operation: Operation, _ mul: Mul, _ rewriter: inout GraphRewriter) throws -> Bool {
    if try affineOfConcat(operation, &rewriter) { return true }
    guard graph.type(operation.result).element == .f32,
      let factor = try graph.constantTensor(operation.operands[1], from: data),
      factor.floats.allSatisfy({ $0 == 1 })
    else { return false }
    if mul.activation == .none { return forward(operation, &rewriter) }
    rewriter.emit(
      Self.elementwise(mul.activation), [rewriter[operation.operands[0]]], standingFor: operation.result,
      origin: operation)
    return true
  }
}
