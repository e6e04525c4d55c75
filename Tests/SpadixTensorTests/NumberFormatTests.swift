import Testing

@testable import SpadixTensor

@Suite("Number formats")
struct NumberFormatTests {
  @Test("every float16 is the Float32 of the same value")
  func halves() {
    for bits in UInt16.min...UInt16.max {
      let found = NumberFormat.f16.reals([UInt8(bits & 0xFF), UInt8(bits >> 8)][...])[0]
      // From the definition: sign, five bits of exponent with bias 15, ten of fraction.
      let (exponent, fraction) = (Int(bits >> 10 & 31), Double(bits & 1023) / 1024)
      let sign: Double = bits >> 15 == 0 ? 1 : -1
      var expected =
        exponent == 0
        ? fraction * 0x1p-14 : (1 + fraction) * Double(sign: .plus, exponent: exponent - 15, significand: 1)
      if exponent == 31 { expected = fraction == 0 ? .infinity : .nan }
      #expect(expected.isNaN ? found.isNaN : Double(found) == sign * expected)
      #expect(found.sign == (sign < 0 ? .minus : .plus))
    }
  }

  @Test("bfloat16 is the upper half of a Float32")
  func bfloat16() {
    let values: [Float] = [0, -0.0, 1, -2.5, 3.0e38, 1.0e-38, .infinity]
    let bytes = values.flatMap { value in
      let bits = UInt16(value.bitPattern >> 16)
      return [UInt8(bits & 0xFF), UInt8(bits >> 8)]
    }
    #expect(NumberFormat.bf16.reals(bytes[...]).map(\.bitPattern) == values.map { $0.bitPattern & 0xFFFF_0000 })
  }

  @Test("integers fit a type or are refused")
  func integers() {
    #expect(NumberFormat.u64.integers([255, 255, 255, 255, 255, 255, 255, 255][...]) == [Int.max])
    #expect(NumberFormat.i16.tensor([0xFF, 0xFF, 127, 0][...], .i8([2]))?.int8s == [-1, 127])
    #expect(NumberFormat.u16.tensor([128, 0][...], .i8([1])) == nil)
    #expect(NumberFormat.f32.tensor([0, 0, 128, 63][...], .i32([1])) == nil)
    #expect(NumberFormat.u8.tensor([200][...], .f32([1]))?.floats == [200])
  }

  @Test(
    "what happened to the axes",
    arguments: [
      ([2, 3, 8, 9], [1, 8, 9, 3], false, "NCHW"), ([3, 8, 9], [1, 8, 9, 3], false, "CHW without a batch"),
      ([8, 9, 3], [1, 8, 9, 3], false, "batch is missing"), ([5, 8, 9], [1, 8, 9, 1], false, "channels is missing"),
      ([16, 3, 5, 7], [5, 7, 3, 16], true, "OIHW"), ([16, 5, 7, 3], [5, 7, 3, 16], true, "OHWI"),
      ([10, 64], [64, 10], true, ".T"), ([2, 1, 3], [2, 3], true, "reshape"),
    ] as [([Int], [Int], Bool, String)])
  func hints(found: [Int], expected: [Int], isWeights: Bool, word: String) {
    let hint = ShapeHint.text(found: found, expected: expected, array: "x", isWeights: isWeights)
    #expect(hint?.contains(word) == true, "\(String(describing: hint))")
  }

  @Test("no hint where the numbers are not as many")
  func noHint() {
    #expect(ShapeHint.text(found: [2, 3], expected: [3, 3], array: "x", isWeights: true) == nil)
    #expect(ShapeHint.text(found: [], expected: [1, 8, 8, 1], array: "x", isWeights: false) == nil)
  }
}
