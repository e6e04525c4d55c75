import SpadixIR

/// Operators that exporters write in several steps, as the one that they are.
enum Patterns {
  static func apply(to graph: Graph) -> Graph {
    let norms = NormPatterns(graph)
    let functions = FunctionPatterns(graph)
    return graph.rewriting { rewriter, operation in
      var operation = operation
      guard ([operation.result] + operation.operands).allSatisfy({ graph.type(of: $0).element == .f32 }) else {
        rewriter.keep(operation)
        return
      }
      if let match = norms.match(operation) {
        operation.op = .computing(LayerNorm(epsilon: match.epsilon))
        operation.operands = [match.input] + match.parameters
      } else if let match = functions.match(operation) {
        operation.op = .computing(match.function)
        operation.operands = [match.root]
        let (type, result) = (graph.type(of: match.root), graph.type(of: operation.result))
        if type != result {
          // The same elements, in another shape.
          let name = graph.values[operation.result].name
          let value = rewriter.emit(operation.op, [rewriter[match.root]], type: type, name: name.map { $0 + ".moved" })
          rewriter.replace(
            operation.result, with: rewriter.emit(.reshape(Reshape()), [value], type: result, name: name))
          return
        }
      }
      rewriter.keep(operation)
    }
  }
}
