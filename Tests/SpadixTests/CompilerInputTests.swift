import SpadixSupport
import Testing

@testable import Spadix

@Suite struct CompilerInputTests {
  private func input(_ text: String) throws -> CompilerInput {
    try CompilerInput(parsing: SourceText(name: "test.spx", text: text))
  }

  @Test func floatingPointGraphIsAtTheFirstPhase() throws {
    #expect(try residualInput().phase == .graph)
  }

  @Test func quantizedTypesMakeAGraphQuantized() throws {
    let found = try input(
      """
      graph @g(%x: q8<0.1, 0>[1, 4]) -> q8<0.1, 0>[1, 4] {
        %y = nn.relu %x : q8<0.1, 0>[1, 4]
        return %y
      }
      """)
    #expect(found.phase == .quantized)
  }

  @Test func planIsSplitFromItsGraph() throws {
    let found = try input(
      """
      graph @g(%x: q8<0.1, 0>[1, 4]) -> q8<0.1, 0>[1, 4] {
        %y = npu.reshape %x : q8<0.1, 0>[1, 4]
        return %y
      }
      plan @g {
      }
      """)
    #expect(found.phase == .plan)
    let plan = try #require(found.plan)
    #expect(plan.source.position(of: plan.start).line == 5)
  }

  @Test func programIsNamedAsSuch() {
    let file: [UInt8] = [2, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8)
    #expect(
      diagnosticID { _ = try CompilerInput(parsing: SourceText(name: "p.spxo", bytes: file)) }
        == "driver.program-input")
  }

  @Test(arguments: ["", "plan @g {\n}\n", "\u{0}\u{1}\u{2}", "graph", "data @x"])
  func damagedTextGetsADiagnostic(text: String) {
    #expect(diagnosticID { _ = try input(text) }?.contains(".") == true)
  }
}
