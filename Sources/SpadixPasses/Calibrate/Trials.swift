import Foundation
import SpadixIR
import SpadixReference
import SpadixSupport
import SpadixTensor

/// Runs a network in int8, in several forms, on part of the samples, and holds them against the float reference.
///
/// No method is the best for every network. Percentiles save a detector whose activations have rare extremes, and spoil
/// a classifier that needs them.
struct Trials {
  /// A graph in floating point with the ranges of its values, whose outputs are those of the network, and what it is
  /// called.
  struct Candidate {
    var name: String
    var graph: Graph
  }

  let samples: SampleSet
  let data: DataStore
  private let context: PassContext
  /// The samples that are run, those that say most first, and others, which corrections may be made from.
  private let batches: [Int]
  private let others: [Int]
  /// What each of them stands for: of the rest, the ones that are run stand for all.
  private let weights: [Double]
  private let places: [Place]
  /// The float reference's values at these places, for each of the samples.
  private let expected: [[[Float]]]
  private let productCount: Int

  /// A value that noise is measured at: an output, or what a function that saturates makes an output of. A sigmoid of
  /// large numbers is 1 whatever noise they have, for samples that are as clear as these.
  private struct Place {
    var value: ValueID
    /// Beyond these bounds the function's result no longer changes.
    var bounds = ValueRange(low: -.infinity, high: .infinity)

    func confine(_ element: Float) -> Double { Double(min(max(element, bounds.low), bounds.high)) }
  }

  /// How many samples are run at most, and at least where there are as many: half of all. Of networks that are small, four
  /// times as many.
  private static let sampleBounds = 4...32
  /// Where the products of all runs are more than these, every candidate runs on so many samples at first, and the best
  /// of them, so many, on the others as well.
  private static let affordableProducts = 1 << 32
  private static let firstSamples = 4
  private static let finalists = 3
  /// Decibels that make a difference at least. Corrected biases take out what was measured on other samples: they need no
  /// more than that.
  static let smallestMargin = 0.1
  /// Equalized channels change the scales of all values: what few samples gain by that a little, others lose.
  private static let smallestEqualizationMargin = 0.5

  /// - Parameters:
  ///   - ranges: of all values, by id.
  ///   - takesAll: whether all samples are run, none of which is left for corrections then.
  ///   - energies: the sum of squares of the outputs, for each sample. Noise is measured against them all together, so that
  ///     samples with large outputs decide.
  init(
    graph: Graph, samples: SampleSet, data: DataStore, ranges: [ValueRange?], energies: [Double],
    takesAll: Bool = false,
    context: PassContext
  ) throws {
    self.samples = samples
    self.data = data
    self.context = context
    productCount = graph.productCount
    let bounds = Self.sampleBounds
    let most = max(
      bounds.upperBound, min(4 * bounds.upperBound, Self.affordableProducts / (16 * max(1, graph.productCount))))
    let share = takesAll ? samples.batchCount : samples.batchCount / 2
    let count = min(samples.batchCount, max(bounds.lowerBound, min(share, most)))
    // One half by what they weigh, the other spread over the rest.
    let byEnergy = energies.indices.sorted { (energies[$1], $0) < (energies[$0], $1) }
    let heavy = Array(byEnergy.prefix((count + 1) / 2))
    let rest = energies.indices.filter { !heavy.contains($0) }
    let spread = (0..<count - heavy.count).map { rest[$0 * rest.count / (count - heavy.count)] }
    // In turns, so that the first few are of both.
    batches = (0..<heavy.count).flatMap { [heavy[$0]] + ($0 < spread.count ? [spread[$0]] : []) }
    let weight = Double(rest.count) / Double(max(1, spread.count))
    weights = (0..<heavy.count).flatMap { [1.0] + ($0 < spread.count ? [weight] : []) }
    others = rest.filter { !spread.contains($0) }
    let places = graph.outputs.map { Place(value: $0) } + graph.saturatedPlaces(ranges).map(Place.init)
    self.places = places
    let evaluator = FloatEvaluator(graph: graph, data: data)
    expected = try batches.map { batch in
      var values = [[Float]](repeating: [], count: places.count)
      _ = try evaluator.run(inputs: samples.batch(batch)) { value, tensor in
        for place in places.indices where places[place].value == value { values[place] = tensor.realValues }
      }
      return values
    }
  }

  /// Whether ranges can be chosen on all samples, so many candidates of them.
  func affordsAll(_ candidates: Int) -> Bool {
    candidates * samples.batchCount * productCount <= Self.affordableProducts
  }

  /// The samples that no trial runs on, at most so many.
  func unusedSamples(_ count: Int) -> [[Tensor]] {
    let chosen = min(count, others.count)
    return (0..<chosen).map { samples.batch(others[$0 * others.count / chosen]) }
  }

