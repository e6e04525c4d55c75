import SpadixIR
import SpadixReference
import SpadixTensor

/// Finds what int8 adds to each channel of a convolution or product on average, so that its bias can take that out
/// again.
///
/// Weights that are rounded up meet inputs that are positive: the sum is off by much the same for every pixel of every
/// sample. Products are looked at in execution order on all samples at once, each with the operands that the corrected
/// ones before it make, as in Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction
/// (2019).
struct BiasCorrection {
  private let graph: Graph
  private let quantized: Graph
  private let floats: FloatEvaluator
  private let integers: IntegerEvaluator
  /// By operation of the quantized graph: the product in floating point that it computes.
  private var products: [Int: OperationID] = [:]

  init(graph: Graph, quantized: Graph, data: DataStore) {
    self.graph = graph
    self.quantized = quantized
    floats = FloatEvaluator(graph: graph, data: data)
    integers = IntegerEvaluator(graph: quantized, data: data)
    for (step, source) in quantized.productForms(of: graph) { products[step.index] = source }
  }

  /// By operation of the graph in floating point: what its bias is to be raised by, one number for each channel.
  ///
  /// - Parameter samples: the inputs of so many runs.
  func corrections(on samples: [[Tensor]]) throws -> [(operation: OperationID, raise: [Float])] {
    var real = Runs(graph, samples)
    var int8 = Runs(quantized, samples)
    var result: [(operation: OperationID, raise: [Float])] = []
    for index in quantized.operations.indices {
      guard let source = products[index] else {
        try int8.step(integers)
        continue
      }
      while real.position < source.index { try real.step(floats) }
      let step = quantized.operations[index]
      guard let units = units(of: step), let raise = try raise(of: source, real, by: step, units, int8) else {
        try int8.step(integers)
        continue
      }
      result.append((source, raise))
      try int8.step(integers) { operands in
        let bias = step.biasPosition
        let before = bias.map { operands[$0].int32s } ?? [Int32](repeating: 0, count: raise.count)
        let raised = raise.indices.map { channel in
          let sum = Double(before[channel]) + (Double(raise[channel]) / units[channel]).rounded()
          return Int32(min(max(sum, -0x1p30), 0x1p30))
        }
        let tensor = Tensor(.i32([raised.count]), .i32(raised))
        if let bias { operands[bias] = tensor } else { operands.insert(tensor, at: 2) }
      }
    }
    return result
  }

  /// What one integer of the accumulator is worth in each channel.
  private func units(of step: Operation) -> [Double]? {
    guard let input = quantized.type(step.operands[0]).element.quantization,
      let weights = quantized.type(step.operands[1]).element.quantization
    else { return nil }
    let channels = quantized.type(step.result).shape.last ?? 1
    return (0..<channels).map { Double(input.scale) * Double(weights.scale(at: $0)) }
  }

  /// The mean over all pixels and samples of what the product is in floating point, less what its integers stand for,
  /// before activation and pooling; nil where that is no number.
  private func raise(
    of source: OperationID, _ real: Runs, by step: Operation, _ units: [Double], _ int8: Runs
  ) throws -> [Float]? {
    var bare = graph.operations[source]
    bare.removeActivationAndPooling(keepsAddend: step.hasAddend)
    let channels = units.count
    var sums = [Double](repeating: 0, count: channels)
    var count = 0
    for sample in real.values.indices {
      guard let operands = real.operands(of: bare, sample), var integers = int8.operands(of: step, sample) else {
        return nil
      }
      if let bias = step.biasPosition {
        let reals = integers[bias].int32s.enumerated().map { Float(Double($1) * units[$0]) }
        integers[bias] = Tensor(.f32([reals.count]), .f32(reals))
      }
      let reals = integers.map { Tensor(.f32($0.type.shape), .f32($0.realValues)) }
      let exact = try floats.evaluate(bare, operands: operands)[0].floats
      let found = try floats.evaluate(bare, operands: reals)[0].floats
      for element in exact.indices { sums[element % channels] += Double(exact[element]) - Double(found[element]) }
      count += exact.count / channels
    }
    let means = sums.map { Float($0 / Double(max(1, count))) }
    return means.allSatisfy(\.isFinite) ? means : nil
  }

  /// The graph with the corrections in the biases of its products, or with the biases as they were, in the same form.
  static func graph(
    _ graph: Graph, _ corrections: [(operation: OperationID, raise: [Float])], isCorrected: Bool, data: DataStore
  ) throws -> Graph {
    try graph.setting(
      corrections.map { id, raise in
        let operation = graph.operations[id]
        let place = operation.biasPosition
        let before =
          try place.flatMap { try graph.constantTensor(operation.operands[$0], from: data)?.floats }
          ?? [Float](repeating: 0, count: raise.count)
        let bias = isCorrected ? zip(before, raise).map { $0 + $1 } : before
        let name = place.map { graph.dataName(of: operation.operands[$0]) } ?? graph.biasName(of: operation)
        return Graph.ConstantOperand(
          id, position: place ?? 2, isInserted: place == nil, Tensor(.f32([bias.count]), .f32(bias)), name: name)
      })
  }
}

