import SpadixSupport
import Testing

private func parse(_ text: String) throws -> JSONValue {
  try JSONValue(parsing: SourceText(name: "t.json", text: text))
}

private let malformed = [
  "", " ", "{", "}", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":}", "{a: 1}", "{\"a\": 1,}", "{\"a\": 1, \"a\": 2}", "01", "-",
  "1.", ".5", "1e", "+1", "1e999", "tru", "nulll", "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"",
  "\"\n\"", "[1] 2", "NaN", "\u{FEFF}1", String(repeating: "[", count: 100_000),
]

@Suite("JSON")
struct JSONTests {
  @Test("values")
  func values() throws {
    #expect(try parse(" null ") == .null)
    #expect(try parse("[true, false, []]") == [true, false, []])
    #expect(try parse("-9223372036854775808") == .integer(.min))
    #expect(try parse("9223372036854775808") == .number(9_223_372_036_854_775_808))
    #expect(try parse("[0.5, 1e2, -0]") == .array([.number(0.5), .number(100), .integer(0)]))
    #expect(try parse("\"\\u00e9\\ud83e\\udd80\\n\\/\"") == "é🦀\n/")
    #expect(try parse("{\"b\": 1, \"a\": {\"c\": []}}") == ["b": 1, "a": ["c": []]])
  }

  @Test("access")
  func access() throws {
    let value = try parse("{\"shape\": [1, 2], \"x\": 0.5, \"n\": 3, \"s\": \"t\"}")
    #expect(value["shape"]?.integers == [1, 2])
    #expect(value["x"]?.number == 0.5)
    #expect(value["n"]?.number == 3)
    #expect(value["x"]?.integer == nil)
    #expect(value["s"]?.string == "t")
    #expect(value["none"] == nil)
    #expect(JSONValue.array(["a"]).integers == nil)
  }

  @Test("malformed texts have a diagnostic with a place", arguments: malformed)
  func errors(text: String) {
    #expect {
      try parse(text)
    } throws: { error in
      let diagnostic = error as? Diagnostic
      return diagnostic?.id == "json.syntax" && diagnostic?.range != nil && diagnostic?.description.isEmpty == false
    }
  }

  @Test("bytes that are not UTF-8")
  func encoding() {
    #expect(throws: Diagnostic.self) { try JSONValue(parsing: SourceText(name: "t", bytes: [0x22, 0xff, 0x22])) }
  }

  @Test("what is written reads back, on one line and indented")
  func roundTrip() throws {
    let value: JSONValue = [
      "name": "a \"b\"\\\n\u{1}é", "list": [1, 2, 3], "nested": [["x": .number(0.1)], []], "empty": [:], "none": .null,
    ]
    #expect(try parse(value.text()) == value)
    #expect(try parse(value.text(pretty: true)) == value)
    #expect(JSONValue.array([["a": 1]]).text(pretty: true) == "[\n  {\n    \"a\": 1\n  }\n]")
    #expect(JSONValue.array([1, 2]).text(pretty: true) == "[1, 2]")
    #expect(JSONValue.number(.infinity).text() == "null")
  }
}
