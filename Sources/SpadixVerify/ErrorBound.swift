import SpadixIR
import SpadixReference
import SpadixSupport
import SpadixTensor

/// How far the int8 form of a value may be from what the operation in floating point makes of the same operands.
///
/// - Every step that rounds adds half a step of its result's type, and hands on the errors of its operands: sums, averages,
///   maxima, rescalings and clamps enlarge none. A rescaling that keeps the scale only moves integers; where it confines
///   them to bounds that are no integers itself, its error is half a step and not one more.
/// - Weights, biases and factors are within half a step of their types, so that a convolution of the magnitudes of its
///   input with half steps bounds what they do to each element of the result. Held against the weights as they are in the
///   quantized graph, a result has only the other errors, and weights are held against theirs one by one.
/// - Scales that are not quite what a sum of integers takes them for add their difference, times the largest integer.
/// - Sums in Float32, here and in the reference, are off by a part in 2^24 for each term.
struct ErrorBound {
  let quantized: Graph
  let computation: Fragment.Computation

  /// What steps that are no integers of the result's type can add for reasons of Float32 alone, in steps.
  static let slack = 1e-3

  /// The bound that holds for every element, as a real number: the roundings of all steps but of weights and biases.
  func rounding() throws -> Double {
    var errors: [ValueID: Double] = [:]
    var last = 0.0
    for id in computation.steps {
      let step = quantized.operations[id]
      let incoming = step.operands.map { errors[$0] ?? 0 }
      last = try rounding(step, incoming)
      errors[step.result] = last
    }
    return last
  }

  private func rounding(_ step: Operation, _ incoming: [Double]) throws -> Double {
    let half = scale(step.result) / 2
    let largest = incoming.max() ?? 0
    switch step.op {
    case .requantize:
      return scale(step.operands[0]) == scale(step.result) ? max(largest, half) : largest + half
    case .relu, .clamp: return max(largest, half)
    case .avgPool2d, .globalAvgPool2d, .quantize: return largest + half
    case .maxPool2d, .concat, .reshape, .transpose, .dequantize: return largest
    case .pad(let pad): return pad.value == 0 ? largest : max(largest, half)
    case .add(let add):
      let unit = scale(step.operands[0]) / Double(add.multipliers[0])
      let mismatch = abs(unit * Double(add.multipliers[1]) - scale(step.operands[1]))
      return incoming.reduce(0, +) + mismatch * 255 + half
    case .conv2d(let convolution) where convolution.residual:
      let addend = step.operands.count - 1
      try requireExact(incoming.dropLast(), step)
      return incoming[addend] + residualMismatch(convolution, step) * 255 + half
    case .conv2d, .matmul, .mul, .softmax:
      try requireExact(incoming[...], step)
      return half
    case .constant, .batchNorm, .npuConv2d, .npuMatmul, .npuAdd, .npuMul, .npuMaxPool2d, .npuAvgPool2d, .npuRequantize,
      .npuConcat, .npuPad, .npuReshape, .npuTranspose:
      throw Diagnostic.unmatched("\(step.op.mnemonic) has no bound in a quantized graph", at: step.range)
    }
  }

  /// Errors before a product would be multiplied with its weights.
  private func requireExact(_ incoming: ArraySlice<Double>, _ step: Operation) throws {
    if incoming.allSatisfy({ $0 == 0 }) { return }
    throw Diagnostic.unmatched("an operand of \(step.op.mnemonic) is rounded before it", at: step.range)
  }

  private func residualMismatch(_ convolution: Conv2D, _ step: Operation) -> Double {
    guard let weights = quantized.values[step.operands[1]].type.element.quantization else { return 0 }
    let input = scale(step.operands[0])
    let wanted = scale(step.operands[step.operands.count - 1])
    let multipliers = convolution.residualMultipliers
    return (0..<max(multipliers.count, weights.scales.count)).map { channel in
      let multiplier = multipliers.count == 1 ? multipliers[0] : multipliers[channel]
      return abs(Double(multiplier) * input * Double(weights.scale(at: channel)) - wanted)
    }.max() ?? 0
  }

