import Testing

@testable import SpadixIR

/// An operation over %x and constants, and the rule that it breaks; nil where it is right.
private struct Case: CustomTestStringConvertible, Sendable {
  var rule: String?
  var op: String
  var x: String
  var y: String
  var data: [(name: String, type: String)]

  init(_ rule: String?, _ op: String, x: String, y: String, _ data: KeyValuePairs<String, String> = [:]) {
    self.rule = rule
    self.op = op
    self.x = x
    self.y = y
    self.data = data.map { ($0.key, $0.value) }
  }

  var testDescription: String { "\(rule ?? "right"): \(op)" }

  var text: String {
    let definitions = data.map { "data @\($0.name) : \($0.type) = random(seed = 1)" }.joined(separator: "\n")
    let constants = data.map { "%\($0.name) = constant @\($0.name) : \($0.type)" }.joined(separator: "\n  ")
    return graph("\(constants)\n  %y = \(op) : \(y)", x: x, result: y, data: definitions)
  }
}

private let image = "f32[1, 4, 4, 2]"
private let q = "q8<0.5, 1>[1, 4, 4, 2]"

private let convolutions: [Case] = [
  Case(nil, "nn.conv2d %x, %w", x: image, y: "f32[1, 2, 2, 8]", ["w": "f32[3, 3, 2, 8]"]),
  Case(nil, "nn.conv2d %x, %w, %b", x: image, y: "f32[1, 2, 2, 8]", ["w": "f32[3, 3, 2, 8]", "b": "f32[8]"]),
  Case(nil, "nn.conv2d %x, %w {groups = 2}", x: image, y: "f32[1, 2, 2, 2]", ["w": "f32[3, 3, 1, 2]"]),
  Case(
    nil, "nn.conv2d %x, %w {padding = [1, 1, 1, 1], strides = [2, 2]}", x: image, y: "f32[1, 2, 2, 8]",
    ["w": "f32[3, 3, 2, 8]"]),
  Case("conv2d-rank", "nn.conv2d %x, %w", x: "f32[4, 4, 2]", y: "f32[1, 2, 2, 8]", ["w": "f32[3, 3, 2, 8]"]),
  Case("conv2d-rank", "nn.conv2d %x, %w", x: image, y: "f32[1, 2, 2, 8]", ["w": "f32[9, 2, 8]"]),
  Case("conv2d-channels", "nn.conv2d %x, %w", x: image, y: "f32[1, 2, 2, 8]", ["w": "f32[3, 3, 1, 8]"]),
  Case("conv2d-groups", "nn.conv2d %x, %w {groups = 3}", x: image, y: "f32[1, 2, 2, 8]", ["w": "f32[3, 3, 2, 8]"]),
  Case("conv2d-groups", "nn.conv2d %x, %w {groups = 0}", x: image, y: "f32[1, 2, 2, 8]", ["w": "f32[3, 3, 2, 8]"]),
  Case(
    "conv2d-strides", "nn.conv2d %x, %w {strides = [0, 1]}", x: image, y: "f32[1, 2, 2, 8]", ["w": "f32[3, 3, 2, 8]"]),
  Case(
    "conv2d-padding", "nn.conv2d %x, %w {padding = [0, 0, -1, 0]}", x: image, y: "f32[1, 2, 2, 8]",
    ["w": "f32[3, 3, 2, 8]"]),
  Case(
    "conv2d-dilations", "nn.conv2d %x, %w {dilations = [1, 99999]}", x: image, y: "f32[1, 2, 2, 8]",
    ["w": "f32[3, 3, 2, 8]"]),
  Case("conv2d-window", "nn.conv2d %x, %w", x: image, y: "f32[1, 2, 2, 8]", ["w": "f32[5, 3, 2, 8]"]),
  Case("conv2d-result-shape", "nn.conv2d %x, %w", x: image, y: "f32[1, 4, 4, 8]", ["w": "f32[3, 3, 2, 8]"]),
  Case(
    "conv2d-bias", "nn.conv2d %x, %w, %b", x: image, y: "f32[1, 2, 2, 8]", ["w": "f32[3, 3, 2, 8]", "b": "f32[1]"]),
  Case("conv2d-type", "nn.conv2d %x, %w", x: image, y: "f32[1, 2, 2, 8]", ["w": "i8[3, 3, 2, 8]"]),
  Case("conv2d-type", "nn.conv2d %x, %w", x: "i8[1, 4, 4, 2]", y: "f32[1, 2, 2, 8]", ["w": "f32[3, 3, 2, 8]"]),
  Case("conv2d-result-type", "nn.conv2d %x, %w", x: image, y: "q8<1.0, 0>[1, 2, 2, 8]", ["w": "f32[3, 3, 2, 8]"]),
  Case(
    "conv2d-bounds", "nn.conv2d %x, %w {activation = clamp, low = 1, high = 0}", x: image, y: "f32[1, 4, 4, 8]",
    ["w": "f32[1, 1, 2, 8]"]),
  Case(nil, "nn.conv2d %x, %w, %x {residual}", x: image, y: image, ["w": "f32[1, 1, 2, 2]"]),
  Case("conv2d-addend", "nn.conv2d %x, %w, %x {residual}", x: image, y: "f32[1, 2, 2, 2]", ["w": "f32[3, 3, 2, 2]"]),
  Case(
    "conv2d-operand-count", "nn.conv2d %x, %w, %b, %x", x: image, y: image,
    ["w": "f32[1, 1, 2, 2]", "b": "f32[2]"]),
  Case("conv2d-operand-count", "nn.conv2d %x, %w {residual}", x: image, y: image, ["w": "f32[1, 1, 2, 2]"]),
  Case(
    nil, "nn.conv2d %x, %w {pool_window = [2, 2], pool_strides = [2, 2]}", x: image, y: "f32[1, 2, 2, 2]",
    ["w": "f32[1, 1, 2, 2]"]),
  Case(
    "conv2d-pool-padding", "nn.conv2d %x, %w {pool_window = [2, 2], pool_padding = [2, 0, 0, 0]}", x: image,
    y: "f32[1, 2, 2, 2]", ["w": "f32[1, 1, 2, 2]"]),
  Case(
    "conv2d-pool-window", "nn.conv2d %x, %w {pool_window = [5, 2]}", x: image, y: "f32[1, 2, 2, 2]",
    ["w": "f32[1, 1, 2, 2]"]),
  Case(nil, "nn.conv2d %x, %w", x: q, y: "q8<0.1, 0>[1, 4, 4, 1]", ["w": "q8<0.1, 0>[1, 1, 2, 1]"]),
  Case(nil, "nn.conv2d %x, %w", x: q, y: "q8<0.1, 0>[1, 4, 4, 2]", ["w": "q8<axis = 3, [0.1, 0.2]>[1, 1, 2, 2]"]),
  Case(
    "conv2d-weights-type", "nn.conv2d %x, %w", x: q, y: "q8<0.1, 0>[1, 4, 4, 2]",
    ["w": "q8<axis = 2, [0.1, 0.2]>[1, 1, 2, 2]"]),
  Case("conv2d-weights-type", "nn.conv2d %x, %w", x: q, y: "q8<0.1, 0>[1, 4, 4, 1]", ["w": "q8<0.1, 3>[1, 1, 2, 1]"]),
  Case(
    "conv2d-type", "nn.conv2d %x, %w, %b", x: q, y: "q8<0.1, 0>[1, 4, 4, 1]",
    ["w": "q8<0.1, 0>[1, 1, 2, 1]", "b": "f32[1]"]),
  Case("conv2d-constant", "nn.conv2d %x, %x", x: "q8<0.5, 0>[1, 1, 1, 1]", y: "q8<0.5, 0>[1, 1, 1, 1]"),
  Case(
    nil, "nn.conv2d %x, %w, %x {residual, residual_multipliers = [10]}", x: q, y: q, ["w": "q8<0.1, 0>[1, 1, 2, 2]"]),
  Case(
    "conv2d-residual-scale", "nn.conv2d %x, %w, %x {residual, residual_multipliers = [9]}", x: q, y: q,
    ["w": "q8<0.1, 0>[1, 1, 2, 2]"]),
  Case(
    "conv2d-multipliers", "nn.conv2d %x, %w, %x {residual, residual_multipliers = [1, 2, 3]}", x: q, y: q,
    ["w": "q8<0.1, 0>[1, 1, 2, 2]"]),
  Case(
    "conv2d-multipliers", "nn.conv2d %x, %w, %x {residual, residual_multipliers = [1017]}", x: q, y: q,
    ["w": "q8<0.1, 0>[1, 1, 2, 2]"]),
]

