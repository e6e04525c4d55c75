import SpadixIR
import SpadixReference
import SpadixSupport
import SpadixTensor

extension Pass {
  public static let calibrate = Pass(
    name: "calibrate",
    summary: "runs samples through the float reference and writes the range of every value",
    documentation: """
      Samples come from `calibration = @data` of the graph's inputs, or from `--calibrate NAME=FILE.npy`, which stands \
      in for them; they are stacked along axis 0 of the input. Every f32 value gets `range = [low, high]`.

      Without `--calibrate`, ranges that are written in the graph stay, and nothing runs when no value lacks one. \
      Without samples the pass leaves the graph as it is. Samples with a NaN or an infinity are an error, as is a graph \
      in which one appears.
      """,
    options: [
      PassOption(
        "method", .choice(["minmax", "percentile"]), default: "minmax",
        help: "minmax keeps every value that was seen; percentile cuts rare extremes off"),
      PassOption(
        "percentile", .number(50...100), default: "99.99",
        help: "with method=percentile: percent of the elements of a value that stay within its range"),
      PassOption(
        "samples", .count(1...1_000_000), default: "256", help: "use at most so many samples, from the first on"),
    ]
  ) { graph, context in
    let hasQuantized = graph.values.contains { $0.type.element != .f32 && $0.type.element != .i32 }
    let lacksRange = graph.values.indices.contains { graph.lacksRange(ValueID($0)) }
    guard !hasQuantized, lacksRange || !context.samples.isEmpty else { return graph }
    guard let samples = try SampleSet(graph: graph, context: context) else { return graph }
    var calibrator = Calibrator(graph: graph, samples: samples, data: context.data)
    let percentile =
      context.arguments.choice("method") == "percentile" ? context.arguments.number("percentile") : nil
    let ranges = try calibrator.ranges(percentile: percentile)
    var result = graph
    for (value, range) in ranges.enumerated() where !context.samples.isEmpty || graph.lacksRange(ValueID(value)) {
      if let range { result.values[value].calibration = range }
    }
    return result
  }
}

extension Graph {
  /// Whether a value is a computed or given f32 tensor of which nobody knows the range.
  func lacksRange(_ value: ValueID) -> Bool {
    values[value].type.element == .f32 && values[value].calibration == nil && !isConstant(value)
  }
}

/// Samples for all inputs of a graph, cut into batches of the graph's own size.
struct SampleSet {
  /// One tensor per input, in the graph's order, each of shape [batches * N, ...].
  private let tensors: [Tensor]
  private let types: [TensorType]
  let batchCount: Int

  /// Nil when no input has samples. Throws where some have and others not, or where shapes and counts disagree.
  init?(graph: Graph, context: PassContext) throws {
    var tensors: [Tensor] = []
    var origins: [SourceRange?] = []
    var missing: ValueID?
    for given in context.samples where !graph.inputs.contains(where: { graph.values[$0].name == given.input }) {
      let names = graph.inputs.map { graph.values[$0].name ?? "" }.joined(separator: ", ")
      throw Diagnostic(
        "calibrate.unknown-input", "--calibrate \(given.input): the graph has no input of that name",
        help: "inputs: \(names)")
    }
    for input in graph.inputs {
      let value = graph.values[input]
      if let given = context.samples.first(where: { $0.input == value.name }) {
        tensors.append(given.tensor)
        origins.append(value.range)
      } else if let data = value.samples {
        tensors.append(try context.data.tensor(graph.data[data]))
        origins.append(graph.data[data].range)
      } else {
        missing = missing ?? input
      }
    }
    if tensors.isEmpty { return nil }
    if let missing {
      throw Diagnostic(
        "calibrate.missing-input", "\(graph.describe(missing)) has no samples, other inputs do",
        at: graph.values[missing].range,
        help: "give it `calibration = @data`, or --calibrate \(graph.values[missing].name ?? "NAME")=FILE.npy")
    }
    self.types = graph.inputs.map { graph.type($0) }
    var batchCount = Int.max
    for ((input, tensor), origin) in zip(zip(graph.inputs, tensors), origins) {
      let count = try Self.batches(in: tensor, of: graph.type(input), input: graph.describe(input), at: origin)
      if batchCount != .max, count != batchCount {
        throw Diagnostic(
          "calibrate.count",
          "\(graph.describe(input)) has samples for \(count) runs; the inputs before it have samples for \(batchCount)",
          at: origin)
      }
      batchCount = count
    }
    let limit = context.arguments.count("samples") ?? .max
    // A graph without inputs has one run; tensors is empty then and this line is not reached.
    let images = types.map { max(1, $0.shape.first ?? 1) }.max() ?? 1
    self.batchCount = min(batchCount, max(1, limit / images))
    self.tensors = tensors
  }

