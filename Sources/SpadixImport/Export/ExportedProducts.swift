import SpadixIR
import SpadixSupport
import SpadixTensor

/// Convolutions and products of matrices.
extension ModelExport {
  // MARK: Convolutions

  private func attributes(_ strides: [Int], _ padding: [Int], _ dilations: [Int], _ groups: Int) -> [ModelWriter
    .Attribute]
  {
    [
      .integers("strides", strides), .integers("pads", padding), .integers("dilations", dilations),
      .integer("group", groups),
    ]
  }

  mutating func add(convolution it: Conv2D, _ operation: Operation, _ isReal: Bool) throws {
    if !isReal {
      let input = Quantization.of(type(operation.operands[0]))
      let output = Quantization.of(type(operation.result))
      let roles = ConvolutionOperands(count: operation.operands.count, residual: it.residual)
      let bounds = it.activation.clampBounds(output)
      var npu = NpuConv2D()
      (npu.strides, npu.padding, npu.dilations, npu.groups) = (it.strides, it.padding, it.dilations, it.groups)
      npu.inputZeroPoint = input.zeroPoint
      npu.output = OutputStage(
        scales: Quantization.of(type(operation.operands[1])).scales.map {
          QuantizedArithmetic.outputScale(input: input.scale, weight: $0, output: output.scale)
        }, zeroPoint: output.zeroPoint, low: bounds.low, high: bounds.high)
      (npu.residual, npu.residualMultipliers) = (it.residual, it.residualMultipliers)
      npu.residualZeroPoint = roles.addend.map { Quantization.of(type(operation.operands[$0])).zeroPoint } ?? 0
      npu.pooling = it.pooling
      return try add(npuConvolution: npu, operation)
    }
    let roles = ConvolutionOperands(count: operation.operands.count, residual: it.residual)
    guard let weights = try graph.constantTensor(operation.operands[1], from: data) else {
      throw unsupported(operation, "its weights are no constant")
    }
    var operands = [try value(operation.operands[0], .channelsFirst), initializer(weights, wanted(operation))]
    if let bias = roles.bias { operands.append(try value(operation.operands[bias], .plain)) }
    var result = writer.node(
      "Conv", operands, attributes(it.strides, it.padding, it.dilations, it.groups), result: wanted(operation) + "_conv"
    )
    if let addend = roles.addend {
      let other = try value(operation.operands[addend], .channelsFirst)
      result = writer.node("Add", [result, other], result: wanted(operation) + "_sum")
    }
    result = activated(result, it.activation, operation)
    if let pooling = it.pooling { result = pooled(result, pooling, wanted(operation)) }
    define(operation.result, result, .channelsFirst)
  }

  mutating func add(npuConvolution it: NpuConv2D, _ operation: Operation) throws {
    let roles = ConvolutionOperands(count: operation.operands.count, residual: it.residual)
    let input = Quantization.of(type(operation.operands[0])).scale
    let output = Quantization.of(type(operation.result)).scale
    guard let weights = try graph.constantTensor(operation.operands[1], from: data) else {
      throw unsupported(operation, "its weights are no constant")
    }
    // What a unit of the accumulator is worth, by channel.
    let units = it.output.scales.map { $0 * output }
    var operands = [
      try real(operation.operands[0], .channelsFirst, scales: [input], zeroPoint: it.inputZeroPoint),
      dequantize(
        initializer(weights, wanted(operation)), units.map { $0 / input }, 0, axis: 0,
        wanted: wanted(operation) + "_weights_real"),
    ]
    if let bias = roles.bias { operands.append(try real(bias: operation.operands[bias], units)) }
    var result = writer.node(
      "Conv", operands, attributes(it.strides, it.padding, it.dilations, it.groups), result: wanted(operation) + "_conv"
    )
    if let addend = roles.addend {
      let channels = type(operation.result).shape[3]
      let scales: [Float] =
        units.count == 1 && it.residualMultipliers.count == 1
        ? [units[0] * Float(it.residualMultipliers[0])]
        : (0..<channels).map {
          (units.count == 1 ? units[0] : units[$0])
            * Float(it.residualMultipliers.count == 1 ? it.residualMultipliers[0] : it.residualMultipliers[$0])
        }
      let other = try real(
        operation.operands[addend], .channelsFirst, scales: scales, zeroPoint: it.residualZeroPoint)
      result = writer.node("Add", [result, other], result: wanted(operation) + "_sum")
    }
    let name = wanted(operation)
    quantize(
      result, operation, .channelsFirst, scale: output, zeroPoint: it.output.zeroPoint, low: it.output.low,
      high: it.output.high, table: it.output.table
    ) { export, source in
      // The maximum of real numbers, rounded, is the maximum of rounded ones; of what a table gives it is not.
      it.output.table == nil ? it.pooling.map { export.pooled(source, $0, name) } ?? source : source
    } after: { export, source in
      it.output.table != nil ? it.pooling.map { export.pooled(source, $0, name) } ?? source : source
    }
  }

