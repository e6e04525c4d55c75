import SpadixIR
import SpadixReference
import SpadixTensor

import func Foundation.exp2
import func Foundation.log2

/// Lets the channels between two products, or between a norm and products, be of about the same size: what the first one's
/// weights make smaller, the second one's make larger again. One scale for all channels of an activation then serves each of
/// them.
///
/// Between the two are only functions f with f(kx) = k f(x) for positive k, pooling, and movement that leaves channels
/// alone. The factors are powers of two, so that the network computes the same, bit for bit, in floating point. They
/// are chosen as in Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction (2019), from
/// the largest activation of each channel and the largest weight that meets it.
struct Equalization {
  private let graph: Graph
  private let data: DataStore
  private let scheme: QuantizationScheme
  private let pairs: [Pair]

  /// A product or a norm whose result's channels are the input channels of other products.
  private struct Pair {
    let first: OperationID
    let readers: [OperationID]
    /// What these read.
    let value: ValueID
    let channels: Int
  }

  /// - Parameter onlyNorms: whether products keep their channels.
  init(graph: Graph, data: DataStore, scheme: QuantizationScheme, onlyNorms: Bool = false) {
    self.graph = graph
    self.data = data
    self.scheme = scheme
    let uses = UseIndex(graph)
    let all = graph.operations.indices.compactMap { Self.pair(OperationID($0), graph, uses) }
    pairs = onlyNorms ? all.filter { graph.operations[$0.first].isNorm } : all
  }

  /// Whether there are channels of products, beside those of norms.
  var hasProducts: Bool { pairs.contains { !graph.operations[$0.first].isNorm } }

  private static func pair(_ first: OperationID, _ graph: Graph, _ uses: UseIndex) -> Pair? {
    let producer = graph.operations[first]
    guard producer.hasScalableChannels(in: graph), ownsConstants(producer, graph, uses) else { return nil }
    var value = producer.result
    let channels = graph.type(value).shape.last ?? 1
    while graph.type(value).shape.last == channels {
      let readers = uses.readers(of: value)
      if !readers.isEmpty, readers.allSatisfy({ graph.operations[$0.operation].hasConstantWeights(in: graph) }) {
        let readsAll = readers.allSatisfy {
          let reader = graph.operations[$0.operation]
          return $0.operand == 0 && reader.readsChannels(in: graph) && uses.hasOneUse(reader.operands[1])
        }
        return readsAll
          ? Pair(first: first, readers: readers.map(\.operation), value: value, channels: channels) : nil
      }
      guard let use = uses.onlyUse(of: value), use.operand == 0, graph.operations[use.operation].isHomogeneous else {
        return nil
      }
      value = graph.operations[use.operation].result
    }
    return nil
  }

  private static func ownsConstants(_ operation: Operation, _ graph: Graph, _ uses: UseIndex) -> Bool {
    operation.operands.dropFirst().allSatisfy { graph.isConstant($0) && uses.hasOneUse($0) }
  }

  /// The graph with equalized channels; nil where there is nothing to equalize.
  func equalized(_ samples: SampleSet) throws -> Graph? {
    if pairs.isEmpty { return nil }
    let activations = try largestActivations(samples)
    var constants: [Place: Tensor] = [:]
    func tensor(_ operation: OperationID, _ position: Int) throws -> Tensor? {
      if let tensor = constants[Place(operation: operation, position: position)] { return tensor }
      return try graph.constantTensor(graph.operations[operation].operands[position], from: data)
    }
    var isChanged = false
    for (pair, activations) in zip(pairs, activations) {
      let weights = try pair.readers.compactMap { try tensor($0, 1)?.floats }
      let readers = pair.readers.map {
        ReaderChannels(
          graph.operations[$0], graph.type(graph.operations[$0].operands[1]).shape, channels: pair.channels)
      }
      guard weights.count == readers.count else { continue }
      let factors: [Float]
      if graph.operations[pair.first].isNorm && scheme.weights == .perChannel {
        factors = Self.normFactors(activations)
      } else {
        let largest = zip(readers, weights).map { $0.largest($1) }.reduce([Float](repeating: 0, count: pair.channels)) {
          zip($0, $1).map { max($0, $1) }
        }
        factors = Self.factors(
          activations, largest, isFree: readers.allSatisfy(\.isDepthwise) && scheme.weights == .perChannel)
      }
      if factors.allSatisfy({ $0 == 1 }) { continue }
      isChanged = true
      for ((operation, reader), weights) in zip(zip(pair.readers, readers), weights) {
        constants[Place(operation: operation, position: 1)] = Tensor(
          graph.type(graph.operations[operation].operands[1]), .f32(reader.scaled(weights, factors)))
      }
      let operands = graph.operations[pair.first].operands
      for position in 1..<operands.count {
        guard let tensor = try tensor(pair.first, position) else { continue }
        let scaled = tensor.floats.enumerated().map { $1 / factors[$0 % factors.count] }
        constants[Place(operation: pair.first, position: position)] = Tensor(tensor.type, .f32(scaled))
      }
    }
    if !isChanged { return nil }
    let replaced = constants.sorted { $0.key < $1.key }.map { place, tensor in
      Graph.ConstantOperand(
        place.operation, position: place.position, tensor,
        name: graph.dataName(of: graph.operations[place.operation].operands[place.position]))
    }
    return graph.setting(replaced)
  }

  private struct Place: Hashable, Comparable {
    let operation: OperationID
    let position: Int

    static func < (left: Place, right: Place) -> Bool {
      (left.operation.index, left.position) < (right.operation.index, right.position)
    }
  }

