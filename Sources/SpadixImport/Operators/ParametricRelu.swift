import SpadixIR
import SpadixTensor

extension ModelImporter {
  /// x from 0 on, x times a factor below: x + (1 - factor) relu(-x).
  ///
  /// As a kernel of a single pixel for each channel, to whose sums x is added: in int8 these are rounded once. relu(-x) has no
  /// more levels than x, and is not rounded.
  mutating func parametricRelu(_ x: PlacedValue, _ slope: ConstantTensor) throws -> PlacedValue {
    let name = emitter.name
    let slopes = try slope.requireReals()
    if let first = slopes.first, slopes.allSatisfy({ $0 == first }) { return try unary(.leakyRelu, alpha: first, x) }
    let axes = try variation(slope, in: x.shape)
    guard axes.count == 1 else {
      let negative = PlacedValue(value: try turned(x.value, name), placement: x.placement)
      let rest = try multiply(negative, map(slope) { 1 - $0 })
      emitter.name = name
      return try add(x, rest)
    }
    let (value, placement) = try channelsLast(x, axes)
    let shape = emitter.shape(value)
    let isImage = shape.count == 4
    let image = isImage ? value : try emitter.reshape(value, [1, 1, placement.count / slope.count, slope.count])
    let negative = try turned(image, name)
    let weights = emitter.graph.addConstant(
      Tensor(.f32([1, 1, 1, slope.count]), .f32(try emitter.finiteReals(slope).map { 1 - $0 })), name: slope.name)
    var convolution = Conv2D()
    convolution.groups = slope.count
    let rest = try emitter.emit(.conv2d(convolution), [negative, weights], name: name + ".rest")
    emitter.name = name
    let sum = try emitter.emit(.add(Add()), [image, rest])
    return PlacedValue(value: isImage ? sum : try emitter.reshape(sum, shape), placement: placement)
  }

  /// relu(-x).
  private mutating func turned(_ x: ValueID, _ name: String) throws -> ValueID {
    let factor = emitter.graph.addConstant(Tensor(.f32([]), .f32([-1])), name: name + ".factor")
    let turned = try emitter.emit(.mul(Mul()), [x, factor], name: name + ".turned")
    return try emitter.emit(.relu(Relu()), [turned], name: name + ".negative")
  }
}
