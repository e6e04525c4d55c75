import SpadixIR
import SpadixISA
import SpadixPasses
import SpadixSupport
import SpadixTensor
import Testing

/// Ranges that are left out because they follow from others.
@Suite struct RangeTests {
  /// What a graph says about ranges is enough after simplifying and fusing whenever it is enough before.
  @Test(arguments: 1...200) func simplifyingLosesNoRange(seed: Int) throws {
    var graph = RandomFloatGraph(seed: UInt64(seed)).graph
    var generator = SplitMix64(seed: UInt64(seed))
    let all = try run("calibrate{source=random}", on: withInputRanges(graph)).graph
    // Leaves out as many as possible in a random order, as long as `quantize` finds the rest.
    graph = all
    // A normalization stays in f32 on its own, and with it what is only moved there; it becomes a convolution in int8. That
    // needs what is said of both ends.
    let normalized = graph.operations.filter { $0.op.mnemonic == "nn.batch_norm" }
    var needed = Set(normalized.flatMap { [$0.operands[0].index, $0.result.index] })
    let moves = ["nn.reshape", "nn.transpose", "nn.slice", "nn.concat", "nn.pad", "nn.max_pool2d"]
    for operation in graph.operations.reversed()
    where moves.contains(operation.op.mnemonic) && needed.contains(operation.result.index) {
      needed.formUnion(operation.operands.map(\.index))
    }
    for index in graph.values.indices.shuffled(using: &generator) where !needed.contains(index) {
      var fewer = graph
      fewer.values[index].calibration = nil
      if (try? run("quantize", on: fewer)) != nil { graph = fewer }
    }
    for target in [Target.spadix, .gemmini] {
      _ = try run("optimize,quantize", on: graph, target: target)
      _ = try run("fuse-activation,fuse-pooling,canonicalize,quantize", on: graph, target: target)
    }
  }

  private func withInputRanges(_ graph: Graph) -> Graph {
    var graph = graph
    for input in graph.inputs { graph.values[input].calibration = ValueRange(low: -1, high: 1) }
    return graph
  }

  @Test(arguments: [
    ("%c = nn.matmul %x, %w {range = [-3.0, 3.0]} : f32[2, 2]\n%y = nn.relu %c : f32[2, 2]", "[0.0, 3.0]"),
    (
      "%c = nn.matmul %x, %w {range = [-3.0, 3.0]} : f32[2, 2]\n%r = nn.relu %c : f32[2, 2]\n"
        + "%y = nn.clamp %r {high = 2.0} : f32[2, 2]", "[0.0, 2.0]"
    ),
    (
      "%c = nn.matmul %x, %w : f32[2, 2]\n%r = nn.relu %c {range = [0.0, 5.0]} : f32[2, 2]\n"
        + "%y = nn.clamp %r {low = 1.0} : f32[2, 2]", "[1.0, 5.0]"
    ),
  ]) func fusedActivationsKeepTheRange(body: String, range: String) throws {
    let text = """
      data @w : f32[2, 2] = [1.0, 2.0, 3.0, 4.0]
      graph @g(%x: f32[2, 2] {range = [-1.0, 1.0]}) -> f32[2, 2] {
        %w = constant @w
      \(body)
        return %y
      }
      """
    let graph = try run("canonicalize,fuse-activation", on: text)
    #expect(statements(graph).contains { $0.contains("range = \(range)") && $0.contains("nn.matmul") })
  }

  @Test func aTransposeThatAProductReadsThroughLeavesItsRange() throws {
    let text = """
      data @w : f32[2, 3] = splat(0.5)
      graph @g(%x: f32[2, 2] {range = [-1.0, 1.0]}, %z: f32[4, 3] {range = [-2.0, 2.0]}) -> f32[2, 4] {
        %w = constant @w
        %c = nn.matmul %x, %w : f32[2, 3]
        %t = nn.transpose %c {permutation = [1, 0], range = [-4.0, 4.0]} : f32[3, 2]
        %y = nn.matmul %z, %t {range = [-9.0, 9.0]} : f32[4, 2]
        return %y
      }
      """.replacing("-> f32[2, 4]", with: "-> f32[4, 2]")
    _ = try run("optimize,quantize", on: text)
  }
}

@Suite struct RandomCalibrationTests {
  private let graph = """
    data @s : f32[4, 2] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    graph @g(%x: f32[1, 2] {XX}, %z: f32[1, 2] {ZZ}) -> f32[1, 2] {
      %y = nn.add %x, %z : f32[1, 2]
      return %y
    }
    """

  private func text(_ x: String, _ z: String) -> String {
    graph.replacing("{XX}", with: x.isEmpty ? "" : "{\(x)}").replacing("{ZZ}", with: z.isEmpty ? "" : "{\(z)}")
  }

  private func range(_ text: String, options: String = "") throws -> ValueRange? {
    let graph = try run("calibrate\(options)", on: text)
    return graph.values[graph.outputs[0]].calibration
  }

  @Test func inputsWithARangeJoinThoseWithSamples() throws {
    let range = try #require(try range(text("calibration = @s", "range = [0.0, 0.5]")))
    #expect(range.low >= 1 && range.high >= 7 && range.high <= 8.5 && range.low < 3.5)
  }

  @Test func randomSamplesAreAskedForAndSeeded() throws {
    let text = text("range = [-1.0, 1.0]", "range = [0.0, 0.5]")
    #expect(try range(text) == nil)
    let first = try #require(try range(text, options: "{source=random}"))
    #expect(first.low >= -1 && first.high <= 1.5 && first.high > 0.5)
    #expect(try range(text, options: "{source=random}") == first)
    #expect(try range(text, options: "{source=random seed=2}") != first)
  }

  @Test func inputsWithNeitherAreNamed() {
    #expect(
      diagnostics { _ = try range(text("range = [-1.0, 1.0]", ""), options: "{source=random}") }
        == ["calibrate.missing-input"])
    #expect(diagnostics { _ = try range(text("calibration = @s", "")) } == ["calibrate.missing-input"])
  }
}
