import SpadixSupport
import Testing

@Suite("Diagnostics")
struct DiagnosticTests {
  @Test("place, source line, caret, notes, help")
  func description() {
    let source = SourceText(name: "a.spx", text: "first\nsecond line\n")
    let diagnostic = Diagnostic(
      "ir.rule", "expected x, found y", at: SourceRange(source, 13, 17),
      notes: [Diagnostic.Note("defined here", at: SourceRange(source, 0, 5)), Diagnostic.Note("no place")],
      help: "write x")
    #expect(
      diagnostic.description == """
        a.spx:2:8: error: expected x, found y [ir.rule]
          second line
                 ^~~~
        a.spx:1:1: note: defined here
          first
          ^~~~~
        note: no place
          help: write x

        """)
  }

  @Test("tabs are kept, and a range that spans lines ends with its first")
  func carets() {
    let source = SourceText(name: "a", text: "\tab\ncd")
    #expect(
      Diagnostic("x.y", "m", at: SourceRange(source, 2, 6)).description
        == "a:1:3: error: m [x.y]\n  \tab\n  \t ^\n")
  }

  @Test("a line of a megabyte is cut around the caret, between characters")
  func longLines() {
    let source = SourceText(
      name: "a", text: String(repeating: "é", count: 100_000) + "X" + String(repeating: "z", count: 900_000))
    let description = Diagnostic("x.y", "m", at: SourceRange(source, 200_000, 200_001)).description
    let lines = description.split(separator: "\n")
    #expect(lines[1].utf8.count < 200)
    #expect(lines[1].contains("X") && !lines[1].contains("\u{FFFD}"))
    let caret = lines[2].distance(from: lines[2].startIndex, to: lines[2].firstIndex(of: "^")!)
    #expect(Array(lines[1])[caret] == "X")
  }

  @Test("places at the very end")
  func end() {
    for text in ["", "a", "a\n"] {
      let source = SourceText(name: "a", text: text)
      let end = text.utf8.count
      #expect(Diagnostic("x.y", "m", at: SourceRange(source, end, end + 1)).description.contains("error: m"))
    }
  }
}
