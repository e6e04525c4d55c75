import SpadixIR
import SpadixISA
import Testing

private let convolutionHeader = """
  data @w : f32[3, 3, 2, 2] = random(seed = 1)
  data @v : f32[2] = [1.0, 2.0]
  data @m : f32[4, 3] = random(seed = 2)
  data @f : f32[3] = [1.0, 2.0, 3.0]
  data @u : f32[3] = splat(-1.0)
  """

private func fused(
  _ passes: String, _ body: String, inputs: String = "%x: f32[1, 4, 4, 2]", result: String, target: Target = .spadix
) throws -> [String] {
  let text = """
    \(convolutionHeader)
    graph @test(\(inputs)) -> \(result) {
      %w = constant @w
      %v = constant @v
      %m = constant @m
      %f = constant @f
      %u = constant @u
      \(body)
    }
    """
  return statements(try run(passes, on: text, target: target))
}

private let convolution = "%0 = nn.conv2d %x, %w {padding = [1, 1, 1, 1]} : f32[1, 4, 4, 2]\n"

@Suite struct FoldConstantsTests {
  @Test func batchNormGoesIntoTheConvolution() throws {
    let found = try fused(
      "fold-constants", convolution + "%y = nn.batch_norm %0, %v, %v, %v, %v : f32[1, 4, 4, 2]\nreturn %y",
      result: "f32[1, 4, 4, 2]")
    #expect(found.count == 2)
    #expect(found[0].hasPrefix("%y = nn.conv2d %x,") && found[0].contains("bias"))
  }

  @Test func chainsOfFactorsGoIntoTheProduct() throws {
    let body = """
      %0 = nn.matmul %x, %m : f32[2, 3]
      %1 = nn.batch_norm %0, %f, %f, %f, %f : f32[2, 3]
      %y = nn.mul %1, %f {activation = relu} : f32[2, 3]
      return %y
      """
    let found = try fused("fold-constants", body, inputs: "%x: f32[2, 4]", result: "f32[2, 3]")
    #expect(found.count == 2)
    #expect(found[0].hasPrefix("%y = nn.matmul") && found[0].contains("activation = relu"))
  }

  @Test func thousandsOfFactorsFoldAtOnce() throws {
    var body = "%0 = nn.matmul %x, %m : f32[2, 3]\n"
    for index in 0..<3000 { body += "%a\(index + 1) = nn.mul %\(index == 0 ? "0" : "a\(index)"), %u : f32[2, 3]\n" }
    let found = try fused(
      "fold-constants", body + "return %a3000", inputs: "%x: f32[2, 4]", result: "f32[2, 3]")
    #expect(found.count == 2)
  }

  @Test func sharedConvolutionsKeepTheirWeights() throws {
    let found = try fused(
      "fold-constants",
      convolution + "%y = nn.batch_norm %0, %v, %v, %v, %v : f32[1, 4, 4, 2]\nreturn %y, %0",
      result: "(f32[1, 4, 4, 2], f32[1, 4, 4, 2])")
    #expect(found.count == 3)
  }

  @Test func transposedWeightsAreTransposedOnce() throws {
    let body = """
      %0 = nn.matmul %x, %m {transpose_b = true} : f32[2, 4]
      return %0
      """
    let found = try fused("fold-constants", body, inputs: "%x: f32[2, 3]", result: "f32[2, 4]")
    #expect(!found[0].contains("transpose_b"))
  }

  @Test func constantArithmeticIsComputed() throws {
    let body = """
      %0 = nn.mul %f, %f : f32[3]
      %1 = nn.add %0, %f : f32[3]
      %2 = nn.reshape %1 : f32[1, 3]
      %y = nn.add %x, %2 : f32[1, 3]
      return %y
      """
    let found = try fused("fold-constants", body, inputs: "%x: f32[1, 3]", result: "f32[1, 3]")
    #expect(found.count == 2)
    let text = "\(convolutionHeader)\ngraph @t(%x: f32[1, 3]) -> f32[1, 3] {\n%f = constant @f\n\(body)\n}"
    let graph = try run("fold-constants", on: text)
    #expect(graph.data.contains { $0.source == .literal(.f32([2, 6, 12])) })
  }
}

@Suite struct FuseActivationTests {
  @Test func reluGoesIntoTheConvolution() throws {
    let found = try fused(
      "fuse-activation", convolution + "%y = nn.relu %0 : f32[1, 4, 4, 2]\nreturn %y", result: "f32[1, 4, 4, 2]")
    #expect(
      found == ["%y = nn.conv2d %x, %w {activation = relu, padding = [1, 1, 1, 1]} : f32[1, 4, 4, 2]", "return %y"])
  }

  @Test func chainsGoInWhole() throws {
    let body = "%1 = nn.relu %0 : f32[1, 4, 4, 2]\n%y = nn.clamp %1 {high = 6.0} : f32[1, 4, 4, 2]\nreturn %y"
    let found = try fused("fuse-activation", convolution + body, result: "f32[1, 4, 4, 2]")
    #expect(found.count == 2 && found[0].contains("activation = clamp, high = 6.0, low = 0.0"))
  }

  @Test func resultsWithOtherReadersStay() throws {
    let found = try fused(
      "fuse-activation", convolution + "%y = nn.relu %0 : f32[1, 4, 4, 2]\nreturn %y, %0",
      result: "(f32[1, 4, 4, 2], f32[1, 4, 4, 2])")
    #expect(found.count == 3)
  }

  @Test func theRangeOfTheActivationStays() throws {
    let text = """
      graph @t(%x: f32[4], %z: f32[4]) -> f32[4] {
        %0 = nn.add %x, %z {range = [-2.0, 2.0]} : f32[4]
        %y = nn.relu %0 {range = [0.0, 1.5]} : f32[4]
        return %y
      }
      """
    let graph = try run("fuse-activation", on: text)
    #expect(graph.values[graph.outputs[0]].calibration == ValueRange(low: 0, high: 1.5))
    #expect(graph.operations[0].sourceLine == 2)
  }
}

