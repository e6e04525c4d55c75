import SpadixTensor

/// Matrix product, batched over leading dimensions.
public struct MatMul: OperatorDefinition {
  /// Operand a is [..., K, M].
  public var transposeA = false
  /// Operand b is [..., N, K].
  public var transposeB = false
  /// Applied to the product before it is rounded.
  public var activation = Activation.none

  public init() {}

  public static let mnemonic = "nn.matmul"
  public static let summary = "Matrix product, batched over leading dimensions"
  public static let documentation = """
    `y[..., m, n] = bias[n] + sum over k of a[..., m, k] * b[..., k, n]`

    `b` is a matrix `[K, N]` that serves every batch (weights), or has the leading dimensions of `a`. With \
    `transpose_a` or `transpose_b` the last two dimensions of that operand are read exchanged.

    Quantized: `acc = bias + sum (qa - za) * (qb - zb)` in int32, which wraps, then \
    `clamp(round_half_even(float32(acc) * ((sa * sb[n]) / sy)) + zy)`. A constant `b` may have a scale for each column \
    (`axis = 1`, zero points 0, not together with `transpose_b`).
    """
  public static let operands = [
    OperandDescription("a", "[..., M, K]"),
    OperandDescription("b", "[..., K, N] or [K, N]"),
    OperandDescription("bias", "[N]; i32 when quantized", .optional),
  ]
  public static let attributes: [AttributeField<MatMul>] =
    [
      .flag("transpose_a", \.transposeA, "a is [..., K, M]"),
      .flag("transpose_b", \.transposeB, "b is [..., N, K]"),
    ] + .activation(\.activation)

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    guard let shape = check.matrixProduct(transposeA: transposeA, transposeB: transposeB) else { return nil }
    check.activation(activation)
    switch check.arithmetic() {
    case .real:
      check.requireF32(1, "operand b")
      if check.operands.count > 2 { check.requireF32(2, "bias") }
      check.requireRealResult()
    case .quantized:
      if check.element(1).quantization?.isPerTensor != true {
        check.requireQuantizedWeights(1, "operand b")
        if transposeB {
          check.report("transpose", "operand b has a scale for each index of its last axis; expected no transpose_b")
        }
      }
      if check.operands.count > 2 { check.requireI32(2, "bias") }
      check.requireQuantizedResult()
    case nil: break
    }
    return shape
  }
}

extension TensorType {
  /// Whether there is one matrix in the last two dimensions, whatever leading dimensions of length 1 stand before.
  public var isMatrix: Bool { rank >= 2 && shape.dropLast(2).allSatisfy { $0 == 1 } }
}

extension OperatorCheck {
  /// The shape of a matrix product; the rule of nn.matmul and npu.matmul.
  mutating func matrixProduct(transposeA: Bool, transposeB: Bool) -> [Int]? {
    guard minimumRank(0, "operand a", 2), minimumRank(1, "operand b", 2) else { return nil }
    let a = shape(0)
    let b = shape(1)
    let rows = a[a.count - (transposeA ? 1 : 2)]
    let depth = a[a.count - (transposeA ? 2 : 1)]
    let depthB = b[b.count - (transposeB ? 1 : 2)]
    let columns = b[b.count - (transposeB ? 2 : 1)]
    guard depth == depthB else {
      report(
        "depth", "a has depth \(depth) and b has depth \(depthB); expected equal", operands: [0, 1],
        help: "transpose_a and transpose_b exchange the last two dimensions of an operand")
      return nil
    }
    guard b.count == 2 || a.dropLast(2) == b.dropLast(2) else {
      report(
        "batch",
        "a has leading dimensions \(Array(a.dropLast(2))) and b has \(Array(b.dropLast(2))); expected equal ones, or "
          + "none in b", operands: [0, 1])
      return nil
    }
    if operands.count > 2, shape(2) != [columns] {
      report(
        "bias", "the bias has shape \(shape(2)); expected [\(columns)], one for each column of the result",
        operands: [2, 1])
    }
    return a.dropLast(2) + [rows, columns]
  }
}
