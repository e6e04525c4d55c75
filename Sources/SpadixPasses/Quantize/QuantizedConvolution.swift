import SpadixIR
import SpadixTensor

extension QuantizationRewriter {
  /// A convolution, with its residual if the scales allow it.
  mutating func write(
    _ convolution: Conv2D, _ operation: Operation, _ rewriter: inout GraphRewriter
  ) throws {
    let roles = ConvolutionOperands(count: operation.operands.count, residual: convolution.residual)
    var weights = try weights(of: operation, bias: roles.bias, perChannel: true)
    guard let place = roles.addend else {
      try writeWeighted(operation, operation.op, weights, bias: roles.bias, addend: nil, &rewriter)
      return
    }
    let addend = operation.operands[place]
    let input = quantization(operation.operands[0])
    let kernel = graph.type(operation.operands[1]).shape
    let passes = plan.scheme.residualPasses(taps: kernel[0] * kernel[1], channels: kernel[2])
    if weights.fit(residualScale: quantization(addend).scale, inputScale: input.scale, passes: passes) {
      var fitted = convolution
      fitted.residualMultipliers = weights.multipliers ?? [1]
      try writeWeighted(operation, .conv2d(fitted), weights, bias: roles.bias, addend: addend, &rewriter)
    } else {
      try writeSeparateAdd(convolution, operation, weights, bias: roles.bias, addend: addend, &rewriter)
    }
  }

  /// Takes a residual out of a convolution again, because one step of the accumulator is worth more than one of the
  /// addend: convolution, addition and pooling become operations of their own.
  mutating func writeSeparateAdd(
    _ convolution: Conv2D, _ operation: Operation, _ weights: WeightQuantization, bias: Int?, addend: ValueID,
    _ rewriter: inout GraphRewriter
  ) throws {
    let shape = graph.type(addend).shape
    guard let sum = plan.ranges[operation.result.index] else {
      preconditionFailure("values with an int8 form have ranges")
    }
    // What the convolution has to reach for the sum to reach its range, whatever the addend; more saturates the sum in any
    // case.
    let added = quantization(addend).representable
    let own = ValueRange(low: sum.low - added.high, high: sum.high - added.low)
    let common = QuantizationScheme.quantization(
      for: own.hull(added), symmetric: plan.scheme.activations == .symmetric)
    let type = TensorType(shape, .q8(common))

    var bare = convolution
    bare.residual = false
    bare.activation = .none
    bare.pooling = nil
    let operands = try weightedOperands(of: operation, weights, bias: bias, &rewriter)
    let convolved = rewriter.emit(.conv2d(bare), operands, type: type)
    rewriter.setOrigin(operation, of: convolved)
    var addendInt8 = try int8(addend, &rewriter)
    if rewriter.graph.type(addendInt8) != type {
      addendInt8 = rewriter.emit(.requantize(Requantize()), [addendInt8], type: type)
    }
    var add = Add()
    add.activation = convolution.activation
    guard let pooling = convolution.pooling else {
      finish(operation, .add(add), [convolved, addendInt8], &rewriter)
      return
    }
    // Rescalings are monotone: they may follow the pooling, which leaves fewer elements.
    let confinement = confinement(of: operation, convolution.activation)
    add.activation = confinement.activation
    let computed = ElementType.q8(confinement.computed)
    let total = rewriter.emit(.add(add), [convolved, addendInt8], type: TensorType(shape, computed))
    rewriter.setOrigin(operation, of: total)
    let pool = MaxPool2D(window: pooling.window, strides: pooling.strides, padding: pooling.padding)
    let pooled = rewriter.emit(
      .maxPool2d(pool), [total], type: TensorType(graph.type(operation.result).shape, computed),
      name: confinement.rescalings.isEmpty ? int8Name(of: operation.result) : nil)
    rewriter.setOrigin(operation, of: pooled)
    finish(operation, pooled, confinement, &rewriter)
  }
}
