import SpadixIR
import SpadixReference
import SpadixTensor

/// Chooses the integers of weights for what products make of the samples, rather than each by itself.
struct WeightRounding {
  private let graph: Graph
  private let data: DataStore
  private let candidates: [Candidate]

  /// A product, and the int8 form that its weights get.
  private struct Candidate {
    let source: OperationID
    let product: WeightedProduct
    let scales: [Float]
    let inputStep: Float
  }

  /// Multiplications that may go into it.
  private static let affordableProducts = 1 << 33

  init(graph: Graph, quantized: Graph, data: DataStore) {
    self.graph = graph
    self.data = data
    var budget = Self.affordableProducts
    let found = quantized.productForms(of: graph).compactMap { step, source -> Candidate? in
      let operands = quantized.operations[step].operands
      guard let product = WeightedProduct(graph.operations[source], in: graph),
        let input = quantized.type(operands[0]).element.quantization,
        let weights = quantized.type(operands[1]).element.quantization
      else { return nil }
      let scales = (0..<product.channels).map { weights.scale(at: $0) }
      return Candidate(source: source, product: product, scales: scales, inputStep: input.scale)
    }
    // The cheapest first; what is beyond the budget keeps its roundings.
    let affordable = Set(
      found.indices.sorted { (found[$0].product.roundingCost, $0) < (found[$1].product.roundingCost, $1) }.prefix {
        budget -= found[$0].product.roundingCost
        return budget >= 0
      })
    candidates = found.indices.filter(affordable.contains).map { found[$0] }
  }

  /// New weights, multiples of their scales, and those that they stand for.
  struct Rounded {
    let operation: OperationID
    let weights: Tensor
    let before: Tensor
  }

  /// - Parameter samples: the inputs of so many runs.
  func rounded(on samples: [[Tensor]]) throws -> [Rounded] {
    var readers: [ValueID: [Int]] = [:]
    for (index, candidate) in candidates.enumerated() {
      readers[graph.operations[candidate.source].operands[0], default: []].append(index)
    }
    var sums = candidates.map { candidate in
      [LeastSquaresRounding](
        repeating: LeastSquaresRounding(depth: candidate.product.depth), count: candidate.product.groups)
    }
    let evaluator = FloatEvaluator(graph: graph, data: data)
    for sample in samples {
      _ = try evaluator.run(inputs: sample) { value, tensor in
        for index in readers[value] ?? [] {
          let product = candidates[index].product
          let rows = max(1, product.wantedRows / samples.count)
          product.forEachInput(tensor.floats, rows: rows) { group, input in sums[index][group].add(input) }
        }
      }
    }
    return try zip(candidates, sums).compactMap { candidate, sums in
      let weights = graph.operations[candidate.source].operands[1]
      guard let tensor = try graph.constantTensor(weights, from: data) else { return nil }
      let integers = candidate.product.rounded(tensor.floats, sums, scales: candidate.scales, step: candidate.inputStep)
      let channels = candidate.scales.count
      let reals = integers.enumerated().map { Float($1) * candidate.scales[$0 % channels] }
      return Rounded(operation: candidate.source, weights: Tensor(tensor.type, .f32(reals)), before: tensor)
    }
  }

  /// The graph with the new weights, and with the old ones in the same form.
  static func graphs(_ graph: Graph, _ rounded: [Rounded]) -> (rounded: Graph, before: Graph) {
    func setting(_ tensor: (Rounded) -> Tensor) -> Graph {
      graph.setting(
        rounded.map { change in
          let name = graph.dataName(of: graph.operations[change.operation].operands[1])
          return Graph.ConstantOperand(change.operation, position: 1, tensor(change), name: name)
        })
    }
    return (setting(\.weights), setting(\.before))
  }
}

/// A convolution or matrix product with constant weights as rows of inputs times [depth, channels], in groups.
private struct WeightedProduct {
  /// Inputs that each weight of a group meets.
  let depth: Int
  let groups: Int
  /// Of all groups.
  let channels: Int
  /// Rows of inputs in one run.
  private let rows: Int
  private let input: [Int]
  private let convolution: Conv2D?
  private let kernel: [Int]
  private let width: Int

