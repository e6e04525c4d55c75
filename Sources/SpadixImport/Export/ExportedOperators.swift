import SpadixIR
import SpadixSupport
import SpadixTensor

/// One operator after the other.
extension ModelExport {
  mutating func add(_ operation: Operation) throws {
    let operands = operation.operands
    let isReal = type(operation.result).element == .f32
    switch operation.op {
    case .constant: return
    case .quantize:
      let target = Quantization.of(type(operation.result))
      let layout = self.layout(of: operands[0])
      quantize(try value(operands[0], layout), operation, layout, scale: target.scale, zeroPoint: target.zeroPoint)
    case .dequantize:
      let layout = self.layout(of: operands[0])
      define(operation.result, try real(operands[0], layout), layout)
    case .conv2d(let it): try add(convolution: it, operation, isReal)
    case .npu(.conv2d(let it)): try add(npuConvolution: it, operation)
    case .matmul(let it): try add(product: it, operation, isReal)
    case .npu(.matmul(let it)):
      try add(
        product: Product(
          transposeA: it.transposeA, transposeB: it.transposeB, scales: it.output.scales,
          inputZeroPoint: it.inputZeroPoint,
          stage: it.output), operation)
    case .add(let it):
      if isReal { return try elementwise("Add", operation, it.activation) }
      let scale = QuantizedArithmetic.addScale(
        input: quantization(operands[0]).scale, multiplier: it.multipliers[0],
        output: quantization(operation.result).scale)
      try sum(
        operation, multipliers: it.multipliers, zeroPoints: operands.map { quantization($0).zeroPoint },
        stage([scale], operation, it.activation))
    case .npu(.add(let it)): try sum(operation, multipliers: it.multipliers, zeroPoints: it.zeroPoints, it.output)
    case .mul(let it):
      if isReal { return try elementwise("Mul", operation, it.activation) }
      try scaled(
        operation, stage(productScales(operation), operation, it.activation), quantization(operands[0]).zeroPoint)
    case .npu(.mul(let it)): try scaled(operation, it.output, it.inputZeroPoint)
    case .npu(.binary(let it)): try binary(it.pair, it.output, operation)
    case .relu: try clamped(operation, isReal, .relu)
    case .clamp(let it): try clamped(operation, isReal, .clamp(low: it.low, high: it.high))
    case .maxPool2d(let it): try maximum(it.window2D, operation)
    case .npu(.maxPool2d(let it)): try maximum(it.window2D, operation)
    case .avgPool2d(let it): try average(it.window2D, it.countIncludePad, it.activation, operation, isReal)
    case .globalAvgPool2d(let it):
      let shape = type(operands[0]).shape
      let window = Window2D(size: [shape[1], shape[2]], strides: [1, 1], padding: [0, 0, 0, 0])
      try average(window, true, it.activation, operation, isReal)
    case .npu(.avgPool2d(let it)): try average(it, operation)
    case .requantize(let it):
      let scale = QuantizedArithmetic.rescale(
        input: quantization(operands[0]).scale, output: quantization(operation.result).scale)
      try rescaled(operation, stage([scale], operation, it.activation), quantization(operands[0]).zeroPoint)
    case .npu(.requantize(let it)): try rescaled(operation, it.output, it.inputZeroPoint)
    case .concat(let it): try concatenate(it.axis, operation)
    case .npu(.concat(let it)): try concatenate(it.axis, operation)
    case .reshape, .npu(.reshape):
      let shape = writer.integers("shape", type(operation.result).shape)
      define(
        operation.result,
        writer.node("Reshape", [try value(operands[0], .plain), shape], result: wanted(operation)))
    case .transpose(let it): try transpose(it.permutation, operation)
    case .npu(.transpose(let it)): try transpose(it.permutation, operation)
    case .pad(let it):
      let code = QuantizedArithmetic.quantize(
        it.value, scale: quantization(operands[0]).scale, zeroPoint: quantization(operands[0]).zeroPoint)
      try pad(it.low, it.high, isReal ? .f32([it.value]) : .i8([code]), operation)
    case .npu(.pad(let it)): try pad(it.low, it.high, .i8([Int8(it.value)]), operation)
    case .softmax(let it):
      let rank = type(operation.result).shape.count
      let axis = it.axis < 0 ? it.axis + rank : it.axis
      let result = writer.node(
        "Softmax", [try real(operands[0], .plain)], [.integer("axis", axis)],
        result: wanted(operation) + (isReal ? "" : "_real"))
      finish(result, operation, .plain, isReal)
    case .batchNorm(let it):
      let parameters = try operands.dropFirst().map { try value($0, .plain) }
      let result = writer.node(
        "BatchNormalization", [try value(operands[0], .channelsFirst)] + parameters, [.real("epsilon", it.epsilon)],
        result: wanted(operation))
      define(operation.result, result, .channelsFirst)
    case .function(let function):
      if let table = table(of: function, operation) {
        let layout = self.layout(of: operands[0])
        define(operation.result, lookUp(try value(operands[0], layout), in: table, wanted(operation)), layout)
        return
      }
      if let binary = function.definition as? Binary,
        let pair = binary.pairStage(type(operands[0]), type(operands[1]), type(operation.result))
      {
        return try self.binary(pair, OutputStage(), operation)
      }
      throw Diagnostic(
        "onnx.export", "\(operation.op.mnemonic) has no form in exported ONNX yet", at: operation.range,
        help: "the model that the graph was imported from has it")
    }
  }

