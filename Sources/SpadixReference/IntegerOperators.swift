import SpadixIR
import SpadixTensor

/// The computing npu operators: an int32 accumulator that wraps, then the output stage.
enum IntegerOperators {
  static func convolution(_ conv: NpuConv2D, _ operands: [Tensor], _ type: TensorType) -> Tensor {
    let roles = ConvolutionOperands(count: operands.count, residual: conv.residual)
    let walk = ConvolutionWalk(
      input: operands[0].type.shape, weights: operands[1].type.shape, strides: conv.strides, padding: conv.padding,
      dilations: conv.dilations, groups: conv.groups)
    let channels = walk.outputChannels
    let bias = roles.bias.map { operands[$0].int32s } ?? [Int32](repeating: 0, count: channels)
    let addend = roles.addend.map { operands[$0].int8s }
    let input = widened(operands[0].int8s, zeroPoint: conv.inputZeroPoint)
    let weights = widened(operands[1].int8s, zeroPoint: 0)
    let scales = perChannel(conv.output.scales, channels)
    let multipliers = perChannel(conv.residualMultipliers, channels)
    var output = [Int8](repeating: 0, count: walk.outputShape.reduce(1, *))
    var sums = bias
    input.withUnsafeBufferPointer { input in
      weights.withUnsafeBufferPointer { weights in
        walk.forEachPixel { pixel, taps in
          sums.withUnsafeMutableBufferPointer { sums in
            _ = sums.update(from: bias)
            for tap in taps { IntegerLoops.accumulate(walk, input, weights, tap, sums) }
          }
          for channel in 0..<channels {
            let position = pixel * channels + channel
            if let addend {
              sums[channel] &+= multipliers[channel] &* (Int32(addend[position]) - conv.residualZeroPoint)
            }
            output[position] = store(sums[channel], scales[channel], conv.output)
          }
        }
      }
    }
    guard let pooling = conv.pooling else { return Tensor(type, .i8(output)) }
    let unpooled = Tensor(TensorType(walk.outputShape, type.element), .i8(output))
    return Tensor(type, Pooling.maximum(unpooled, pooling.window2D))
  }

  static func matrixProduct(
    _ matmul: NpuMatMul, _ operands: [Tensor], zeroPointB: Int32, _ type: TensorType
  ) -> Tensor {
    let walk = MatrixProductWalk(
      a: operands[0].type.shape, b: operands[1].type.shape, transposeA: matmul.transposeA,
      transposeB: matmul.transposeB)
    let a = walk.rowMajorA(widened(operands[0].int8s, zeroPoint: matmul.inputZeroPoint))
    let b = walk.rowMajorB(widened(operands[1].int8s, zeroPoint: zeroPointB))
    let bias = operands.count > 2 ? operands[2].int32s : [Int32](repeating: 0, count: walk.columns)
    let scales = perChannel(matmul.output.scales, walk.columns)
    var output: [Int8] = []
    output.reserveCapacity(type.elementCount)
    var sums = bias
    b.withUnsafeBufferPointer { b in
      for row in 0..<(walk.batches * walk.rows) {
        let matrix = walk.offsetB(batch: row / walk.rows)
        sums.withUnsafeMutableBufferPointer { sums in
          _ = sums.update(from: bias)
          for k in 0..<walk.depth {
            IntegerLoops.addMultiple(
              of: UnsafeBufferPointer(rebasing: b[(matrix + k * walk.columns)..<(matrix + (k + 1) * walk.columns)]),
              by: a[row * walk.depth + k], to: sums)
          }
        }
        for column in 0..<walk.columns { output.append(store(sums[column], scales[column], matmul.output)) }
      }
    }
    return Tensor(type, .i8(output))
  }

  static func add(_ add: NpuAdd, _ operands: [Tensor], _ type: TensorType) -> Tensor {
    let output = zip(operands[0].int8s, operands[1].int8s).map { a, b in
      let sum =
        add.multipliers[0] &* (Int32(a) - add.zeroPoints[0]) &+ add.multipliers[1] &* (Int32(b) - add.zeroPoints[1])
      return store(sum, add.output.scales[0], add.output)
    }
    return Tensor(type, .i8(output))
  }

  static func multiply(_ mul: NpuMul, _ operands: [Tensor], _ type: TensorType) -> Tensor {
    let channels = type.shape.last ?? 1
    let factors = perChannel(operands[1].int8s, channels)
    let scales = perChannel(mul.output.scales, channels)
    let output = operands[0].int8s.enumerated().map { position, value in
      let channel = position % channels
      return store(
        (Int32(value) - mul.inputZeroPoint) &* Int32(factors[channel]), scales[channel], mul.output)
    }
    return Tensor(type, .i8(output))
  }

  static func binary(_ binary: NpuBinary, _ operands: [Tensor], _ type: TensorType) -> Tensor {
    let channels = type.shape.last ?? 1
    let repeated = NpuBinary.repetition(of: operands[1].type.shape, in: type.shape)?.count ?? 1
    let b = operands[1].int8s
    let output = operands[0].int8s.enumerated().map { position, a in
      let row = position / channels / repeated
      let value = binary.pair(
        a, b[row * channels + position % channels], low: binary.output.low, high: binary.output.high)
      return binary.output.table.map { QuantizedArithmetic.lookUp(value, in: $0) } ?? value
    }
    return Tensor(type, .i8(output))
  }

  static func average(_ pool: NpuAvgPool2D, _ operand: Tensor, _ type: TensorType) -> Tensor {
    let values = operand.int8s
    let output = Pooling.map(operand.type.shape, pool.window2D) { positions in
      var sum: Int32 = 0
      for position in positions { sum &+= Int32(values[position]) - pool.inputZeroPoint }
      return store(sum, pool.output.scales[0], pool.output)
    }
    return Tensor(type, .i8(output))
  }

  static func requantize(_ requantize: NpuRequantize, _ operand: Tensor, _ type: TensorType) -> Tensor {
    let output = operand.int8s.map {
      store(Int32($0) - requantize.inputZeroPoint, requantize.output.scales[0], requantize.output)
    }
    return Tensor(type, .i8(output))
  }

  // MARK: Helpers

  @inline(__always)
  private static func store(_ sum: Int32, _ scale: Float, _ stage: OutputStage) -> Int8 {
    let value = QuantizedArithmetic.requantize(
      sum, scale: scale, zeroPoint: stage.zeroPoint, low: stage.low, high: stage.high)
    return stage.table.map { QuantizedArithmetic.lookUp(value, in: $0) } ?? value
  }

  private static func widened(_ values: [Int8], zeroPoint: Int32) -> [Int16] {
    let zero = Int16(zeroPoint)
    return values.map { Int16($0) - zero }
  }

  /// One value for each channel, where one for all is given as well.
  private static func perChannel<Element>(_ values: [Element], _ channels: Int) -> [Element] {
    values.count == 1 ? [Element](repeating: values[0], count: channels) : values
  }
}
