import Testing
@testable import SpadixImport

@Suite struct HalfPrecisionTests {
  @Test(
    arguments: [
      (0x0000, 0), (0x3c00, 1), (0xc000, -2), (0x7bff, 65504), (0x0001, 0x1p-24), (0x0400, 0x1p-14),
      (0x3555, 0.33325195),
      (0x7c00, Float.infinity), (0xfc00, -Float.infinity), (0x83ff, -0x3ffp-24),
    ] as [(UInt16, Float)])
  func values(_ bits: UInt16, _ value: Float) { #expect(HalfPrecision.value(bits) == value) }

  @Test func notANumber() { #expect(HalfPrecision.value(0x7e00).isNaN) }
}