  // MARK: Helpers

  private func table(of function: OperatorFunction, _ operation: Operation) -> [Int8]? {
    guard let unary = function.definition as? Unary, let input = type(operation.operands[0]).element.quantization,
      let output = type(operation.result).element.quantization
    else { return nil }
    return unary.table(input: input, output: output)
  }

  private func quantization(_ value: ValueID) -> Quantization { Quantization.of(type(value)) }

  private func stage(_ scales: [Float], _ operation: Operation, _ activation: Activation) -> OutputStage {
    let output = quantization(operation.result)
    let bounds = activation.clampBounds(output)
    return OutputStage(scales: scales, zeroPoint: output.zeroPoint, low: bounds.low, high: bounds.high)
  }

  /// Input's scale times weight's, over the result's, for each channel that has one of its own.
  private func productScales(_ operation: Operation) -> [Float] {
    let input = quantization(operation.operands[0]).scale
    let output = quantization(operation.result).scale
    return quantization(operation.operands[1]).scales.map {
      QuantizedArithmetic.outputScale(input: input, weight: $0, output: output)
    }
  }

  /// Real numbers as the result: with an activation, or as int8 of the result's type.
  private mutating func finish(
    _ source: String, _ operation: Operation, _ layout: Layout, _ isReal: Bool, _ activation: Activation = .none
  ) {
    if isReal {
      define(operation.result, activated(source, activation, operation), layout)
    } else {
      let stage = stage([1], operation, activation)
      quantize(
        source, operation, layout, scale: quantization(operation.result).scale, zeroPoint: stage.zeroPoint,
        low: stage.low,
        high: stage.high)
    }
  }

  mutating func activated(_ source: String, _ activation: Activation, _ operation: Operation) -> String {
    switch activation {
    case .none: source
    case .relu: writer.node("Relu", [source], result: wanted(operation))
    case .clamp(let low, let high): clip(source, low, high, operation)
    }
  }

  private mutating func clip(_ source: String, _ low: Float, _ high: Float, _ operation: Operation) -> String {
    let bounds = [("low", low), ("high", high)].map { name, value in
      value.isInfinite ? "" : writer.constant(name, [], .f32([value]))
    }
    return writer.node("Clip", [source] + bounds, result: wanted(operation))
  }

  /// The scale by which an operand's integers become real numbers that, over the result's scale, are what `scale` makes
  /// of them.
  private func realScale(_ scale: Float, _ operation: Operation) -> Float {
    scale * quantization(operation.result).scale
  }

