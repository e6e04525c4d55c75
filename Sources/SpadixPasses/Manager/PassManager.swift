import SpadixIR
import SpadixSupport

/// Runs a pipeline over a graph: verifies, prints, dumps, counts, and keeps what is needed to repeat a failure.
public struct PassManager {
  var pipeline: PassPipeline
  var instrumentation: PassInstrumentation

  public init(_ pipeline: PassPipeline, instrumentation: PassInstrumentation = PassInstrumentation()) {
    self.pipeline = pipeline
    self.instrumentation = instrumentation
  }

  /// Runs the passes in order, at most `instrumentation.stopAfter` of them.
  ///
  /// The graph is verified before the first pass and after every one, so that a failure names the pass that caused it:
  /// `pass.invalid-result`. Errors of the passes themselves are thrown as they are, with a note that names the pass.
  public func run(_ graph: Graph, in context: inout PassContext) throws -> Graph {
    try graph.verify()
    var dump = try GraphDump(directory: instrumentation.dumpDirectory)
    try dump.write(graph, phase: "input")
    var current = graph
    for (index, step) in pipeline.steps.prefix(instrumentation.stopAfter ?? .max).enumerated() {
      instrumentation.before(step.pass, current)
      do {
        context.arguments = step.arguments
        var next = try step.pass.body(current, &context)
        try verify(next, madeBy: step.pass)
        // The next pass sees the names that a dump has.
        next.settleNames()
        instrumentation.after(step.pass, next, changing: current)
        try dump.write(next, phase: step.pass.name)
        current = next
      } catch {
        throw try explain(error, input: current, remaining: Array(pipeline.steps[index...]), context: context)
      }
    }
    return current
  }

  private func verify(_ graph: Graph, madeBy pass: Pass) throws {
    do {
      try graph.verify()
    } catch let found as Diagnostics {
      let summary = Diagnostic(
        "pass.invalid-result", "pass '\(pass.name)' made an invalid graph",
        help: "this is a defect of the pass: please report it with the file that `--reproducer FILE` writes")
      throw Diagnostics([summary] + found.all)
    }
  }

  /// The error with a note that names the pass, after the reproducer was written where one was asked for.
  private func explain(
    _ error: any Error, input: Graph, remaining: [PassPipeline.Step], context: PassContext
  ) throws -> Diagnostics {
    var diagnostics: Diagnostics
    switch error {
    case let all as Diagnostics: diagnostics = all
    case let one as Diagnostic: diagnostics = Diagnostics([one])
    default: throw error
    }
    guard let first = diagnostics.all.firstIndex(where: { $0.severity == .error }) else { return diagnostics }
    diagnostics.all[first].notes.append(.init("while running pass '\(remaining[0].pass.name)'"))
    if let path = instrumentation.reproducer {
      let target = instrumentation.target ?? context.target.name
      let reproducer = PassReproducer(graph: input, steps: remaining, target: target)
      try reproducer.write(to: path)
      diagnostics.all[first].notes.append(.init("to repeat it: \(reproducer.command(path: path))"))
    }
    return diagnostics
  }
}
