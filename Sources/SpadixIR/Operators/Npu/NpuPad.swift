/// An int8 tensor with a border around it.
public struct NpuPad: OperatorDefinition {
  /// Elements before the first of each axis.
  public var low: [Int] = []
  /// Elements after the last of each axis.
  public var high: [Int] = []
  /// The int8 value of the border.
  public var value: Int32 = 0

  public init() {}
  public init(low: [Int], high: [Int], value: Int32 = 0) {
    self.low = low
    self.high = high
    self.value = value
  }

  public static let mnemonic = "npu.pad"
  public static let summary = "A border of one int8 around a tensor"
  public static let documentation = """
    Moves int8 only; the value is the integer itself.
    """
  public static let operands = [OperandDescription("input", "int8, any shape")]
  public static let attributes: [AttributeField<NpuPad>] = [
    .integers("low", \.low, required: true, "elements before each axis"),
    .integers("high", \.high, required: true, "elements after each axis"),
    .integer("value", \.value, "the int8 value of the border"),
  ]

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    check.requireInt8(0, "input")
    check.requireInt8Result()
    if !(-128...127).contains(value) { check.report("value", "value = \(value): expected -128...127") }
    return check.padded(low: low, high: high)
  }
}
