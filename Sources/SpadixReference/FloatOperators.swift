import SpadixIR
import SpadixSupport
import SpadixTensor

/// The nn operators on f32 tensors, and the passages between f32 and q8.
enum FloatOperators {
  static func evaluate(_ operation: Operation, _ operands: [Tensor], _ type: TensorType) throws -> Tensor {
    switch operation.op {
    case .conv2d(let conv): return convolution(conv, operands, type)
    case .matmul(let matmul): return matrixProduct(matmul, operands, type)
    case .add(let add):
      return Tensor(type, .f32(zip(operands[0].floats, operands[1].floats).map { add.activation($0 + $1) }))
    case .mul(let mul):
      let factor = operands[1].floats
      return Tensor(type, .f32(operands[0].floats.enumerated().map { mul.activation($1 * factor[$0 % factor.count]) }))
    case .relu: return Tensor(type, .f32(operands[0].floats.map { max($0, 0) }))
    case .clamp(let clamp):
      return Tensor(type, .f32(operands[0].floats.map { min(max($0, clamp.low), clamp.high) }))
    case .maxPool2d(let pool): return Tensor(type, Pooling.maximum(operands[0], pool.window2D))
    case .avgPool2d(let pool):
      return average(
        operands[0], pool.window2D, countIncludePad: pool.countIncludePad, pool.activation, type)
    case .globalAvgPool2d(let pool):
      let shape = operands[0].type.shape
      let window = Window2D(size: [shape[1], shape[2]], strides: [1, 1], padding: [0, 0, 0, 0])
      return average(operands[0], window, countIncludePad: false, pool.activation, type)
    case .concat(let concat): return Movement.concatenate(operands, axis: concat.axis, type)
    case .reshape: return Tensor(type, operands[0].storage)
    case .transpose(let transpose): return Movement.transpose(operands[0], transpose.permutation, type)
    case .pad(let pad): return Movement.pad(operands[0], low: pad.low, value: .f32([pad.value]), type)
    case .batchNorm(let norm): return batchNorm(norm, operands, type)
    case .softmax(let softmax):
      return Tensor(
        type, .f32(alongAxis(operands[0].floats, type.shape, softmax.axis) { QuantizedArithmetic.softmax($0) }))
    case .quantize:
      guard let quantization = type.element.quantization else { break }
      let values = QuantizedArithmetic.quantize(operands[0].floats, shape: type.shape, quantization)
      return Tensor(type, .i8(values))
    case .dequantize: return Tensor(type, .f32(operands[0].realValues))
    case .function(let function): return try function.evaluate(operands, type)
    case .constant, .requantize, .npu:
      break
    }
    throw Diagnostic(
      "reference.unsupported", "\(operation.op.mnemonic) has no meaning on f32 tensors", at: operation.range)
  }

  private static func convolution(_ conv: Conv2D, _ operands: [Tensor], _ type: TensorType) -> Tensor {
    let roles = ConvolutionOperands(count: operands.count, residual: conv.residual)
    let walk = ConvolutionWalk(
      input: operands[0].type.shape, weights: operands[1].type.shape, strides: conv.strides, padding: conv.padding,
      dilations: conv.dilations, groups: conv.groups)
    let bias = roles.bias.map { operands[$0].floats } ?? [Float](repeating: 0, count: walk.outputChannels)
    let addend = roles.addend.map { operands[$0].floats }
    var output = [Float](repeating: 0, count: walk.outputShape.reduce(1, *))
    operands[0].floats.withUnsafeBufferPointer { input in
      operands[1].floats.withUnsafeBufferPointer { weights in
        output.withUnsafeMutableBufferPointer { output in
          walk.forEachPixel { pixel, taps in
            let accumulators = UnsafeMutableBufferPointer(
              rebasing: output[(pixel * walk.outputChannels)..<((pixel + 1) * walk.outputChannels)])
            _ = accumulators.update(from: bias)
            for tap in taps { FloatLoops.accumulate(walk, input, weights, tap, accumulators) }
            for channel in 0..<walk.outputChannels {
              let sum = accumulators[channel] + (addend?[pixel * walk.outputChannels + channel] ?? 0)
              accumulators[channel] = conv.activation(sum)
            }
          }
        }
      }
    }
    let unpooled = Tensor(shape: walk.outputShape, output)
    guard let pooling = conv.pooling else { return unpooled }
    return Tensor(type, Pooling.maximum(unpooled, pooling.window2D))
  }

  private static func matrixProduct(_ matmul: MatMul, _ operands: [Tensor], _ type: TensorType) -> Tensor {
    let walk = MatrixProductWalk(
      a: operands[0].type.shape, b: operands[1].type.shape, transposeA: matmul.transposeA,
      transposeB: matmul.transposeB)
    let a = walk.rowMajorA(operands[0].floats)
    let b = walk.rowMajorB(operands[1].floats)
    let bias = operands.count > 2 ? operands[2].floats : [Float](repeating: 0, count: walk.columns)
    var output = [Float](repeating: 0, count: type.elementCount)
    b.withUnsafeBufferPointer { b in
      output.withUnsafeMutableBufferPointer { output in
        for row in 0..<(walk.batches * walk.rows) {
          let sums = UnsafeMutableBufferPointer(rebasing: output[(row * walk.columns)..<((row + 1) * walk.columns)])
          _ = sums.update(from: bias)
          let matrix = walk.offsetB(batch: row / walk.rows)
          for k in 0..<walk.depth {
            let factor = a[row * walk.depth + k]
            FloatLoops.addMultiple(
              of: UnsafeBufferPointer(rebasing: b[(matrix + k * walk.columns)..<(matrix + (k + 1) * walk.columns)]),
              by: factor, to: sums)
          }
          for column in 0..<walk.columns { sums[column] = matmul.activation(sums[column]) }
        }
      }
    }
    return Tensor(type, .f32(output))
  }

  private static func average(
    _ input: Tensor, _ window: Window2D, countIncludePad: Bool, _ activation: Activation, _ type: TensorType
  ) -> Tensor {
    let values = input.floats
    let output = Pooling.map(input.type.shape, window) { positions -> Float in
      var sum: Float = 0
      for position in positions { sum += values[position] }
      return activation(sum / Float(countIncludePad ? window.size[0] * window.size[1] : positions.count))
    }
    return Tensor(type, .f32(output))
  }

  private static func batchNorm(_ norm: BatchNorm, _ operands: [Tensor], _ type: TensorType) -> Tensor {
    let (scale, bias) = (operands[1].floats, operands[2].floats)
    let (mean, variance) = (operands[3].floats, operands[4].floats)
    let channels = scale.count
    let output = operands[0].floats.enumerated().map { position, value -> Float in
      let c = position % channels
      return (value - mean[c]) / (variance[c] + norm.epsilon).squareRoot() * scale[c] + bias[c]
    }
    return Tensor(type, .f32(output))
  }

  /// Applies a function to every row along an axis.
  private static func alongAxis(
    _ values: [Float], _ shape: [Int], _ axis: Int, _ function: ([Float]) -> [Float]
  ) -> [Float] {
    var result = values
    Movement.forEachRow(shape, axis: axis) { positions in
      let row = function(positions.map { values[$0] })
      for (position, value) in zip(positions, row) { result[position] = value }
    }
    return result
  }
}
