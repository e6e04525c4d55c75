extension QuantizedArithmetic {
  /// Every int8, in the order of tables.
  public static let everyInt8: [Int8] = Array(-128...127)

  /// What a function of one real number does to each int8, from -128 on: dequantized, the function in Float64, rounded to
  /// Float32, quantized.
  public static func table(
    input: Quantization, output: Quantization, _ function: (Double) -> Double
  ) -> [Int8] {
    everyInt8.map {
      let real = dequantize($0, scale: input.scale, zeroPoint: input.zeroPoint)
      return quantize(Float(function(Double(real))), scale: output.scale, zeroPoint: output.zeroPoint)
    }
  }

  /// What a table makes of an int8.
  @inlinable
  public static func lookUp(_ value: Int8, in table: [Int8]) -> Int8 { table[Int(value) + 128] }

  /// One table, then another.
  public static func compose(_ first: [Int8], then second: [Int8]) -> [Int8] {
    first.map { lookUp($0, in: second) }
  }
}