  private mutating func quantize(_ source: String, _ operation: Operation, _ layout: Layout, _ stage: OutputStage) {
    quantize(
      source, operation, layout, scale: quantization(operation.result).scale, zeroPoint: stage.zeroPoint,
      low: stage.low,
      high: stage.high, table: stage.table)
  }

  // MARK: Elementwise

  /// In Float32 as the store computes it, but without steps that are fused: of sums a few in a million differ by one.
  private mutating func binary(_ pair: PairStage, _ stage: OutputStage, _ operation: Operation) throws {
    let name = wanted(operation)
    let shift: Int32 = pair.isUnsigned ? 128 : 0
    var terms: [String] = []
    for (index, operand) in operation.operands.enumerated() {
      let zero = pair.function == .product ? pair.zeroPoints[index] : -shift
      terms.append(
        try real(operand, .plain, scales: [pair.function == .sum ? pair.factors[index] : 1], zeroPoint: zero))
    }
    var sum = writer.node(pair.function == .sum ? "Add" : "Mul", terms, result: name + "_pair")
    if pair.function == .product {
      sum = writer.node("Mul", [sum, writer.constant("factor", [], .f32([pair.factors[0]]))], result: name + "_scaled")
    }
    sum = writer.node("Add", [sum, writer.constant("offset", [], .f32([pair.offset]))], result: name + "_sum")
    // The zero point stands inside the rounding: QuantizeLinear rounds, and adds what uint8 is more than int8.
    quantize(
      sum, operation, .plain, scale: 1, zeroPoint: -shift, low: stage.low, high: stage.high, table: stage.table)
  }

  private mutating func elementwise(_ kind: String, _ operation: Operation, _ activation: Activation) throws {
    let isSame = operation.operands.allSatisfy { type($0).shape == type(operation.operands[0]).shape }
    let layout = isSame ? self.layout(of: operation.operands[0]) : .plain
    let operands = try operation.operands.map { try value($0, layout) }
    finish(writer.node(kind, operands, result: wanted(operation) + "_sum"), operation, layout, true, activation)
  }

  private mutating func sum(
    _ operation: Operation, multipliers: [Int32], zeroPoints: [Int32], _ stage: OutputStage
  ) throws {
    let layout = self.layout(of: operation.operands[0])
    var addends: [String] = []
    for (index, operand) in operation.operands.enumerated() {
      let scale = realScale(Float(multipliers[index]) * stage.scales[0], operation)
      addends.append(try real(operand, layout, scales: [scale], zeroPoint: zeroPoints[index]))
    }
    quantize(writer.node("Add", addends, result: wanted(operation) + "_sum"), operation, layout, stage)
  }

  /// Times a constant along the last axis.
  private mutating func scaled(_ operation: Operation, _ stage: OutputStage, _ zeroPoint: Int32) throws {
    let input = quantization(operation.operands[0]).scale
    let factors = stage.scales.map { realScale($0, operation) / input }
    let left = try real(operation.operands[0], .plain, scales: [input], zeroPoint: zeroPoint)
    let source = try value(operation.operands[1], .plain)
    let factor: String
    if factors.count > 1, type(operation.operands[1]).elementCount == 1 {
      // One integer, with a scale for each channel.
      guard let tensor = try graph.constantTensor(operation.operands[1], from: data) else {
        throw unsupported(operation, "its factor is no constant")
      }
      let integer: Float = if case .i8(let values) = tensor.storage { Float(values.first ?? 0) } else { 0 }
      factor = writer.constant("factor", [factors.count], .f32(factors.map { $0 * integer }))
    } else {
      factor = dequantize(source, factors, 0, axis: 0, wanted: wanted(operation) + "_factor")
    }
    quantize(writer.node("Mul", [left, factor], result: wanted(operation) + "_product"), operation, .plain, stage)
  }

