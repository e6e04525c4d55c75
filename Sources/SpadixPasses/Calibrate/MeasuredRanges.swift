import Foundation
import SpadixIR
import SpadixReference
import SpadixSupport
import SpadixTensor

/// Finds the ranges that a network computes best with in int8, by trying: ranges of several methods are quantized and run
/// on part of the samples, and held against the float reference.
///
/// No method is the best for every network. Percentiles save a detector whose activations have rare extremes, and spoil a
/// classifier that needs them.
struct MeasuredRanges {
  /// Ranges by value id, and what they are called.
  struct Candidate {
    var name: String
    var ranges: [ValueRange?]
  }

  let graph: Graph
  let samples: SampleSet
  /// The samples that are run, spread over all of them.
  private let batches: [Int]
  /// The float reference's outputs for each of them.
  private let expected: [[[Float]]]

  /// A run in int8 costs about as much as one in f32: with so many samples all candidates together cost as much as
  /// finding their ranges.
  private static let sampleBounds = 2...32
  /// Decibels that make a difference: a candidate has to be so much better than one that is tried before it.
  private static let margin = 0.1

  init(graph: Graph, samples: SampleSet, data: DataStore, candidateCount: Int) throws {
    self.graph = graph
    self.samples = samples
    let wanted = samples.batchCount / max(1, candidateCount)
    let count = min(
      samples.batchCount, max(Self.sampleBounds.lowerBound, min(wanted, Self.sampleBounds.upperBound)))
    batches = (0..<count).map { $0 * samples.batchCount / count }
    let evaluator = FloatEvaluator(graph: graph, data: data)
    expected = try batches.map { batch in try evaluator.run(inputs: samples.batch(batch)).map(\.realValues) }
  }

  /// The best of the candidates, the first of equal ones, and a description of the choice.
  ///
  /// Throws what quantizing with the first candidate throws; others that cannot be quantized are passed over.
  func best(_ candidates: [Candidate], _ context: PassContext) throws -> (ranges: [ValueRange?], description: String) {
    var best: (candidate: Candidate, decibels: Double)?
    var tried: [String] = []
    for (index, candidate) in candidates.enumerated() {
      do {
        let decibels = try decibels(candidate.ranges, context)
        tried.append("\(candidate.name) \(Self.text(decibels))")
        if best.map({ decibels > $0.decibels + Self.margin }) ?? true { best = (candidate, decibels) }
      } catch {
        if index == 0 { throw error }
      }
    }
    guard let best else { return (candidates.first?.ranges ?? [], "") }
    let description =
      "\(best.candidate.name), the best of \(tried.joined(separator: ", ")) dB on \(batches.count) of "
      + "\(samples.batchCount) samples"
    return (best.candidate.ranges, description)
  }

  /// Signal to noise of the outputs that the graph has in int8, in decibels: the mean over the outputs of the part that
  /// noise has in each.
  private func decibels(_ ranges: [ValueRange?], _ context: PassContext) throws -> Double {
    var candidate = graph
    for (value, range) in ranges.enumerated() {
      if let range { candidate.values[value].calibration = range }
    }
    var trial = PassContext(target: context.target, data: context.data)
    trial.arguments = PassArguments(Pass.quantize.options)
    let quantized = try Pass.quantize.body(candidate, &trial)
    let integers = IntegerEvaluator(graph: quantized, data: context.data)
    var noise = [Double](repeating: 0, count: graph.outputs.count)
    var signal = noise
    for (position, batch) in batches.enumerated() {
      let found = try integers.run(inputs: samples.batch(batch))
      for output in noise.indices {
        for (real, value) in zip(expected[position][output], found[output].realValues) {
          let error = Double(value) - Double(real)
          noise[output] += error * error
          signal[output] += Double(real) * Double(real)
        }
      }
    }
    let parts = zip(noise, signal).compactMap { $1 > 0 ? $0 / $1 : nil }
    guard !parts.isEmpty else { return 0 }
    let part = parts.reduce(0, +) / Double(parts.count)
    return part > 0 ? -10 * log10(part) : 200
  }

  private static func text(_ decibels: Double) -> String {
    let tenths = Int((decibels * 10).rounded())
    return "\(tenths / 10).\(abs(tenths) % 10)"
  }
}

extension Graph {
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
