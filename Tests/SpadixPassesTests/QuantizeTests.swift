import SpadixIR
import SpadixISA
import SpadixTensor
import Testing

@testable import SpadixPasses

private func quantized(
  _ body: String, inputs: String = "%x: f32[1, 2] {range = [-1.0, 3.0]}", result: String, data: String = "",
  options: String = "", target: Target = .spadix
) throws -> (graph: Graph, reports: [String]) {
  let text = """
    \(data)
    graph @test(\(inputs)) -> \(result) {
    \(body)
    }
    """
  let outcome = try run("quantize\(options)", on: parse(text), target: target)
  return (outcome.graph, outcome.reports.map(\.id))
}

/// The quantization of the results of all operations of a mnemonic, in order.
private func types(_ mnemonic: String, in graph: Graph) -> [Quantization?] {
  graph.operations.filter { $0.op.mnemonic == mnemonic }.map { graph.values[$0.result].type.element.quantization }
}

private func mnemonics(_ graph: Graph) -> [String] {
  graph.operations.map(\.op.mnemonic).filter { $0 != "constant" }
}

private func convolution(_ graph: Graph) throws -> (payload: Conv2D, operation: SpadixIR.Operation) {
  for operation in graph.operations {
    if case .conv2d(let payload) = operation.op { return (payload, operation) }
  }
  throw TestFailure.noConvolution
}

private enum TestFailure: Error { case noConvolution }

@Suite struct QuantizationSchemeTests {
  @Test func asymmetricTypesCoverTheRangeAndHaveAnExactZero() {
    let type = QuantizationScheme.quantization(for: ValueRange(low: -1, high: 3), symmetric: false)
    #expect(type.scale == Float(4) / 255)
    #expect(type.zeroPoint == -64)
    #expect(QuantizedArithmetic.dequantize(Int8(type.zeroPoint), scale: type.scale, zeroPoint: type.zeroPoint) == 0)
  }

  @Test func symmetricTypesHaveZeroPointZero() {
    let type = QuantizationScheme.quantization(for: ValueRange(low: -1, high: 3), symmetric: true)
    #expect(type == Quantization(scale: 3 / 127, zeroPoint: 0))
  }

  @Test func rangesThatLeaveZeroOutAreWidened() {
    let type = QuantizationScheme.quantization(for: ValueRange(low: 2, high: 4), symmetric: false)
    #expect(type == Quantization(scale: 4 / 255, zeroPoint: -128))
  }

  @Test func rangesOfZerosHaveAUsableScale() {
    for symmetric in [true, false] {
      let type = QuantizationScheme.quantization(for: ValueRange(low: 0, high: 0), symmetric: symmetric)
      #expect(type.scale == 1)
    }
  }

}

@Suite struct QuantizeTests {
  @Test func theBorderStaysInF32() throws {
    let (graph, _) = try quantized(
      "  %y = nn.relu %x {range = [0.0, 3.0]} : f32[1, 2]\n  return %y", result: "f32[1, 2]")
    #expect(mnemonics(graph) == ["nn.quantize", "nn.requantize", "nn.dequantize"])
    #expect(graph.values[graph.inputs[0]].type == .f32([1, 2]))
    #expect(graph.values[graph.outputs[0]].name == "y")
    #expect(graph.values.allSatisfy { $0.calibration == nil && $0.samples == nil })
  }

  @Test func joinedValuesShareOneType() throws {
    let body = """
        %y = nn.concat %x, %z {axis = 1} : f32[1, 4]
        return %y
      """
    let (graph, _) = try quantized(
      body, inputs: "%x: f32[1, 2] {range = [-1.0, 3.0]}, %z: f32[1, 2] {range = [-2.0, 1.0]}", result: "f32[1, 4]")
    let all = types("nn.quantize", in: graph) + types("nn.concat", in: graph)
    #expect(Set(all).count == 1)
    #expect(all[0]?.scale == Float(5) / 255)
  }

  @Test func addendsShareOneTypeAndTheSumHasItsOwn() throws {
    let body = """
        %y = nn.add %x, %z {range = [-9.0, 9.0]} : f32[1, 2]
        return %y
      """
    let (graph, _) = try quantized(
      body, inputs: "%x: f32[1, 2] {range = [-1.0, 1.0]}, %z: f32[1, 2] {range = [-3.0, 3.0]}", result: "f32[1, 2]",
      target: .gemmini)
    #expect(types("nn.quantize", in: graph) == Array(repeating: Quantization(scale: 3 / 127), count: 2))
    #expect(types("nn.add", in: graph) == [Quantization(scale: 9 / 127)])
  }

