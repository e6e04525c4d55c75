import SpadixTensor
import Testing

@Suite("Float operators, by hand")
struct FloatOperatorTests {
  @Test("a 2x2 convolution with padding on one corner, stride 2")
  func convolution() throws {
    // 1 2 3    with a row of zeros above and a column to the left: windows 0001 0023 / 0407 5689
    // 4 5 6
    // 7 8 9
    let x = f32([1, 3, 3, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9])
    let w = f32([2, 2, 1, 1], [1, 10, 100, 1000])
    let y = try evaluate(
      "nn.conv2d %a, %b, %c {strides = [2, 2], padding = [1, 1, 0, 0]}", [x, w, f32([1], [0.5])],
      result: "f32[1, 2, 2, 1]")
    #expect(y.floats == [1000.5, 3200.5, 7040.5, 9865.5])
  }

  @Test("a dilated kernel skips elements")
  func dilation() throws {
    let x = f32([1, 1, 5, 1], [1, 2, 3, 4, 5])
    let w = f32([1, 3, 1, 1], [1, 10, 100])
    let y = try evaluate("nn.conv2d %a, %b {dilations = [1, 2]}", [x, w], result: "f32[1, 1, 1, 1]")
    #expect(y.floats == [531])
  }

  @Test("groups: channels see their own group only; depthwise is one channel a group")
  func groups() throws {
    let x = f32([1, 1, 1, 4], [1, 2, 3, 4])
    // [KH, KW, 2, 2]: outputs 0 belongs to channels 0, 1 and output 1 to channels 2, 3.
    let w = f32([1, 1, 2, 2], [1, 10, 100, 1000])
    let y = try evaluate("nn.conv2d %a, %b {groups = 2}", [x, w], result: "f32[1, 1, 1, 2]")
    #expect(y.floats == [201, 4030])
    let depthwise = f32([1, 1, 1, 4], [1, 10, 100, 1000])
    let z = try evaluate("nn.conv2d %a, %b {groups = 4}", [x, depthwise], result: "f32[1, 1, 1, 4]")
    #expect(z.floats == [1, 20, 300, 4000])
  }

  @Test("addend, then activation, then pooling")
  func fused() throws {
    let x = f32([1, 2, 2, 1], [1, -2, 3, -4])
    let addend = f32([1, 2, 2, 1], [1, 1, 1, 1])
    let y = try evaluate(
      "nn.conv2d %a, %b, %c {residual = true, activation = clamp, low = -2.0, high = 3.0, pool_window = [2, 1]}",
      [x, f32([1, 1, 1, 1], [1]), addend], result: "f32[1, 1, 2, 1]")
    #expect(y.floats == [3, -1])
  }

  @Test("matrix products, transposed and batched")
  func matrixProducts() throws {
    let a = f32([2, 3], [1, 2, 3, 4, 5, 6])
    let b = f32([3, 2], [1, 0, 0, 1, 1, 1])
    let plain = try evaluate("nn.matmul %a, %b, %c", [a, b, f32([2], [10, 20])], result: "f32[2, 2]")
    #expect(plain.floats == [14, 25, 20, 31])
    let transposedB = try evaluate("nn.matmul %a, %b {transpose_b}", [a, a], result: "f32[2, 2]")
    #expect(transposedB.floats == [14, 32, 32, 77])
    let transposedA = try evaluate("nn.matmul %a, %b {transpose_a}", [b, b], result: "f32[2, 2]")
    #expect(transposedA.floats == [2, 1, 1, 2])
    let batched = try evaluate(
      "nn.matmul %a, %b", [f32([2, 1, 2], [1, 2, 3, 4]), f32([2, 2, 1], [1, 1, 10, 10])], result: "f32[2, 1, 1]")
    #expect(batched.floats == [3, 70])
    let shared = try evaluate(
      "nn.matmul %a, %b", [f32([2, 1, 2], [1, 2, 3, 4]), f32([2, 1], [1, 10])], result: "f32[2, 1, 1]")
    #expect(shared.floats == [21, 43])
  }

