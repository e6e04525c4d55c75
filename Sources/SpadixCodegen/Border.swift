import SpadixIR

/// Which buffers are the network's inputs and outputs, for telling traffic apart.
///
/// Where the host converts at the border, the int8 tensor counts: the quantized form of an input is an input, a tensor that
/// only the host reads, to make outputs, is an output.
struct Border: Sendable {
  enum Side: Sendable {
    case input
    case output
  }

  private var sides: [Side?]

  subscript(root: ValueID) -> Side? { sides[root.index] }

  init(_ graph: Graph, _ buffers: Buffers) {
    sides = Array(repeating: nil, count: graph.values.count)
    for output in graph.outputs { sides[buffers.root[output].index] = .output }
    for value in graph.values.indices where graph.values[value].producer == nil || graph.isConstant(ValueID(value)) {
      sides[value] = .input
    }
    for operation in graph.operations where !operation.op.isNpu {
      let reads = operation.operands.map { buffers.root[$0].index }
      if !reads.isEmpty && reads.allSatisfy({ sides[$0] == .input }) {
        for result in operation.results where sides[buffers.root[result].index] == nil {
          sides[buffers.root[result].index] = .input
        }
      }
    }
    // By root, the operations that read any of its views.
    var readersOfRoot = [[OperationID]](repeating: [], count: graph.values.count)
    for (index, operation) in graph.operations.enumerated() {
      for operand in operation.operands { readersOfRoot[buffers.root[operand].index].append(OperationID(index)) }
    }
    for operation in graph.operations.reversed() where !operation.op.isNpu {
      guard operation.results.allSatisfy({ sides[buffers.root[$0].index] == .output }) else { continue }
      for operand in operation.operands where sides[buffers.root[operand].index] == nil {
        let isOnlyRead = readersOfRoot[buffers.root[operand].index].allSatisfy { id in
          let reader = graph.operations[id]
          if case .npu(.reshape) = reader.op { return true }
          return !reader.op.isNpu && reader.results.allSatisfy { sides[buffers.root[$0].index] == .output }
        }
        if isOnlyRead { sides[buffers.root[operand].index] = .output }
      }
    }
  }
}