  @Test func rangesFollowThroughMovesAndPooling() throws {
    let body = """
        %0 = nn.max_pool2d %x {window = [2, 2], strides = [2, 2]} : f32[1, 2, 2, 3]
        %1 = nn.transpose %0 {permutation = [0, 2, 1, 3]} : f32[1, 2, 2, 3]
        %2 = nn.global_avg_pool2d %1 : f32[1, 1, 1, 3]
        %y = nn.reshape %2 : f32[3]
        return %y
      """
    let (graph, _) = try quantized(
      body, inputs: "%x: f32[1, 4, 4, 3] {range = [-1.0, 1.0]}", result: "f32[3]", target: .gemmini)
    #expect(types("nn.reshape", in: graph) == [Quantization(scale: 1 / 127)])
  }

  @Test func constantsAsAddendsAreQuantizedByTheirElements() throws {
    let body = """
        %c = constant @c
        %y = nn.add %x, %c {range = [-5.0, 5.0]} : f32[1, 2]
        return %y
      """
    let (graph, _) = try quantized(
      body, result: "f32[1, 2]", data: "data @c : f32[1, 2] = [-4.0, 2.0]", target: .gemmini)
    #expect(types("nn.quantize", in: graph) == [Quantization(scale: 4 / 127)])
    #expect(graph.data.contains { $0.source == .literal(.i8([-127, 64])) })
  }

  @Test func productsOfActivationsAreSymmetric() throws {
    let body = """
        %y = nn.matmul %x, %z {range = [0.0, 9.0], transpose_b = true} : f32[2, 2]
        return %y
      """
    let (graph, _) = try quantized(
      body, inputs: "%x: f32[2, 3] {range = [0.0, 1.0]}, %z: f32[2, 3] {range = [-1.0, 2.0]}", result: "f32[2, 2]")
    #expect(types("nn.quantize", in: graph).allSatisfy { $0?.zeroPoint == 0 })
    #expect(types("nn.matmul", in: graph) == [Quantization(scale: 9 / 255, zeroPoint: -128)])
  }

  @Test func softmaxHasTheTypeOfProbabilities() throws {
    let body = "  %y = nn.softmax %x : f32[1, 2]\n  return %y"
    #expect(
      types("nn.softmax", in: try quantized(body, result: "f32[1, 2]").graph)
        == [Quantization(scale: 1 / 255, zeroPoint: -128)])
    #expect(
      types("nn.softmax", in: try quantized(body, result: "f32[1, 2]", target: .gemmini).graph)
        == [Quantization(scale: 1 / 127, zeroPoint: 0)])
  }

  @Test func optionsOverrideTheTarget() throws {
    let body = "  %y = nn.softmax %x : f32[1, 2]\n  return %y"
    let graph = try quantized(body, result: "f32[1, 2]", options: "{scheme=symmetric}").graph
    #expect(types("nn.softmax", in: graph) == [Quantization(scale: 1 / 127, zeroPoint: 0)])
  }

  @Test func int8GraphsPassUntouched() throws {
    let text = """
      graph @test(%x: f32[2]) -> f32[2] {
        %0 = nn.quantize %x : q8<0.5, 3>[2]
        %y = nn.dequantize %0 : f32[2]
        return %y
      }
      """
    let graph = try parse(text)
    let outcome = try run("quantize", on: graph)
    #expect(outcome.graph.text() == graph.text())
    #expect(outcome.reports.map(\.id) == ["quantize.already"])
  }

  @Test func operationsWithoutAnInt8FormStayInF32() throws {
    let body = """
        %0 = nn.relu %x {range = [0.0, 3.0]} : f32[1, 3, 3, 2]
        %1 = nn.avg_pool2d %0 {padding = [1, 1, 1, 1], range = [0.0, 3.0], window = [2, 2]} : f32[1, 4, 4, 2]
        %y = nn.relu %1 {range = [0.0, 3.0]} : f32[1, 4, 4, 2]
        return %y
      """
    let (graph, _) = try quantized(
      body, inputs: "%x: f32[1, 3, 3, 2] {range = [-1.0, 3.0]}", result: "f32[1, 4, 4, 2]")
    #expect(
      mnemonics(graph)
        == [
          "nn.quantize", "nn.requantize", "nn.dequantize", "nn.avg_pool2d", "nn.quantize", "nn.dequantize",
        ])
  }

  @Test func divisionsByZeroWhileFoldingAreReported() {
    let text = """
      data @w : f32[2, 2] = splat(1.0)
      data @zero : f32[2] = splat(0.0)
      graph @test(%x: f32[1, 2] {range = [-1.0, 1.0]}) -> f32[1, 2] {
        %w = constant @w
        %v = constant @zero
        %0 = nn.matmul %x, %w : f32[1, 2]
        %y = nn.batch_norm %0, %v, %v, %v, %v {epsilon = 0.0, range = [-1.0, 1.0]} : f32[1, 2]
        return %y
      }
      """
    #expect(diagnostics { _ = try run("fold-constants,quantize", on: text) } == ["fold.batch-norm"])
  }

  @Test(arguments: badGraphs) func badGraphsAreReported(body: String, data: String, id: String) {
    #expect(
      diagnostics {
        _ = try quantized(body, inputs: "%x: f32[1, 2] {range = [-1.0, 1.0]}", result: "f32[1, 2]", data: data)
      } == [id])
  }
}

