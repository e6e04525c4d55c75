import SpadixIR

/// What readers make of a value: which of its channels weigh most in them, or which function of it they read.
struct ReaderWeights {
  private let graph: Graph
  private let uses: UseIndex
  private let readers: [[Use]]

  init(_ graph: Graph) {
    self.graph = graph
    uses = UseIndex(graph)
    readers = graph.useLists()
  }

  /// The function of single elements that alone reads a value, with those that alone read its result; nil where others do.
  func function(of value: ValueID) -> ((Double) -> Double)? {
    guard let use = uses.onlyUse(of: value) else { return nil }
    let operation = graph.operations[use.operation]
    let function: (Double) -> Double
    switch operation.op {
    case .function(let reader):
      guard let unary = reader.definition as? Unary else { return nil }
      function = { unary($0) }
    case .relu: function = { max($0, 0) }
    case .clamp(let clamp): function = { min(max($0, Double(clamp.low)), Double(clamp.high)) }
    default: return nil
    }
    guard let next = self.function(of: operation.result) else { return function }
    return { next(function($0)) }
  }

  /// By index of the last axis: the sum of the squares of the weights that meet it, 1 on average; empty where readers are
  /// not products with constants alone.
  func channels(of value: ValueID, _ data: DataStore) throws -> [Double] {
    let count = graph.type(value).shape.last ?? 1
    var sums = [Double](repeating: 0, count: count)
    guard count > 1, !graph.outputs.contains(value), !readers[value].isEmpty else { return [] }
    for use in readers[value] {
      let operation = graph.operations[use.operation]
      guard use.operand == 0, operation.hasConstantWeights(in: graph), operation.readsChannels(in: graph),
        let weights = try graph.constantTensor(operation.operands[1], from: data)
      else { return [] }
      let channels = ReaderChannels(operation, weights.type.shape, channels: count)
      let energies = channels.energies(weights.floats)
      let mean = energies.reduce(0, +) / Double(count)
      guard mean > 0, mean.isFinite else { return [] }
      for (channel, energy) in energies.enumerated() { sums[channel] += energy / mean }
    }
    return sums.map { $0 / Double(readers[value].count) }
  }
}