  private mutating func pooled(_ source: String, _ pooling: FusedPooling, _ wanted: String) -> String {
    writer.node(
      "MaxPool", [source],
      [
        .integers("kernel_shape", pooling.window), .integers("strides", pooling.strides),
        .integers("pads", pooling.padding),
      ], result: wanted + "_pool")
  }

  /// Weights in ONNX's order of axes: output channels, input channels, rows, columns.
  private mutating func initializer(_ weights: Tensor, _ wanted: String) -> String {
    let shape = weights.type.shape
    let (rows, columns, inputs, outputs) = (shape[0], shape[1], shape[2], shape[3])
    func moved<Element>(_ values: [Element]) -> [Element] {
      var result: [Element] = []
      result.reserveCapacity(values.count)
      for output in 0..<outputs {
        for input in 0..<inputs {
          for tap in 0..<rows * columns { result.append(values[(tap * inputs + input) * outputs + output]) }
        }
      }
      return result
    }
    let storage: Tensor.Storage =
      switch weights.storage {
      case .f32(let values): .f32(moved(values))
      case .i8(let values): .i8(moved(values))
      case .i32(let values): .i32(moved(values))
      }
    return writer.initializer(wanted + "_weights", [outputs, inputs, rows, columns], storage)
  }

  /// A bias in units of the accumulator.
  private mutating func real(bias: ValueID, _ units: [Float]) throws -> String {
    let source = try value(bias, .plain)
    let scale = writer.constant("scale", units.count == 1 ? [] : [units.count], .f32(units))
    return writer.node(
      "DequantizeLinear", [source, scale], units.count == 1 ? [] : [.integer("axis", 0)], result: source + "_real")
  }

  // MARK: Products

  /// A product of matrices with explicit integers.
  struct Product {
    var transposeA: Bool
    var transposeB: Bool
    var scales: [Float]
    var inputZeroPoint: Int32
    /// Of a second operand that is computed.
    var zeroPointB: Int32 = 0
    var stage: OutputStage
  }

  mutating func add(product it: MatMul, _ operation: Operation, _ isReal: Bool) throws {
    if !isReal {
      let (a, b) = (Quantization.of(type(operation.operands[0])), Quantization.of(type(operation.operands[1])))
      let output = Quantization.of(type(operation.result))
      let scales = b.scales.map { QuantizedArithmetic.outputScale(input: a.scale, weight: $0, output: output.scale) }
      let bounds = it.activation.clampBounds(output)
      return try add(
        product: Product(
          transposeA: it.transposeA, transposeB: it.transposeB, scales: scales, inputZeroPoint: a.zeroPoint,
          zeroPointB: b.isPerTensor ? b.zeroPoint : 0,
          stage: OutputStage(scales: scales, zeroPoint: output.zeroPoint, low: bounds.low, high: bounds.high)),
        operation)
    }
    let a = transposed(try value(operation.operands[0], .plain), operation.operands[0], it.transposeA)
    let b = transposed(try value(operation.operands[1], .plain), operation.operands[1], it.transposeB)
    var result = writer.node("MatMul", [a, b], result: wanted(operation) + "_product")
    if operation.operands.count > 2 {
      result = writer.node(
        "Add", [result, try value(operation.operands[2], .plain)], result: wanted(operation) + "_sum")
    }
    result = activated(result, it.activation, operation)
    define(operation.result, result)
  }

  mutating func add(product it: Product, _ operation: Operation) throws {
    let input = Quantization.of(type(operation.operands[0])).scale
    let output = Quantization.of(type(operation.result)).scale
    let units = it.scales.map { $0 * output }
    let left = try real(operation.operands[0], .plain, scales: [input], zeroPoint: it.inputZeroPoint)
    let source = try value(operation.operands[1], .plain)
    let rank = type(operation.operands[1]).shape.count
    let right = dequantize(
      source, units.map { $0 / input }, it.zeroPointB, axis: it.transposeB ? rank - 2 : rank - 1,
      wanted: wanted(operation) + "_weights_real")
    let a = transposed(left, operation.operands[0], it.transposeA)
    let b = transposed(right, operation.operands[1], it.transposeB)
    var result = writer.node("MatMul", [a, b], result: wanted(operation) + "_product")
    if operation.operands.count > 2 {
      let bias = try real(bias: operation.operands[2], units)
      result = writer.node("Add", [result, bias], result: wanted(operation) + "_sum")
    }
    quantize(
      result, operation, .plain, scale: output, zeroPoint: it.stage.zeroPoint, low: it.stage.low, high: it.stage.high,
      table: it.stage.table)
  }

  /// The last two axes in the other order, where that is asked for.
  private mutating func transposed(_ source: String, _ value: ValueID, _ isTransposed: Bool) -> String {
    guard isTransposed else { return source }
    let rank = type(value).shape.count
    let permutation = Array(0..<rank - 2) + [rank - 1, rank - 2]
    return writer.node("Transpose", [source], [.integers("perm", permutation)], result: source + "_transposed")
  }
}
