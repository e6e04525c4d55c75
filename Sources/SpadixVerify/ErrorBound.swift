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
/// - `nn.fake_quantize` to a type that the target has not is a range: its own roundings are not made.
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
    // Its own grid is another one than the type's, which is a bound only.
    if let fake = computation.operation.op.fakeQuantize { last += Double(fake.scale) / 2 }
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
    case .function(let function):
      if case .movement = function.definition.int8Form(step.operands.map { quantized.values[$0].type }) {
        return largest
      }
      try requireExact(incoming[...], step)
      return half
    case .conv2d, .matmul, .mul, .softmax:
      try requireExact(incoming[...], step)
      return half
    case .constant, .batchNorm, .npu:
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
  /// What sums in Float32 can do to each element of the result, as real numbers, and with `roundsWeights` the roundings
  /// of weights, biases and factors; nil where there are none. `operands` are the real values of the operation's
  /// operands.
  func weighting(_ operands: [Tensor], roundsWeights: Bool, _ evaluator: FloatEvaluator) throws -> Weighting? {
    let operation = computation.operation
    switch operation.op {
    case .conv2d(let convolution):
      let sums = try magnitudes(convolution, operands, evaluator)
      return try weighting(
        sums, groups: convolution.groups, operands,
        bias: ConvolutionOperands(count: operands.count, residual: convolution.residual).bias, roundsWeights)
    case .matmul(let product):
      let sums = try magnitudes(product, operands, evaluator)
      return try weighting(sums, groups: 1, operands, bias: operands.count > 2 ? 2 : nil, roundsWeights)
    case .mul:
      let channels = operands[0].type.shape.last ?? 1
      return try weighting(operands[0].floats.map(\.magnitude), groups: channels, operands, bias: nil, roundsWeights)
    case .avgPool2d(let pool): return average(operands[0], window: pool.window)
    case .globalAvgPool2d: return average(operands[0], window: Array(operands[0].type.shape[1...2]))
    case .constant, .add, .relu, .clamp, .maxPool2d, .concat, .reshape, .transpose, .pad, .batchNorm, .softmax,
      .quantize, .dequantize, .requantize, .function, .npu:
      return nil
    }
  }

  /// A bound for each element that is a multiple, for its channel, of a sum of magnitudes, and a constant.
  struct Weighting {
    /// By pixel and group.
    fileprivate var sums: [Float]
    fileprivate var groups: Int
    fileprivate var factors: [Float]
    fileprivate var constants: [Float]

    subscript(element: Int) -> Double {
      let channel = element % factors.count
      let group = channel / (factors.count / groups)
      return Double(sums[element / factors.count * groups + group]) * Double(factors[channel])
        + Double(constants[channel])
    }
  }

  /// The magnitudes under each window, summed for each group: a convolution with ones, and the largest sum under each
  /// window of a pooling.
  private func magnitudes(
    _ convolution: Conv2D, _ operands: [Tensor], _ evaluator: FloatEvaluator
  ) throws -> [Float] {
    var operation = computation.operation
    var ones = convolution
    (ones.activation, ones.residual, ones.pooling) = (.none, false, nil)
    operation.op = .conv2d(ones)
    var kernel = operands[1].type.shape
    kernel[3] = convolution.groups
    let weights = Tensor(shape: kernel, [Float](repeating: 1, count: kernel.reduce(1, *)))
    let sums = try evaluator.evaluate(operation, operands: [operands[0].magnitudes, weights])[0]
    return convolution.pooling.map { largest(sums, $0.window2D) } ?? sums.floats
  }

  /// The largest element under each window, inside the image.
  private func largest(_ image: Tensor, _ window: Window2D) -> [Float] {
    let (height, width, channels) = (image.type.shape[1], image.type.shape[2], image.type.shape[3])
    let size = window.outputSize(of: [height, width])
    let elements = image.floats
    var result: [Float] = []
    for batch in 0..<image.type.shape[0] {
      for row in 0..<size[0] {
        let top = row * window.strides[0] - window.padding[0]
        for column in 0..<size[1] {
          let left = column * window.strides[1] - window.padding[1]
          for channel in 0..<channels {
            var largest: Float = 0
            for y in max(top, 0)..<min(top + window.size[0], height) {
              for x in max(left, 0)..<min(left + window.size[1], width) {
                largest = max(largest, elements[((batch * height + y) * width + x) * channels + channel])
              }
            }
            result.append(largest)
          }
        }
      }
    }
    return result
  }

  /// The sum of the magnitudes of each row of the first operand.
  private func magnitudes(_ product: MatMul, _ operands: [Tensor], _ evaluator: FloatEvaluator) throws -> [Float] {
    let walked = operands[0].magnitudes.floats
    let shape = operands[0].type.shape
    let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    var sums: [Float] = []
    for matrix in stride(from: 0, to: walked.count, by: rows * columns) {
      for row in 0..<(product.transposeA ? columns : rows) {
        var sum: Float = 0
        for column in 0..<(product.transposeA ? rows : columns) {
          sum += walked[matrix + (product.transposeA ? column * columns + row : row * columns + column)]
        }
        sums.append(sum)
      }
    }
    return sums
  }

  /// Half a step for each weight and bias, and what their magnitudes do in sums of Float32.
  private func weighting(
    _ sums: [Float], groups: Int, _ operands: [Tensor], bias: Int?, _ roundsWeights: Bool
  ) throws -> Weighting {
    guard let product = WeightedStep(computation, in: quantized) else {
      throw Diagnostic.unmatched("no step of the quantized graph has weights", at: computation.operation.range)
    }
    let channels = quantized.values[product.operation.result].type.shape.last ?? 1
    let magnitudes = operands[1].floats
    // Not by channel, because a transposed matrix has its channels along another axis: a coarser bound, still tiny.
    let largest = magnitudes.reduce(0) { max($0, $1.magnitude) }
    let terms = Float(max(1, magnitudes.count / max(1, min(channels, magnitudes.count))))
    let isRounded = roundsWeights && computation.operands[1] == nil
    let factors = (0..<channels).map { channel in
      (isRounded ? product.weights.scale(at: channel) / 2 : 0) + largest * terms * 0x1p-23
    }
    let biases = bias.map { operands[$0].floats }
    let constants = (0..<channels).map { channel -> Float in
      guard let biases else { return 0 }
      return (roundsWeights ? product.input.scale * product.weights.scale(at: channel) / 2 : 0)
        + biases[channel].magnitude * terms * 0x1p-23
    }
    return Weighting(sums: sums, groups: groups, factors: factors, constants: constants)
  }

  /// Sums over the elements of a window.
  private func average(_ input: Tensor, window: [Int]) -> Weighting {
    let largest = input.floats.reduce(0) { max($0, $1.magnitude) }
    let count = quantized.values[quantized.operations[computation.steps[0]].result].type.elementCount
    return Weighting(
      sums: [Float](repeating: largest, count: count), groups: 1, factors: [Float(window.reduce(1, *)) * 0x1p-23],
      constants: [0])
  }
}

extension Tensor {
  fileprivate var magnitudes: Tensor { Tensor(type, .f32(floats.map(\.magnitude))) }
}
