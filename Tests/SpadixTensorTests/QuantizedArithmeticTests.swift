import Testing

@testable import SpadixTensor

@Suite("Quantized arithmetic")
struct QuantizedArithmeticTests {
  @Test(
    "requantize rounds half to even, adds the zero point, then saturates",
    arguments: [
      (1, 0.5, 0, 0), (3, 0.5, 0, 2), (5, 0.5, 0, 2), (-1, 0.5, 0, 0), (-3, 0.5, 0, -2),
      (100, 1, 10, 110), (200, 1, 0, 127), (-200, 1, 0, -128), (200, 1, -100, 100), (7, 0.1, -3, -2),
    ] as [(Int32, Float, Int32, Int8)])
  func requantize(accumulator: Int32, scale: Float, zeroPoint: Int32, expected: Int8) {
    #expect(QuantizedArithmetic.requantize(accumulator, scale: scale, zeroPoint: zeroPoint) == expected)
  }

  @Test("bounds apply after the zero point")
  func bounds() {
    #expect(QuantizedArithmetic.requantize(50, scale: 1, zeroPoint: 5, low: 5, high: 40) == 40)
    #expect(QuantizedArithmetic.requantize(-50, scale: 1, zeroPoint: 5, low: 5, high: 40) == 5)
  }

  @Test("the accumulator is rounded to Float32 before it is multiplied")
  func accumulatorRounding() {
    // 16777217 = 2^24 + 1 becomes 2^24 in Float32, and 2^24 * 2^-18 = 64; 33554435 rounds up to 33554436.
    #expect(QuantizedArithmetic.requantize(16_777_217, scale: 0x1p-18, zeroPoint: 0) == 64)
    // 2^24 + 3 becomes 2^24 + 4, so that the quotient by 8 is 2^21 + 0.5, which ties to even 2^21.
    #expect(QuantizedArithmetic.requantize(16_777_219, scale: 0x1p-3, zeroPoint: -2_097_152 + 3) == 3)
  }

  @Test("products that no integer holds")
  func extremes() {
    #expect(QuantizedArithmetic.requantize(1, scale: .infinity, zeroPoint: 0) == -128)
    #expect(QuantizedArithmetic.requantize(0, scale: .infinity, zeroPoint: 0) == -128)
    #expect(QuantizedArithmetic.requantize(1, scale: .nan, zeroPoint: 0) == -128)
    #expect(QuantizedArithmetic.requantize(.max, scale: 1e9, zeroPoint: -128) == 127)
    #expect(QuantizedArithmetic.requantize(.min, scale: 1e9, zeroPoint: 127) == -128)
    #expect(QuantizedArithmetic.requantize(.max, scale: 1e30, zeroPoint: 0) == -128)
  }

  @Test("quantize and dequantize")
  func quantize() {
    #expect(QuantizedArithmetic.quantize(0.25, scale: 0.1, zeroPoint: 0) == 2)
    #expect(QuantizedArithmetic.quantize(-1, scale: 0.5, zeroPoint: 10) == 8)
    #expect(QuantizedArithmetic.quantize(.infinity, scale: 0.5, zeroPoint: 0) == 127)
    #expect(QuantizedArithmetic.quantize(-.infinity, scale: 0.5, zeroPoint: 0) == -128)
    #expect(QuantizedArithmetic.quantize(.nan, scale: 0.5, zeroPoint: 0) == -128)
    #expect(QuantizedArithmetic.quantize(1e38, scale: 1e-30, zeroPoint: 0) == 127)
    #expect(QuantizedArithmetic.dequantize(-3, scale: 0.5, zeroPoint: 1) == -2)
  }

  @Test("a value that an int8 stands for quantizes to that int8")
  func quantizeInvertsDequantize() {
    for value in Int8.min...Int8.max {
      for zeroPoint: Int32 in [-128, -3, 0, 127] {
        let real = QuantizedArithmetic.dequantize(value, scale: 0.05, zeroPoint: zeroPoint)
        #expect(QuantizedArithmetic.quantize(real, scale: 0.05, zeroPoint: zeroPoint) == value)
      }
    }
  }

  @Test("scales per index of an axis")
  func perAxis() {
    let quantization = Quantization(axis: 1, scales: [1, 0.5], zeroPoints: [0, 4])
    #expect(QuantizedArithmetic.quantize([1, 1, 2, 2], shape: [2, 2], quantization) == [1, 6, 2, 8])
    #expect(QuantizedArithmetic.dequantize([1, 6, 2, 8], shape: [2, 2], quantization) == [1, 1, 2, 2])
    let first = Quantization(axis: 0, scales: [1, 0.5])
    #expect(QuantizedArithmetic.quantize([1, 1, 2, 2], shape: [2, 2], first) == [1, 1, 4, 4])
  }

  @Test("clamp bounds are the quantized ends of the interval")
  func clampBounds() {
    let relu6 = QuantizedArithmetic.clampBounds(low: 0, high: 6, scale: 0.1, zeroPoint: -20)
    #expect(relu6.low == -20 && relu6.high == 40)
    let open = QuantizedArithmetic.clampBounds(low: -.infinity, high: .infinity, scale: 0.1, zeroPoint: 3)
    #expect(open.low == -128 && open.high == 127)
  }

  @Test("biases round in Float64 and saturate")
  func bias() {
    #expect(QuantizedArithmetic.quantizeBias(1, input: 0.5, weight: 0.5) == 4)
    #expect(QuantizedArithmetic.quantizeBias(1e30, input: 1e-3, weight: 1e-3) == .max)
    #expect(QuantizedArithmetic.quantizeBias(-1e30, input: 1e-3, weight: 1e-3) == .min)
  }

  @Test("softmax does not overflow and sums to 1")
  func softmax() {
    let result = QuantizedArithmetic.softmax([1000, 1000, -1000] as [Float])
    #expect(result == [0.5, 0.5, 0])
    let row = QuantizedArithmetic.softmax(
      [10, 0, -10] as [Int8], input: Quantization(scale: 0.1), output: Quantization(scale: 1 / 256, zeroPoint: -128))
    // exp(1), exp(0), exp(-1) over their sum 4.0862: 0.66524, 0.24473, 0.09003; times 256, minus 128.
    #expect(row == [42, -65, -105])
  }
}