@Suite struct FuseResidualAddTests {
  private let inputs = "%x: f32[1, 4, 4, 2], %r: f32[1, 4, 4, 2]"

  @Test func sumsGoIntoTheConvolution() throws {
    for operands in ["%0, %r", "%r, %0"] {
      let found = try fused(
        "fuse-residual-add",
        convolution + "%y = nn.add \(operands) {activation = relu} : f32[1, 4, 4, 2]\nreturn %y", inputs: inputs,
        result: "f32[1, 4, 4, 2]")
      #expect(
        found.first
          == "%y = nn.conv2d %x, %w, %r {activation = relu, padding = [1, 1, 1, 1], residual = true} : "
          + "f32[1, 4, 4, 2]")
    }
  }

  @Test func theLaterOfTwoConvolutionsTakesTheEarlier() throws {
    let body = """
      %0 = nn.conv2d %x, %w {padding = [1, 1, 1, 1]} : f32[1, 4, 4, 2]
      %1 = nn.conv2d %r, %w {padding = [1, 1, 1, 1]} : f32[1, 4, 4, 2]
      %y = nn.add %1, %0 : f32[1, 4, 4, 2]
      return %y
      """
    let found = try fused("fuse-residual-add", body, inputs: inputs, result: "f32[1, 4, 4, 2]")
    #expect(found[1].hasPrefix("%y = nn.conv2d %r, %w, %0 "))
  }

  @Test func theConvolutionMovesBehindItsAddend() throws {
    let body = """
      %0 = nn.conv2d %x, %w {padding = [1, 1, 1, 1]} : f32[1, 4, 4, 2]
      %pooled = nn.max_pool2d %r {window = [3, 3], padding = [1, 1, 1, 1]} : f32[1, 4, 4, 2]
      %y = nn.add %0, %pooled : f32[1, 4, 4, 2]
      return %y
      """
    let found = try fused("fuse-residual-add", body, inputs: inputs, result: "f32[1, 4, 4, 2]")
    #expect(found[0].contains("nn.max_pool2d") && found[1].contains("%x, %w, %pooled"))
  }

  @Test func activatedConvolutionsStay() throws {
    let body = """
      %0 = nn.conv2d %x, %w {activation = relu, padding = [1, 1, 1, 1]} : f32[1, 4, 4, 2]
      %y = nn.add %0, %r : f32[1, 4, 4, 2]
      return %y
      """
    #expect(try fused("fuse-residual-add", body, inputs: inputs, result: "f32[1, 4, 4, 2]").count == 3)
  }

  @Test func aConvolutionAddedToItselfStays() throws {
    let body = convolution + "%y = nn.add %0, %0 : f32[1, 4, 4, 2]\nreturn %y"
    #expect(try fused("fuse-residual-add", body, result: "f32[1, 4, 4, 2]").count == 3)
  }
}

@Suite struct FusePoolingTests {
  private func pooled(
    _ attributes: String, _ result: String, activation: String = "", target: Target
  ) throws -> Bool {
    let body = """
      %0 = nn.conv2d %x, %w {\(activation)padding = [1, 1, 1, 1]} : f32[1, 4, 4, 2]
      %y = nn.max_pool2d %0 {\(attributes)} : \(result)
      return %y
      """
    return try fused("fuse-pooling", body, result: result, target: target).count == 2
  }

  @Test func smallWindowsGoIntoTheStore() throws {
    #expect(try pooled("window = [2, 2], strides = [2, 2]", "f32[1, 2, 2, 2]", target: .gemmini))
    #expect(try pooled("window = [3, 3]", "f32[1, 2, 2, 2]", target: .gemmini))
  }

  @Test func windowsThatTheStoreHasNotStay() throws {
    #expect(try !pooled("window = [4, 4]", "f32[1, 1, 1, 2]", target: .spadix))
    #expect(try !pooled("window = [2, 1]", "f32[1, 3, 4, 2]", target: .spadix))
    #expect(try !pooled("window = [2, 2], strides = [2, 1]", "f32[1, 2, 3, 2]", target: .spadix))
  }

  @Test func paddingNeedsReluWithoutAnOutputStage() throws {
    let padded = "window = [3, 3], padding = [1, 1, 1, 1]"
    #expect(try !pooled(padded, "f32[1, 4, 4, 2]", target: .gemmini))
    #expect(try pooled(padded, "f32[1, 4, 4, 2]", activation: "activation = relu, ", target: .gemmini))
    #expect(try pooled(padded, "f32[1, 4, 4, 2]", target: .spadix))
  }

  @Test func windowsLargerThanTheAccumulatorStay() throws {
    var small = Target.spadix
    small.accumulatorRows = 8
    #expect(try !pooled("window = [3, 3]", "f32[1, 2, 2, 2]", target: small))
    #expect(try pooled("window = [2, 2], strides = [2, 2]", "f32[1, 2, 2, 2]", target: small))
  }
}
