import Foundation
import SpadixIR
import SpadixISA
import SpadixReference
import SpadixTensor
import Testing

@testable import SpadixPasses

private func graph(samples: String, type: String = "f32[4, 2]", range: String = "") throws -> Graph {
  try parse(
    """
    data @s : \(type) = \(samples)
    graph @test(%x: f32[1, 2] {calibration = @s}) -> f32[1, 2] {
      %0 = nn.add %x, %x \(range): f32[1, 2]
      %y = nn.relu %0 : f32[1, 2]
      return %y
    }
    """)
}

@Suite struct CalibrateTests {
  @Test func rangesAreTheExtremesOverAllSamples() throws {
    let result = try run("calibrate", on: graph(samples: "[1.0, -2.0, 0.5, 0.0, -3.0, 4.0, 0.0, 0.0]")).graph
    let ranges = result.values.map(\.calibration)
    #expect(ranges[0] == ValueRange(low: -3, high: 4))
    #expect(ranges[1] == ValueRange(low: -6, high: 8))
    #expect(ranges[2] == ValueRange(low: 0, high: 8))
  }

  @Test func theNumberOfSamplesCanBeLimited() throws {
    let result = try run(
      "calibrate{samples=2}", on: graph(samples: "[1.0, -2.0, 0.5, 0.0, -3.0, 4.0, 0.0, 0.0]")
    ).graph
    #expect(result.values[0].calibration == ValueRange(low: -2, high: 1))
  }

  @Test func writtenRangesStay() throws {
    let result = try run(
      "calibrate", on: graph(samples: "splat(1.0)", range: "{range = [-1.0, 9.0]} ")
    ).graph
    #expect(result.values[1].calibration == ValueRange(low: -1, high: 9))
    #expect(result.values[2].calibration == ValueRange(low: 2, high: 2))
  }

  @Test func percentilesCutRareExtremes() throws {
    var elements = (0..<2000).map { Float($0 % 100) / 100 }
    elements[7] = 50
    let type = TensorType.f32([1000, 2])
    var text = try graph(samples: "splat(0.0)", type: "f32[1000, 2]")
    text.data[0].source = .literal(.f32(elements))
    #expect(text.data[0].type == type)
    let all = try run("calibrate{samples=1000}", on: text).graph
    #expect(all.values[0].calibration == ValueRange(low: 0, high: 50))
    let most = try run("calibrate{method=percentile percentile=99.8 samples=1000}", on: text).graph
    let range = try #require(most.values[0].calibration)
    #expect(range.high >= 0.98 && range.high < 1.1 && range.low == 0)
  }

  @Test func givenSamplesReplaceThoseOfTheGraph() throws {
    var context = PassContext(
      target: .spadix, data: DataStore(),
      samples: [CalibrationSamples(input: "x", tensor: Tensor(shape: [2, 2], [5, 6, 7, 8]))])
    let graph = try graph(samples: "splat(1.0)", range: "{range = [-1.0, 9.0]} ")
    let result = try PassManager(PassPipeline([.calibrate])).run(graph, in: &context)
    #expect(result.values[0].calibration == ValueRange(low: 5, high: 8))
    // A sixteenth more than the samples gave, where measuring shows nothing better.
    #expect(result.values[1].calibration == ValueRange(low: 10, high: 17))
  }

  /// What products give may be more than samples had; what is clamped, and what is an input, may not.
  @Test func rangesOfProductsAreWidened() throws {
    let graph = try parse(
      """
      data @w : f32[2, 2] = [1.0, 0.0, 0.0, 1.0]
      graph @g(%x: f32[1, 2]) -> f32[1, 2] {
        %w = constant @w : f32[2, 2]
        %0 = nn.matmul %x, %w : f32[1, 2]
        %1 = nn.matmul %0, %w {activation = clamp, high = 16.5, low = 0.0} : f32[1, 2]
        %y = nn.unary %1 {function = sigmoid} : f32[1, 2]
        return %y
      }
      """)
    let range = ValueRange(low: -16, high: 16)
    let found = graph.widened(graph.values.map { _ in range })
    let wide = ValueRange(low: -17, high: 17)
    func place(_ name: String) -> Int { graph.values.indices.first { graph.values[$0].name == name } ?? 0 }
    #expect(found[place("x")] == range)
    #expect(found[place("0")] == wide)
    #expect(found[place("1")] == ValueRange(low: -16, high: 16.5))
    #expect(found[place("y")] == range)
  }

  /// A graph calibrated by measurement, and what the report says about it.
  private func measured(
    _ text: String, samples: [Float], shape: [Int]
  ) throws -> (graph: Graph, choice: String, uncorrected: Graph) {
    var context = PassContext(
      target: .spadix, data: DataStore(),
      samples: [CalibrationSamples(input: "x", tensor: Tensor(shape: shape, samples))])
    let result = try PassManager(PassPipeline([.calibrate])).run(parse(text), in: &context)
    return (result, context.calibration ?? "", context.uncorrected ?? result)
  }

