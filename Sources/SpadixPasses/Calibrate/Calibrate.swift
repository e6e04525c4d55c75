import SpadixIR
import SpadixReference
import SpadixSupport

extension Pass {
  /// Finds ranges for values that have none; the graph stays otherwise as it is.
  public static let calibrate = Pass(
    name: "calibrate",
    summary: "runs samples through the float reference and writes the range of every value",
    documentation: """
      Samples come from `calibration = @data` of the graph's inputs, or from `--calibrate NAME=FILE.npy`, which stands \
      in for them; they are stacked along axis 0 of the input. Every f32 value gets `range = [low, high]`.

      Without `--calibrate`, ranges that are written in the graph stay, and nothing runs when no value lacks one. \
      Without samples the pass leaves the graph as it is. Samples with a NaN or an infinity are an error, as is a graph \
      in which one appears.

      No method is the best for every network. Where samples are given with `--calibrate`, several are therefore tried: the \
      graph is quantized with each, run on half of the samples, at most 32 (128 of a small network), and held against the float \
      reference. Ranges and channels of a network that is small enough are chosen on all of these, and ranges a sixteenth wider than \
      what the samples had come first; corrections are made from other samples than those that they are measured on. The report says which was the best, and by how much. `method` chooses one instead. These are tried, in this order, and each is \
      kept only where it is better by a tenth of a decibel (half of one for equalized channels of products), and, of results that are \
      few, by more than the difference varies from sample to sample (of weights and biases less is asked):

      - **Ranges**: minmax, percentiles, least squares and halfway from minmax to these, each for all values, and with whole ranges for those that become \
      outputs without a product in between. Least squares counts what readers make of an element: the function that alone \
      reads it, or how large the weights are that its channel meets.
      - **Equalized channels**: where the channels of a product or of a `nn.layer_norm` reach other products through functions with f(kx) = k f(x), weights \
      are scaled so that the channels between them are of about the same size. The factors are powers of two: in floating \
      point the network stays the same, bit for bit.
      - **Weights rounded together**: where inputs of a product go together, what rounding one weight adds is taken off with the \
      next ones (least squares over inputs from other samples, as in Chee et al., QuIP, 2023).
      - **Corrected biases**: what int8 adds to each channel of a convolution or product on average is taken out of its bias. \
      The averages come from samples that are not among those that the result is measured on.

      An input that has a range and no samples, where others have samples, gets seeded random ones: uniform over its \
      range. With `source=random`, or `--calibrate random`, every input without samples does. What such ranges are worth \
      depends on how near the inputs are to that; the report says so.
      """,
    options: [
      PassOption(
        "method", .choice(["measured", "minmax", "percentile", "least-squares"]), default: "measured",
        help:
          "minmax keeps every value that was seen; percentile cuts rare extremes off; least-squares cuts off what 256 "
          + "levels gain by; measured tries all of them and more on samples of --calibrate, and is minmax without"),
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
    let calibrator = Calibrator(graph: graph, samples: samples, data: context.data)
    return try calibrator.calibrated(&context)
  }
}

extension ValueRange {
  /// The interval with ends between those of another one and its own.
  fileprivate func halfway(to other: ValueRange?) -> ValueRange {
    guard let other else { return self }
    return ValueRange(low: (low + other.low) / 2, high: (high + other.high) / 2)
  }
}

extension Graph {
  /// Whether the graph says itself which int8 it was made for.
  var saysTypes: Bool { operations.contains { $0.op.fakeQuantize != nil } }

  /// Whether a value is a computed or given f32 tensor of which nobody knows the range.
  func lacksRange(_ value: ValueID) -> Bool {
    values[value].type.element == .f32 && values[value].calibration == nil && !isConstant(value)
  }
}

/// Ranges of all values of a graph over a set of samples.
struct Calibrator {
  let graph: Graph
  let samples: SampleSet
  let data: DataStore
  private let evaluator: FloatEvaluator

  init(graph: Graph, samples: SampleSet, data: DataStore) {
    self.graph = graph
    self.samples = samples
    self.data = data
    self.evaluator = FloatEvaluator(graph: graph, data: data)
  }

