import Testing

@testable import SpadixReport

@Suite struct FiguresTests {
  @Test(arguments: [
    (0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567"), (Int.max, "9,223,372,036,854,775,807"),
    (Int.min, "-9,223,372,036,854,775,808"),
  ]) func grouping(value: Int, text: String) {
    #expect(Figures.grouped(value) == text)
  }

  @Test(arguments: [
    (0, 0, "0.0"), (1, 3, "33.3"), (2, 3, "66.7"), (1, 2_000, "0.1"), (1, 2_001, "0.0"), (7, 7, "100.0"),
    (1 << 52, 1 << 53, "50.0"),
  ]) func percentages(part: Int, whole: Int, text: String) {
    #expect(Figures.percent(part, of: whole) == text)
  }

  @Test(arguments: [
    (0, "0 B"), (1_023, "1023 B"), (1_024, "1 KiB"), (1_536, "1.5 KiB"), (262_144, "256 KiB"), (8 << 20, "8 MiB"),
    (3 << 29, "1.5 GiB"),
  ]) func units(bytes: Int, text: String) {
    #expect(Figures.bytes(bytes) == text)
  }
}
