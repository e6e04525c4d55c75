import SpadixIR
import SpadixISA
import SpadixPasses
import SpadixReference
import SpadixSupport
import SpadixTensor
import Testing

/// A graph from its text.
func parse(_ text: String) throws -> Graph {
  try Graph(parsing: SourceText(name: "test.spx", text: text))
}

/// What passes make of a graph, and what they reported.
func run(_ passes: String, on graph: Graph, target: Target = .spadix) throws -> (graph: Graph, reports: [Diagnostic]) {
  var context = PassContext(target: target, data: DataStore())
  let result = try PassManager(PassPipeline(parsing: passes)).run(graph, in: &context)
  return (result, context.diagnostics.all)
}

func run(_ passes: String, on text: String, target: Target = .spadix) throws -> Graph {
  try run(passes, on: parse(text), target: target).graph
}

/// The statements of a graph without constants, data and ids that only the printer chooses.
func statements(_ graph: Graph) -> [String] {
  let lines = GraphPrinter().text(of: graph).split(separator: "\n")
  let body = lines.drop { !$0.hasPrefix("graph") }.dropFirst().dropLast()
  var joined: [String] = []
  for line in body {
    // Continuation lines are indented deeper.
    if line.hasPrefix("    "), let last = joined.popLast() {
      joined.append("\(last) \(line.drop { $0 == " " })")
    } else {
      joined.append(String(line.drop { $0 == " " }))
    }
  }
  return joined.filter { !$0.contains("= constant") }
}

/// The one diagnostic that a body throws.
func diagnostics(_ body: () throws -> Void) -> [String] {
  do {
    try body()
    return []
  } catch let all as Diagnostics {
    return all.all.map(\.id)
  } catch let one as Diagnostic {
    return [one.id]
  } catch {
    return ["\(error)"]
  }
}

/// Outputs of the float reference for seeded inputs.
func floatOutputs(_ graph: Graph, seed: UInt64) throws -> [[Float]] {
  try FloatEvaluator(graph: graph, data: DataStore()).run(inputs: inputs(of: graph, seed: seed)).map(\.floats)
}

/// Seeded inputs for a graph: uniform over the range of each input, or -1...1.
func inputs(of graph: Graph, seed: UInt64) -> [Tensor] {
  graph.inputs.enumerated().map { index, input in
    let value = graph.values[input]
    let range = value.calibration ?? ValueRange(low: -1, high: 1)
    let elements = RandomTensor.uniform(
      count: value.type.elementCount, seed: seed &+ UInt64(index), low: range.low, high: range.high)
    return Tensor(value.type, .f32(elements))
  }
}

/// The largest difference relative to the largest magnitude.
func relativeError(_ left: [[Float]], _ right: [[Float]]) -> Float {
  var error: Float = left.count == right.count ? 0 : .infinity
  for (a, b) in zip(left, right) {
    let largest = max(a.map(\.magnitude).max() ?? 0, 1e-6)
    if a.count != b.count { return .infinity }
    for (x, y) in zip(a, b) { error = max(error, (x - y).magnitude / largest) }
  }
  return error
}
