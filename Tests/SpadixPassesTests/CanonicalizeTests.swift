import SpadixIR
import Testing

/// A graph over %x with data @ones, @w, @b and the statements given; %y is returned.
private func canonicalized(_ body: String, x: String = "f32[1, 4, 4, 2]", result: String) throws -> [String] {
  let text = """
    data @ones : f32[2] = splat(1.0)
    data @w : f32[3, 3, 2, 2] = random(seed = 1)
    data @v : f32[2] = [1.0, 2.0]

    graph @test(%x: \(x)) -> \(result) {
      %ones = constant @ones
      %w = constant @w
      %v = constant @v
      \(body)
      return %y
    }
    """
  return statements(try run("canonicalize,eliminate-dead", on: text))
}

@Suite struct CanonicalizeTests {
  @Test func reshapesCollapse() throws {
    let body = """
      %0 = nn.reshape %x : f32[32]
      %1 = nn.reshape %0 : f32[4, 8]
      %y = nn.reshape %1 : f32[2, 16]
      """
    #expect(try canonicalized(body, result: "f32[2, 16]") == ["%y = nn.reshape %x : f32[2, 16]", "return %y"])
  }

  @Test func reshapeToTheSameShapeDisappears() throws {
    #expect(
      try canonicalized("%y = nn.reshape %x : f32[1, 4, 4, 2]", result: "f32[1, 4, 4, 2]") == ["return %x"])
  }

  @Test func transposesCompose() throws {
    let body = """
      %0 = nn.transpose %x {permutation = [0, 3, 1, 2]} : f32[1, 2, 4, 4]
      %y = nn.transpose %0 {permutation = [0, 2, 3, 1]} : f32[1, 4, 4, 2]
      """
    #expect(try canonicalized(body, result: "f32[1, 4, 4, 2]") == ["return %x"])
  }

  @Test func transposesOfUnitAxesAreReshapes() throws {
    let body = "%y = nn.transpose %x {permutation = [0, 3, 1, 2]} : f32[1, 8, 1, 1]"
    #expect(
      try canonicalized(body, x: "f32[1, 1, 1, 8]", result: "f32[1, 8, 1, 1]")
        == ["%y = nn.reshape %x : f32[1, 8, 1, 1]", "return %y"])
  }

  @Test func transposesGoIntoProducts() throws {
    let second = """
      %0 = nn.transpose %x {permutation = [0, 2, 1]} : f32[2, 4, 3]
      %y = nn.matmul %x, %0 : f32[2, 3, 3]
      """
    #expect(
      try canonicalized(second, x: "f32[2, 3, 4]", result: "f32[2, 3, 3]")
        == ["%y = nn.matmul %x, %x {transpose_b = true} : f32[2, 3, 3]", "return %y"])
    let first = """
      %0 = nn.transpose %x {permutation = [0, 2, 1]} : f32[2, 4, 3]
      %y = nn.matmul %0, %0 {transpose_a = true} : f32[2, 3, 3]
      """
    #expect(
      try canonicalized(first, x: "f32[2, 3, 4]", result: "f32[2, 3, 3]")
        == ["%y = nn.matmul %x, %x {transpose_b = true} : f32[2, 3, 3]", "return %y"])
  }

  @Test func productsWithOnesDisappear() throws {
    #expect(
      try canonicalized("%y = nn.mul %x, %ones : f32[1, 4, 4, 2]", result: "f32[1, 4, 4, 2]") == ["return %x"])
  }

  @Test func productsWithOthersStay() throws {
    #expect(
      try canonicalized("%y = nn.mul %x, %v : f32[1, 4, 4, 2]", result: "f32[1, 4, 4, 2]").first
        == "%y = nn.mul %x, %v : f32[1, 4, 4, 2]")
  }

  @Test(arguments: activationChains) func activationsCompose(chain: [String], expected: String) throws {
    var body = ""
    var last = "%x"
    for (index, step) in chain.enumerated() {
      let result = index == chain.count - 1 ? "%y" : "%\(index)"
      let parts = step.split(separator: " ", maxSplits: 1)
      body += "\(result) = \(parts[0]) \(last) \(parts.count > 1 ? parts[1] : "") : f32[1, 4, 4, 2]\n"
      last = result
    }
    let found = try canonicalized(body, result: "f32[1, 4, 4, 2]")
    #expect(found.first == (expected.isEmpty ? "return %x" : "%y = \(expected) : f32[1, 4, 4, 2]"))
  }

  @Test func bordersOfZerosBecomePadding() throws {
    let body = """
      %0 = nn.pad %x {low = [0, 1, 2, 0], high = [0, 0, 1, 0]} : f32[1, 5, 7, 2]
      %y = nn.conv2d %0, %w {padding = [0, 1, 1, 0]} : f32[1, 4, 6, 2]
      """
    #expect(
      try canonicalized(body, result: "f32[1, 4, 6, 2]").first
        == "%y = nn.conv2d %x, %w {padding = [1, 3, 1, 1]} : f32[1, 4, 6, 2]")
  }

  @Test func otherBordersStay() throws {
    for border in ["value = 1.0, low = [0, 1, 1, 0], high = [0, 0, 0, 0]", "low = [0, 0, 1, 1], high = [0, 1, 0, 0]"] {
      let channels = border.contains("[0, 0, 1, 1]") ? 3 : 2
      let body = """
        %0 = nn.pad %x {\(border)} : f32[1, 5, 5, \(channels)]
        %y = nn.relu %0 : f32[1, 5, 5, \(channels)]
        """
      #expect(try canonicalized(body, result: "f32[1, 5, 5, \(channels)]").count == 3)
    }
  }

  @Test func bordersCountInAverages() throws {
    let body = """
      %0 = nn.pad %x {low = [0, 1, 1, 0], high = [0, 1, 1, 0]} : f32[1, 6, 6, 2]
      %y = nn.avg_pool2d %0 {window = [2, 2], strides = [2, 2]} : f32[1, 3, 3, 2]
      """
    #expect(
      try canonicalized(body, result: "f32[1, 3, 3, 2]").first
        == "%y = nn.avg_pool2d %x {count_include_pad = true, padding = [1, 1, 1, 1], strides = [2, 2], window = [2, 2]} : "
        + "f32[1, 3, 3, 2]")
  }

  @Test func globalAveragesAreAverages() throws {
    #expect(
      try canonicalized("%y = nn.global_avg_pool2d %x : f32[1, 1, 1, 2]", result: "f32[1, 1, 1, 2]").first
        == "%y = nn.avg_pool2d %x {window = [4, 4]} : f32[1, 1, 1, 2]")
  }

  @Test func reluMovesBeforePooling() throws {
    let body = """
      %0 = nn.conv2d %x, %w {padding = [1, 1, 1, 1]} : f32[1, 4, 4, 2]
      %1 = nn.max_pool2d %0 {window = [2, 2], strides = [2, 2]} : f32[1, 2, 2, 2]
      %y = nn.relu %1 : f32[1, 2, 2, 2]
      """
    let found = try canonicalized(body, result: "f32[1, 2, 2, 2]")
    let mnemonics = found.dropLast().map { $0.split(separator: " ")[2] }
    #expect(mnemonics == ["nn.conv2d", "nn.relu", "nn.max_pool2d"])
  }

  @Test func lonelyBatchNormsBecomeDepthwiseConvolutions() throws {
    let body = "%y = nn.batch_norm %x, %v, %v, %v, %v : f32[1, 4, 4, 2]"
    let found = try canonicalized(body, result: "f32[1, 4, 4, 2]")
    #expect(found.count == 2 && found[0].hasPrefix("%y = nn.conv2d %x,") && found[0].contains("groups = 2"))
  }

  @Test func lonelyBatchNormsOfMatricesGoThroughImages() throws {
    let body = "%y = nn.batch_norm %x, %v, %v, %v, %v : f32[5, 2]"
    let found = try canonicalized(body, x: "f32[5, 2]", result: "f32[5, 2]")
    #expect(found.count == 4 && found[1].contains("nn.conv2d") && found[2].contains("nn.reshape"))
  }

  @Test func batchNormsAfterConvolutionsAreLeftForFolding() throws {
    let body = """
      %0 = nn.conv2d %x, %w {padding = [1, 1, 1, 1]} : f32[1, 4, 4, 2]
      %y = nn.batch_norm %0, %v, %v, %v, %v : f32[1, 4, 4, 2]
      """
    #expect(try canonicalized(body, result: "f32[1, 4, 4, 2]")[1].contains("nn.batch_norm"))
  }

  @Test func quantizeOfDequantizeIsTheOriginal() throws {
    let text = """
      graph @test(%x: q8<0.5, 3>[4]) -> q8<0.5, 3>[4] {
        %0 = nn.dequantize %x : f32[4]
        %y = nn.quantize %0 : q8<0.5, 3>[4]
        return %y
      }
      """
    #expect(statements(try run("canonicalize", on: text)) == ["return %x"])
  }

  @Test func longChainsEnd() throws {
    var body = ""
    for index in 0..<2000 {
      let shape = index % 2 == 0 ? "[8, 4]" : "[4, 8]"
      body += "  %\(index + 1) = nn.reshape %\(index == 0 ? "x" : String(index)) : f32\(shape)\n"
    }
    let text = "graph @test(%x: f32[4, 8]) -> f32[4, 8] {\n\(body)  return %2000\n}\n"
    #expect(statements(try run("canonicalize", on: text)) == ["return %x"])
  }
}

private let activationChains: [([String], String)] = [
  (["nn.relu", "nn.relu"], "nn.relu %x"),
  (["nn.clamp {low = 0.0}"], "nn.relu %x"),
  (["nn.clamp"], ""),
  (["nn.relu", "nn.clamp {high = 6.0}"], "nn.clamp %x {high = 6.0, low = 0.0}"),
  (["nn.clamp {low = -1.0, high = 1.0}", "nn.relu"], "nn.clamp %x {high = 1.0, low = 0.0}"),
  (["nn.clamp {low = 2.0, high = 3.0}", "nn.clamp {low = 4.0, high = 5.0}"], "nn.clamp %x {high = 4.0, low = 4.0}"),
]
