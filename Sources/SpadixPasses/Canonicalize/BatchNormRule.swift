import SpadixIR
import SpadixSupport
import SpadixTensor

/// A batch normalization as one multiplication and one addition per channel.
struct ChannelAffine {
  /// One per channel.
  var factors: [Float]
  var offsets: [Float]

  init(factors: [Float], offsets: [Float]) {
    self.factors = factors
    self.offsets = offsets
  }

  /// This one, then another one.
  func followed(by next: ChannelAffine) -> ChannelAffine {
    ChannelAffine(
      factors: zip(factors, next.factors).map { $0 * $1 },
      offsets: offsets.indices.map { offsets[$0] * next.factors[$0] + next.offsets[$0] })
  }

  /// Nil where a parameter is computed. Throws `fold.batch-norm` where a channel has no finite factor and offset.
  init?(_ operation: Operation, _ norm: BatchNorm, in graph: Graph, _ data: DataStore) throws {
    guard let scale = try graph.constantTensor(operation.operands[1], from: data)?.floats,
      let bias = try graph.constantTensor(operation.operands[2], from: data)?.floats,
      let mean = try graph.constantTensor(operation.operands[3], from: data)?.floats,
      let variance = try graph.constantTensor(operation.operands[4], from: data)?.floats
    else { return nil }
    // In Float64, rounded once: the factor is used for many products.
    factors = []
    offsets = []
    for channel in scale.indices {
      let deviation = (Double(variance[channel]) + Double(norm.epsilon)).squareRoot()
      guard deviation > 0 else {
        throw Diagnostic(
          "fold.batch-norm",
          "nn.batch_norm has variance \(variance[channel]) in channel \(channel) and epsilon \(norm.epsilon); expected a "
            + "positive sum",
          at: operation.range, help: "give epsilon a positive value, such as 1e-5")
      }
      let factor = Double(scale[channel]) / deviation
      let offset = Double(bias[channel]) - Double(mean[channel]) * factor
      guard Float(factor).isFinite, Float(offset).isFinite else {
        throw Diagnostic(
          "fold.batch-norm",
          "nn.batch_norm multiplies channel \(channel) with \(factor) and adds \(offset); expected numbers that Float32 "
            + "holds",
          at: operation.range, help: "look at the scale, bias, mean and variance of the channel")
      }
      factors.append(Float(factor))
      offsets.append(Float(offset))
    }
  }
}

extension CanonicalizationRules {
  /// A batch normalization that `fold-constants` cannot put into weights becomes a depthwise 1x1 convolution.
  func batchNorm(_ operation: Operation, _ norm: BatchNorm, _ rewriter: inout GraphRewriter) throws -> Bool {
    if try affineOfConcat(operation, &rewriter) { return true }
    guard !movesBeforeConcat(operation.operands[0]),
      !ConstantFolding.hasFoldableStart(operation.operands[0], in: graph, index),
      let affine = try ChannelAffine(operation, norm, in: graph, data)
    else { return false }
    let channels = affine.factors.count
    let name = graph.values[operation.result].name ?? "norm"
    let weights = rewriter.emitConstant(Tensor(shape: [1, 1, 1, channels], affine.factors), name: "\(name).factor")
    let bias = rewriter.emitConstant(Tensor(shape: [channels], affine.offsets), name: "\(name).offset")
    var convolution = Conv2D()
    convolution.groups = channels
    let shape = graph.type(operation.result).shape
    if shape.count == 4 {
      rewriter.emit(
        .conv2d(convolution), [rewriter[operation.operands[0]], weights, bias], standingFor: operation.result,
        origin: operation)
      return true
    }
    // Convolutions take images: the axes before the channels become its height.
    let image = TensorType.f32([1, shape.dropLast().reduce(1, *), 1, channels])
    let range = graph.values[operation.result].calibration
    let input = rewriter.emit(
      .reshape(Reshape()), [rewriter[operation.operands[0]]], type: image,
      calibration: graph.knownRange(of: operation.operands[0]))
    let result = rewriter.emit(.conv2d(convolution), [input, weights, bias], type: image, calibration: range)
    rewriter.emit(.reshape(Reshape()), [result], standingFor: operation.result, origin: operation)
    return true
  }
}
