import SpadixIR
import SpadixSupport

/// A transformation of a graph: a value, so that passes can be listed, looked up and put together at run time.
///
/// A pass is deterministic: the graph, the arguments, the target and the data decide the result to the last bit.
public struct Pass: Sendable {
  typealias Body = @Sendable (Graph, inout PassContext) throws -> Graph

  /// Kebab case, as in `--passes` and in file names of dumps.
  public var name: String
  /// One sentence, for lists.
  var summary: String
  /// A paragraph or two in Markdown: what the pass does, what it needs before it, what it leaves alone.
  var documentation: String
  var options: [PassOption]
  /// Computes the new graph, or throws a `Diagnostic` or `Diagnostics`.
  var body: Body

  init(
    name: String, summary: String, documentation: String, options: [PassOption] = [], body: @escaping Body
  ) {
    self.name = name
    self.summary = summary
    self.documentation = documentation
    self.options = options
    self.body = body
  }
}