private let badGraphs = [
  ("%y = nn.add %x, %x : f32[1, 2]\nreturn %y", "", "quantize.no-range"),
  ("%y = nn.add %x, %x {range = [-1.0, 2e30]} : f32[1, 2]\nreturn %y", "", "quantize.range"),
  (
    "%w = constant @w\n%y = nn.matmul %x, %w {range = [-1.0, 1.0]} : f32[1, 2]\nreturn %y",
    "data @w : f32[2, 2] = [1.0, 2.0, 3.0, 1e30]", "quantize.not-finite"
  ),
  (
    "%w = constant @w\n%b = constant @b\n%y = nn.matmul %x, %w, %b {range = [-1.0, 1.0]} : f32[1, 2]\nreturn %y",
    "data @w : f32[2, 2] = [1.0, 2.0, 3.0, 1.0]\ndata @b : f32[2] = [1.0, -1e30]", "quantize.not-finite"
  ),
]

@Suite struct QuantizeWeightsTests {
  private let inputs = "%x: f32[1, 2, 2, 1] {range = [-1.0, 1.0]}, %r: f32[1, 2, 2, 2] {range = [-2.0, 2.0]}"
  private let data = "data @w : f32[1, 1, 1, 2] = [0.5, -0.25]\ndata @b : f32[2] = [0.1, 0.2]"

  private func quantized(
    _ attributes: String, operands: String = "%x, %w, %b", data: String? = nil, target: Target = .spadix
  ) throws -> (graph: Graph, reports: [String]) {
    let text = """
      \(data ?? self.data)
      graph @test(\(inputs)) -> f32[1, 2, 2, 2] {
        %w = constant @w
        %b = constant @b
        %y = nn.conv2d \(operands) {\(attributes)range = [-4.0, 4.0]} : f32[1, 2, 2, 2]
        return %y
      }
      """
    let outcome = try run("quantize", on: parse(text), target: target)
    return (outcome.graph, outcome.reports.map(\.id))
  }

  private func scales(_ graph: Graph) throws -> [Float] {
    let (_, operation) = try convolution(graph)
    return graph.values[operation.operands[1]].type.element.quantization?.scales ?? []
  }

  @Test func weightsHaveOneScalePerChannelWhereTheTargetCan() throws {
    #expect(try scales(quantized("").graph) == [0.5 / 127, 0.25 / 127])
    #expect(try scales(quantized("", target: .gemmini).graph) == [0.5 / 127])
  }

  @Test func biasesAreInUnitsOfTheAccumulator() throws {
    let graph = try quantized("", target: .gemmini).graph
    // 0.1 and 0.2 in units of 1/127 * 0.5/127.
    #expect(graph.data.contains { $0.source == .literal(.i32([3226, 6452])) })
  }

  @Test func residualsAreIntegerMultiplesOfTheAccumulator() throws {
    for target in [Target.gemmini, .spadix] {
      let graph = try quantized("residual = true, ", operands: "%x, %w, %b, %r", target: target).graph
      let (payload, operation) = try convolution(graph)
      let scales = try scales(graph)
      let input = try #require(graph.values[operation.operands[0]].type.element.quantization).scale
      let addend = try #require(graph.values[operation.operands[3]].type.element.quantization).scale
      for (channel, multiplier) in payload.residualMultipliers.enumerated() {
        let reached = Float(multiplier) * input * scales[min(channel, scales.count - 1)]
        #expect(abs(reached / addend - 1) < 1e-5)
        #expect((1...127).contains(multiplier))
        // The weights' scale grows by less than one step of the multiplier.
        let natural: Float = (channel == 0 ? 0.5 : 0.25) / 127
        let growth = scales[min(channel, scales.count - 1)] / natural
        #expect(growth >= 0.99999 && (multiplier == 127 || growth <= Float(multiplier + 1) / Float(multiplier)))
      }
    }
  }