  /// The graph with ranges, by the method that is asked for.
  func calibrated(_ context: inout PassContext) throws -> Graph {
    let (extremes, energies) = try extremes()
    let percentile = context.arguments.number("percentile") ?? 100
    switch context.arguments.choice("method") {
    case "percentile" where percentile < 100:
      return graph(with: try histograms(extremes).map { $0?.interval(percentile: percentile) }, context)
    case "least-squares": return graph(with: leastSquares(try histograms(extremes), context), context)
    case "measured" where !context.samples.isEmpty && !graph.saysTypes:
      return try measured(extremes, energies, &context)
    default: return graph(with: extremes, context)
    }
  }

  /// Ranges that are written in the graph stay, unless samples were given that stand in for them.
  private func graph(with ranges: [ValueRange?], _ context: PassContext) -> Graph {
    var result = graph
    for (value, range) in ranges.enumerated() where !context.samples.isEmpty || graph.lacksRange(ValueID(value)) {
      if let range { result.values[value].calibration = range }
    }
    return result
  }

  private func measured(_ extremes: [ValueRange?], _ energies: [Double], _ context: inout PassContext) throws -> Graph {
    let trials = try Trials(
      graph: graph, samples: samples, data: data, ranges: extremes, energies: energies, context: context)
    // Ranges are few numbers that all samples say something of; only corrections need some that they were not made from.
    let takesAll = trials.affordsAll(Self.mostRuns)
    let choosing =
      takesAll
      ? try Trials(
        graph: graph, samples: samples, data: data, ranges: extremes, energies: energies, takesAll: true,
        context: context)
      : trials
    let plain = try candidates(extremes, context, widens: takesAll)
    let (place, plainScore, choice) = try choosing.best(plain)
    var notes = [context.calibration, choice].compactMap { $0 }
    var (best, score) = (plain[place].graph, plainScore)
    for onlyNorms in [true, false] {
      guard let found = try equalized(choosing, context, onlyNorms: onlyNorms, widens: takesAll) else { continue }
      // Between a norm and products no weight becomes coarser by more than two bits.
      let isBetter =
        onlyNorms
        ? choosing.isBetter(found.score, than: score) : choosing.isBetterEqualized(found.score, than: score)
      guard isBetter else { continue }
      (best, score) = (found.graph, found.score)
      notes.append(
        "equalized channels\(onlyNorms ? " of norms" : "") with \(found.name) \(Trials.text(score.decibels)) dB")
    }
    if takesAll { score = try trials.score(best) ?? score }
    let before = try rounded(&best, &score, trials, &notes)
    let result = try corrected(best, before: before, score, trials, &notes, &context)
    context.calibration = notes.joined(separator: "; ")
    return result
  }

  /// The graph with equalized channels and the ranges that are best for them; nil where no channels can be equalized.
  private func equalized(
    _ trials: Trials, _ context: PassContext, onlyNorms: Bool, widens: Bool
  ) throws -> (graph: Graph, score: Trials.Score, name: String)? {
    let scheme = QuantizationScheme(target: context.target)
    let equalization = Equalization(graph: graph, data: data, scheme: scheme, onlyNorms: onlyNorms)
    guard trials.canCalibrateAgain, onlyNorms || equalization.hasProducts,
      let graph = try equalization.equalized(samples)
    else { return nil }
    let calibrator = Calibrator(graph: graph, samples: samples, data: data)
    let found = try calibrator.candidates(try calibrator.extremes().ranges, context, widens: widens)
    guard let (place, score, _) = try? trials.best(found) else { return nil }
    return (found[place].graph, score, found[place].name)
  }

  /// How often all samples are run, at most: for each method, and again with equalized channels of norms and of all.
  private static let mostRuns = 30

  /// The graph with the ranges of every method.
  ///
  /// - Parameter widens: whether ranges that are wider than what samples had come first, for samples that are few: one of later
  ///   goes beyond them, and what is cut off there is missing.
  private func candidates(
    _ extremes: [ValueRange?], _ context: PassContext, widens: Bool
  ) throws -> [Trials.Candidate] {
    let histograms = try histograms(extremes)
    let isNear = graph.valuesNearOutputs
    let least = leastSquares(histograms, context)
    let cuts = [
      ("percentile 99.99", histograms.map { $0?.interval(percentile: 99.99) }),
      ("percentile 99.9", histograms.map { $0?.interval(percentile: 99.9) }),
      ("least-squares", least), ("halfway", zip(extremes, least).map { $0?.halfway(to: $1) }),
    ]
    var candidates: [Trials.Candidate] = []
    if widens {
      let wider = graph(with: graph.widened(extremes), context)
      candidates.append(Trials.Candidate(name: "minmax and a sixteenth", graph: wider))
    }
    candidates.append(Trials.Candidate(name: "minmax", graph: graph(with: extremes, context)))
    for (name, ranges) in cuts {
      let mixed = ranges.indices.map { isNear[$0] ? extremes[$0] : ranges[$0] }
      candidates.append(Trials.Candidate(name: "\(name) but for outputs", graph: graph(with: mixed, context)))
      candidates.append(Trials.Candidate(name: name, graph: graph(with: ranges, context)))
    }
    return candidates
  }