  /// How often all samples may run at most before that takes too long.
  private var affordableRuns: Int { Self.affordableProducts / max(1, productCount * batches.count) }

  /// Whether all samples may run three times more: for what channels hold, for extremes, and for what lies between.
  var canCalibrateAgain: Bool { 3 * samples.batchCount * productCount <= Self.affordableProducts << 3 }

  /// On how many samples products may be compared, each computed four times.
  var affordableCorrections: Int { (Self.affordableProducts << 2) / max(1, 4 * productCount) }

  /// Results that are few enough for one sample to decide.
  private static let fewElements = 1000

  /// Whether a score is better than another one by more decibels than make a difference. Where results are few, it has to be
  /// more as well than it differs from sample to sample: one that comes to lie badly says nothing of the others.
  func isBetter(_ score: Score, than other: Score, by margin: Double = Trials.smallestMargin) -> Bool {
    guard score.decibels > other.decibels + margin else { return false }
    guard elementCount < Self.fewElements else { return true }
    let differences = zip(other.parts, score.parts).map { $0 - $1 }
    let (sum, count) = (differences.reduce(0, +), Double(differences.count))
    let deviation = differences.reduce(0) { $0 + ($1 - sum / count) * ($1 - sum / count) }
    return sum > (deviation * count / max(1, count - 1)).squareRoot()
  }

  /// Results at all places, of all samples.
  private var elementCount: Int { expected.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } } }

  /// The same for weights that are rounded together, which are nearer to the network on other samples already: better by what the
  /// power of a noise that is measured so often is known to.
  func isBetterRounded(_ score: Score, than other: Score) -> Bool {
    guard elementCount < Self.fewElements else { return isBetter(score, than: other) }
    let margin = 10 / log(10) * (2 / Double(max(1, elementCount))).squareRoot()
    return score.decibels > other.decibels + max(Self.smallestMargin, margin)
  }

  func isBetterEqualized(_ score: Score, than other: Score) -> Bool {
    isBetter(score, than: other, by: Self.smallestEqualizationMargin)
  }

  var description: String { "on \(batches.count) of \(samples.batchCount) samples" }

  /// The place of the best of the candidates, the first of equal ones, its decibels, and a description of the choice.
  ///
  /// Throws what quantizing the first candidate throws; others that cannot be quantized are passed over.
  func best(_ candidates: [Candidate]) throws -> (place: Int, score: Score, description: String) {
    let isAffordable = candidates.count <= affordableRuns
    var trials: [(index: Int, trial: Trial)] = []
    for (index, candidate) in candidates.enumerated() {
      do {
        var trial = Trial(try quantized(candidate.graph), places: places)
        try run(&trial, to: isAffordable ? batches.count : Self.firstSamples)
        trials.append((index, trial))
      } catch {
        if index == 0 { throw error }
      }
    }
    func ordered() -> [(index: Int, trial: Trial)] {
      trials.sorted { ($1.trial.decibels, $0.index) < ($0.trial.decibels, $1.index) }
    }
    let finalists = Set(ordered().prefix(isAffordable ? candidates.count : Self.finalists).map(\.index))
    for position in trials.indices where finalists.contains(trials[position].index) {
      try run(&trials[position].trial, to: batches.count)
    }
    let final = trials.filter { finalists.contains($0.index) }
    guard var best = final.first else { return (0, Score(noise: [], signal: []), "") }
    for other in final.dropFirst() where isBetter(other.trial.score, than: best.trial.score) { best = other }
    let tried = final.map { "\(candidates[$0.index].name) \(Self.text($0.trial.decibels))" }.joined(separator: ", ")
    let rest = trials.count - final.count
    let text =
      "\(candidates[best.index].name), the best of \(tried) dB \(description)"
      + (rest > 0 ? "; \(rest) others were behind on \(Self.firstSamples)" : "")
    return (best.index, best.trial.score, text)
  }

  /// What a graph is away from the float reference on all samples of the trials; nil where it cannot be quantized.
  func score(_ graph: Graph) throws -> Score? {
    guard let quantized = try? quantized(graph) else { return nil }
    var trial = Trial(quantized, places: places)
    try run(&trial, to: batches.count)
    return trial.score
  }

  /// The power of noise at each place, by sample, and that of the signal there.
  struct Score {
    var noise: [[Double]]
    var signal: [Double]

    /// Of each sample, the part that its noise is of the signal of all: the mean over the places.
    var parts: [Double] {
      let known = signal.indices.filter { signal[$0] > 0 }
      return (noise.first ?? []).indices.map { sample in
        known.reduce(0) { $0 + noise[$1][sample] / signal[$1] } / Double(max(1, known.count))
      }
    }

    /// Signal to noise in decibels.
    var decibels: Double {
      if signal.allSatisfy({ $0 == 0 }) { return 0 }
      let part = parts.reduce(0, +)
      return part > 0 ? -10 * log10(part) : 200
    }
  }

  /// A graph in int8, and what it was away from the float reference so far.
  private struct Trial {
    let graph: Graph
    var count = 0
    /// By place: its value here; nil where it has none.
    let values: [ValueID?]
    var score: Score

    init(_ graph: Graph, places: [Place]) {
      self.graph = graph
      let outputs = graph.outputs.count
      values = places.indices.map { place in
        if place < outputs { return graph.outputs[place] }
        return graph.values.indices.last { graph.values[$0].counterpart == places[place].value }.map { ValueID($0) }
      }
      score = Score(
        noise: [[Double]](repeating: [], count: places.count), signal: [Double](repeating: 0, count: places.count))
    }

    var decibels: Double { score.decibels }
  }

  /// The graph in int8, with the ranges that its values have.
  func quantized(_ graph: Graph) throws -> Graph {
    var trial = PassContext(target: context.target, data: data, samples: context.samples)
    trial.arguments = PassArguments(Pass.quantize.options)
    return try Pass.quantize.body(graph, &trial)
  }

  /// Runs a trial on the samples up to a number of them.
  private func run(_ trial: inout Trial, to end: Int) throws {
    let integers = IntegerEvaluator(graph: trial.graph, data: data)
    while trial.count < min(end, batches.count) {
      let values = trial.values
      for place in values.indices { trial.score.noise[place].append(0) }
      _ = try integers.run(inputs: samples.batch(batches[trial.count])) { value, tensor in
        for place in values.indices where values[place] == value {
          for (real, found) in zip(expected[trial.count][place], tensor.realValues) {
            let exact = places[place].confine(real)
            let error = places[place].confine(found) - exact
            trial.score.noise[place][trial.count] += weights[trial.count] * error * error
            trial.score.signal[place] += weights[trial.count] * exact * exact
          }
        }
      }
      trial.count += 1
    }
  }

  static func text(_ decibels: Double) -> String {
    let tenths = Int((decibels * 10).rounded())
    return "\(tenths / 10).\(abs(tenths) % 10)"
  }
}

