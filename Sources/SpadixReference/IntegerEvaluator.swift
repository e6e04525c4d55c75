import SpadixIR
import SpadixSupport
import SpadixTensor

/// Evaluates quantized nn graphs and npu graphs exactly: what the machine must compute, bit for bit.
///
/// Operators that are f32 in such a graph (host steps, the passages at its ends) are evaluated as by `FloatEvaluator`.
public struct IntegerEvaluator: GraphEvaluator {
  public let graph: Graph
  public let data: DataStore

  public init(graph: Graph, data: DataStore) {
    self.graph = graph
    self.data = data
  }

  public func evaluate(_ operation: Operation, operands: [Tensor]) throws -> [Tensor] {
    let type = resultType(operation)
    if case .constant(let constant) = operation.op { return [try self.constant(constant)] }
    if case .npu(let npu) = operation.op { return [self.npu(npu, operands, type)] }
    if case .function(let function) = operation.op { return [try function.evaluate(operands, type)] }
    if operands.contains(where: { $0.type.element == .f32 }) || type.element == .f32 {
      return [try FloatOperators.evaluate(operation, operands, type)]
    }
    return [try quantized(operation, operands, type)]
  }

  /// The nn operators on q8 tensors: the types' scales become explicit integers, then as the npu operators.
  private func quantized(_ operation: Operation, _ operands: [Tensor], _ type: TensorType) throws -> Tensor {
    guard let input = operands[0].type.element.quantization, let output = type.element.quantization else {
      throw unsupported(operation, "the integer reference evaluates q8 and f32 tensors, found \(operands[0].type)")
    }
    switch operation.op {
    case .conv2d(let conv):
      let weights = operands[1].type.element.quantization
      let roles = ConvolutionOperands(count: operands.count, residual: conv.residual)
      var npu = NpuConv2D()
      npu.strides = conv.strides
      npu.padding = conv.padding
      npu.dilations = conv.dilations
      npu.groups = conv.groups
      npu.inputZeroPoint = input.zeroPoint
      npu.output = stage(input, weights, output, conv.activation)
      npu.residual = conv.residual
      npu.residualMultipliers = conv.residualMultipliers
      npu.residualZeroPoint = roles.addend.flatMap { operands[$0].type.element.quantization?.zeroPoint } ?? 0
      npu.pooling = conv.pooling
      return IntegerOperators.convolution(npu, operands, type)
    case .matmul(let matmul):
      let weights = operands[1].type.element.quantization
      var npu = NpuMatMul()
      npu.transposeA = matmul.transposeA
      npu.transposeB = matmul.transposeB
      npu.inputZeroPoint = input.zeroPoint
      npu.output = stage(input, weights, output, matmul.activation)
      return IntegerOperators.matrixProduct(npu, operands, zeroPointB: weights?.zeroPoint ?? 0, type)
    case .add(let add):
      let scale = QuantizedArithmetic.addScale(
        input: input.scale, multiplier: add.multipliers[0], output: output.scale)
      var npu = NpuAdd()
      npu.multipliers = add.multipliers
      npu.zeroPoints = [input.zeroPoint, operands[1].type.element.quantization?.zeroPoint ?? 0]
      npu.output = stage([scale], output, add.activation)
      return IntegerOperators.add(npu, operands, type)
    case .mul(let mul):
      var npu = NpuMul()
      npu.inputZeroPoint = input.zeroPoint
      npu.output = stage(input, operands[1].type.element.quantization, output, mul.activation)
      return IntegerOperators.multiply(npu, operands, type)
    case .relu: return clamped(operands[0], .relu, type)
    case .clamp(let clamp): return clamped(operands[0], .clamp(low: clamp.low, high: clamp.high), type)
    case .maxPool2d(let pool): return Tensor(type, Pooling.maximum(operands[0], pool.window2D))
    case .avgPool2d(let pool): return average(operands[0], pool.window2D, pool.activation, type, isGlobal: false)
    case .globalAvgPool2d(let pool):
      let shape = operands[0].type.shape
      let window = Window2D(size: [shape[1], shape[2]], strides: [1, 1], padding: [0, 0, 0, 0])
      return average(operands[0], window, pool.activation, type, isGlobal: true)
    case .concat(let concat): return Movement.concatenate(operands, axis: concat.axis, type)
    case .reshape: return Tensor(type, operands[0].storage)
    case .transpose(let transpose): return Movement.transpose(operands[0], transpose.permutation, type)
    case .pad(let pad):
      let value = QuantizedArithmetic.quantize(pad.value, scale: input.scale, zeroPoint: input.zeroPoint)
      return Movement.pad(operands[0], low: pad.low, value: .i8([value]), type)
    case .softmax(let softmax):
      var result = operands[0].int8s
      let values = result
      Movement.forEachRow(type.shape, axis: softmax.axis) { positions in
        let row = QuantizedArithmetic.softmax(positions.map { values[$0] }, input: input, output: output)
        for (position, value) in zip(positions, row) { result[position] = value }
      }
      return Tensor(type, .i8(result))
    case .requantize(let requantize):
      var npu = NpuRequantize()
      npu.inputZeroPoint = input.zeroPoint
      npu.output = stage(
        [QuantizedArithmetic.rescale(input: input.scale, output: output.scale)], output, requantize.activation)
      return IntegerOperators.requantize(npu, operands[0], type)
    case .constant, .batchNorm, .quantize, .dequantize, .function, .npu:
      throw unsupported(operation, "the operator has no meaning on q8 tensors")
    }
  }

