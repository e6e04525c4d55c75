import SpadixIR
import SpadixISA
import SpadixLegality
import SpadixPasses
import Testing

private func lowered(_ text: String, target: Target) throws -> [SpadixIR.Operation] {
  try run("lower", on: text, target: target).operations.filter { $0.op.mnemonic != "constant" }
}

private let int8Convolution = """
  data @w : q8<0.01, 0>[1, 1, 1, 2] = [1, 2]
  data @c : q8<axis = 3, [0.01, 0.02]>[1, 1, 1, 2] = [1, 2]
  """

@Suite struct LowerTests {
  @Test func scalesAreMultipliedInFloat32() throws {
    let text = """
      \(int8Convolution)
      graph @t(%x: q8<0.5, 3>[1, 4, 4, 1]) -> q8<0.25, -4>[1, 4, 4, 2] {
        %c = constant @c
        %y = nn.conv2d %x, %c {activation = relu} : q8<0.25, -4>[1, 4, 4, 2]
        return %y
      }
      """
    guard case .npu(.conv2d(let convolution))? = try lowered(text, target: .spadix).first?.op else {
      Issue.record("not lowered")
      return
    }
    #expect(convolution.inputZeroPoint == 3)
    #expect(convolution.output.scales == [Float(0.5) * 0.01 / 0.25, Float(0.5) * 0.02 / 0.25])
    #expect(convolution.output.zeroPoint == -4)
    #expect(convolution.output.clamp == [-4, 127])
  }

  @Test(arguments: hostSteps)
  func hostStepsNameTheRule(body: String, types: (String, String), reason: HostReason) throws {
    let text = """
      \(int8Convolution)
      graph @t(%x: \(types.0)) -> \(types.1) {
        %w = constant @w
        %c = constant @c
        %y = \(body) : \(types.1)
        return %y
      }
      """
    let operation = try #require(try lowered(text, target: .gemmini).first)
    #expect(operation.op.mnemonic.hasPrefix("nn."))
    #expect(operation.hostReason == reason.description)
  }

  @Test func inputZeroPointsNeedNoOutputStage() throws {
    let text = """
      \(int8Convolution)
      graph @t(%x: q8<0.5, 3>[1, 4, 4, 1]) -> q8<0.25, 0>[1, 4, 4, 2] {
        %w = constant @w
        %y = nn.conv2d %x, %w : q8<0.25, 0>[1, 4, 4, 2]
        return %y
      }
      """
    #expect(try lowered(text, target: .gemmini).map(\.op.mnemonic) == ["npu.conv2d"])
  }

  @Test func transposedFirstOperandsAreMoved() throws {
    let text = """
      graph @t(%x: q8<0.5, 0>[2, 3, 4]) -> q8<0.5, 0>[2, 4, 4] {
        %y = nn.matmul %x, %x {transpose_a = true} : q8<0.5, 0>[2, 4, 4]
        return %y
      }
      """
    let operations = try lowered(text, target: .gemmini)
    #expect(operations.map(\.op.mnemonic) == ["npu.transpose", "npu.matmul"])
    guard case .npu(.matmul(let product))? = operations.last?.op else { return }
    #expect(!product.transposeA)
  }

  @Test func equalScalesAreOneScale() throws {
    let text = """
      data @c : q8<axis = 3, [0.01, 0.01]>[1, 1, 1, 2] = [1, 2]
      graph @t(%x: q8<0.5, 0>[1, 4, 4, 1]) -> q8<0.25, 0>[1, 4, 4, 2] {
        %c = constant @c
        %y = nn.conv2d %x, %c : q8<0.25, 0>[1, 4, 4, 2]
        return %y
      }
      """
    #expect(try lowered(text, target: .gemmini).map(\.op.mnemonic) == ["npu.conv2d"])
  }

