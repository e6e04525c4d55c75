import SpadixIR
import SpadixISA
import SpadixPasses
import SpadixReference
import SpadixTensor
import SpadixVerify
import Testing

/// The check finds graphs that are quantized wrongly, each in another way.
@Suite struct QuantizationCheckTests {
  private let text = """
    data @w : f32[1, 1, 2, 2] = [0.5, -0.25, 0.75, 1.0]
    data @b : f32[2] = [0.3, -0.6]
    graph @g(%x: f32[1, 4, 4, 2] {range = [-4.0, 4.0]}) -> f32[1, 4, 4, 2] {
      %w = constant @w
      %b = constant @b
      %c = nn.conv2d %x, %w, %b {range = [-6.0, 6.0]} : f32[1, 4, 4, 2]
      %d = nn.add %c, %x {range = [-8.0, 8.0]} : f32[1, 4, 4, 2]
      %y = nn.clamp %d {high = 2.0, low = -1.0} : f32[1, 4, 4, 2]
      return %y
    }
    """

  /// The operations that are wrong after a change of the quantized graph.
  private func violations(
    of text: String? = nil, target: Target = .gemmini, _ change: (inout Graph) -> Void = { _ in }
  ) throws -> [String] {
    let real = try parse(text ?? self.text)
    var context = PassContext(target: target, data: DataStore())
    var quantized = try PassManager(PassPipeline(parsing: "quantize")).run(real, in: &context)
    change(&quantized)
    var check = try QuantizationCheck(real: real, quantized: quantized, data: context.data)
    let inputs = inputs(of: real, seed: 1)
    try check.check(IntegerEvaluator(graph: quantized, data: context.data).evaluateAll(inputs: inputs))
    try check.checkRandomOperands(seed: 1)
    return check.summary.violations.map { "\($0.mnemonic) for \($0.value)" }
  }

  private func setScale(_ factor: Float, of mnemonic: String, in graph: inout Graph) {
    for operation in graph.operations where operation.op.mnemonic == mnemonic {
      guard let type = graph.values[operation.result].type.element.quantization else { continue }
      graph.values[operation.result].type.element = .q8(
        Quantization(scale: type.scale * factor, zeroPoint: type.zeroPoint))
    }
  }

  private func setLiteral(in graph: inout Graph, _ change: (Tensor.Storage) -> Tensor.Storage?) {
    for index in graph.data.indices {
      if case .literal(let storage) = graph.data[index].source, let changed = change(storage) {
        graph.data[index].source = .literal(changed)
      }
    }
  }

  /// What a model quantizes itself, before and behind operations and moved in between, has one int8 form with what it
  /// is made of on targets that have its type, and is a range on others.
  @Test func typesThatAModelGivesAreRight() throws {
    let text = """
      data @w : f32[1, 1, 2, 2] = [0.5, -0.25, 0.75, 1.0]
      graph @g(%x: f32[1, 4, 4, 2] {range = [-4.0, 4.0]}) -> f32[1, 32] {
        %w = constant @w
        %a = nn.fake_quantize %x {scale = 0.03, zero_point = 10} : f32[1, 4, 4, 2]
        %c = nn.conv2d %a, %w {range = [-6.0, 6.0]} : f32[1, 4, 4, 2]
        %d = nn.reshape %c : f32[1, 32]
        %e = nn.fake_quantize %d {scale = 0.02, zero_point = -20} : f32[1, 32]
        %y = nn.clamp %e {high = 2.0, low = -1.0} : f32[1, 32]
        return %y
      }
      """
    for target in Target.presets { #expect(try violations(of: text, target: target) == []) }
    // The form of another type is no form of what the model says.
    #expect(throws: (any Error).self) {
      try violations(of: text, target: .spadix) { setScale(1.2, of: "nn.quantize", in: &$0) }
    }
  }