  /// By pair: the largest magnitude in each channel of what the second product reads.
  private func largestActivations(_ samples: SampleSet) throws -> [[Float]] {
    var largest = pairs.map { [Float](repeating: 0, count: $0.channels) }
    var places: [ValueID: Int] = [:]
    for (index, pair) in pairs.enumerated() { places[pair.value] = index }
    let evaluator = FloatEvaluator(graph: graph, data: data)
    for batch in 0..<samples.batchCount {
      _ = try evaluator.run(inputs: samples.batch(batch)) { value, tensor in
        guard let place = places[value] else { return }
        let channels = largest[place].count
        for (position, element) in tensor.floats.enumerated()
        where element.magnitude > largest[place][position % channels] {
          largest[place][position % channels] = element.magnitude
        }
      }
    }
    return largest
  }

  /// What each channel is divided by: the root of its largest activation by its largest weight, or, where weights have
  /// a scale for each channel, all of the activation (a kernel of its own then has its own scale); against the
  /// geometric mean of all channels.
  private static func factors(_ activations: [Float], _ weights: [Float], isFree: Bool) -> [Float] {
    let logarithms = zip(activations, weights).map { activation, weight -> Double? in
      guard activation > 0, weight > 0, activation.isFinite, weight.isFinite else { return nil }
      return isFree ? log2(Double(activation)) : (log2(Double(activation)) - log2(Double(weight))) / 2
    }
    let known = logarithms.compactMap { $0 }
    let mean = known.reduce(0, +) / Double(max(1, known.count))
    return logarithms.map { logarithm in
      guard let logarithm else { return 1 }
      return Float(exp2(min(max((logarithm - mean).rounded(), -5), 5)))
    }
  }

  /// The largest part that a norm's channel is enlarged to, of the largest one: what is smaller adds little, and samples seen
  /// later may go further beyond.
  private static let smallestNormFactor: Float = 0.25

  /// What each channel of a norm is divided by, where weights have a scale for each channel: what it is smaller than the
  /// largest one, up to a bound. A norm has no int8 weights of its own, and those that read it have their own scales.
  private static func normFactors(_ activations: [Float]) -> [Float] {
    guard let largest = activations.max(), largest > 0, largest.isFinite else { return activations.map { _ in 1 } }
    return activations.map { exp2(log2(max($0 / largest, smallestNormFactor)).rounded()) }
  }
}

/// Which weights of a product an input channel meets.
struct ReaderChannels {
  let isDepthwise: Bool
  private let channels: Int
  private let columns: Int

  init(_ operation: Operation, _ shape: [Int], channels: Int) {
    self.channels = channels
    columns = shape.last ?? 1
    if case .conv2d(let convolution) = operation.op {
      isDepthwise = convolution.groups > 1
    } else {
      isDepthwise = false
    }
  }

  private func channel(_ position: Int) -> Int {
    isDepthwise ? position % columns / (columns / channels) : position / columns % channels
  }

  func largest(_ weights: [Float]) -> [Float] {
    var largest = [Float](repeating: 0, count: channels)
    for (position, weight) in weights.enumerated() {
      let channel = channel(position)
      largest[channel] = max(largest[channel], weight.magnitude)
    }
    return largest
  }

  /// The sum of squares of the weights that each channel meets.
  func energies(_ weights: [Float]) -> [Double] {
    var energies = [Double](repeating: 0, count: channels)
    for (position, weight) in weights.enumerated() { energies[channel(position)] += Double(weight) * Double(weight) }
    return energies
  }

  func scaled(_ weights: [Float], _ factors: [Float]) -> [Float] {
    weights.enumerated().map { $1 * factors[channel($0)] }
  }
}

extension Operation {
  /// Whether a positive factor for each output channel may go into weights and bias.
  fileprivate func hasScalableChannels(in graph: Graph) -> Bool {
    switch op {
    case .conv2d(let convolution):
      !convolution.residual && convolution.activation.isHomogeneous && graph.isConstant(operands[1])
    case .matmul(let product):
      product.activation.isHomogeneous && !product.transposeB && graph.isConstant(operands[1])
        && graph.type(operands[1]).rank == 2
    case .function: isNorm && operands.count > 1
    default: false
    }
  }

  /// Whether rows along the last axis are normalized, and then scaled and shifted.
  fileprivate var isNorm: Bool {
    if case .function(let function) = op { return function.definition is LayerNorm }
    return false
  }

  /// Whether the last axis of the first operand is what weights are summed over, or one kernel for each.
  func readsChannels(in graph: Graph) -> Bool {
    switch op {
    case .conv2d(let convolution):
      convolution.groups == 1 || convolution.groups == graph.type(operands[0]).shape.last
    case .matmul(let product):
      !product.transposeA && !product.transposeB && graph.type(operands[1]).rank == 2
    default: false
    }
  }

  /// Whether f(kx) = k f(x) for a positive k in each channel, where the channels of the result are those of the
  /// operand.
  fileprivate var isHomogeneous: Bool {
    switch op {
    case .relu, .maxPool2d, .reshape: true
    case .avgPool2d(let pool): pool.activation.isHomogeneous
    case .globalAvgPool2d(let pool): pool.activation.isHomogeneous
    case .function(let function):
      (function.definition as? Unary).map { [.leakyRelu, .abs].contains($0.function) } ?? false
    default: false
    }
  }
}

extension Activation {
  fileprivate var isHomogeneous: Bool { self == .none || self == .relu }
}
