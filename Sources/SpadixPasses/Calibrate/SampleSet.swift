import SpadixIR
import SpadixSupport
import SpadixTensor

/// Samples for all inputs of a graph, cut into batches of the graph's own size.
struct SampleSet {
  private enum Source {
    /// Shape [batches * N, ...].
    case given(Tensor)
    /// Uniform over a range, another draw for each batch.
    case random(seed: UInt64, ValueRange)
    /// Whole numbers from 0 to below the count, another draw for each batch.
    case indices(seed: UInt64, count: Int)

    var isRandom: Bool { if case .given = self { false } else { true } }
  }

  /// One per input, in the graph's order.
  private let sources: [Source]
  private let types: [TensorType]
  private let seed: Int
  let batchCount: Int

  /// Runs of a graph that has random samples only.
  private static let randomBatches = 32

  /// Nil when no input has samples and random ones are not asked for. Throws where an input has neither samples nor a
  /// range, or where shapes and counts disagree.
  init?(graph: Graph, context: PassContext) throws {
    for given in context.samples where !graph.inputs.contains(where: { graph.values[$0].name == given.input }) {
      let names = graph.inputs.map { graph.values[$0].name ?? "" }.joined(separator: ", ")
      throw Diagnostic(
        "calibrate.unknown-input", "--calibrate \(given.input): the graph has no input of that name",
        help: "inputs: \(names)")
    }
    seed = context.arguments.count("seed") ?? 1
    types = graph.inputs.map { graph.type($0) }
    var sources: [Source] = []
    let indexCounts = graph.indexCounts
    var batchCount: Int?
    var missing: ValueID?
    for (index, input) in graph.inputs.enumerated() {
      let value = graph.values[input]
      let tensor: Tensor
      var origin = value.range
      if let given = context.samples.first(where: { $0.input == value.name }) {
        tensor = given.tensor
      } else if let data = value.samples {
        tensor = try context.data.tensor(graph.data[data])
        origin = graph.data[data].range
      } else {
        let places = indexCounts[index]
        if value.calibration == nil, places == nil { missing = missing ?? input }
        let seed = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 &+ UInt64(index)
        sources.append(
          places.map { .indices(seed: seed, count: $0) }
            ?? .random(seed: seed, value.calibration ?? ValueRange(low: 0, high: 0)))
        continue
      }
      let count = try Self.batches(in: tensor, of: value.type, input: graph.describe(input), at: origin)
      if let batchCount, count != batchCount {
        throw Diagnostic(
          "calibrate.count",
          "\(graph.describe(input)) has samples for \(count) runs; the inputs before it have samples for \(batchCount)",
          at: origin)
      }
      batchCount = count
      sources.append(.given(tensor))
    }
    if batchCount == nil, context.arguments.choice("source") != "random" { return nil }
    if let missing {
      let others = batchCount == nil ? "" : ", other inputs have samples"
      let name = graph.values[missing].name ?? "NAME"
      throw Diagnostic(
        "calibrate.missing-input", "\(graph.describe(missing)) has neither samples nor a range\(others)",
        at: graph.values[missing].range,
        help: graph.values[missing].range == nil
          ? "give it --calibrate \(name)=FILE.npy, or import the model and write `range = [low, high]` at the input"
          : "give it `calibration = @data`, --calibrate \(name)=FILE.npy, or `range = [low, high]` for random samples")
    }
    for (input, source) in zip(graph.inputs, sources) {
      guard source.isRandom, graph.type(input).element != .f32 else { continue }
      throw Diagnostic(
        "calibrate.type",
        "\(graph.describe(input)) has elements \(graph.type(input).element); expected f32 for samples",
        at: graph.values[input].range)
    }
    self.sources = sources
    let limit = context.arguments.count("samples") ?? .max
    let images = types.map { max(1, $0.shape.first ?? 1) }.max() ?? 1
    self.batchCount = min(batchCount ?? Self.randomBatches, max(1, limit / images))
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
    // Several scalars lie along an axis that one does not have.
    if type.shape.isEmpty, shape.count == 1 { return shape[0] }
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
    zip(sources, types).map { source, type in
      let count = type.elementCount
      switch source {
      case .given(let tensor):
        return Tensor(type, .f32(Array(tensor.floats[index * count..<(index + 1) * count])))
      case .random(let seed, let range):
        let draw = seed &+ UInt64(index) &* 0x1_0000_0000
        return Tensor(
          type, .f32(RandomTensor.uniform(count: count, seed: draw, low: range.low, high: range.high)))
      case .indices(let seed, let places):
        let draw = seed &+ UInt64(index) &* 0x1_0000_0000
        let indices = RandomTensor.integers(count: count, seed: draw, low: 0, high: Int32(clamping: places - 1))
        return Tensor(type, .f32(indices.map { Float($0) }))
      }
    }
  }

  /// What is random about the samples, for the report; nil where nothing is.
  func randomDescription(_ graph: Graph) -> String? {
    let random = zip(graph.inputs, sources).compactMap { input, source -> String? in
      source.isRandom ? graph.describe(input) : nil
    }
    if random.isEmpty { return nil }
    let runs = batchCount == 1 ? "1 random sample" : "\(batchCount) random samples"
    let names = random.count == sources.count ? "every input" : random.joined(separator: ", ")
    return "\(runs) of \(names), uniform over its range, seed \(seed)"
  }
}
