import SpadixIR
import SpadixReference
import SpadixSupport
import SpadixTensor
import Testing

@Suite("Integer operators, by hand")
struct IntegerOperatorTests {
  @Test("a convolution subtracts the input's zero point, and padding contributes nothing")
  func convolution() throws {
    let y = try evaluate(
      "nn.conv2d %a, %w, %b {padding = [0, 1, 0, 0]}",
      [q8([1, 1, 2, 1], scale: 0.5, zeroPoint: 3, [5, -1])], result: "q8<0.25, -10>[1, 1, 2, 2]",
      data: """
        data @w : q8<axis = 3, [0.5, 1.0]>[1, 2, 1, 2] = [1, 2, 3, -4]
        data @b : i32[2] = [1, 100]
        """,
      constants: """
        %w = constant @w
          %b = constant @b : i32[2]
        """)
    // Real inputs 2 and -4. Column 0 sees (padding, 2): acc = 1 + 3 * 2 = 7 and 100 - 4 * 2 = 92;
    // column 1 sees (2, -4): 1 + 2 - 12 = -9 and 100 + 4 + 16 = 120. Scales 0.5 * 0.5 / 0.25 = 1 and 2.
    #expect(y.int8s == [-3, 127, -19, 127])
  }

  @Test("relu is a bound at the zero point; a clamp's bounds are quantized")
  func activation() throws {
    let x = q8([1, 1, 4, 1], scale: 1, [-5, 1, 4, 9])
    let data = "data @w : q8<1.0, 0>[1, 1, 1, 1] = [1]"
    let constants = "%w = constant @w : q8<1.0, 0>[1, 1, 1, 1]"
    let relu = try evaluate(
      "nn.conv2d %a, %w {activation = relu}", [x], result: "q8<1.0, -7>[1, 1, 4, 1]", data: data,
      constants: constants)
    #expect(relu.int8s == [-7, -6, -3, 2])
    let clamp = try evaluate(
      "nn.conv2d %a, %w {activation = clamp, low = 0.0, high = 6.0}", [x], result: "q8<1.0, -7>[1, 1, 4, 1]",
      data: data, constants: constants)
    #expect(clamp.int8s == [-7, -6, -3, -1])
  }

  @Test("the addend enters the accumulator with its multiplier")
  func residual() throws {
    let x = q8([1, 1, 2, 1], scale: 0.5, [10, -10])
    let addend = q8([1, 1, 2, 1], scale: 0.75, zeroPoint: 2, [12, 2])
    let y = try evaluate(
      "nn.conv2d %a, %w, %b {residual = true, residual_multipliers = [3]}", [x, addend],
      result: "q8<1.0, 0>[1, 1, 2, 1]", data: "data @w : q8<0.5, 0>[1, 1, 1, 1] = [2]",
      constants: "%w = constant @w : q8<0.5, 0>[1, 1, 1, 1]")
    // 20 + 3 * 10 = 50 and -20 + 0; times 0.25: 12.5 to even 12, and -5.
    #expect(y.int8s == [12, -5])
  }

  @Test("pooling in the store takes the maximum of stored values inside the image")
  func pooling() throws {
    let y = try evaluate(
      "nn.conv2d %a, %w {pool_window = [1, 2], pool_padding = [0, 1, 0, 0]}",
      [q8([1, 1, 2, 1], scale: 1, [-5, -9])], result: "q8<1.0, 0>[1, 1, 2, 1]",
      data: "data @w : q8<1.0, 0>[1, 1, 1, 1] = [1]", constants: "%w = constant @w : q8<1.0, 0>[1, 1, 1, 1]")
    #expect(y.int8s == [-5, -5])
  }

  @Test("a product of two activations subtracts both zero points")
  func matrixProduct() throws {
    let a = q8([1, 2], scale: 0.5, zeroPoint: 1, [3, 0])
    let b = q8([2, 2], scale: 0.5, zeroPoint: -2, [0, 1, 2, 3])
    let y = try evaluate("nn.matmul %a, %b", [a, b], result: "q8<0.25, 0>[1, 2]")
    // (2, -1) times ((2, 3), (4, 5)).
    #expect(y.int8s == [0, 1])
  }

  @Test("the accumulator wraps")
  func wraps() throws {
    let y = try evaluate(
      "nn.matmul %a, %w, %b", [q8([1, 1], scale: 1, [1])], result: "q8<16777216.0, 0>[1, 1]",
      data: "data @w : q8<1.0, 0>[1, 1] = [1]\ndata @b : i32[1] = [2147483647]",
      constants: "%w = constant @w : q8<1.0, 0>[1, 1]\n  %b = constant @b : i32[1]")
    #expect(y.int8s == [-128])
  }

  @Test("addition, with multipliers")
  func add() throws {
    let a = q8([3], scale: 0.5, zeroPoint: 1, [5, 1, -3])
    let b = q8([3], scale: 0.25, zeroPoint: 0, [2, 3, 4])
    let y = try evaluate("nn.add %a, %b {multipliers = [2, 1]}", [a, b], result: "q8<0.5, 10>[3]")
    // 2 * 4 + 2 = 10, 0 + 3, -8 + 4; each worth 0.25, so halved: 5, 1.5 to even 2, -2.
    #expect(y.int8s == [15, 12, 8])
  }

