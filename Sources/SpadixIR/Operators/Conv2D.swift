import SpadixTensor

/// Two-dimensional convolution, with what may be fused into it: a residual addend, an activation, max pooling.
public struct Conv2D: OperatorDefinition {
  /// [vertical, horizontal]
  public var strides = [1, 1]
  /// [top, left, bottom, right]
  public var padding = [0, 0, 0, 0]
  /// [vertical, horizontal]
  public var dilations = [1, 1]
  /// Divides input and output channels; as many as input channels in a depthwise convolution.
  public var groups = 1
  /// Applied after the addend, before pooling.
  public var activation = Activation.none
  /// Whether the last operand is added to the result before the activation.
  public var residual = false
  /// What a quantized addend is multiplied with in the accumulator: one integer, or one per output channel.
  public var residualMultipliers: [Int32] = [1]
  /// Applied last, to what is rounded already. Nil for none.
  public var pooling: FusedPooling?

  public init() {}

  public static let mnemonic = "nn.conv2d"
  public static let summary = "Two-dimensional convolution"
  public static let documentation = """
    `y[n, i, j, o] = bias[o] + sum over ky, kx, c of x[n, i*sy + ky*dy - top, j*sx + kx*dx - left, c] * w[ky, kx, c, o]`

    Activations are NHWC, weights HWIO: `[height, width, input channels / groups, output channels]`. A depthwise \
    convolution has as many groups as input channels. Elements outside the image are zeros (in a quantized tensor, \
    its zero point).

    Fused into it, in this order: the addend (`residual = true`, the last operand), the activation, max pooling. The \
    addend has the shape of the result before pooling.

    Quantized: `acc = bias + sum (qx - zx) * qw + k[o] * (qr - zr)` in int32, which wraps, then \
    `clamp(round_half_even(float32(acc) * ((sx * sw[o]) / sy)) + zy)`. Weights have zero points 0 and one scale, or one \
    for each output channel (`axis = 3`). `k` are the `residual_multipliers`, for which `sr = k[o] * sx * sw[o]` must \
    hold within one part in a thousand.
    """
  public static let operands = [
    OperandDescription("input", "[N, H, W, C]"),
    OperandDescription("weights", "[KH, KW, C / groups, O]"),
    OperandDescription("bias", "[O]; i32 when quantized", .optional),
    OperandDescription("addend", "with `residual = true`: added before the activation", .optional),
  ]
  public static let attributes: [AttributeField<Conv2D>] =
    [
      .integers("strides", \.strides, count: 2, "[vertical, horizontal]"),
      .integers("padding", \.padding, count: 4, "[top, left, bottom, right]"),
      .integers("dilations", \.dilations, count: 2, "[vertical, horizontal]"),
      .integer("groups", \.groups, "input and output channels are split into this many independent convolutions"),
      .flag("residual", \.residual, "the last operand is added to the result before the activation"),
      .integers(
        "residual_multipliers", \.residualMultipliers,
        "quantized only: multipliers of the addend, one or one per output channel"),
    ] + .activation(\.activation) + .fusedPooling(\.pooling)

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    let roles = ConvolutionOperands(count: check.operands.count, residual: residual)
    guard
      let sizes = check.convolution(
        strides: strides, padding: padding, dilations: dilations, groups: groups, pooling: pooling, roles)
    else { return nil }
    check.activation(activation)
    switch check.arithmetic() {
    case .real:
      check.requireF32(1, "weights")
      if let bias = roles.bias { check.requireF32(bias, "bias") }
      if let addend = roles.addend { check.requireF32(addend, "addend") }
      check.requireRealResult()
    case .quantized:
      check.requireQuantizedWeights(1, "weights")
      if let bias = roles.bias { check.requireI32(bias, "bias") }
      if let addend = roles.addend {
        check.requirePerTensor(addend, "addend")
        check.residualMultipliers(residualMultipliers, addend: addend, channels: sizes.result[3])
      }
      check.requireQuantizedResult()
    case nil: break
    }
    return sizes.result
  }
}

/// Which operand of a convolution is what: input and weights are 0 and 1; bias and addend follow as far as present.
public struct ConvolutionOperands: Sendable {
  /// Index of the bias; nil where there is none.
  public let bias: Int?
  /// Index of the addend, the last operand; nil where there is none.
  public let addend: Int?

  /// Tells the roles from the number of operands and the attribute `residual`.
  public init(count: Int, residual: Bool) {
    self.addend = residual ? count - 1 : nil
    self.bias = count - (residual ? 1 : 0) > 2 ? 2 : nil
  }
}

