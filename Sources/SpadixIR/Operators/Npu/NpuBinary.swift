import SpadixTensor

/// Sum or product of two activations in the store.
public struct NpuBinary: OutputStageOperator {
  /// Takes the place of the output stage's scale, zero point and rounding; its clamp and table come after.
  public var pair = PairStage()
  public var output = OutputStage()

  public init() {}

  public init(_ pair: PairStage, _ output: OutputStage = OutputStage()) {
    self.pair = pair
    self.output = output
  }

  public static let mnemonic = "npu.binary"
  public static let summary = "Sum or product of two activations, with explicit numbers"
  public static let documentation = """
    With `function = sum`: `clamp(round_half_even(fma(a, factors[0], fma(b, factors[1], offset))))`. With \
    `function = product`: `clamp(round_half_even((a - zero_points[0]) * (b - zero_points[1]) * factors[0] + offset))`. \
    Every step is in Float32, and the zero point of the result, as part of `offset`, stands inside the rounding.

    b is repeated along axes of size 1 that lie between its first axes, which are those of a, and its last one. On the \
    array the accumulator takes both as 256 a + b, and the store takes them apart.
    """
  public static let operands = [
    OperandDescription("a", "int8, any shape"), OperandDescription("b", "int8, the shape of a or [N, 1, 1, C]"),
  ]
  public static let attributes: [AttributeField<NpuBinary>] =
    [
      .choice("function", \.pair.function, required: true, "sum or product"),
      .reals("factors", \.pair.factors, required: true, "[of a, of b], or of the product"),
      .integers("zero_points", \.pair.zeroPoints, count: 2, "subtracted from the operands of a product"),
      .real("offset", \.pair.offset, "added before rounding"),
      .flag(
        "unsigned", \.pair.isUnsigned, "computed on uint8: 128 is added to what a sum takes, and taken off the result"),
    ] + .storeEnd()

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    check.requireInt8(0, "first operand")
    check.requireInt8(1, "second operand")
    let (a, b) = (check.shape(0), check.shape(1))
    if NpuBinary.repetition(of: b, in: a) == nil {
      check.report(
        "shapes",
        "the operands have shapes \(a) and \(b); expected equal ones, or first and last axes that are equal and ones between",
        operands: [0, 1])
      return nil
    }
    if pair.factors.count != 2 || pair.factors.contains(where: { !$0.isFinite }) {
      check.report("factors", "factors = \(pair.factors): expected two finite numbers")
    }
    if !pair.offset.isFinite { check.report("factors", "offset = \(pair.offset): expected a finite number") }
    for value in pair.zeroPoints { check.zeroPoint("zero_points", value) }
    check.outputStage(output, channels: 1)
    check.requireInt8Result()
    return a
  }

  /// How b is repeated to the shape of a: each of the `images` rows of its last axis so many times; nil where it is not so.
  public static func repetition(of b: [Int], in a: [Int]) -> (images: Int, count: Int)? {
    if a == b { return (a.dropLast().reduce(1, *), 1) }
    guard a.count == b.count, let channels = a.last, b.last == channels else { return nil }
    let middle = zip(a.dropLast(), b.dropLast()).prefix { $0 == $1 }.count
    guard b[middle..<(b.count - 1)].allSatisfy({ $0 == 1 }) else { return nil }
    return (a[..<middle].reduce(1, *), a[middle..<(a.count - 1)].reduce(1, *))
  }
}