  private func scale(_ value: ValueID) -> Double {
    quantized.values[value].type.element.quantization.map { Double($0.scale) } ?? 0
  }
}

// MARK: Weights

extension ErrorBound {
  /// What sums in Float32 can do to each element of the result, as real numbers, and with `roundsWeights` the roundings of
  /// weights, biases and factors; nil where there are none. `operands` are the real values of the operation's operands.
  func weighting(_ operands: [Tensor], roundsWeights: Bool, _ evaluator: FloatEvaluator) throws -> [Float]? {
    var operation = computation.operation
    var magnitudes = operands.map { $0.mapped { $0.magnitude } }
    switch operation.op {
    case .conv2d(var convolution):
      let roles = ConvolutionOperands(count: operands.count, residual: convolution.residual)
      if let addend = roles.addend { magnitudes[addend] = magnitudes[addend].mapped { _ in 0 } }
      convolution.activation = .none
      operation.op = .conv2d(convolution)
      try setSteps(&magnitudes, bias: roles.bias, roundsWeights)
    case .matmul(var product):
      product.activation = .none
      operation.op = .matmul(product)
      try setSteps(&magnitudes, bias: operands.count > 2 ? 2 : nil, roundsWeights)
    case .mul(var product):
      product.activation = .none
      operation.op = .mul(product)
      try setSteps(&magnitudes, bias: nil, roundsWeights)
    case .avgPool2d, .globalAvgPool2d:
      // Sums in Float32 of both sides.
      let window =
        if case .avgPool2d(let pool) = operation.op { pool.window.reduce(1, *) } else {
          operands[0].type.shape[1...2].reduce(1, *)
        }
      let largest = magnitudes[0].floats.max() ?? 0
      let count = evaluator.graph.values[operation.result].type.elementCount
      return [Float](repeating: Float(window) * 0x1p-23 * largest, count: count)
    case .constant, .add, .relu, .clamp, .maxPool2d, .concat, .reshape, .transpose, .pad, .batchNorm, .softmax,
      .quantize,
      .dequantize, .requantize, .npuConv2d, .npuMatmul, .npuAdd, .npuMul, .npuMaxPool2d, .npuAvgPool2d, .npuRequantize,
      .npuConcat, .npuPad, .npuReshape, .npuTranspose:
      return nil
    }
    return try evaluator.evaluate(operation, operands: magnitudes)[0].floats
  }

  /// Puts the largest error of a weight in the place of each weight, and of a bias in that of each bias.
  private func setSteps(_ magnitudes: inout [Tensor], bias: Int?, _ roundsWeights: Bool) throws {
    guard let product = WeightedStep(computation, in: quantized) else {
      throw Diagnostic.unmatched("no step of the quantized graph has weights", at: computation.operation.range)
    }
    let (input, weights) = (product.input, product.weights)
    let channels = weights.axis == nil ? 1 : weights.scales.count
    let elements = magnitudes[1].floats
    let terms = Float(max(1, elements.count / max(1, magnitudes[1].type.shape.last ?? 1)))
    let isRounded = roundsWeights && computation.operands[1] == nil
    magnitudes[1] = Tensor(
      magnitudes[1].type,
      .f32(
        elements.enumerated().map { position, magnitude in
          (isRounded ? weights.scale(at: position % channels) / 2 : 0) + magnitude * terms * 0x1p-23
        }))
    guard let bias else { return }
    magnitudes[bias] = Tensor(
      magnitudes[bias].type,
      .f32(
        magnitudes[bias].floats.enumerated().map { channel, magnitude in
          (roundsWeights ? input.scale * weights.scale(at: channel) / 2 : 0) + magnitude * terms * 0x1p-23
        }))
  }
}

extension Tensor {
  fileprivate func mapped(_ function: (Float) -> Float) -> Tensor { Tensor(type, .f32(floats.map(function))) }
}