  private static func batches(
    in tensor: Tensor, of type: TensorType, input: String, at range: SourceRange?
  ) throws -> Int {
    guard case .f32 = tensor.storage, type.element == .f32 else {
      throw Diagnostic(
        "calibrate.type", "samples for \(input) have elements \(tensor.type.element); expected f32", at: range)
    }
    let shape = tensor.type.shape
    if shape == type.shape { return 1 }
    let perRun = type.shape.first ?? 1
    guard shape.count == type.rank, shape.dropFirst() == type.shape.dropFirst(), shape[0] >= perRun,
      shape[0] % perRun == 0
    else {
      let rest = type.shape.dropFirst().map { ", \($0)" }.joined()
      throw Diagnostic(
        "calibrate.shape",
        "samples for \(input) have shape \(shape); expected [n\(rest)] with n a multiple of \(perRun)", at: range)
    }
    return shape[0] / perRun
  }

  /// The inputs of one run.
  func batch(_ index: Int) -> [Tensor] {
    zip(tensors, types).map { tensor, type in
      let count = type.elementCount
      return Tensor(type, .f32(Array(tensor.floats[index * count..<(index + 1) * count])))
    }
  }
}

/// Ranges of all values of a graph over a set of samples.
struct Calibrator {
  let graph: Graph
  let samples: SampleSet
  private let evaluator: FloatEvaluator

  init(graph: Graph, samples: SampleSet, data: DataStore) {
    self.graph = graph
    self.samples = samples
    self.evaluator = FloatEvaluator(graph: graph, data: data)
  }

  /// By value id; nil for values that are not f32. With a percentile the samples run twice: once for the extremes, once
  /// for histograms between them.
  mutating func ranges(percentile: Double?) throws -> [ValueRange?] {
    var observers = [RangeObserver](repeating: RangeObserver(), count: graph.values.count)
    try forEachBatch { batch, value, elements in
      if let position = observers[value].observe(elements) {
        throw notFinite(ValueID(value), elements[position], batch: batch)
      }
    }
    guard let percentile, percentile < 100 else { return observers.map(\.range) }
    var histograms = observers.map { $0.range.map { Histogram(over: $0) } }
    try forEachBatch { _, value, elements in histograms[value]?.add(elements) }
    return histograms.map { $0?.interval(percentile: percentile) }
  }

  private func forEachBatch(_ body: (Int, Int, [Float]) throws -> Void) throws {
    for batch in 0..<samples.batchCount {
      _ = try evaluator.run(inputs: samples.batch(batch)) { value, tensor in
        guard case .f32(let elements) = tensor.storage, !graph.isConstant(value) else { return }
        try body(batch, value.index, elements)
      }
    }
  }

  private func notFinite(_ value: ValueID, _ element: Float, batch: Int) -> Diagnostic {
    if graph.values[value].producer == nil {
      return Diagnostic(
        "calibrate.not-finite", "sample \(batch) of \(graph.describe(value)) holds \(element); expected finite numbers",
        at: graph.values[value].range)
    }
    return Diagnostic(
      "calibrate.not-finite", "\(graph.describe(value)) becomes \(element) for sample \(batch)",
      at: graph.values[value].range ?? graph.producer(of: value)?.range,
      help: "look for NaN or infinity in weights, for divisions by a variance of 0, and for overflow")
  }
}
