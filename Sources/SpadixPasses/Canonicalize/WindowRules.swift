import SpadixIR

/// Rules for convolutions and averages.
extension CanonicalizationRules {
  func convolution(_ operation: Operation, _ convolution: Conv2D, _ rewriter: inout GraphRewriter) -> Bool {
    guard let (padding, input) = paddedImage(operation.operands[0], with: convolution.padding) else { return false }
    var padded = convolution
    padded.padding = padding
    rewriter.adoptRange(graph.knownRange(of: operation.operands[0]), of: rewriter[input])
    let operands = [rewriter[input]] + rewriter.operands(of: operation).dropFirst()
    rewriter.emit(.conv2d(padded), operands, standingFor: operation.result, origin: operation)
    return true
  }

  func averagePooling(_ operation: Operation, _ pool: AvgPool2D, _ rewriter: inout GraphRewriter) -> Bool {
    let hasPadding = pool.padding.contains { $0 != 0 }
    if pool.window == [1, 1], pool.strides == [1, 1], !hasPadding, pool.activation == .none,
      graph.type(operation.operands[0]) == graph.type(operation.result)
    {
      return forward(operation, &rewriter)
    }
    // Zeros that were put around the image count in the mean; the operator's own padding does only if it says so.
    guard pool.countIncludePad || !hasPadding,
      let (padding, input) = paddedImage(operation.operands[0], with: pool.padding),
      (0..<4).allSatisfy({ padding[$0] < pool.window[$0 % 2] })
    else { return false }
    var padded = pool
    padded.padding = padding
    padded.countIncludePad = true
    rewriter.adoptRange(graph.knownRange(of: operation.operands[0]), of: rewriter[input])
    rewriter.emit(.avgPool2d(padded), [rewriter[input]], standingFor: operation.result, origin: operation)
    return true
  }

  func globalAverage(_ operation: Operation, _ pool: GlobalAvgPool2D, _ rewriter: inout GraphRewriter) -> Bool {
    let shape = graph.type(operation.operands[0]).shape
    guard shape[1] <= Window2D.maximumExtent, shape[2] <= Window2D.maximumExtent else { return false }
    let average = AvgPool2D(window: [shape[1], shape[2]], activation: pool.activation)
    rewriter.emit(
      .avgPool2d(average), rewriter.operands(of: operation), standingFor: operation.result, origin: operation)
    return true
  }

  /// The image without the border of zeros around its height and width, and the padding [top, left, bottom, right] that
  /// stands for the border together with what there is already.
  private func paddedImage(_ value: ValueID, with padding: [Int]) -> (padding: [Int], image: ValueID)? {
    guard let producer = graph.producer(of: value), case .pad(let pad) = producer.op, pad.value == 0,
      pad.low.count == 4, pad.low[0] == 0, pad.low[3] == 0, pad.high[0] == 0, pad.high[3] == 0
    else { return nil }
    let border = [pad.low[1], pad.low[2], pad.high[1], pad.high[2]]
    let sum = zip(padding, border).map { $0 + $1 }
    return sum.allSatisfy { $0 <= Window2D.maximumExtent } ? (sum, producer.operands[0]) : nil
  }
}