  @Test func tinyWeightsAreCoarsenedToTheLargestMultiplier() throws {
    let graph = try quantized(
      "residual = true, ", operands: "%x, %w, %b, %r",
      data: "data @w : f32[1, 1, 1, 2] = [0.001, 0.0]\ndata @b : f32[2] = [0.0, 0.0]"
    ).graph
    #expect(try convolution(graph).payload.residualMultipliers == [127])
  }

  @Test func residualsOfHugeWeightsAreTakenOutAgain() throws {
    let text = """
      data @w : f32[1, 1, 1, 2] = [500.0, -300.0]
      graph @test(\(inputs)) -> f32[1, 1, 1, 2] {
        %w = constant @w
        %y = nn.conv2d %x, %w, %r {activation = relu, pool_window = [2, 2], range = [0.0, 500.0], residual = true} : \
      f32[1, 1, 1, 2]
        return %y
      }
      """
    for target in [Target.gemmini, .spadix] {
      let graph = try run("quantize", on: text, target: target)
      #expect(
        mnemonics(graph)
          == ["nn.quantize", "nn.conv2d", "nn.quantize", "nn.requantize", "nn.add", "nn.max_pool2d", "nn.dequantize"])
    }
  }

  @Test func largeBiasesCoarsenTheWeights() throws {
    let (graph, reports) = try quantized(
      "", data: "data @w : f32[1, 1, 1, 2] = [1e-6, 0.25]\ndata @b : f32[2] = [1000.0, 0.2]")
    let biases = graph.data.compactMap { definition -> [Int32]? in
      if case .literal(.i32(let values)) = definition.source { values } else { nil }
    }
    #expect(biases.count == 1 && abs(Double(biases[0][0]) / 0x1p30 - 1) < 1e-5)
    #expect(reports == ["quantize.bias-scale"])
  }

  @Test func channelsOfZerosAreExact() throws {
    let graph = try quantized("", data: "data @w : f32[1, 1, 1, 2] = splat(0.0)\ndata @b : f32[2] = [0.5, 0.0]").graph
    #expect(try scales(graph).allSatisfy { $0 > 0 && $0.isFinite })
  }
}

@Suite struct GridMaximaTests {
  /// Weights that are multiples of a step already, of whatever sign the largest are, keep their values as int8.
  @Test(arguments: [16, 32, 42, 64, 100, 127, 128], [-1, 1] as [Float])
  func weightsOnAGridStayWhatTheyAre(steps: Int, sign: Float) throws {
    if steps == 128, sign > 0 { return }
    let step: Float = 0.0047813165
    let multiples = [steps, steps / 2, 0, 3, 5, 7, 1, steps / 4].map { sign * Float($0) }
    let weights = multiples.map { $0 * step }
    let maxima = try WeightQuantization.maxima(of: weights, channels: 1)
    let scale = WeightQuantization.gridMaxima(of: weights, maxima: maxima)[0] / 127
    for weight in weights {
      let integer = QuantizedArithmetic.quantize(weight, scale: scale, zeroPoint: 0)
      #expect((Float(integer) * scale - weight).magnitude < 1e-3 * step)
    }
  }
}

@Suite struct QuantizeClampTests {
  private func quantized(
    _ activation: String, range: String, target: Target
  ) throws -> (graph: Graph, reports: [String]) {
    let text = """
      data @w : f32[2, 2] = [1.0, 0.5, 0.25, 1.0]
      graph @test(%x: f32[1, 2] {range = [-1.0, 1.0]}, %z: f32[1, 2] {range = [-9.0, 9.0]}) -> f32[1, 4] {
        %w = constant @w
        %0 = nn.matmul %x, %w {activation = clamp, \(activation), range = \(range)} : f32[1, 2]
        %y = nn.concat %0, %z {axis = 1} : f32[1, 4]
        return %y
      }
      """
    let outcome = try run("quantize", on: parse(text), target: target)
    return (outcome.graph, outcome.reports.map(\.id))
  }

  @Test func saturationClampsAndARescalingFollows() throws {
    let (graph, reports) = try quantized("low = 0.0, high = 6.0", range: "[0.0, 6.0]", target: .gemmini)
    #expect(types("nn.matmul", in: graph) == [Quantization(scale: 6 / 127)])
    #expect(types("nn.requantize", in: graph) == [Quantization(scale: 9 / 127)])
    #expect(reports.isEmpty)
    let lowered = try run("lower", on: graph, target: .gemmini).graph
    #expect(mnemonics(lowered).filter { $0.hasPrefix("npu") } == ["npu.matmul", "npu.requantize", "npu.concat"])
  }

