import SpadixIR
import SpadixISA
import SpadixPasses
import SpadixTensor
import Testing

/// Where the tables of functions and the products of activations go.
@Suite struct TableLoweringTests {
  private func lowered(_ body: String, _ type: String, target: Target = .spadix) throws -> [SpadixIR.Operation] {
    let text = """
      data @w : q8<0.01, 0>[1, 1, 3, 4] = random(seed = 1)
      data @v : q8<0.01, 0>[1, 1, 4, 1] = random(seed = 2)
      graph @t(%x: q8<0.5, 3>[2, 4, 4, 3]) -> \(type) {
        %w = constant @w
        %v = constant @v
        %c = nn.conv2d %x, %w : q8<0.25, -4>[2, 4, 4, 4]
        \(body)
        return %y
      }
      """
    return try run("lower", on: text, target: target).operations.filter { $0.op.mnemonic != "constant" }
  }

  private let image = "q8<0.125, 7>[2, 4, 4, 4]"

  private func table(_ operation: SpadixIR.Operation) -> [Int8]? {
    if case .npu(let npu) = operation.op { npu.output?.table } else { nil }
  }

  private func expected(_ function: UnaryFunction, _ input: Quantization, _ output: Quantization) -> [Int8] {
    Unary(function).table(input: input, output: output)
  }

  private let before = Quantization(scale: 0.25, zeroPoint: -4)
  private let after = Quantization(scale: 0.125, zeroPoint: 7)

  @Test func aFunctionGoesIntoTheStoreBefore() throws {
    let operations = try lowered("%y = nn.unary %c {function = hard_swish} : \(image)", image)
    #expect(operations.map(\.op.mnemonic) == ["npu.conv2d"])
    guard case .npu(.conv2d(let convolution)) = operations[0].op else { return }
    #expect(convolution.output.zeroPoint == -4, "the value before the table keeps its own zero point")
    #expect(convolution.output.table == expected(.hardSwish, before, after))
  }

  @Test func functionsInARowAreOneTable() throws {
    let operations = try lowered(
      """
      %a = nn.unary %c {function = tanh} : q8<0.125, 7>[2, 4, 4, 4]
      %b = nn.unary %a {function = exp} : q8<0.25, -4>[2, 4, 4, 4]
        %y = nn.requantize %b {activation = relu} : q8<0.125, 7>[2, 4, 4, 4]
      """, image)
    #expect(operations.map(\.op.mnemonic) == ["npu.conv2d"])
    let two = QuantizedArithmetic.compose(
      expected(.tanh, before, after), then: expected(.exp, after, before))
    let three = two.map { max(7, QuantizedArithmetic.requantize(Int32($0) + 4, scale: 2, zeroPoint: 7)) }
    #expect(operations.first.flatMap(table) == three)
  }

  @Test func aTablePassesReshapesByToTheStore() throws {
    let operations = try lowered(
      """
      %r = nn.reshape %c : q8<0.25, -4>[2, 16, 4]
        %t = nn.transpose %r {permutation = [1, 0, 2]} : q8<0.25, -4>[16, 2, 4]
        %y = nn.unary %t {function = gelu} : q8<0.125, 7>[16, 2, 4]
      """, "q8<0.125, 7>[16, 2, 4]")
    #expect(operations.map(\.op.mnemonic) == ["npu.conv2d", "npu.reshape", "npu.transpose"])
    #expect(operations.first.flatMap(table) == expected(.gelu, before, after))
  }

  @Test func whatOthersReadStays() throws {
    let operations = try lowered(
      """
      %a = nn.unary %c {function = sigmoid} : q8<0.00390625, -128>[2, 4, 4, 4]
        %y = nn.binary %c, %a {function = mul} : \(image)
      """, image)
    #expect(operations.map(\.op.mnemonic) == ["npu.conv2d", "npu.requantize", "npu.binary"])
    guard operations.count == 3, case .npu(.requantize(let pass)) = operations[1].op else { return }
    #expect(pass.output.scales == [1] && pass.output.zeroPoint == 0 && pass.inputZeroPoint == 0)
    #expect(table(operations[0]) == nil && table(operations[1]) != nil)
  }

  @Test(arguments: [("tanh", 1), ("hard_swish", 2), ("cos", 2)])
  func aPooledStoreTakesOnlyWhatNeverFalls(function: String, count: Int) throws {
    let operations = try lowered(
      """
      %p = nn.conv2d %c, %v {pool_window = [2, 2], pool_strides = [2, 2]} : q8<0.25, -4>[2, 2, 2, 1]
        %y = nn.unary %p {function = \(function)} : q8<0.125, 7>[2, 2, 2, 1]
      """, "q8<0.125, 7>[2, 2, 2, 1]")
    #expect(operations.count == 1 + count, "\(operations.map(\.op.mnemonic))")
  }

  @Test func aFactorForEachChannelAndImage() throws {
    for operands in ["%c, %a", "%a, %c"] {
      let operations = try lowered(
        """
        %a = nn.global_avg_pool2d %c : q8<0.25, 9>[2, 1, 1, 4]
          %y = nn.binary \(operands) {function = mul} : \(image)
        """, image)
      #expect(operations.map(\.op.mnemonic) == ["npu.conv2d", "npu.avg_pool2d", "npu.binary"])
      guard operations.count == 3, case .npu(.binary(let binary)) = operations[2].op else { continue }
      #expect(binary.pair.zeroPoints == [-4, 9], "the repeated operand is the second")
    }
  }

  @Test func gemminiKeepsHostSteps() throws {
    let operations = try lowered(
      "%y = nn.unary %x {function = tanh} : q8<0.125, 0>[2, 4, 4, 3]", "q8<0.125, 0>[2, 4, 4, 3]", target: .gemmini)
    #expect(operations.last?.hostReason?.hasPrefix("output-table: ") == true)
  }
}