extension Graph {
  /// Operands of functions that saturate and whose results are outputs, and the bounds within which they matter.
  fileprivate func saturatedPlaces(_ ranges: [ValueRange?]) -> [(ValueID, ValueRange)] {
    let everything = ValueRange(low: -.infinity, high: .infinity)
    return outputs.compactMap { output in
      var value = output
      while let operation = producer(of: value) {
        let operand = operation.operands.first
        switch operation.op {
        case .reshape, .transpose: value = operation.operands[0]
        case .softmax, .function, .clamp:
          guard let operand, !isConstant(operand) else { return nil }
          if case .clamp(let clamp) = operation.op { return (operand, ValueRange(low: clamp.low, high: clamp.high)) }
          guard case .function(let function) = operation.op, let unary = function.definition as? Unary,
            let range = ranges[operand.index], let result = ranges[operation.result.index]
          else { return (operand, everything) }
          return (operand, FunctionDomain.confined(range, to: unary, result))
        default: return nil
        }
      }
      return nil
    }
  }

  /// Products of a run of all convolutions and matrix products.
  fileprivate var productCount: Int {
    operations.reduce(0) { sum, operation in
      switch operation.op {
      case .conv2d:
        let weights = type(operation.operands[1]).shape
        return sum + type(operation.result).elementCount * weights.dropLast().reduce(1, *)
      case .matmul(let product):
        let a = type(operation.operands[0]).shape
        return sum + type(operation.result).elementCount * a[a.count - (product.transposeA ? 2 : 1)]
      default: return sum
      }
    }
  }

  /// Values whose elements become outputs as they are, or by functions of single elements: what is cut off there is
  /// missing in the result.
  var valuesNearOutputs: [Bool] {
    var isNear = [Bool](repeating: false, count: values.count)
    for output in outputs { isNear[output.index] = true }
    for operation in operations.reversed() where operation.results.contains(where: { isNear[$0.index] }) {
      switch operation.op {
      case .reshape, .transpose, .concat, .pad, .maxPool2d, .relu, .clamp, .add, .softmax, .quantize, .dequantize,
        .requantize, .function:
        for operand in operation.operands { isNear[operand.index] = true }
      case .constant, .conv2d, .matmul, .mul, .avgPool2d, .globalAvgPool2d, .batchNorm, .npu: break
      }
    }
    return isNear
  }
}
