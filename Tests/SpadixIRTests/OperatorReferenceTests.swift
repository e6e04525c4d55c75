import Foundation
import Testing

@testable import SpadixIR

@Suite("Operator reference")
struct OperatorReferenceTests {
  @Test("docs/operators.md is what the code generates; make it again with 'spadix ops --markdown'")
  func documentIsCurrent() throws {
    let file = try String(contentsOfFile: repositoryRoot + "/docs/operators.md", encoding: .utf8)
    #expect(file == OperatorReference.markdown())
  }

  @Test("every operator is found under its own name, and only there")
  func namesAreDistinct() {
    for kind in Operator.kinds { #expect(OperatorKind.named(kind.mnemonic)?.summary == kind.summary) }
    #expect(Set(Operator.kinds.map(\.mnemonic)).count == Operator.kinds.count)
  }
}