  @Test func targetsWithAClampNeedNoRescaling() throws {
    let (graph, _) = try quantized("low = 0.0, high = 6.0", range: "[0.0, 6.0]", target: .spadix)
    #expect(types("nn.requantize", in: graph).isEmpty)
  }

  /// Bounds that no symmetric type saturates at, and the npu operators that confine to them.
  @Test(arguments: [
    ("low = -1.0, high = 2.0", "[-1.0, 2.0]"), ("low = -2.0, high = 1.0", "[-2.0, 1.0]"),
    ("low = 1.0, high = 6.0", "[1.0, 6.0]"), ("low = -6.0, high = 0.0", "[-6.0, 0.0]"),
    ("low = -0.5", "[-0.5, 4.0]"), ("high = 0.5", "[-4.0, 0.5]"),
  ]) func otherBoundsTakeTwoRescalings(bounds: String, range: String) throws {
    let (graph, reports) = try quantized(bounds, range: range, target: .gemmini)
    #expect(reports.isEmpty)
    let lowered = try run("lower", on: graph, target: .gemmini).graph
    #expect(
      mnemonics(lowered).filter { $0.hasPrefix("npu") }
        == ["npu.matmul", "npu.requantize", "npu.requantize", "npu.concat"])
  }

  @Test func upperBoundsBelowZeroAreNamedAndConfinedOnTheHost() throws {
    let (graph, reports) = try quantized("low = -6.0, high = -1.0", range: "[-6.0, -1.0]", target: .gemmini)
    #expect(reports == ["quantize.clamp"])
    let lowered = try run("lower", on: graph, target: .gemmini).graph
    #expect(mnemonics(lowered).contains("npu.matmul"))
    let clamp = try #require(lowered.operations.first { $0.op.mnemonic == "nn.requantize" })
    #expect(clamp.hostReason?.hasPrefix("clamp: ") == true)
  }

  @Test func symmetricBoundsCostHalfAStepOfTheRange() throws {
    let text = """
      graph @test(%x: f32[1, 2] {range = [-4.0, 4.0]}) -> f32[1, 2] {
        %y = nn.clamp %x {high = 1.0, low = -1.0} : f32[1, 2]
        return %y
      }
      """
    let graph = try run("quantize", on: text, target: .gemmini)
    let type = try #require(types("nn.requantize", in: graph).first ?? nil)
    #expect(types("nn.requantize", in: graph).count == 1 && abs(type.scale * 127.5 - 1) < 1e-5)
    #expect(Activation.clamp(low: -1, high: 1).clampBounds(type) == (-128, 127))
  }
}

@Suite struct QuantizedFunctionTests {
  @Test func indicesThatAreOnlyMovedStayInF32() throws {
    let (graph, _) = try quantized(
      """
        %t = constant @table
        %i = nn.reshape %x : f32[2]
        %y = nn.gather %t, %i {axis = 0} : f32[2, 3]
        return %y
      """, result: "f32[2, 3]", data: "data @table : f32[4, 3] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]")
    #expect(mnemonics(graph) == ["nn.reshape", "nn.gather"])
  }

  @Test func aModelsOwnTypesAreTakenOver() throws {
    let body = """
        %y = nn.fake_quantize %x {bounds = [0, 255], scale = 0.5, zero_point = 100} : f32[1, 2]
        %r = nn.relu %y : f32[1, 2]
        %z = nn.fake_quantize %r {bounds = [0, 255], scale = 0.25, zero_point = 0} : f32[1, 2]
        return %z
      """
    let (graph, _) = try quantized(body, result: "f32[1, 2]")
    #expect(types("nn.quantize", in: graph) == [Quantization(scale: 0.5, zeroPoint: -28)])
    #expect(mnemonics(graph) == ["nn.quantize", "nn.requantize", "nn.dequantize"])
  }

  /// What is neither a product nor between two types of the model's is in floating point there, and here.
  @Test func whatAModelLeavesInFloatingPointStays() throws {
    let body = """
        %a = nn.relu %x : f32[1, 2]
        %y = nn.fake_quantize %a {bounds = [0, 255], scale = 0.5, zero_point = 0} : f32[1, 2]
        %s = nn.unary %y {function = square} : f32[1, 2]
        %z = nn.unary %s {function = sqrt} : f32[1, 2]
        return %z
      """
    let (graph, _) = try quantized(body, result: "f32[1, 2]")
    #expect(mnemonics(graph) == ["nn.relu", "nn.fake_quantize", "nn.unary", "nn.unary"])
  }
}
