import SpadixIR
import SpadixTensor

/// Which int8 values have no element below 0, as far as the operators that compute them say so.
public struct NonNegativeValues: Sendable {
  private var isKnown: [Bool]

  /// False where it is not known.
  public subscript(_ value: ValueID) -> Bool { isKnown[value.index] }

  /// Looks at each operation once, in order.
  public init(_ graph: Graph) {
    isKnown = [Bool](repeating: false, count: graph.values.count)
    for operation in graph.operations {
      isKnown[operation.result.index] = Self.isNotNegative(
        operation, operands: operation.operands.map { isKnown[$0.index] }, graph)
    }
  }

  private static func isNotNegative(_ operation: Operation, operands: [Bool], _ graph: Graph) -> Bool {
    switch operation.op {
    // npu operators say all in integers, whatever their types are.
    case .npu(.conv2d(let payload)): return payload.output.least >= 0
    case .npu(.matmul(let payload)): return payload.output.least >= 0
    case .npu(.add(let payload)): return payload.output.least >= 0
    case .npu(.binary(let payload)): return payload.output.least >= 0
    case .npu(.mul(let payload)): return payload.output.least >= 0
    case .npu(.avgPool2d(let payload)): return payload.output.least >= 0
    case .npu(.requantize(let payload)): return payload.output.least >= 0
    case .npu(.pad(let payload)): return operands[0] && payload.value >= 0
    case .npu(.maxPool2d), .npu(.reshape), .npu(.transpose), .npu(.concat): return operands.allSatisfy { $0 }
    case .constant, .batchNorm, .quantize, .dequantize: return false
    case .function(let function):
      guard case .movement = function.definition.int8Form(operation.operands.map { graph.type(of: $0) }) else {
        return false
      }
      return operands[0]
    case .maxPool2d, .reshape, .transpose, .concat, .pad, .softmax, .conv2d, .matmul, .add, .mul, .relu, .clamp,
      .avgPool2d, .globalAvgPool2d, .requantize:
      guard let quantization = graph.type(of: operation.result).element.quantization, quantization.isPerTensor else {
        return false
      }
      return isNotNegative(operation.op, operands, quantization)
    }
  }

  private static func isNotNegative(_ op: Operator, _ operands: [Bool], _ result: Quantization) -> Bool {
    switch op {
    case .maxPool2d, .reshape, .transpose, .concat: operands.allSatisfy { $0 }
    case .pad(let pad): operands[0] && pad.value >= 0 && result.zeroPoint >= 0
    case .softmax: result.zeroPoint >= 0
    case .conv2d, .matmul, .add, .mul, .relu, .clamp, .avgPool2d, .globalAvgPool2d, .requantize:
      (op.elementwiseActivation ?? op.fusedActivation ?? .none).clampBounds(result).low >= 0
    case .constant, .batchNorm, .quantize, .dequantize, .function, .npu:
      false
    }
  }
}
