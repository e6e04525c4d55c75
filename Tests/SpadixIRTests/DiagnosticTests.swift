import SpadixIR
import SpadixSupport
import Testing

/// A text that breaks one rule, and the rule's id.
private struct Broken: CustomTestStringConvertible, Sendable {
  var id: String
  var text: String
  var testDescription: String { id }

  init(_ id: String, _ text: String) {
    self.id = id
    self.text = text
  }

  /// A graph whose body is one operation that defines %y from %x.
  init(_ id: String, op: String, x: String = "f32[1, 4, 4, 2]", y: String = "f32[1, 4, 4, 2]", data: String = "") {
    self.init(id, graph(op, x: x, result: y, data: data))
  }
}

private let valid = "graph @g(%x: f32[2]) -> f32[2] { return %x }"

private let syntaxErrors: [Broken] = [
  Broken("syntax.no-graph", ""),
  Broken("syntax.no-graph", "// nothing\n"),
  Broken("syntax.second-graph", valid + "\n" + valid),
  Broken("syntax.expected", "module @m {}\n" + valid),
  Broken("syntax.expected", "graph g() -> f32[1] { return %x }"),
  Broken("syntax.expected", "graph @g(%x: f32[2]) { return %x }"),
  Broken("syntax.expected", "graph @g(%x: f64[2]) -> f32[2] { return %x }"),
  Broken("syntax.expected", "graph @g(%x: f32[2]) -> f32[2] { return %x"),
  Broken("syntax.expected", "graph @g(%x: f32[2]) -> f32[2] {\n  %y = nn.relu %x\n  return %y\n}"),
  Broken("syntax.expected", "graph @g(%x: f32[2]) -> f32[2] {\n  return %x\n  return %x\n}"),
  Broken("syntax.expected", "graph @g(%x: f32[2]) -> f32[2] {\n  return %x\n  %y = nn.relu %x : f32[2]\n}"),
  Broken("syntax.no-return", "graph @g(%x: f32[2]) -> f32[2] {\n}"),
  Broken("syntax.character", "graph @g(%x: f32[2]) -> f32[2] {\n  return %x;\n}"),
  Broken("syntax.name", "graph @g(%x: f32[2], % y: f32[2]) -> f32[2] { return %x }"),
  Broken("syntax.string", "data @a : f32[1] = file(\"a.npy\n)\n" + valid),
  Broken("syntax.string", "data @a : f32[1] = file(\"a\\q.npy\")\n" + valid),
  Broken("syntax.integer", "graph @g(%x: f32[99999999999999999999]) -> f32[2] { return %x }"),
  Broken("syntax.number", "data @a : f32[1] = [1e99]\n" + valid),
  Broken("syntax.number", "data @a : f32[1] = [inf]\n" + valid),
  Broken("syntax.depth", op: "%y = nn.relu %x {range = [[[[[[[[[[1]]]]]]]]]]} : f32[1, 4, 4, 2]"),
]

private let typeErrors: [Broken] = [
  Broken("ir.type-rank", "graph @g(%x: f32[1, 1, 1, 1, 1, 1, 1, 1, 1]) -> f32[2] { return %x }"),
  Broken("ir.type-dimension", "graph @g(%x: f32[0, 9223372036854775807, 2]) -> f32[2] { return %x }"),
  Broken("ir.type-size", "graph @g(%x: f32[9223372036854775807, 9223372036854775807]) -> f32[2] { return %x }"),
  Broken("ir.type-axis", "graph @g(%x: q8<axis = 1, [1.0]>[2]) -> f32[2] { return %x }"),
  Broken("ir.type-scales", "graph @g(%x: q8<axis = 0, [1.0]>[2]) -> f32[2] { return %x }"),
  Broken("ir.type-scales", "graph @g(%x: q8<axis = 0, [1.0, 1.0], [0]>[2]) -> f32[2] { return %x }"),
  Broken("ir.type-scale", "graph @g(%x: q8<0.0, 0>[2]) -> f32[2] { return %x }"),
  Broken("ir.type-scale", "graph @g(%x: q8<-0.5, 0>[2]) -> f32[2] { return %x }"),
  Broken("ir.type-zero-point", "graph @g(%x: q8<0.5, 128>[2]) -> f32[2] { return %x }"),
  Broken("ir.type-zero-point", "graph @g(%x: q8<0.5, 99999999999>[2]) -> f32[2] { return %x }"),
]

