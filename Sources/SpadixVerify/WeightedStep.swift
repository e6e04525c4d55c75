import SpadixIR
import SpadixSupport
import SpadixTensor

/// The product among the steps of a computation, and what its second operand and its bias stand for.
struct WeightedStep {
  let operation: Operation
  let input: Quantization
  let weights: Quantization
  private var biasPosition: Int?

  /// Nil where no step is a product.
  init?(_ computation: Fragment.Computation, in quantized: Graph) {
    for id in computation.steps {
      let step = quantized.operations[id]
      if case .conv2d(let convolution) = step.op {
        biasPosition = ConvolutionOperands(count: step.operands.count, residual: convolution.residual).bias
      } else if case .matmul = step.op {
        biasPosition = step.operands.count > 2 ? 2 : nil
      } else if case .mul = step.op {
        biasPosition = nil
      } else {
        continue
      }
      guard let input = quantized.values[step.operands[0]].type.element.quantization,
        let weights = quantized.values[step.operands[1]].type.element.quantization
      else { continue }
      operation = step
      self.input = input
      self.weights = weights
      return
    }
    return nil
  }

  /// The real numbers that the integers of the weights and the bias stand for, by operand of the operation; nil for
  /// operands that are no constants of this product.
  ///
  /// Throws `verify.unmatched` where a shape is not that of the constant in floating point.
  func constants(
    _ computation: Fragment.Computation, real: Graph, quantized: Graph, data: DataStore
  ) throws -> [(position: Int, tensor: Tensor, step: (Int) -> Double)] {
    var result: [(position: Int, tensor: Tensor, step: (Int) -> Double)] = []
    if computation.operands[1] == nil, let tensor = try quantized.constantTensor(operation.operands[1], from: data) {
      let channels = weights.axis == nil ? 1 : weights.scales.count
      let scales = weights.scales
      result.append((1, Tensor(.f32(tensor.type.shape), .f32(tensor.realValues)), { Double(scales[$0 % channels]) }))
    }
    if let biasPosition, let tensor = try quantized.constantTensor(operation.operands[biasPosition], from: data) {
      let units = (0..<tensor.int32s.count).map { Double(input.scale) * Double(weights.scale(at: $0)) }
      let elements = zip(tensor.int32s, units).map { Float(Double($0) * $1) }
      result.append((biasPosition, Tensor(.f32(tensor.type.shape), .f32(elements)), { units[$0] }))
    }
    for (position, tensor, _) in result
    where real.values[computation.operation.operands[position]].type.shape != tensor.type.shape {
      throw Diagnostic.unmatched("a constant has another shape in the quantized graph", at: computation.operation.range)
    }
    return result
  }
}
