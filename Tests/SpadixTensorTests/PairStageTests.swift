import SpadixTensor
import Testing

/// Values worked out by hand from the formulas of QLinearAdd and QLinearMul.
@Suite struct PairStageTests {
  private static let half = Quantization(scale: 0.5, zeroPoint: 0)

  @Test func theZeroPointStandsInsideTheRounding() {
    // 1 * 0.5 is the tie 0.5: 0 + 1 with the zero point outside, round(1.5) = 2 inside.
    let output = Quantization(scale: 1, zeroPoint: 1)
    #expect(PairStage.sum(Self.half, Self.half, output: output)(1, 0) == 2)
    #expect(QuantizedArithmetic.requantize(1, scale: 0.5, zeroPoint: 1) == 1)
    #expect(PairStage.product(Self.half, Quantization(scale: 1, zeroPoint: 0), output: output)(1, 1) == 2)
  }

  @Test func sumsOfAnyScales() {
    let a = Quantization(scale: 0.1, zeroPoint: 3)
    let b = Quantization(scale: 0.03, zeroPoint: -7)
    let output = Quantization(scale: 0.2, zeroPoint: 5)
    for (x, y) in [(Int8(-128), Int8(-128)), (127, 127), (0, 0), (50, -90), (3, -7)] {
      let real = (Double(x) - 3) * 0.1 + (Double(y) + 7) * 0.03
      let expected = min(max((real / 0.2 + 5).rounded(.toNearestOrEven), -128), 127)
      #expect(PairStage.sum(a, b, output: output)(x, y) == Int8(expected))
      let difference = (Double(x) - 3) * 0.1 - (Double(y) + 7) * 0.03
      let other = min(max((difference / 0.2 + 5).rounded(.toNearestOrEven), -128), 127)
      #expect(PairStage.sum(a, b, output: output, subtracts: true)(x, y) == Int8(other))
    }
  }

  @Test func boundsHoldAfterRounding() {
    let pair = PairStage(.product, factors: [1, 0], offset: 0)
    #expect(pair(10, 10, low: -5, high: 20) == 20)
    #expect(pair(-10, 10, low: -5, high: 20) == -5)
    #expect(PairStage(.sum, factors: [.infinity, 0])(0, 0, low: -3) == -3, "not a number")
  }

  /// uint8 models are computed on uint8: the same real numbers, other roundings in Float32.
  @Test func unsignedSumsAreThoseOfUnsignedIntegers() {
    let a = Quantization(scale: 0.0171, zeroPoint: -11)
    let b = Quantization(scale: 0.0233, zeroPoint: 40)
    let output = Quantization(scale: 0.0311, zeroPoint: -20)
    let (factorA, factorB) = (a.scale / output.scale, b.scale / output.scale)
    let zeros = (factorB * 168).addingProduct(factorA, 117)
    let offset = Float(108) - zeros
    let pair = PairStage.sum(a, b, output: output, isUnsigned: true)
    for x in stride(from: 0, through: 255, by: 5) {
      for y in 0...255 {
        let real = offset.addingProduct(factorB, Float(y)).addingProduct(factorA, Float(x))
        let expected = min(max(real.rounded(.toNearestOrEven), 0), 255)
        #expect(pair(Int8(x - 128), Int8(y - 128)) == Int8(expected - 128))
      }
    }
  }

  @Test func tablesOfFunctions() {
    let input = Quantization(scale: 0.5, zeroPoint: 2)
    let output = Quantization(scale: 0.25, zeroPoint: -1)
    let table = QuantizedArithmetic.table(input: input, output: output) { $0 < 0 ? 0 : $0 * $0 }
    #expect(table.count == 256)
    #expect(QuantizedArithmetic.lookUp(-128, in: table) == -1)
    #expect(QuantizedArithmetic.lookUp(5, in: table) == 8, "(5 - 2) * 0.5 squared is 2.25, 9 steps and -1")
    #expect(QuantizedArithmetic.lookUp(127, in: table) == 127)
    let nothing = QuantizedArithmetic.table(input: input, output: output) { _ in .nan }
    #expect(nothing.allSatisfy { $0 == -128 })
    let negated = QuantizedArithmetic.everyInt8.map { $0 == -128 ? 127 : -$0 }
    #expect(QuantizedArithmetic.lookUp(5, in: QuantizedArithmetic.compose(table, then: negated)) == -8)
  }
}
