import SpadixIR

/// Which part an operand plays in the int8 form of an operation.
enum OperandRole {
  /// A tensor that has a type of its own: an input, an addend.
  case activation
  /// A constant that is quantized for this operation: weights, a factor.
  case weights
  /// A constant in units of the accumulator.
  case bias
  /// A constant that stays as it is.
  case untouched
}

/// The int8 form of an f32 operation.
struct Int8Form {
  /// One per operand.
  var roles: [OperandRole]
  /// Whether operands and result have one type, because the operation only moves or selects elements.
  var keepsType = false

  /// The most int8, with a zero point subtracted, of which an accumulator of 32 bits holds the sum.
  private static let largestWindow = 1 << 23

  /// Nil where there is none: the operation then stays in f32.
  init?(_ operation: Operation, in graph: Graph) {
    guard graph.type(operation.result).element == .f32 else { return nil }
    if case .function(let function) = operation.op {
      guard let form = Self.form(function, operation, in: graph) else { return nil }
      (roles, keepsType) = form
      return
    }
    guard operation.operands.allSatisfy({ graph.type($0).element == .f32 }) else { return nil }
    func isConstant(_ operand: Int) -> Bool {
      operation.operands.count <= operand || graph.isConstant(operation.operands[operand])
    }
    roles = [OperandRole](repeating: .activation, count: operation.operands.count)
    switch operation.op {
    case .conv2d(let convolution):
      let places = ConvolutionOperands(count: roles.count, residual: convolution.residual)
      guard isConstant(1), places.bias.map(isConstant) ?? true else { return nil }
      roles[1] = .weights
      if let bias = places.bias { roles[bias] = .bias }
    case .matmul:
      guard isConstant(2) else { return nil }
      // A matrix of its own for each batch is read like an activation.
      if graph.isConstant(operation.operands[1]), graph.type(operation.operands[1]).isMatrix { roles[1] = .weights }
      if roles.count > 2 { roles[2] = .bias }
    case .mul:
      guard isConstant(1) else { return nil }
      roles[1] = .weights
    case .add, .relu, .clamp, .softmax:
      break
    case .globalAvgPool2d:
      if graph.type(operation.operands[0]).shape[1...2].reduce(1, *) > Self.largestWindow { return nil }
    case .avgPool2d(let pool):
      if pool.window.reduce(1, *) > Self.largestWindow { return nil }
      if !pool.countIncludePad, pool.padding.contains(where: { $0 != 0 }) { return nil }
    case .maxPool2d, .concat, .reshape, .transpose, .pad:
      keepsType = true
    case .constant, .batchNorm, .quantize, .dequantize, .requantize, .function, .npu:
      return nil
    }
  }

  private static func form(
    _ function: OperatorFunction, _ operation: Operation, in graph: Graph
  ) -> (roles: [OperandRole], keepsType: Bool)? {
    var roles: [OperandRole] = operation.operands.map { graph.isConstant($0) ? .untouched : .activation }
    switch function.definition.int8Form(operation.operands.map { graph.type($0) }) {
    case .movement:
      roles[0] = .activation
      return (roles, true)
    case .real: return roles.contains(.activation) ? (roles, false) : nil
    case .none: return nil
    }
  }

  func operands(_ role: OperandRole, of operation: Operation) -> [ValueID] {
    zip(roles, operation.operands).filter { $0.0 == role }.map(\.1)
  }
}