private let otherOperators: [Case] = [
  Case(nil, "nn.matmul %x, %w, %b", x: "f32[2, 3]", y: "f32[2, 4]", ["w": "f32[3, 4]", "b": "f32[4]"]),
  Case(nil, "nn.matmul %x, %x {transpose_b}", x: "f32[5, 2, 3]", y: "f32[5, 2, 2]"),
  Case("matmul-rank", "nn.matmul %x, %x", x: "f32[3]", y: "f32[3]"),
  Case("matmul-depth", "nn.matmul %x, %x", x: "f32[2, 3]", y: "f32[2, 3]"),
  Case("matmul-batch", "nn.matmul %x, %w", x: "f32[2, 2, 3]", y: "f32[2, 2, 3]", ["w": "f32[3, 3, 3]"]),
  Case("matmul-bias", "nn.matmul %x, %w, %b", x: "f32[2, 3]", y: "f32[2, 4]", ["w": "f32[3, 4]", "b": "f32[3]"]),
  Case(
    "matmul-transpose", "nn.matmul %x, %w {transpose_b}", x: "q8<1.0, 0>[2, 2]", y: "q8<1.0, 0>[2, 2]",
    ["w": "q8<axis = 1, [1.0, 2.0]>[2, 2]"]),
  Case(nil, "nn.matmul %x, %x", x: "q8<1.0, 3>[2, 2]", y: "q8<1.0, 0>[2, 2]"),
  Case("add-shapes", "nn.add %x, %b", x: "f32[2, 3]", y: "f32[2, 3]", ["b": "f32[3]"]),
  Case("add-scales", "nn.add %x, %b", x: "q8<1.0, 0>[2]", y: "q8<1.0, 0>[2]", ["b": "q8<0.5, 0>[2]"]),
  Case(
    nil, "nn.add %x, %b {multipliers = [2, 1]}", x: "q8<1.0, 0>[2]", y: "q8<1.0, 0>[2]", ["b": "q8<0.5, 0>[2]"]),
  Case(
    "add-multipliers", "nn.add %x, %x {multipliers = [0, 0]}", x: "q8<1.0, 0>[2]", y: "q8<1.0, 0>[2]"),
  Case("add-type", "nn.add %x, %b", x: "q8<1.0, 0>[2]", y: "q8<1.0, 0>[2]", ["b": "f32[2]"]),
  Case(nil, "nn.mul %x, %c", x: "f32[2, 3]", y: "f32[2, 3]", ["c": "f32[3]"]),
  Case("mul-factor", "nn.mul %x, %c", x: "f32[2, 3]", y: "f32[2, 3]", ["c": "f32[2]"]),
  Case("mul-constant", "nn.mul %x, %x", x: "q8<1.0, 0>[1]", y: "q8<1.0, 0>[1]"),
  Case("relu-result-type", "nn.relu %x", x: "q8<1.0, 0>[1]", y: "q8<0.5, 0>[1]"),
  Case("relu-type", "nn.relu %x", x: "i32[1]", y: "i32[1]"),
  Case("relu-result-shape", "nn.relu %x", x: "f32[1]", y: "f32[2]"),
  Case("clamp-bounds", "nn.clamp %x {low = 1.0, high = -1.0}", x: "f32[1]", y: "f32[1]"),
  Case("max-pool2d-window", "nn.max_pool2d %x {window = [0, 1]}", x: image, y: image),
  Case("max-pool2d-window", "nn.max_pool2d %x {window = [5, 1]}", x: image, y: image),
  Case("max-pool2d-padding", "nn.max_pool2d %x {window = [2, 2], padding = [0, 2, 0, 0]}", x: image, y: image),
  Case("max-pool2d-result-type", "nn.max_pool2d %x {window = [1, 1]}", x: q, y: "q8<0.5, 0>[1, 4, 4, 2]"),
  Case("avg-pool2d-padding", "nn.avg_pool2d %x {window = [3, 3], padding = [1, 1, 1, 1]}", x: q, y: q),
  Case(nil, "nn.avg_pool2d %x {window = [3, 3], padding = [1, 1, 1, 1], count_include_pad}", x: q, y: q),
  Case("global-avg-pool2d-rank", "nn.global_avg_pool2d %x", x: "f32[4]", y: "f32[4]"),
  Case("global-avg-pool2d-result-shape", "nn.global_avg_pool2d %x", x: image, y: "f32[1, 2]"),
  Case("concat-axis", "nn.concat %x, %x {axis = 4}", x: image, y: image),
  Case("concat-shapes", "nn.concat %x, %w {axis = 3}", x: image, y: image, ["w": "f32[1, 4, 3, 2]"]),
  Case("concat-shapes", "nn.concat %x, %w {axis = 0}", x: image, y: image, ["w": "f32[1, 4]"]),
  Case(
    "concat-elements", "nn.concat %x, %w {axis = 0}", x: "q8<0.5, 0>[1]", y: "q8<0.5, 0>[2]", ["w": "q8<0.25, 0>[1]"]),
  Case("reshape-count", "nn.reshape %x", x: "f32[2, 3]", y: "f32[5]"),
  Case("transpose-permutation", "nn.transpose %x {permutation = [0, 0]}", x: "f32[2, 3]", y: "f32[3, 2]"),
  Case("transpose-permutation", "nn.transpose %x {permutation = [0]}", x: "f32[2, 3]", y: "f32[3, 2]"),
  Case("pad-low", "nn.pad %x {low = [-1], high = [1]}", x: "f32[2]", y: "f32[2]"),
  Case("pad-high", "nn.pad %x {low = [1], high = [1, 1]}", x: "f32[2]", y: "f32[4]"),
  Case(
    "batch-norm-channels", "nn.batch_norm %x, %s, %s, %s, %t", x: "f32[4, 2]", y: "f32[4, 2]",
    ["s": "f32[2]", "t": "f32[1]"]),
  Case(
    "batch-norm-epsilon", "nn.batch_norm %x, %s, %s, %s, %s {epsilon = -1.0}", x: "f32[4, 2]", y: "f32[4, 2]",
    ["s": "f32[2]"]),
  Case("batch-norm-type", "nn.batch_norm %x, %s, %s, %s, %s", x: "q8<1.0, 0>[4, 2]", y: "f32[4, 2]", ["s": "f32[2]"]),
  Case("softmax-axis", "nn.softmax %x {axis = 1}", x: "f32[2]", y: "f32[2]"),
  Case("softmax-rank", "nn.softmax %x", x: "f32[]", y: "f32[]"),
  Case("quantize-type", "nn.quantize %x", x: "q8<1.0, 0>[1]", y: "q8<1.0, 0>[1]"),
  Case("quantize-result-type", "nn.quantize %x", x: "f32[1]", y: "i8[1]"),
  Case("dequantize-type", "nn.dequantize %x", x: "i8[1]", y: "f32[1]"),
  Case("requantize-type", "nn.requantize %x", x: "f32[1]", y: "q8<1.0, 0>[1]"),
]