  /// Elements that bias correction holds at a time at most, and the samples that it needs.
  private static let correctionElements = 1 << 26
  private static let correctionSamples = 2...32

  /// Gives the graph weights that are rounded together where that is better on the samples that it was not made from.
  ///
  /// Returns the graph with the weights that they stand for, in the same form.
  private func rounded(
    _ graph: inout Graph, _ score: inout Trials.Score, _ trials: Trials, _ notes: inout [String]
  ) throws -> Graph {
    let held = trials.unusedSamples(Self.correctionSamples.upperBound)
    guard held.count >= Self.correctionSamples.lowerBound else { return graph }
    let rounding = WeightRounding(graph: graph, quantized: try trials.quantized(graph), data: data)
    let (changed, before) = WeightRounding.graphs(graph, try rounding.rounded(on: held))
    guard let found = try trials.score(changed), trials.isBetterRounded(found, than: score) else { return graph }
    notes.append("weights rounded together on \(held.count) other samples \(Trials.text(found.decibels)) dB")
    (graph, score) = (changed, found)
    return before
  }

  /// The graph with corrected biases where these are better on the samples that they were not made from.
  ///
  /// - Parameter before: the graph with the weights that its own stand for.
  private func corrected(
    _ graph: Graph, before: Graph, _ score: Trials.Score, _ trials: Trials, _ notes: inout [String],
    _ context: inout PassContext
  ) throws -> Graph {
    let bounds = Self.correctionSamples
    let held = trials.unusedSamples(
      min(bounds.upperBound, trials.affordableCorrections, Self.correctionElements / max(1, graph.mostLiveElements)))
    context.uncorrected = before.eliminatingDead()
    guard held.count >= bounds.lowerBound else { return graph.eliminatingDead() }
    let correction = BiasCorrection(graph: graph, quantized: try trials.quantized(graph), data: data)
    let corrections = try correction.corrections(on: held)
    let corrected = try BiasCorrection.graph(graph, corrections, isCorrected: true, data: data)
    guard let found = try trials.score(corrected), found.decibels > score.decibels + Trials.smallestMargin else {
      return graph.eliminatingDead()
    }
    notes.append("biases corrected by \(held.count) other samples \(Trials.text(found.decibels)) dB")
    context.uncorrected = try BiasCorrection.graph(before, corrections, isCorrected: false, data: data)
      .eliminatingDead()
    return corrected.eliminatingDead()
  }

  private func leastSquares(_ histograms: [Histogram?], _ context: PassContext) -> [ValueRange?] {
    let isSymmetric = QuantizationScheme(target: context.target).activations == .symmetric
    let readers = ReaderWeights(graph)
    return histograms.enumerated().map { value, histogram in
      histogram?.leastSquares(isSymmetric: isSymmetric, function: readers.function(of: ValueID(value)))
    }
  }

  /// The least and the greatest element of each value, and the sum of squares of the outputs for each sample.
  private func extremes() throws -> (ranges: [ValueRange?], energies: [Double]) {
    var observers = [RangeObserver](repeating: RangeObserver(), count: graph.values.count)
    let outputs = Set(graph.outputs.map(\.index))
    var energies = [Double](repeating: 0, count: samples.batchCount)
    try forEachBatch { batch, value, elements in
      if outputs.contains(value) { energies[batch] += elements.reduce(0) { $0 + Double($1) * Double($1) } }
      if let position = observers[value].observe(elements) {
        throw notFinite(ValueID(value), elements[position], batch: batch)
      }
    }
    return (observers.map(\.range), energies)
  }

  /// How the elements of each value lie between its extremes; the samples run once more.
  private func histograms(_ extremes: [ValueRange?]) throws -> [Histogram?] {
    let readers = ReaderWeights(graph)
    var histograms = try extremes.enumerated().map { value, range in
      try range.map { Histogram(over: $0, weights: try readers.channels(of: ValueID(value), data)) }
    }
    try forEachBatch { _, value, elements in histograms[value]?.add(elements) }
    return histograms
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
