/// How an int32 accumulator becomes int8, with explicit integers: the last step of most npu operators.
///
/// `q = clamp(round_half_even(float32(acc) * scale) + output_zero_point, low, high)`, then `table[q + 128]` where there is
/// a table.
public struct OutputStage: Hashable, Sendable {
  /// One, or one for each output channel. Finite and positive.
  public var scales: [Float] = [1]
  /// In -128...127.
  public var zeroPoint: Int32 = 0
  /// [low, high] in -128...127.
  public var clamp: [Int32] = [-128, 127]
  /// What becomes of each int8, from -128 on: 256 of them. Nil where they stay.
  public var table: [Int8]?

  public init(scales: [Float] = [1], zeroPoint: Int32 = 0, low: Int32 = -128, high: Int32 = 127) {
    self.scales = scales
    self.zeroPoint = zeroPoint
    self.clamp = [low, high]
  }

  /// No int8 before the table is below.
  public var low: Int32 { clamp[0] }
  /// No int8 before the table is above.
  public var high: Int32 { clamp[1] }

  /// No result is below.
  public var least: Int32 { table.map { $0[Int(low) + 128...Int(high) + 128].min().map(Int32.init) ?? low } ?? low }

  /// The scale of an output channel, also where one serves all.
  func scale(at channel: Int) -> Float { scales.count == 1 ? scales[0] : scales[channel] }
}

/// An operator that ends in an output stage.
public protocol OutputStageOperator: OperatorDefinition {
  /// How its sums leave the accumulator.
  var output: OutputStage { get set }
}

extension Array {
  /// The attributes `scales` (or `scale`, where there is only one), `output_zero_point` and `clamp`.
  static func outputStage<Payload: OutputStageOperator>(perChannel: Bool) -> [Element]
  where Element == AttributeField<Payload> {
    let scale: Element =
      perChannel
      ? .reals(
        "scales", \.output.scales, required: true,
        "accumulator to output: one, or one for each index of the last axis")
      : Element(
        "scale", kind: "a number", summary: "accumulator to output", isRequired: true,
        get: { .real($0.output.scales[0]) },
        set: { payload, value in
          guard let real = value.realValue else { return .wrongKind }
          payload.output.scales = [real]
          return .set
        })
    return [scale, .integer("output_zero_point", \.output.zeroPoint, "added after rounding")] + storeEnd()
  }

  /// The attributes `clamp` and `table`.
  static func storeEnd<Payload: OutputStageOperator>() -> [Element] where Element == AttributeField<Payload> {
    [
      .integers("clamp", \.output.clamp, count: 2, "bounds of the result: [low, high]"),
      Element(
        "table", kind: "a string of 512 hexadecimal digits",
        summary: "what becomes of the clamped result: two digits for each of -128 to 127",
        get: { $0.output.table.map { .string(hexadecimal($0)) } },
        set: { payload, value in
          guard case .string(let digits) = value, let table = int8s(hexadecimal: digits), table.count == 256 else {
            return .wrongKind
          }
          payload.output.table = table
          return .set
        }),
    ]
  }
}

private func hexadecimal(_ values: [Int8]) -> String {
  values.map { value in
    let digits = String(UInt8(bitPattern: value), radix: 16)
    return digits.count == 1 ? "0" + digits : digits
  }.joined()
}

private func int8s(hexadecimal text: String) -> [Int8]? {
  let digits = Array(text.utf8)
  guard digits.count.isMultiple(of: 2), digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) else {
    return nil
  }
  return stride(from: 0, to: digits.count, by: 2).compactMap {
    UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16).map { Int8(bitPattern: $0) }
  }
}

extension OperatorCheck {
  mutating func outputStage(_ stage: OutputStage, channels: Int) {
    if stage.scales.count != 1, stage.scales.count != channels {
      report(
        "scales",
        "found \(counted(stage.scales.count, "scale")); expected 1 or \(channels), one for each output channel")
    }
    if let bad = stage.scales.first(where: { !($0.isFinite && $0 > 0) }) {
      report("scales", "found the scale \(bad); expected finite positive numbers")
    }
    zeroPoint("output_zero_point", stage.zeroPoint)
    if stage.clamp.count != 2 || stage.clamp.contains(where: { !(-128...127).contains($0) }) || stage.low > stage.high {
      report("clamp", "clamp = \(stage.clamp): expected [low, high] in -128...127 with low <= high")
    }
  }

  mutating func zeroPoint(_ name: String, _ value: Int32) {
    if !(-128...127).contains(value) { report("zero-point", "\(name) = \(value): expected -128...127") }
  }
}