  /// Signal to noise of the quantized graph against a graph in floating point, as a ratio.
  private func ratio(_ calibrated: Graph, against real: Graph, _ samples: [Float], count: Int) throws -> Double {
    let quantized = try run("quantize", on: calibrated).graph
    let (integers, floats) = (
      IntegerEvaluator(graph: quantized, data: DataStore()), FloatEvaluator(graph: real, data: DataStore())
    )
    var (signal, noise) = (0.0, 0.0)
    for start in stride(from: 0, to: samples.count, by: count) {
      let input = [Tensor(shape: [1, count], Array(samples[start..<start + count]))]
      for (found, exact) in zip(try integers.run(inputs: input)[0].realValues, try floats.run(inputs: input)[0].floats)
      {
        signal += Double(exact) * Double(exact)
        noise += (Double(found) - Double(exact)) * (Double(found) - Double(exact))
      }
    }
    return signal / noise
  }

  /// All weights are rounded down by the same, and all inputs are positive. They are too many to be rounded together.
  @Test func biasesTakeOutWhatWeightsAddOnAverage() throws {
    let depth = 1100
    let weights = (0..<depth).map { row in row == 0 ? "127.0" : "\(row % 7).45" }.joined(separator: ", ")
    let text = """
      data @w : f32[\(depth), 1] = [\(weights)]
      graph @g(%x: f32[1, \(depth)]) -> f32[1, 1] {
        %w = constant @w : f32[\(depth), 1]
        %y = nn.matmul %x, %w : f32[1, 1]
        return %y
      }
      """
    let samples = RandomTensor.uniform(count: depth * 40, seed: 3, low: 0.5, high: 1)
    let real = try parse(text)
    let (graph, choice, _) = try measured(text, samples: samples, shape: [40, depth])
    #expect(choice.contains("biases corrected by 20 other samples"))
    let unseen = RandomTensor.uniform(count: depth * 20, seed: 4, low: 0.5, high: 1)
    let minmax = try run(
      "calibrate{method=minmax}",
      on: text.replacingOccurrences(of: "f32[1, \(depth)])", with: "f32[1, \(depth)] {range = [0.5, 1.0]})")
        .replacingOccurrences(of: "%y = nn.matmul %x, %w :", with: "%y = nn.matmul %x, %w {range = [0.0, 4000.0]} :"))
    #expect(
      try ratio(graph, against: real, unseen, count: depth) > 4 * ratio(minmax, against: real, unseen, count: depth))
  }

  /// One channel of a norm, which two products read, is 64 times as large as the others, and they hardly look at it.
  @Test func channelsOfANormAreEqualized() throws {
    let scale = (0..<16).map { String($0 == 0 ? 64.0 : 1.0) }.joined(separator: ", ")
    let weights = (0..<16).map { String($0 == 0 ? 0.001 : 1.0) }.joined(separator: ", ")
    let text = """
      data @s : f32[16] = [\(scale)]
      data @w : f32[16, 1] = [\(weights)]
      graph @g(%x: f32[1, 16]) -> (f32[1, 1], f32[1, 1]) {
        %s = constant @s : f32[16]
        %w = constant @w : f32[16, 1]
        %v = constant @w : f32[16, 1]
        %n = nn.layer_norm %x, %s : f32[1, 16]
        %r = nn.relu %n : f32[1, 16]
        %y = nn.matmul %r, %w : f32[1, 1]
        %z = nn.matmul %r, %v : f32[1, 1]
        return %y, %z
      }
      """
    let samples = RandomTensor.uniform(count: 16 * 32, seed: 5, low: -1, high: 1)
    let (graph, choice, uncorrected) = try measured(text, samples: samples, shape: [32, 16])
    #expect(choice.contains("equalized channels"))
    let real = try parse(text)
    let inputs = inputs(of: real, seed: 1)
    let found = try FloatEvaluator(graph: uncorrected, data: DataStore()).run(inputs: inputs)
    let expected = try FloatEvaluator(graph: real, data: DataStore()).run(inputs: inputs)
    #expect(found.map(\.floats) == expected.map(\.floats))
    #expect(try ratio(graph, against: real, samples, count: 16) > 100)
  }

  /// One channel between two products is a thousand times as large as the others, which matter as much.
  @Test func channelsOfDifferentSizeAreEqualized() throws {
    let first = (0..<8 * 8).map { String($0 % 9 == 0 ? ($0 == 0 ? 512.0 : 0.5) : 0.0) }.joined(separator: ", ")
    let second = (0..<8).map { String($0 == 0 ? 0.001 : 1.0) }.joined(separator: ", ")
    let text = """
      data @v : f32[8, 8] = [\(first)]
      data @w : f32[8, 1] = [\(second)]
      graph @g(%x: f32[1, 8]) -> f32[1, 1] {
        %v = constant @v : f32[8, 8]
        %w = constant @w : f32[8, 1]
        %h = nn.matmul %x, %v : f32[1, 8]
        %r = nn.relu %h : f32[1, 8]
        %y = nn.matmul %r, %w : f32[1, 1]
        return %y
      }
      """
    let samples = RandomTensor.uniform(count: 8 * 32, seed: 5, low: -1, high: 1)
    let (graph, choice, uncorrected) = try measured(text, samples: samples, shape: [32, 8])
    #expect(choice.contains("equalized channels"))
    let real = try parse(text)
    for seed in 1...4 {
      let inputs = inputs(of: real, seed: UInt64(seed))
      let found = try FloatEvaluator(graph: uncorrected, data: DataStore()).run(inputs: inputs)[0].floats
      #expect(try found == FloatEvaluator(graph: real, data: DataStore()).run(inputs: inputs)[0].floats)
    }
    #expect(try ratio(graph, against: real, samples, count: 8) > 1000)
  }

  /// Inputs that are positive go together: what rounding one weight adds, the next ones take off.
  @Test func weightsOfInputsThatGoTogetherAreRoundedTogether() throws {
    let weights = (0..<64).map { row in row == 0 ? "127.0" : "\(row % 7).45" }.joined(separator: ", ")
    let text = """
      data @w : f32[64, 1] = [\(weights)]
      graph @g(%x: f32[1, 64]) -> f32[1, 1] {
        %w = constant @w : f32[64, 1]
        %y = nn.matmul %x, %w : f32[1, 1]
        return %y
      }
      """
    let samples = RandomTensor.uniform(count: 64 * 40, seed: 3, low: 0.5, high: 1)
    let (graph, choice, uncorrected) = try measured(text, samples: samples, shape: [40, 64])
    #expect(choice.contains("weights rounded together on 20 other samples"), "\(choice)")
    let real = try parse(text)
    let unseen = RandomTensor.uniform(count: 64 * 20, seed: 4, low: 0.5, high: 1)
    #expect(
      try ratio(graph, against: real, unseen, count: 64) > 4 * ratio(uncorrected, against: real, unseen, count: 64))
  }

  /// A sigmoid of what is far from 0 is 0 or 1 whatever noise it has: that does not count.
  @Test func whatSaturatesDoesNotHideWhatMatters() throws {
    let text = """
      data @w : f32[4, 1] = [20.0, -17.0, 13.0, 11.0]
      graph @g(%x: f32[1, 4]) -> f32[1, 1] {
        %w = constant @w : f32[4, 1]
        %l = nn.matmul %x, %w : f32[1, 1]
        %y = nn.unary %l {function = sigmoid} : f32[1, 1]
        return %y
      }
      """
    let samples = RandomTensor.uniform(count: 4 * 200, seed: 5, low: -1, high: 1)
    let (_, choice, _) = try measured(text, samples: samples, shape: [200, 4])
    let decibels = try #require(choice.split(separator: " ").compactMap { Double($0.filter { $0 != "," }) }.first)
    #expect(decibels > 25, "\(choice)")
  }

  @Test func withoutSamplesNothingHappens() throws {
    let text = "graph @t(%x: f32[2]) -> f32[2] {\n  %y = nn.relu %x : f32[2]\n  return %y\n}\n"
    #expect(try run("calibrate", on: text).values.allSatisfy { $0.calibration == nil })
  }

  @Test func overflowInTheGraphIsReported() throws {
    #expect(diagnostics { _ = try run("calibrate", on: graph(samples: "splat(3e38)")) } == ["calibrate.not-finite"])
  }

  @Test(arguments: wrongSamples) func wrongSamplesAreReported(samples: [(String, [Int])], id: String) throws {
    let text = """
      graph @t(%a: f32[2, 2], %b: f32[2, 3]) -> f32[2, 2] {
        %y = nn.relu %a : f32[2, 2]
        return %y
      }
      """
    var context = PassContext(
      target: .spadix, data: DataStore(),
      samples: samples.map {
        CalibrationSamples(
          input: $0.0, tensor: Tensor(shape: $0.1, [Float](repeating: 1, count: $0.1.reduce(1, *))))
      })
    let graph = try parse(text)
    #expect(diagnostics { _ = try PassManager(PassPipeline([.calibrate])).run(graph, in: &context) } == [id])
  }
}

private let wrongSamples: [([(String, [Int])], String)] = [
  ([("a", [2, 2])], "calibrate.missing-input"),
  ([("a", [4, 2]), ("b", [2, 3])], "calibrate.count"),
  ([("a", [3, 2]), ("b", [2, 3])], "calibrate.shape"),
  ([("a", [2, 2]), ("b", [2, 2])], "calibrate.shape"),
  ([("a", [2, 2]), ("b", [2, 3]), ("c", [1])], "calibrate.unknown-input"),
]