  /// More inputs than this take too long to be looked at together.
  private static let largestDepth = 1024

  init?(_ operation: Operation, in graph: Graph) {
    let weights = graph.type(operation.operands[1]).shape
    input = graph.type(operation.operands[0]).shape
    switch operation.op {
    case .conv2d(let convolution):
      self.convolution = convolution
      kernel = Array(weights[..<2])
      groups = convolution.groups
      let window = Window2D(
        size: kernel, strides: convolution.strides, padding: convolution.padding, dilations: convolution.dilations)
      let size = window.outputSize(of: [input[1], input[2]])
      width = size[1]
      rows = input[0] * size[0] * size[1]
    case .matmul(let product):
      guard weights.count == 2, !product.transposeA, !product.transposeB else { return nil }
      convolution = nil
      kernel = [1, 1]
      groups = 1
      width = 1
      rows = input.dropLast().reduce(1, *)
    default: return nil
    }
    depth = weights.dropLast().reduce(1, *)
    channels = weights.last ?? 1
    if depth > Self.largestDepth || depth < 2 || groups < 1 { return nil }
  }

  /// Rows of all samples that are looked at.
  var wantedRows: Int { max(1024, 2 * depth) }

  /// Multiplications.
  var roundingCost: Int {
    (groups * (wantedRows / 2 + depth / 6) + channels / 2) * depth * depth
  }

  /// Calls `body` with the inputs of so many of the rows, spread evenly, for each group.
  func forEachInput(_ elements: [Float], rows wanted: Int, _ body: (Int, UnsafeBufferPointer<Float>) -> Void) {
    let count = min(rows, wanted)
    var patch = [Float](repeating: 0, count: depth)
    elements.withUnsafeBufferPointer { elements in
      for step in 0..<count {
        let row = step * rows / count
        guard let convolution else {
          body(0, UnsafeBufferPointer(rebasing: elements[row * depth..<(row + 1) * depth]))
          continue
        }
        for group in 0..<groups {
          gather(elements, convolution, row, group, &patch)
          patch.withUnsafeBufferPointer { body(group, $0) }
        }
      }
    }
  }

  private func gather(
    _ elements: UnsafeBufferPointer<Float>, _ convolution: Conv2D, _ row: Int, _ group: Int, _ patch: inout [Float]
  ) {
    let each = input[3] / groups
    let (image, pixel) = (row / (rows / input[0]), row % (rows / input[0]))
    let top = pixel / width * convolution.strides[0] - convolution.padding[0]
    let left = pixel % width * convolution.strides[1] - convolution.padding[1]
    var place = 0
    for kernelRow in 0..<kernel[0] {
      let y = top + kernelRow * convolution.dilations[0]
      for kernelColumn in 0..<kernel[1] {
        let x = left + kernelColumn * convolution.dilations[1]
        let isInside = y >= 0 && y < input[1] && x >= 0 && x < input[2]
        let start = ((image * input[1] + y) * input[2] + x) * input[3] + group * each
        for channel in 0..<each { patch[place + channel] = isInside ? elements[start + channel] : 0 }
        place += each
      }
    }
  }

  /// The integers of weights [depth, channels], of which each group has its own columns.
  func rounded(_ weights: [Float], _ sums: [LeastSquaresRounding], scales: [Float], step: Float) -> [Int8] {
    if groups == 1 { return sums[0].rounded(weights, scales: scales, inputStep: step) }
    let each = channels / groups
    var result = [Int8](repeating: 0, count: weights.count)
    for group in 0..<groups {
      let columns = group * each..<(group + 1) * each
      let part = (0..<depth).flatMap { row in columns.map { weights[row * channels + $0] } }
      let integers = sums[group].rounded(part, scales: Array(scales[columns]), inputStep: step)
      for (place, integer) in integers.enumerated() {
        result[place / each * channels + columns.lowerBound + place % each] = integer
      }
    }
    return result
  }
}
