import Foundation
import SpadixSupport
import Testing

@testable import SpadixIR

/// Files whose text is wrong on purpose say so with an `error:` expectation.
private func isValid(_ path: String) -> Bool {
  guard let text = try? String(contentsOfFile: repositoryRoot + "/" + path, encoding: .utf8) else { return false }
  return !text.contains("error:")
}

@Suite("Printing and parsing")
struct PrintParseLawTests {
  @Test("parse(print(g)) is g, and print(parse(print(g))) is print(g)", arguments: repositoryGraphs.filter(isValid))
  func laws(path: String) throws {
    let file = repositoryRoot + "/" + path
    let graph = try Graph(reading: file)
    let printer = GraphPrinter(destination: file)
    let text = printer.text(of: graph)
    let again = try Graph(parsing: SourceText(name: "printed", text: text), baseFile: file)
    #expect(graph.firstDifference(from: again) == nil)
    #expect(printer.text(of: again) == text)
  }

  @Test("the repository has examples to hold the laws on")
  func examplesExist() { #expect(repositoryGraphs.count >= 6) }
}