private let nameErrors: [Broken] = [
  Broken("ir.undefined-value", op: "%y = nn.relu %z : f32[1, 4, 4, 2]"),
  Broken("ir.undefined-value", op: "%y = nn.relu %y : f32[1, 4, 4, 2]"),
  Broken("ir.duplicate-value", op: "%x = nn.relu %x : f32[1, 4, 4, 2]\n  %y = nn.relu %x : f32[1, 4, 4, 2]"),
  Broken("ir.duplicate-value", "graph @g(%x: f32[2], %x: f32[2]) -> f32[2] { return %x }"),
  Broken("ir.undefined-data", op: "%y = constant @w : f32[1, 4, 4, 2]"),
  Broken("ir.undefined-data", "graph @g(%x: f32[2] {calibration = @s}) -> f32[2] { return %x }"),
  Broken("ir.duplicate-data", "data @a : f32[1] = [1]\ndata @a : f32[1] = [1]\n" + valid),
  Broken("ir.constant-type", op: "%y = constant @w : f32[1, 4, 4, 2]", data: "data @w : f32[2] = [1, 2]"),
  Broken("ir.unknown-operator", op: "%y = nn.rleu %x : f32[1, 4, 4, 2]"),
  Broken("ir.unknown-attribute", op: "%y = nn.relu %x {axis = 1} : f32[1, 4, 4, 2]"),
  Broken("ir.unknown-attribute", "graph @g(%x: f32[2] {samples = 1}) -> f32[2] { return %x }"),
  Broken(
    "ir.unknown-attribute", op: "%y = constant @w {host_reason = \"x\"} : f32[2]", y: "f32[2]",
    data: "data @w : f32[2] = [1, 2]"),
  Broken(
    "ir.unknown-attribute", op: "%y = npu.reshape %x {host_reason = \"x\"} : i8[4]", x: "i8[4]", y: "i8[4]"),
  Broken("ir.duplicate-attribute", op: "%y = nn.clamp %x {low = 0.0, low = 0.0} : f32[1, 4, 4, 2]"),
  Broken("ir.missing-attribute", op: "%y = nn.max_pool2d %x : f32[1, 4, 4, 2]"),
  Broken("ir.attribute-type", op: "%y = nn.clamp %x {low = @a} : f32[1, 4, 4, 2]"),
  Broken("ir.attribute-type", op: "%y = nn.max_pool2d %x {window = [1]} : f32[1, 4, 4, 2]"),
  Broken("ir.attribute-type", op: "%y = nn.max_pool2d %x {window = [1, 4294967297]} : f32[1, 4, 4, 2]"),
  Broken("ir.attribute-type", op: "%y = nn.relu %x {host_reason = 1} : f32[1, 4, 4, 2]"),
  Broken("ir.attribute-type", "graph @g(%x: f32[2] {calibration = 1}) -> f32[2] { return %x }"),
  Broken("ir.attribute-alone", op: "%y = nn.add %x, %x {low = 1.0} : f32[1, 4, 4, 2]"),
  Broken("ir.range", op: "%y = nn.relu %x {range = [1.0, 0.0]} : f32[1, 4, 4, 2]"),
  Broken("ir.range", op: "%y = nn.relu %x {range = [0.0, inf]} : f32[1, 4, 4, 2]"),
  Broken("ir.operand-count", op: "%y = nn.add %x : f32[1, 4, 4, 2]"),
  Broken("ir.operand-count", op: "%y = nn.relu %x, %x : f32[1, 4, 4, 2]"),
  Broken("ir.operand-count", op: "%y = nn.concat {axis = 0} : f32[1, 4, 4, 2]"),
  Broken("ir.return-count", "graph @g(%x: f32[2]) -> f32[2] { return %x, %x }"),
  Broken("ir.return-type", "graph @g(%x: f32[2]) -> f32[3] { return %x }"),
  Broken(
    "ir.samples-shape",
    "data @s : f32[3, 4] = splat(1.0)\ngraph @g(%x: f32[2, 4] {calibration = @s}) -> f32[2, 4] { return %x }"),
  Broken(
    "ir.samples-shape",
    "data @s : i8[4, 4] = splat(1)\ngraph @g(%x: f32[2, 4] {calibration = @s}) -> f32[2, 4] { return %x }"),
]

private func dataError(_ id: String, _ type: String, _ source: String) -> Broken {
  Broken(id, "data @a : \(type) = \(source)\n" + valid)
}

