import SpadixIR
import SpadixISA
import SpadixLegality
import SpadixSupport
import Testing

/// An npu operation on a [1, 6, 6, 4] image, and the rules that it breaks on `gemmini` and on `spadix`.
private struct RuleCase: CustomTestStringConvertible, Sendable {
  var operation: String
  var type: String
  var gemmini: [String]
  var spadix: [String]

  init(_ operation: String, _ type: String, gemmini: [String] = [], spadix: [String] = []) {
    self.operation = operation
    self.type = type
    self.gemmini = gemmini
    self.spadix = spadix
  }

  var testDescription: String { operation }
}

private let image = "i8[1, 6, 6, 4]"
private let ruleCases = [
  RuleCase("npu.requantize %x {scale = 0.5}", image),
  RuleCase("npu.requantize %x {scale = 0.5, input_zero_point = -128, clamp = [0, 127]}", image),
  RuleCase("npu.requantize %x {scale = 0.5, output_zero_point = 3}", image, gemmini: ["target.output-zero-point"]),
  RuleCase("npu.requantize %x {scale = 0.5, clamp = [-127, 127]}", image, gemmini: ["target.clamp"]),
  RuleCase("npu.requantize %x {scale = 0.5, clamp = [0, 126]}", image, gemmini: ["target.clamp"]),
  RuleCase(
    "npu.add %x, %x {scale = 0.5, output_zero_point = 1, clamp = [1, 2]}", image,
    gemmini: ["target.output-zero-point", "target.clamp"]),
  RuleCase("npu.mul %x, %f {scales = [0.5, 0.25, 1.0, 2.0]}", image, gemmini: ["target.per-channel-scale"]),
  RuleCase(
    "npu.requantize %x {scale = 0.5, table = \"\(String(repeating: "7f", count: 256))\"}", image,
    gemmini: ["target.output-table"]),
  RuleCase(
    "npu.binary %x, %x {function = product, factors = [0.5, 0.0]}", image, gemmini: ["target.output-pair"]),
  RuleCase(
    "npu.avg_pool2d %x {window = [2, 5], scale = 0.1, clamp = [-1, 1]}", "i8[1, 5, 2, 4]", gemmini: ["target.clamp"]),
  RuleCase(
    "npu.conv2d %x, %w {scales = [0.5, 0.25, 1.0, 2.0], output_zero_point = 5, clamp = [5, 100]}", image,
    gemmini: ["target.output-zero-point", "target.per-channel-scale", "target.clamp"]),
  RuleCase("npu.max_pool2d %x {window = [3, 3], strides = [2, 2]}", "i8[1, 2, 2, 4]"),
  RuleCase(
    "npu.max_pool2d %x {window = [2, 3]}", "i8[1, 5, 4, 4]", gemmini: ["target.pooling-window"],
    spadix: ["target.pooling-window"]),
  RuleCase(
    "npu.max_pool2d %x {window = [4, 4]}", "i8[1, 3, 3, 4]", gemmini: ["target.pooling-window"],
    spadix: ["target.pooling-window"]),
  RuleCase(
    "npu.max_pool2d %x {window = [3, 3], strides = [1, 2]}", "i8[1, 4, 2, 4]", gemmini: ["target.pooling-window"],
    spadix: ["target.pooling-window"]),
  // Zeros outside the image are only right where nothing is negative.
  RuleCase(
    "npu.max_pool2d %x {window = [2, 2], padding = [0, 0, 0, 1]}", "i8[1, 5, 6, 4]", gemmini: ["target.pooling-padding"]
  ),
  RuleCase("npu.max_pool2d %r {window = [2, 2], padding = [1, 0, 0, 0]}", "i8[1, 6, 5, 4]"),
  RuleCase(
    "npu.conv2d %x, %w {scales = [0.5], pool_window = [2, 2], pool_padding = [1, 1, 1, 1]}", "i8[1, 7, 7, 4]",
    gemmini: ["target.pooling-padding"]),
  RuleCase(
    "npu.conv2d %x, %w {scales = [0.5], clamp = [0, 127], pool_window = [2, 2], pool_padding = [1, 1, 1, 1]}",
    "i8[1, 7, 7, 4]"),
  RuleCase(
    "npu.matmul %a, %b {scales = [0.5], transpose_a = true}", "i8[4, 5]", gemmini: ["target.transposed-operand"],
    spadix: ["target.transposed-operand"]),
  RuleCase("npu.matmul %a, %v {scales = [0.5], input_zero_point = 3, transpose_b = true}", "i8[4, 4]"),
  RuleCase(
    "npu.matmul %a, %a {scales = [0.5], input_zero_point = 3, transpose_b = true}", "i8[4, 4]",
    gemmini: ["target.operand-zero-point"], spadix: ["target.operand-zero-point"]),
  RuleCase("npu.transpose %x {permutation = [3, 1, 0, 2]}", "i8[4, 6, 1, 6]"),
  RuleCase("nn.clamp %q {low = -5.0, high = 5.0}", "q8<0.1, 3>[4]"),
]