private let npuOperators: [Case] = [
  Case(nil, "npu.conv2d %x, %w {scales = [0.5]}", x: q, y: q, ["w": "i8[1, 1, 2, 2]"]),
  Case("npu-conv2d-scales", "npu.conv2d %x, %w {scales = [0.5, 0.5, 0.5]}", x: q, y: q, ["w": "i8[1, 1, 2, 2]"]),
  Case("npu-conv2d-scales", "npu.conv2d %x, %w {scales = [-0.5]}", x: q, y: q, ["w": "i8[1, 1, 2, 2]"]),
  Case("npu-conv2d-scales", "npu.conv2d %x, %w {scales = []}", x: q, y: q, ["w": "i8[1, 1, 2, 2]"]),
  Case("npu-conv2d-scales", "npu.conv2d %x, %w {scales = [inf]}", x: q, y: q, ["w": "i8[1, 1, 2, 2]"]),
  Case(
    "npu-conv2d-clamp", "npu.conv2d %x, %w {scales = [0.5], clamp = [1, 0]}", x: q, y: q, ["w": "i8[1, 1, 2, 2]"]),
  Case(
    "npu-conv2d-zero-point", "npu.conv2d %x, %w {scales = [0.5], input_zero_point = 200}", x: q, y: q,
    ["w": "i8[1, 1, 2, 2]"]),
  Case("npu-conv2d-type", "npu.conv2d %x, %w {scales = [0.5]}", x: image, y: q, ["w": "i8[1, 1, 2, 2]"]),
  Case("npu-conv2d-constant", "npu.conv2d %x, %x {scales = [0.5]}", x: "i8[1, 1, 1, 1]", y: "i8[1, 1, 1, 1]"),
  Case("npu-matmul-depth", "npu.matmul %x, %w {scales = [0.5]}", x: "i8[2, 2]", y: "i8[2, 2]", ["w": "i8[3, 2]"]),
  Case("npu-add-shapes", "npu.add %x, %w {scale = 1.0}", x: "i8[2]", y: "i8[2]", ["w": "i8[3]"]),
  Case("npu-add-zero-point", "npu.add %x, %x {scale = 1.0, zero_points = [0, 300]}", x: "i8[2]", y: "i8[2]"),
  Case("npu-mul-constant", "npu.mul %x, %x {scales = [1.0]}", x: "i8[2]", y: "i8[2]"),
  Case(nil, "npu.binary %x, %x {function = sum, factors = [1.0, 0.5]}", x: "i8[2]", y: "i8[2]"),
  Case(
    nil, "npu.binary %x, %w {function = product, factors = [1.0, 0.0]}", x: "i8[2, 4, 4, 3]", y: "i8[2, 4, 4, 3]",
    ["w": "i8[2, 1, 1, 3]"]),
  Case(
    "npu-binary-shapes", "npu.binary %x, %w {function = product, factors = [1.0, 0.0]}", x: "i8[2, 4, 4, 3]",
    y: "i8[2, 4, 4, 3]", ["w": "i8[2, 4, 4, 1]"]),
  Case("npu-binary-factors", "npu.binary %x, %x {function = sum, factors = [1.0]}", x: "i8[2]", y: "i8[2]"),
  Case(
    "npu-binary-zero-point", "npu.binary %x, %x {function = sum, factors = [1.0, 1.0], zero_points = [0, 128]}",
    x: "i8[2]", y: "i8[2]"),
  Case("npu-max-pool2d-result-type", "npu.max_pool2d %x {window = [1, 1]}", x: q, y: "i8[1, 4, 4, 2]"),
  Case("npu-avg-pool2d-type", "npu.avg_pool2d %x {window = [1, 1], scale = 1.0}", x: image, y: q),
  Case("npu-requantize-scales", "npu.requantize %x {scale = 0.0}", x: q, y: q),
  Case("npu-concat-type", "npu.concat %x, %x {axis = 0}", x: "f32[1]", y: "i8[2]"),
  Case("npu-pad-value", "npu.pad %x {low = [0], high = [1], value = 128}", x: "i8[1]", y: "i8[2]"),
  Case("npu-reshape-count", "npu.reshape %x", x: "i8[2]", y: "i8[3]"),
  Case("npu-transpose-permutation", "npu.transpose %x {permutation = [1]}", x: "i8[2]", y: "i8[2]"),
]

@Suite("Operator rules")
struct OperatorRuleTests {
  @Test("convolution", arguments: convolutions)
  fileprivate func convolutionRules(rule: Case) { check(rule) }

  @Test("the other nn operators", arguments: otherOperators)
  fileprivate func otherRules(rule: Case) { check(rule) }

  @Test("npu operators", arguments: npuOperators)
  fileprivate func npuRules(rule: Case) { check(rule) }

  private func check(_ rule: Case) {
    #expect(errorIDs(rule.text).first == rule.rule.map { "ir.\($0)" }, "\(errors(rule.text))")
  }

  @Test("shapes are inferred without a result type")
  func inference() {
    #expect(
      Operator.conv2d(Conv2D()).inferredShape([.f32([1, 4, 4, 2]), .f32([3, 3, 2, 8])]) == [1, 2, 2, 8])
    #expect(Operator.conv2d(Conv2D()).inferredShape([.f32([1, 4, 4, 2])]) == nil)
    #expect(Operator.add(Add()).inferredShape([.f32([1]), .f32([2])]) == nil)
    #expect(Operator.reshape(Reshape()).inferredShape([.f32([1])]) == nil)
  }
}