  @Test("multiplication by a vector along the last axis")
  func multiply() throws {
    let y = try evaluate(
      "nn.mul %a, %c {activation = relu}", [q8([2, 2], scale: 1, zeroPoint: -1, [1, 2, 3, -4])],
      result: "q8<1.0, 0>[2, 2]", data: "data @c : q8<axis = 0, [0.5, 2.0]>[2] = [3, 5]",
      constants: "%c = constant @c")
    // (2, 3, 4, -3) times (1.5, 10, 1.5, 10).
    #expect(y.int8s == [3, 30, 6, 0])
  }

  @Test("averages count the padding as zero points")
  func averages() throws {
    let x = q8([1, 1, 2, 1], scale: 1, zeroPoint: 4, [10, 6])
    let y = try evaluate(
      "nn.avg_pool2d %a {window = [1, 2], padding = [0, 1, 0, 0], count_include_pad}", [x],
      result: "q8<1.0, 0>[1, 1, 2, 1]")
    #expect(y.int8s == [3, 4])
    #expect(try evaluate("nn.global_avg_pool2d %a", [x], result: "q8<0.5, -1>[1, 1, 1, 1]").int8s == [7])
  }

  @Test("operators that keep the quantization")
  func sameScale() throws {
    let x = q8([1, 1, 3, 1], scale: 0.5, zeroPoint: 2, [-10, 2, 20])
    let type = "q8<0.5, 2>[1, 1, 3, 1]"
    #expect(try evaluate("nn.relu %a", [x], result: type).int8s == [2, 2, 20])
    #expect(try evaluate("nn.clamp %a {low = -1.0, high = 3.0}", [x], result: type).int8s == [0, 2, 8])
    #expect(
      try evaluate("nn.max_pool2d %a {window = [1, 2]}", [x], result: "q8<0.5, 2>[1, 1, 2, 1]").int8s == [2, 20])
    #expect(
      try evaluate(
        "nn.pad %a {low = [0, 0, 1, 0], high = [0, 0, 0, 0], value = -1.0}", [x], result: "q8<0.5, 2>[1, 1, 4, 1]"
      ).int8s == [0, -10, 2, 20])
    #expect(
      try evaluate("nn.concat %a, %b {axis = 2}", [x, x], result: "q8<0.5, 2>[1, 1, 6, 1]").int8s
        == [-10, 2, 20, -10, 2, 20])
  }

  @Test("requantization")
  func requantize() throws {
    let x = q8([3], scale: 0.5, zeroPoint: 2, [3, 5, -100])
    #expect(try evaluate("nn.requantize %a", [x], result: "q8<1.0, -1>[3]").int8s == [-1, 1, -52])
    #expect(
      try evaluate("nn.requantize %a {activation = relu}", [x], result: "q8<1.0, -1>[3]").int8s == [-1, 1, -1])
  }

  @Test("softmax of int8 rows")
  func softmax() throws {
    let y = try evaluate(
      "nn.softmax %a", [q8([1, 2], scale: 0.1, zeroPoint: 5, [7, 7])], result: "q8<0.00390625, -128>[1, 2]")
    #expect(y.int8s == [0, 0])
  }

  @Test("npu operators use their attributes, not the scales of their types")
  func npu() throws {
    let x = q8([1, 1, 2, 1], scale: 77, zeroPoint: 77, [5, -1])
    let y = try evaluate(
      "npu.conv2d %a, %w {input_zero_point = 3, output_zero_point = -10, scales = [0.5], clamp = [-11, 100]}", [x],
      result: "q8<9.0, 9>[1, 1, 2, 1]", data: "data @w : i8[1, 1, 1, 1] = [3]",
      constants: "%w = constant @w : i8[1, 1, 1, 1]")
    #expect(y.int8s == [-7, -11])
    let sum = try evaluate(
      "npu.add %a, %b {multipliers = [2, 1], zero_points = [5, -1], scale = 0.5, output_zero_point = 1}", [x, x],
      result: "q8<9.0, 9>[1, 1, 2, 1]")
    #expect(sum.int8s == [4, -5])
    let average = try evaluate(
      "npu.avg_pool2d %a {window = [1, 2], input_zero_point = -1, scale = 0.5}", [x], result: "i8[1, 1, 1, 1]")
    #expect(average.int8s == [3])
    #expect(
      try evaluate("npu.requantize %a {scale = 2.0, input_zero_point = 5}", [x], result: "i8[1, 1, 2, 1]").int8s
        == [0, -12])
    #expect(
      try evaluate(
        "npu.pad %a {low = [0, 0, 0, 0], high = [0, 0, 1, 0], value = 9}", [x], result: "i8[1, 1, 3, 1]"
      ).int8s == [5, -1, 9])
  }

  @Test("the float reference refuses quantized graphs, and inputs must fit")
  func errors() throws {
    let text = "graph @g(%x: q8<1.0, 0>[2]) -> q8<1.0, 0>[2] { %y = nn.relu %x : q8<1.0, 0>[2] return %y }"
    let graph = try Graph(parsing: SourceText(name: "t", text: text))
    let x = q8([2], scale: 1, [1, 2])
    #expect(throws: Diagnostic.self) { try FloatEvaluator(graph: graph, data: DataStore()).run(inputs: [x]) }
    let evaluator = IntegerEvaluator(graph: graph, data: DataStore())
    #expect(throws: Diagnostic.self) { try evaluator.run(inputs: []) }
    #expect(throws: Diagnostic.self) { try evaluator.run(inputs: [f32([2], [1, 2])]) }
    #expect(throws: Diagnostic.self) { try evaluator.run(inputs: [q8([1], scale: 1, [1])]) }
    #expect(try evaluator.run(inputs: [x])[0].int8s == [1, 2])
  }
}