@Suite("Targets' rules for npu graphs")
struct TargetVerifierTests {
  private func graph(_ it: RuleCase) throws -> Graph {
    try Graph(
      parsing: SourceText(
        name: "case",
        text: """
          data @w : i8[1, 1, 4, 4] = random(seed = 1)
          data @f : i8[4] = random(seed = 2)
          data @v : i8[4, 4] = random(seed = 3)
          graph @g(%x: i8[1, 6, 6, 4], %a: i8[4, 4], %b: i8[4, 5], %q: q8<0.1, 3>[4]) -> \(it.type) {
            %w = constant @w : i8[1, 1, 4, 4]
            %f = constant @f : i8[4]
            %v = constant @v : i8[4, 4]
            %r = npu.requantize %x {scale = 1.0, clamp = [0, 127]} : i8[1, 6, 6, 4]
            %y = \(it.operation) : \(it.type)
            return %y
          }
          """))
  }

  private func broken(_ graph: Graph, _ target: Target) throws -> [Diagnostic] {
    do {
      try TargetVerifier.verify(graph, for: target)
      return []
    } catch let found as Diagnostics { return found.all }
  }

  @Test("each rule is told at its operation, with the target and a way out", arguments: ruleCases)
  fileprivate func rules(it: RuleCase) throws {
    let graph = try graph(it)
    for (target, expected) in [(Target.gemmini, it.gemmini), (.gemminiSpad, it.gemmini), (.spadix, it.spadix)] {
      let found = try broken(graph, target)
      #expect(found.map(\.id) == expected)
      for diagnostic in found {
        #expect(diagnostic.range?.source.position(of: diagnostic.range?.start ?? 0).line == 9)
        #expect(diagnostic.message.contains("'\(target.name)'"))
        #expect(diagnostic.help != nil)
      }
    }
  }

  @Test("a window that the accumulator cannot hold is named")
  func accumulator() throws {
    let graph = try graph(ruleCases.first { $0.operation.contains("window = [3, 3], strides = [2, 2]") }!)
    var small = Target.spadix
    small.accumulatorRows = 8
    #expect(try broken(graph, small).map(\.id) == ["target.accumulator"])
    small.accumulatorRows = 9
    #expect(try broken(graph, small).isEmpty)
  }

  @Test("what is not negative is known through operators that select and move")
  func nonNegative() throws {
    let graph = try Graph(
      parsing: SourceText(
        name: "values",
        text: """
          graph @g(%x: i8[1, 4, 4, 2]) -> (i8[32], i8[1, 4, 4, 4], i8[1, 6, 4, 2]) {
            %r = npu.requantize %x {scale = 1.0, clamp = [0, 127]} : i8[1, 4, 4, 2]
            %t = npu.transpose %r {permutation = [0, 2, 1, 3]} : i8[1, 4, 4, 2]
            %s = npu.reshape %t : i8[32]
            %c = npu.concat %r, %t {axis = 3} : i8[1, 4, 4, 4]
            %n = npu.concat %r, %x {axis = 3} : i8[1, 4, 4, 4]
            %p = npu.pad %r {low = [0, 1, 0, 0], high = [0, 1, 0, 0], value = 7} : i8[1, 6, 4, 2]
            %m = npu.pad %r {low = [0, 1, 0, 0], high = [0, 1, 0, 0], value = -7} : i8[1, 6, 4, 2]
            return %s, %n, %m
          }
          """))
    let values = NonNegativeValues(graph)
    let known = graph.values.indices.filter { values[ValueID($0)] }.compactMap { graph.values[$0].name }
    #expect(known == ["r", "t", "s", "c", "p"])
  }
}