/// The values of a graph for several samples, as far as they have been computed and are read again.
private struct Runs {
  let graph: Graph
  /// By sample and value id.
  private(set) var values: [[Tensor?]]
  /// The next operation.
  private(set) var position = 0
  private var lastUse: [Int]

  init(_ graph: Graph, _ samples: [[Tensor]]) {
    self.graph = graph
    lastUse = [Int](repeating: -1, count: graph.values.count)
    for (index, operation) in graph.operations.enumerated() {
      for operand in operation.operands { lastUse[operand.index] = index }
    }
    values = samples.map { inputs in
      var values = [Tensor?](repeating: nil, count: graph.values.count)
      for (id, tensor) in zip(graph.inputs, inputs) {
        values[id.index] = Tensor(graph.type(id), tensor.storage)
      }
      return values
    }
  }

  /// Nil where one has not been computed, or is not kept any more.
  func operands(of operation: Operation, _ sample: Int) -> [Tensor]? {
    let operands = operation.operands.compactMap { values[sample][$0.index] }
    return operands.count == operation.operands.count ? operands : nil
  }

  /// Computes the next operation for every sample.
  mutating func step(_ evaluator: some GraphEvaluator, _ change: (inout [Tensor]) -> Void = { _ in }) throws {
    let operation = graph.operations[position]
    for sample in values.indices {
      var operands = operation.operands.map { values[sample][$0.index]! }
      change(&operands)
      for (value, tensor) in zip(operation.results, try evaluator.evaluate(operation, operands: operands)) {
        values[sample][value.index] = tensor
      }
      for operand in operation.operands where lastUse[operand.index] == position {
        values[sample][operand.index] = nil
      }
      for result in operation.results where lastUse[result.index] < 0 { values[sample][result.index] = nil }
    }
    position += 1
  }
}

extension Graph {
  /// The products with constant weights of a graph in int8, and those of the graph in floating point that they compute.
  func productForms(of graph: Graph) -> [(step: OperationID, source: OperationID)] {
    values.indices.compactMap { value in
      guard let counterpart = values[value].counterpart, let source = graph.values[counterpart].producer,
        graph.operations[source].hasConstantWeights(in: graph), let product = product(behind: ValueID(value))
      else { return nil }
      return (product, source)
    }
  }

  /// The product that an int8 form is made by, before what confines or rescales it.
  private func product(behind form: ValueID) -> OperationID? {
    var value = form
    while let id = values[value].producer {
      let operation = operations[id]
      if operation.hasConstantWeights(in: self) { return id }
      guard let operand = operation.operands.first, values[operand].counterpart == nil else { return nil }
      value = operand
    }
    return nil
  }
}

extension Operation {
  /// Whether it is a convolution or product whose second operand is a constant.
  func hasConstantWeights(in graph: Graph) -> Bool {
    switch op {
    case .conv2d, .matmul: graph.isConstant(operands[1])
    default: false
    }
  }

  /// The place of the bias of a convolution or product among the operands; nil without one.
  var biasPosition: Int? {
    switch op {
    case .conv2d(let convolution):
      ConvolutionOperands(count: operands.count, residual: convolution.residual).bias
    case .matmul: operands.count > 2 ? 2 : nil
    default: nil
    }
  }

  fileprivate var hasAddend: Bool {
    if case .conv2d(let convolution) = op { convolution.residual } else { false }
  }

  fileprivate mutating func removeActivationAndPooling(keepsAddend: Bool) {
    switch op {
    case .conv2d(var convolution):
      if convolution.residual, !keepsAddend {
        convolution.residual = false
        operands.removeLast()
      }
      (convolution.activation, convolution.pooling) = (.none, nil)
      op = .conv2d(convolution)
    case .matmul(var product):
      product.activation = .none
      op = .matmul(product)
    default: break
    }
  }
}

extension Graph {
  /// Where all values that live at the same time have most elements, how many they have.
  var mostLiveElements: Int {
    var lastUse = [Int](repeating: -1, count: values.count)
    for (index, operation) in operations.enumerated() {
      for operand in operation.operands { lastUse[operand.index] = index }
    }
    var (live, most) = (0, 0)
    for (index, operation) in operations.enumerated() where !isConstant(operation.result) {
      for result in operation.results { live += type(result).elementCount }
      most = max(most, live)
      for operand in Set(operation.operands) where lastUse[operand.index] == index && !isConstant(operand) {
        live -= type(operand).elementCount
      }
    }
    return most
  }

  fileprivate func biasName(of operation: Operation) -> String {
    values[operation.result].name.map { "\($0).bias" } ?? "bias"
  }
}
