import SpadixIR
import SpadixTensor

/// The last step of an import: what nothing reads goes.
enum GraphCleaning {
  static func clean(_ graph: Graph) -> Graph {
    var isRead = [Bool](repeating: false, count: graph.values.count)
    for output in graph.outputs { isRead[output.index] = true }
    for operation in graph.operations.reversed() where operation.results.contains(where: { isRead[$0.index] }) {
      for operand in operation.operands { isRead[operand.index] = true }
    }
    var result = graph.rewriting { rewriter, operation in
      if operation.results.contains(where: { isRead[$0.index] }) { rewriter.keep(operation) }
    }
    removeUnusedData(&result)
    return result
  }

  private static func removeUnusedData(_ graph: inout Graph) {
    var isUsed = [Bool](repeating: false, count: graph.data.count)
    for operation in graph.operations {
      if case .constant(let constant) = operation.op { isUsed[constant.data.index] = true }
    }
    var place = [DataID](repeating: DataID(0), count: graph.data.count)
    var kept: [DataDefinition] = []
    for index in graph.data.indices where isUsed[index] {
      place[index] = DataID(kept.count)
      kept.append(graph.data[index])
    }
    graph.data = kept
    for index in graph.operations.indices {
      if case .constant(let constant) = graph.operations[index].op {
        graph.operations[index].op = .constant(Constant(data: place[constant.data.index]))
      }
    }
  }
}