private let dataErrors: [Broken] = [
  dataError("syntax.expected", "f32[1]", "zeros()"),
  dataError("syntax.expected", "f32[1]", "random(seeds = 1)"),
  dataError("data.count", "f32[2]", "[1.0]"),
  dataError("data.count", "f32[2]", "[]"),
  dataError("data.count", "f32[2, 2]", "[[1, 2], [3]]"),
  dataError("syntax.expected", "f32[2]", "[[1], [2]]"),
  dataError("data.element", "i8[1]", "[128]"),
  dataError("data.element", "q8<1.0, 0>[1]", "[-129]"),
  dataError("data.element", "i32[1]", "[2147483648]"),
  dataError("syntax.expected", "i8[1]", "[1.0]"),
  dataError("data.hex", "i8[1]", "hex(\"0g\")"),
  dataError("data.hex", "i8[1]", "hex(\"0\")"),
  dataError("data.count", "i8[2]", "hex(\"00\")"),
  dataError("data.file", "f32[1]", "file(\"a.safetensors\")"),
  dataError("data.file", "f32[1]", "file()"),
  dataError("data.file", "f32[1]", "file(\"a\", \"b\", \"c\")"),
  dataError("data.random", "f32[1]", "random(low = 0.0, high = 1.0)"),
  dataError("data.random", "f32[1]", "random(seed = 1, low = 0.0)"),
  dataError("data.random", "f32[1]", "random(seed = 1, low = 1.0, high = 0.0)"),
  dataError("data.random", "f32[1]", "random(seed = 1, low = 0.0, high = 1.0, laplace = 1.0)"),
  dataError("data.random", "f32[1]", "random(seed = 1, laplace = 0.0)"),
  dataError("data.random", "i8[1]", "random(seed = 1, laplace = 1.0)"),
  dataError("data.random", "i8[1]", "random(seed = 1, low = 0.0, high = 1000.0)"),
  dataError("data.random", "i32[1]", "random(seed = 1, low = 0.5, high = 1.0)"),
  dataError("data.random", "f32[1]", "random(seed = 1, low = -3e38, high = 3e38)"),
  dataError("data.elided", "f32[1]", "elided"),
]

@Suite("Diagnostics of the language")
struct DiagnosticTests {
  @Test("syntax", arguments: syntaxErrors)
  fileprivate func syntax(broken: Broken) { #expect(errorIDs(broken.text) == [broken.id], "\(errors(broken.text))") }

  @Test("types", arguments: typeErrors)
  fileprivate func types(broken: Broken) { #expect(errorIDs(broken.text).first == broken.id) }

  @Test("names and attributes", arguments: nameErrors)
  fileprivate func names(broken: Broken) { #expect(errorIDs(broken.text) == [broken.id]) }

  @Test("data", arguments: dataErrors)
  fileprivate func data(broken: Broken) { #expect(errorIDs(broken.text) == [broken.id]) }

  @Test("all errors of a text are reported, in order, and what follows from one is not")
  func recovery() {
    let text = """
      data @w : f32[2 = [1, 2]
      data @v : f32[2] = [1, 2, 3]

      graph @g(%x: f32[2]) -> f32[2] {
        %w = constant @w : f32[2]
        %a = nn.rleu %x : f32[2]
        %b = nn.add %a, %x : f32[2]
        %c = nn.relu %b, : f32[2]
        %d = nn.relu %c : f32[3]
        %e = nn.relu %x : f32[3]
        ( nonsense
        %f = nn.relu %e
        %g = nn.add %f, %q : f32[3]
        return %g
      }
      """
    #expect(
      errorIDs(text) == [
        "syntax.expected", "data.count", "ir.unknown-operator", "syntax.expected", "ir.relu-result-shape",
        "syntax.expected", "syntax.expected", "ir.undefined-value", "ir.return-type",
      ])
  }

  @Test("a file of nothing but errors ends")
  func manyErrors() {
    let ids = errorIDs(String(repeating: "data\n", count: 5000))
    #expect(ids.last == "syntax.too-many-errors")
    #expect(ids.count == 101)
  }

  @Test("misspelt names find their way")
  func suggestions() {
    #expect(
      errors(graph("%y = nn.rleu %x : f32[2]", x: "f32[2]", result: "f32[2]"))[0].help == "did you mean 'nn.relu'?")
    let text = "graph @g(%image: f32[2]) -> f32[2] { return %imgae }"
    #expect(errors(text)[0].help == "did you mean %image?")
  }

  @Test("both places are shown")
  func notes() {
    let text = """
      data @w : f32[3, 3, 3, 8] = splat(0.0)
      graph @g(%x: f32[1, 4, 4, 2]) -> f32[1, 2, 2, 8] {
        %w = constant @w : f32[3, 3, 3, 8]
        %y = nn.conv2d %x, %w : f32[1, 2, 2, 8]
        return %y
      }
      """
    let diagnostic = errors(text)[0]
    #expect(diagnostic.id == "ir.conv2d-channels")
    #expect(
      diagnostic.description == """
        test.spx:4:3: error: nn.conv2d: the weights have 3 input channels; expected 2, the 2 channels of the input \
        divided by groups = 1 [ir.conv2d-channels]
            %y = nn.conv2d %x, %w : f32[1, 2, 2, 8]
            ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
        test.spx:2:10: note: operand 'input', %x, has type f32[1, 4, 4, 2]
          graph @g(%x: f32[1, 4, 4, 2]) -> f32[1, 2, 2, 8] {
                   ^~
        test.spx:3:3: note: operand 'weights', %w, has type f32[3, 3, 3, 8]
            %w = constant @w : f32[3, 3, 3, 8]
            ^~

        """)
  }
}