  @Test("elementwise operators")
  func elementwise() throws {
    let x = f32([2, 2], [-1, 2, -3, 4])
    #expect(try evaluate("nn.relu %a", [x], result: "f32[2, 2]").floats == [0, 2, 0, 4])
    #expect(try evaluate("nn.clamp %a {low = -2, high = 3}", [x], result: "f32[2, 2]").floats == [-1, 2, -2, 3])
    #expect(try evaluate("nn.add %a, %b", [x, x], result: "f32[2, 2]").floats == [-2, 4, -6, 8])
    #expect(try evaluate("nn.mul %a, %b", [x, f32([2], [10, 1])], result: "f32[2, 2]").floats == [-10, 2, -30, 4])
    #expect(try evaluate("nn.mul %a, %b", [x, f32([], [2])], result: "f32[2, 2]").floats == [-2, 4, -6, 8])
  }

  @Test("pooling leaves the padding out, or counts it")
  func pooling() throws {
    let x = f32([1, 2, 2, 1], [-1, -2, -3, -4])
    let max = try evaluate(
      "nn.max_pool2d %a {window = [2, 2], padding = [1, 1, 0, 0]}", [x], result: "f32[1, 2, 2, 1]")
    #expect(max.floats == [-1, -1, -1, -1])
    let inside = try evaluate(
      "nn.avg_pool2d %a {window = [2, 2], padding = [1, 1, 0, 0]}", [x], result: "f32[1, 2, 2, 1]")
    #expect(inside.floats == [-1, -1.5, -2, -2.5])
    let counted = try evaluate(
      "nn.avg_pool2d %a {window = [2, 2], padding = [1, 1, 0, 0], count_include_pad}", [x],
      result: "f32[1, 2, 2, 1]")
    #expect(counted.floats == [-0.25, -0.75, -1, -2.5])
    let two = f32([1, 1, 2, 2], [1, 10, 3, 30])
    #expect(try evaluate("nn.global_avg_pool2d %a", [two], result: "f32[1, 1, 1, 2]").floats == [2, 20])
  }

  @Test("moving elements")
  func movement() throws {
    let x = f32([1, 2, 2], [1, 2, 3, 4])
    #expect(try evaluate("nn.reshape %a", [x], result: "f32[4]").floats == [1, 2, 3, 4])
    #expect(
      try evaluate("nn.transpose %a {permutation = [2, 0, 1]}", [x], result: "f32[2, 1, 2]").floats == [1, 3, 2, 4])
    #expect(
      try evaluate("nn.concat %a, %b {axis = 1}", [x, f32([1, 1, 2], [5, 6])], result: "f32[1, 3, 2]").floats
        == [1, 2, 3, 4, 5, 6])
    #expect(
      try evaluate("nn.concat %a, %b {axis = -1}", [x, f32([1, 2, 1], [5, 6])], result: "f32[1, 2, 3]").floats
        == [1, 2, 5, 3, 4, 6])
    #expect(
      try evaluate("nn.pad %a {low = [0, 0, 1], high = [0, 1, 0], value = 9.0}", [x], result: "f32[1, 3, 3]").floats
        == [9, 1, 2, 9, 3, 4, 9, 9, 9])
  }

  @Test("batch normalization")
  func batchNorm() throws {
    let y = try evaluate(
      "nn.batch_norm %a, %b, %c, %d, %e {epsilon = 0.0}",
      [f32([2, 2], [1, 2, 3, 4]), f32([2], [2, 1]), f32([2], [0, 10]), f32([2], [1, 2]), f32([2], [4, 1])],
      result: "f32[2, 2]")
    #expect(y.floats == [0, 10, 2, 12])
  }

  @Test("softmax along either axis")
  func softmax() throws {
    let x = f32([2, 2], [0, 0, 5, 5])
    #expect(try evaluate("nn.softmax %a", [x], result: "f32[2, 2]").floats == [0.5, 0.5, 0.5, 0.5])
    let columns = try evaluate("nn.softmax %a {axis = 0}", [x], result: "f32[2, 2]").floats
    #expect(abs(columns[0] - 0.0066929) < 1e-6 && abs(columns[2] - 0.9933071) < 1e-6)
  }

  @Test("into int8 and back")
  func passages() throws {
    let x = f32([3], [0.26, -1, 100])
    let q = try evaluate("nn.quantize %a", [x], result: "q8<0.5, 1>[3]")
    #expect(q.int8s == [2, -1, 127])
    #expect(try evaluate("nn.dequantize %a", [q], result: "f32[3]").floats == [0.5, -1, 63])
  }
}