  private func npu(_ npu: NpuOperator, _ operands: [Tensor], _ type: TensorType) -> Tensor {
    switch npu {
    case .conv2d(let conv): return IntegerOperators.convolution(conv, operands, type)
    case .matmul(let matmul): return IntegerOperators.matrixProduct(matmul, operands, zeroPointB: 0, type)
    case .add(let add): return IntegerOperators.add(add, operands, type)
    case .mul(let mul): return IntegerOperators.multiply(mul, operands, type)
    case .binary(let binary): return IntegerOperators.binary(binary, operands, type)
    case .maxPool2d(let pool): return Tensor(type, Pooling.maximum(operands[0], pool.window2D))
    case .avgPool2d(let pool): return IntegerOperators.average(pool, operands[0], type)
    case .requantize(let requantize): return IntegerOperators.requantize(requantize, operands[0], type)
    case .concat(let concat): return Movement.concatenate(operands, axis: concat.axis, type)
    case .pad(let pad):
      return Movement.pad(operands[0], low: pad.low, value: .i8([Int8(pad.value)]), type)
    case .reshape: return Tensor(type, operands[0].storage)
    case .transpose(let transpose): return Movement.transpose(operands[0], transpose.permutation, type)
    }
  }

  // MARK: From types to integers

  private func stage(_ scales: [Float], _ output: Quantization, _ activation: Activation) -> OutputStage {
    let bounds = activation.clampBounds(output)
    return OutputStage(scales: scales, zeroPoint: output.zeroPoint, low: bounds.low, high: bounds.high)
  }

  private func stage(
    _ input: Quantization, _ weights: Quantization?, _ output: Quantization, _ activation: Activation
  ) -> OutputStage {
    let scales = (weights?.scales ?? [1]).map {
      QuantizedArithmetic.outputScale(input: input.scale, weight: $0, output: output.scale)
    }
    return stage(scales, output, activation)
  }

  private func clamped(_ operand: Tensor, _ activation: Activation, _ type: TensorType) -> Tensor {
    let quantization = type.element.quantization ?? Quantization(scale: 1)
    let bounds = activation.clampBounds(quantization)
    return Tensor(type, .i8(operand.int8s.map { min(max($0, Int8(bounds.low)), Int8(bounds.high)) }))
  }

  private func average(
    _ operand: Tensor, _ window: Window2D, _ activation: Activation, _ type: TensorType, isGlobal: Bool
  ) -> Tensor {
    let input = operand.type.element.quantization ?? Quantization(scale: 1)
    let output = type.element.quantization ?? Quantization(scale: 1)
    var npu = NpuAvgPool2D()
    npu.window = window.size
    npu.strides = window.strides
    npu.padding = window.padding
    npu.inputZeroPoint = input.zeroPoint
    let scale = QuantizedArithmetic.averageScale(
      input: input.scale, output: output.scale, count: window.size[0] * window.size[1], isGlobal: isGlobal)
    npu.output = stage([scale], output, activation)
    return IntegerOperators.average(npu, operand, type)
  }
}
