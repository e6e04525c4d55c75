import SpadixIR
import SpadixISA
import SpadixPasses
import SpadixTensor
import Testing

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
    #expect(result.values[1].calibration == ValueRange(low: 10, high: 16))
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