extension OperatorCheck {
  /// The shapes that a convolution gives before and after pooling; the rule of nn.conv2d and npu.conv2d.
  mutating func convolution(
    strides: [Int], padding: [Int], dilations: [Int], groups: Int, pooling: FusedPooling?, _ roles: ConvolutionOperands
  ) -> (unpooled: [Int], result: [Int])? {
    let expectedCount = 2 + (roles.bias == nil ? 0 : 1) + (roles.addend == nil ? 0 : 1)
    guard operands.count == expectedCount, roles.addend != 1 else {
      report(
        "operand-count",
        "found \(counted(operands.count, "operand")); expected input, weights, optionally a bias, and the addend if "
          + "residual = true")
      return nil
    }
    guard rank(0, "input", 4, layout: "[N, H, W, C]"),
      rank(1, "weights", 4, layout: "[KH, KW, C / groups, O]")
    else { return nil }
    let input = shape(0)
    let weights = shape(1)
    guard groups >= 1, input[3] % groups == 0, weights[3] % groups == 0 else {
      report(
        "groups",
        "groups = \(groups): expected a divisor of the \(input[3]) input and \(weights[3]) output channels",
        operands: [0, 1])
      return nil
    }
    guard weights[2] == input[3] / groups else {
      report(
        "channels",
        "the weights have \(weights[2]) input channels; expected \(input[3] / groups), the \(input[3]) channels of the "
          + "input divided by groups = \(groups)", operands: [0, 1])
      return nil
    }
    let window = Window2D(
      size: [weights[0], weights[1]], strides: strides, padding: padding, dilations: dilations)
    guard let size = windowed(window, over: [input[1], input[2]]) else { return nil }
    let unpooled = [input[0], size[0], size[1], weights[3]]
    if let bias = roles.bias, shape(bias) != [weights[3]] {
      report(
        "bias", "the bias has shape \(shape(bias)); expected [\(weights[3])], one for each output channel",
        operands: [bias, 1])
    }
    if let addend = roles.addend, shape(addend) != unpooled {
      report(
        "addend", "the addend has shape \(shape(addend)); expected \(unpooled), the convolution's result",
        operands: [addend])
    }
    guard let pooledSize = pooled(pooling, size: size) else { return nil }
    return (unpooled, [input[0], pooledSize[0], pooledSize[1], weights[3]])
  }

  /// The accumulator adds `k * addend`, so the addend's scale must be k times the accumulator's, for each channel.
  fileprivate mutating func residualMultipliers(_ multipliers: [Int32], addend: Int, channels: Int) {
    guard self.multipliers("residual_multipliers", multipliers, counts: [1, channels]) else { return }
    guard let input = element(0).quantization, let weights = element(1).quantization,
      let residual = element(addend).quantization, residual.isPerTensor
    else { return }
    for channel in 0..<max(multipliers.count, weights.scales.count) {
      let multiplier = multipliers.count == 1 ? multipliers[0] : multipliers[channel]
      let reached = Double(multiplier) * Double(input.scale) * Double(weights.scale(at: channel))
      let wanted = Double(residual.scale)
      if abs(reached - wanted) <= 1e-3 * wanted { continue }
      report(
        "residual-scale",
        "the addend has scale \(residual.scale); its multiplier \(multiplier) times the scales of input and weights is "
          + "\(Float(reached)) in channel \(channel); expected equal", operands: [addend],
        help: "change the addend's scale with nn.requantize, or do not fuse the addition")
      return
    }
  }

  /// Whether multipliers of addends are positive and small: the array multiplies int8 with int8, so each 127 cost a pass.
  mutating func multipliers(_ name: String, _ values: [Int32], counts: [Int]) -> Bool {
    if counts.contains(values.count), values.allSatisfy({ (1...1016).contains($0) }) { return true }
    let expected = Set(counts).sorted().map(String.init).joined(separator: " or ")
    report("multipliers", "\(name) = \(values): expected \(expected) integers in 1...1016")
    return false
  }
}

extension Array {
  static func activation<Payload>(_ property: Property<Payload, Activation>) -> [Element]
  where Element == AttributeField<Payload> { AttributeField.activation(property) }

  static func fusedPooling<Payload>(_ property: Property<Payload, FusedPooling?>) -> [Element]
  where Element == AttributeField<Payload> { AttributeField.fusedPooling(property) }
}
