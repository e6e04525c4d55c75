import SpadixIR
import SpadixSupport
import SpadixTensor

/// Evaluates an nn graph in Float32: what the network computes before quantization.
public struct FloatEvaluator: GraphEvaluator {
  public let graph: Graph
  public let data: DataStore

  public init(graph: Graph, data: DataStore) {
    self.graph = graph
    self.data = data
  }

  public func evaluate(_ operation: Operation, operands: [Tensor]) throws -> [Tensor] {
    let type = resultType(operation)
    let isReal = operands.allSatisfy { $0.type.element == .f32 } && type.element == .f32
    switch operation.op {
    case .constant(let constant): return [try self.constant(constant)]
    case .quantize, .dequantize: break
    case .function where type.element == .f32: break
    default: if !isReal { throw unsupported(operation, "the float reference evaluates f32 graphs") }
    }
    return [try FloatOperators.evaluate(operation, operands, type)]
  }
}