  /// A sign and a floor have no point between their flat ends; what their operand is made of may saturate at its range.
  @Test func stepsBehindFunctionsConfineTheirOperands() throws {
    for (function, step) in [("thresholded_relu, alpha = 0.25", "sign"), ("gelu_tanh", "floor")] {
      let text = """
        graph @g(%x: f32[1, 4, 4, 5] {range = [-4.0, 7.75]}) -> f32[1, 4, 4, 5] {
          %f = nn.unary %x {function = \(function), range = [-0.5, 0.75]} : f32[1, 4, 4, 5]
          %y = nn.unary %f {function = \(step), range = [-1.75, 5.5]} : f32[1, 4, 4, 5]
          return %y
        }
        """
      for target in Target.presets { #expect(try violations(of: text, target: target) == []) }
    }
  }

  @Test func whatTheQuantizerWritesIsRight() throws {
    for target in Target.presets { #expect(try violations(target: target) == []) }
  }

  /// As quantization once did: the scale of the smaller bound, at which the other one saturates early.
  @Test func theScaleOfTheSmallerBoundIsWrong() throws {
    let found = try violations { graph in
      guard let clamp = graph.operations.lastIndex(where: { $0.op.mnemonic == "nn.requantize" }),
        let add = graph.operations.firstIndex(where: { $0.op.mnemonic == "nn.add" })
      else { return }
      var requantize = Requantize()
      requantize.activation = .clamp(low: -1, high: 2)
      graph.operations[clamp].op = .requantize(requantize)
      graph.operations[clamp].operands = graph.operations[add].results
      graph.values[graph.operations[clamp].result].type.element = .q8(Quantization(scale: 1 / 128))
      graph = graph.eliminatingDead()
    }
    #expect(found == ["nn.clamp for %y"])
  }

  @Test func scalesThatDoNotReachTheRangeAreWrong() throws {
    #expect(try violations { setScale(0.9, of: "nn.add", in: &$0) }.contains("nn.add for %d"))
    #expect(try violations { setScale(0.5, of: "nn.quantize", in: &$0) }.contains("nn.quantize for %x"))
  }

  @Test func weightsAndBiasesThatAreOffByAStepAreWrong() throws {
    let weights = try violations { graph in
      setLiteral(in: &graph) { storage in
        if case .i8(var values) = storage {
          values[1] -= 1
          return .i8(values)
        }
        return nil
      }
    }
    #expect(weights == ["constant for %w"])
    let biases = try violations { graph in
      setLiteral(in: &graph) { storage in
        if case .i32(var values) = storage {
          values[1] += 1
          return .i32(values)
        }
        return nil
      }
    }
    #expect(biases == ["constant for %b"])
  }

  @Test func anActivationThatIsLostIsWrong() throws {
    let joined = """
      graph @g(%x: f32[1, 8] {range = [-4.0, 4.0]}) -> f32[1, 16] {
        %y = nn.clamp %x {high = 2.0, low = -1.0} : f32[1, 8]
        %z = nn.concat %x, %y {axis = 1} : f32[1, 16]
        return %z
      }
      """
    #expect(try violations(of: joined, target: .spadix) == [])
    let found = try violations(of: joined, target: .spadix) { graph in
      for index in graph.operations.indices {
        if case .requantize = graph.operations[index].op { graph.operations[index].op = .requantize(Requantize()) }
      }
    }
    #expect(found == ["nn.clamp for %y"])
  }

  /// The mean of an image as a matrix product: 150,528 products of the largest integers are more than 32 bits hold.
  @Test func sumsOfManyProductsDoNotWrap() throws {
    let text = """
      data @w : f32[150528, 1] = splat(1.0)
      graph @g(%x: f32[1, 150528] {range = [0.0, 1.0]}) -> f32[1, 1] {
        %w = constant @w
        %y = nn.matmul %x, %w {range = [0.0, 150528.0]} : f32[1, 1]
        return %y
      }
      """
    for target in Target.presets {
      let real = try parse(text)
      var context = PassContext(target: target, data: DataStore())
      let quantized = try PassManager(PassPipeline(parsing: "quantize")).run(real, in: &context)
      var check = try QuantizationCheck(real: real, quantized: quantized, data: context.data)
      let white = Tensor(.f32([1, 150_528]), .f32([Float](repeating: 1, count: 150_528)))
      try check.check(IntegerEvaluator(graph: quantized, data: context.data).evaluateAll(inputs: [white]))
      #expect(check.summary.violations.isEmpty, "\(target.name)")
    }
  }

  @Test func operationsThatStandForNothingAreNamed() {
    #expect(
      diagnostics {
        _ = try violations { graph in
          for index in graph.values.indices { graph.values[index].counterpart = nil }
        }
      } == ["verify.unmatched"])
  }
}
