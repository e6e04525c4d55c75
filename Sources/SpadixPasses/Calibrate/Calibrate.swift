import SpadixIR
import SpadixReference
import SpadixSupport

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

      An input that has a range and no samples, where others have samples, gets seeded random ones: uniform over its \
      range. With `source=random`, or `--calibrate random`, every input without samples does. What such ranges are worth \
      depends on how near the inputs are to that; the report says so.
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
      PassOption(
        "source", .choice(["samples", "random"]), default: "samples",
        help: "random draws samples for inputs that have a range and no samples"),
      PassOption("seed", .count(0...Int(UInt32.max)), default: "1", help: "of random samples"),
    ]
  ) { graph, context in
    let hasQuantized = graph.values.contains { $0.type.element != .f32 && $0.type.element != .i32 }
    let lacksRange = graph.values.indices.contains { graph.lacksRange(ValueID($0)) }
    guard !hasQuantized, lacksRange || !context.samples.isEmpty else { return graph }
    guard let samples = try SampleSet(graph: graph, context: context) else { return graph }
    if let description = samples.randomDescription(graph) { context.calibration = description }
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