  @Test func largePoolingsAreChains() throws {
    let text = """
      graph @t(%x: q8<0.5, 0>[1, 9, 9, 1]) -> q8<0.5, 0>[1, 9, 9, 1] {
        %y = nn.max_pool2d %x {padding = [2, 2, 2, 2], window = [5, 5]} : q8<0.5, 0>[1, 9, 9, 1]
        return %y
      }
      """
    #expect(
      try lowered(text, target: .gemmini).map(\.op.mnemonic) == ["npu.pad", "npu.max_pool2d", "npu.max_pool2d"])
  }

  @Test func paddedPoolingsNeedABorderWhereTheStorePadsWithZeros() throws {
    func text(_ first: String) -> String {
      """
      graph @t(%x: q8<0.5, 0>[1, 9, 9, 1]) -> q8<0.5, 0>[1, 9, 9, 1] {
        %0 = \(first) %x : q8<0.5, 0>[1, 9, 9, 1]
        %y = nn.max_pool2d %0 {padding = [1, 1, 1, 1], window = [3, 3]} : q8<0.5, 0>[1, 9, 9, 1]
        return %y
      }
      """
    }
    func lowered(_ first: String, _ target: Target) throws -> [String] {
      try SpadixPassesTests.lowered(text(first), target: target).map(\.op.mnemonic)
    }
    #expect(try lowered("nn.relu", .gemmini) == ["npu.requantize", "npu.max_pool2d"])
    #expect(try lowered("nn.requantize", .gemmini) == ["npu.requantize", "npu.pad", "npu.max_pool2d"])
    #expect(try lowered("nn.requantize", .spadix) == ["npu.requantize", "npu.max_pool2d"])
  }

  @Test func convolutionsFusedForAnotherTargetAreTakenApart() throws {
    let text = """
      \(int8Convolution)
      graph @t(%x: q8<0.5, 0>[1, 4, 4, 1]) -> q8<0.25, 0>[1, 4, 4, 2] {
        %w = constant @w
        %y = nn.conv2d %x, %w {pool_padding = [1, 1, 1, 1], pool_window = [3, 3]} : q8<0.25, 0>[1, 4, 4, 2]
        return %y
      }
      """
    #expect(try lowered(text, target: .spadix).map(\.op.mnemonic) == ["npu.conv2d"])
    #expect(
      try lowered(text, target: .gemmini).map(\.op.mnemonic) == ["npu.conv2d", "npu.pad", "npu.max_pool2d"])
  }

  @Test func everyReasonHasATextAndAStableName() {
    for reason in HostReason.allCases {
      #expect(!reason.text.isEmpty && reason.description.hasPrefix("\(reason.rawValue): "))
    }
  }

  @Test func everyNnOperatorHasALineInTheTable() {
    for target in Target.presets {
      let table = TargetSupport.text(target)
      for kind in Operator.kinds where kind.mnemonic.hasPrefix("nn.") {
        #expect(!TargetSupport.support(of: kind.standard, on: target).exceptions.isEmpty, "\(kind.mnemonic)")
        #expect(table.contains("  \(kind.mnemonic) "), "\(kind.mnemonic)")
      }
    }
  }
}

private let image = "q8<0.5, 0>[1, 4, 4, 1]"
private let hostSteps: [(String, (String, String), HostReason)] = [
  ("nn.conv2d %x, %w", (image, "q8<0.25, 1>[1, 4, 4, 2]"), .outputZeroPoint),
  ("nn.conv2d %x, %c", (image, "q8<0.25, 0>[1, 4, 4, 2]"), .perChannelScale),
  (
    "nn.conv2d %x, %w {activation = clamp, high = 6.0, low = 0.0}", (image, "q8<0.25, 0>[1, 4, 4, 2]"), .clamp
  ),
  ("nn.softmax %x", (image, image), .softmax),
  ("nn.unary %x {function = tanh}", (image, image), .outputTable),
  ("nn.binary %x, %x {function = mul}", (image, image), .outputPair),
  ("nn.binary %x, %x {function = max}", (image, image), .function),
  ("nn.dequantize %x", (image, "f32[1, 4, 4, 1]"), .conversion),
  ("nn.transpose %x {permutation = [0, 3, 1, 2]}", (image, "q8<0.5, 0>[1, 1, 4, 4]"), .permutation),
  ("nn.max_pool2d %x {window = [2, 1]}", (image, "q8<0.5, 0>[1, 3, 4, 1]"), .poolingWindow),
  (
    "nn.matmul %x, %x", ("q8<0.5, 1>[2, 2]", "q8<0.5, 0>[2, 2]"), .operandZeroPoint
  ),
  (
    "nn.avg_pool2d %x {padding = [1, 1, 1, 1], window = [2, 2]}", ("f32[1, 4, 4, 1]", "f32[1, 5, 5, 1]"),
    .averagePadding
  ),
]
