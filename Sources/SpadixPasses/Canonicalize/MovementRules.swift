import SpadixIR
import SpadixTensor

/// Rules for operators that only move elements.
extension CanonicalizationRules {
  func reshape(_ operation: Operation, _ rewriter: inout GraphRewriter) -> Bool {
    let operand = operation.operands[0]
    if graph.type(operand) == graph.type(operation.result) { return forward(operation, &rewriter) }
    guard let producer = graph.producer(of: operand), case .reshape = producer.op else { return false }
    rewriter.emit(
      operation.op, [rewriter[producer.operands[0]]], standingFor: operation.result, origin: operation)
    return true
  }

  func transpose(_ operation: Operation, _ transpose: Transpose, _ rewriter: inout GraphRewriter) -> Bool {
    let operand = operation.operands[0]
    let permutation = transpose.permutation
    if permutation == Array(permutation.indices) { return forward(operation, &rewriter) }
    if let producer = graph.producer(of: operand), case .transpose(let first) = producer.op {
      rewriter.emit(
        .transpose(Transpose(permutation: permutation.map { first.permutation[$0] })),
        [rewriter[producer.operands[0]]], standingFor: operation.result, origin: operation)
      return true
    }
    // Elements keep their row-major order when the axes longer than 1 keep theirs.
    let shape = graph.type(operand).shape
    let long = permutation.filter { shape[$0] != 1 }
    // Scales along an axis would have to follow it.
    guard graph.type(operand).element.quantization?.axis == nil else { return false }
    guard long == long.sorted() else { return matrixTranspose(operation, long, &rewriter) }
    rewriter.emit(.reshape(Reshape()), [rewriter[operand]], standingFor: operation.result, origin: operation)
    return true
  }

  /// Axes that keep their neighbours move as one. Where that makes an exchange of the last two of what is left, as it does
  /// of NCHW and NHWC, the accelerator can move it.
  ///
  /// - Parameter long: the permutation without axes of size 1.
  private func matrixTranspose(_ operation: Operation, _ long: [Int], _ rewriter: inout GraphRewriter) -> Bool {
    let operand = operation.operands[0]
    let shape = graph.type(operand).shape
    var runs: [[Int]] = []
    let kept = long.sorted()
    for axis in long {
      if let last = runs.last?.last, kept.firstIndex(of: axis) == kept.firstIndex(of: last).map({ $0 + 1 }) {
        runs[runs.count - 1].append(axis)
      } else {
        runs.append([axis])
      }
    }
    let order = runs.indices.sorted { runs[$0][0] < runs[$1][0] }
    let permutation = runs.indices.map { run in order.firstIndex(of: run) ?? run }
    let sizes = order.map { run in runs[run].reduce(1) { $0 * shape[$1] } }
    let transpose = Transpose(permutation: permutation)
    guard transpose.exchangesLastAxes, sizes != shape else { return false }
    let element = graph.type(operand).element
    let calibration = graph.values[operand].calibration
    let matrix = rewriter.emit(
      .reshape(Reshape()), [rewriter[operand]], type: TensorType(sizes, element), calibration: calibration)
    let exchanged = rewriter.emit(
      .transpose(transpose), [matrix], type: TensorType(permutation.map { sizes[$0] }, element),
      calibration: calibration)
    rewriter.emit(.reshape(Reshape()), [exchanged], standingFor: operation.result, origin: operation)
    return true
  }

  /// Matrix products read their second operand either way, and the first one only as it is without a move.
  func product(_ operation: Operation, _ product: MatMul, _ rewriter: inout GraphRewriter) -> Bool {
    var product = product
    var operands = operation.operands
    func readUntransposed(_ operand: Int) -> Bool {
      guard let matrix = transposedMatrix(operands[operand]) else { return false }
      rewriter.adoptRange(graph.knownRange(of: operands[operand]), of: rewriter[matrix])
      operands[operand] = matrix
      return true
    }
    if product.transposeA, readUntransposed(0) { product.transposeA = false }
    if readUntransposed(1) { product.transposeB.toggle() }
    guard operands != operation.operands else { return false }
    rewriter.emit(.matmul(product), operands.map { rewriter[$0] }, standingFor: operation.result, origin: operation)
    return true
  }

  /// What a value is the transpose of, in its last two axes only.
  private func transposedMatrix(_ value: ValueID) -> ValueID? {
    guard let producer = graph.producer(of: value), case .transpose(let transpose) = producer.op,
      transpose.exchangesLastAxes
    else { return nil }
    return producer.operands[0]
  }

  func pad(_ operation: Operation, _ pad: Pad, _ rewriter: inout GraphRewriter) -> Bool {
    (pad.low + pad.high).allSatisfy { $0 == 0 } && forward(operation, &rewriter)
  }

  func quantize(_ operation: Operation, _ rewriter: inout GraphRewriter) -> Bool {
    guard let producer = graph.producer(of: operation.operands[0]), case .dequantize = producer.op,
      graph.type(producer.operands[0]) == graph.type(operation.result)
    else { return false }
    rewriter.replace(operation.result, with: rewriter[producer.operands[0]])
    return true
  }
}

extension Transpose {
  /// Whether the last two axes are exchanged and all others stay.
  var exchangesLastAxes: Bool {
    let rank = permutation.count
    guard rank >= 2 else { return false }
    return permutation == Array(0..<rank - 2) + [rank - 1, rank - 2]
  }

  init(exchangingLastAxesOfRank rank: Int) { self.init(permutation: Array(0..<rank - 2) + [rank - 1, rank - 2]) }
}