  private mutating func rescaled(_ operation: Operation, _ stage: OutputStage, _ zeroPoint: Int32) throws {
    let layout = self.layout(of: operation.operands[0])
    let source = try real(
      operation.operands[0], layout, scales: [realScale(stage.scales[0], operation)], zeroPoint: zeroPoint)
    quantize(source, operation, layout, stage)
  }

  private mutating func clamped(_ operation: Operation, _ isReal: Bool, _ activation: Activation) throws {
    let layout = self.layout(of: operation.operands[0])
    let source = try real(operation.operands[0], layout)
    finish(source, operation, layout, isReal, activation)
  }

  // MARK: Windows

  private func attributes(_ window: Window2D) -> [ModelWriter.Attribute] {
    [
      .integers("kernel_shape", window.size), .integers("strides", window.strides), .integers("pads", window.padding),
    ]
  }

  /// int8 stays int8: the largest integer stands for the largest number.
  private mutating func maximum(_ window: Window2D, _ operation: Operation) throws {
    let source = try value(operation.operands[0], .channelsFirst)
    define(
      operation.result, writer.node("MaxPool", [source], attributes(window), result: wanted(operation)), .channelsFirst)
  }

  private mutating func average(
    _ window: Window2D, _ countsPadding: Bool, _ activation: Activation, _ operation: Operation, _ isReal: Bool
  ) throws {
    if !isReal {
      var npu = NpuAvgPool2D()
      (npu.window, npu.strides, npu.padding) = (window.size, window.strides, window.padding)
      npu.inputZeroPoint = quantization(operation.operands[0]).zeroPoint
      npu.output = stage(
        [
          QuantizedArithmetic.averageScale(
            input: quantization(operation.operands[0]).scale, output: quantization(operation.result).scale,
            count: window.size[0] * window.size[1], isGlobal: operation.op.isGlobalAverage)
        ], operation, activation)
      return try average(npu, operation)
    }
    let source = try value(operation.operands[0], .channelsFirst)
    let result = writer.node(
      "AveragePool", [source], attributes(window) + [.integer("count_include_pad", countsPadding ? 1 : 0)],
      result: wanted(operation) + "_mean")
    finish(result, operation, .channelsFirst, true, activation)
  }

  private mutating func average(_ pool: NpuAvgPool2D, _ operation: Operation) throws {
    // The scale holds the division by the size of the window, which the mean does as well.
    let size = Float(pool.window[0] * pool.window[1])
    let source = try real(
      operation.operands[0], .channelsFirst, scales: [realScale(pool.output.scales[0] * size, operation)],
      zeroPoint: pool.inputZeroPoint)
    let mean = writer.node(
      "AveragePool", [source], attributes(pool.window2D) + [.integer("count_include_pad", 1)],
      result: wanted(operation) + "_mean")
    quantize(mean, operation, .channelsFirst, pool.output)
  }

  // MARK: Movement

  private mutating func concatenate(_ axis: Int, _ operation: Operation) throws {
    let rank = type(operation.result).shape.count
    let axis = axis < 0 ? axis + rank : axis
    let layout: Layout =
      rank == 4 && operation.operands.allSatisfy { self.layout(of: $0) == .channelsFirst } ? .channelsFirst : .plain
    let operands = try operation.operands.map { try value($0, layout) }
    let moved = layout == .channelsFirst ? [0, 2, 3, 1][axis] : axis
    define(
      operation.result, writer.node("Concat", operands, [.integer("axis", moved)], result: wanted(operation)), layout)
  }

  private mutating func transpose(_ permutation: [Int], _ operation: Operation) throws {
    let source = try value(operation.operands[0], .plain)
    define(
      operation.result, writer.node("Transpose", [source], [.integers("perm", permutation)], result: wanted(operation)))
  }

  private mutating func pad(_ low: [Int], _ high: [Int], _ value: Tensor.Storage, _ operation: Operation) throws {
    let source = try self.value(operation.operands[0], .plain)
    let operands = [source, writer.integers("pads", low + high), writer.constant("border", [], value)]
    define(operation.result, writer.node("Pad", operands, result: wanted(operation)))
  }
}
