import SpadixSupport
import SpadixTensor

/// Checks one operation of a graph against its operator's rule, and gives the broken rules their places.
enum OperatorRules {
  static func problems(_ id: OperationID, _ graph: Graph) -> [Diagnostic] {
    let operation = graph.operations[id]
    let mnemonic = operation.op.mnemonic
    guard let kind = OperatorKind.named(mnemonic), kind.accepts(operandCount: operation.operands.count) else {
      return [operandCount(operation, mnemonic)]
    }
    let result = graph.values[operation.result]
    if case .constant(let constant) = operation.op { return constantProblems(constant, operation, result, graph) }

    var check = OperatorCheck(
      operands: operation.operands.map {
        OperatorCheck.Operand(type: graph.values[$0].type, isConstant: graph.isConstant($0))
      },
      resultType: result.type)
    let shape = operation.op.payload.resultShape(&check)
    if let shape, shape != result.type.shape {
      check.report(
        "result-shape", "the result has shape \(result.type.shape); expected \(shape)",
        operands: check.operands.isEmpty ? [] : [0])
    }
    if check.problems.isEmpty { return [] }
    return check.problems.map { diagnostic($0, operation, mnemonic, kind, graph) }
  }

  private static func operandCount(_ operation: Operation, _ mnemonic: String) -> Diagnostic {
    let synopsis = OperatorKind.named(mnemonic)?.operandSynopsis ?? ""
    return Diagnostic(
      "ir.operand-count",
      "\(mnemonic): found \(counted(operation.operands.count, "operand")); expected \(synopsis.isEmpty ? "none" : synopsis)",
      at: operation.range)
  }

  private static func constantProblems(
    _ constant: Constant, _ operation: Operation, _ result: Value, _ graph: Graph
  ) -> [Diagnostic] {
    let data = graph.data[constant.data]
    if data.type == result.type { return [] }
    return [
      Diagnostic(
        "ir.constant-type",
        "the constant has type \(result.type.shortDescription); data @\(data.name) has type "
          + data.type.shortDescription, at: operation.range,
        notes: [Diagnostic.Note("the data is defined here", at: data.range)])
    ]
  }

  private static func diagnostic(
    _ problem: OperatorCheck.Problem, _ operation: Operation, _ mnemonic: String, _ kind: OperatorKind, _ graph: Graph
  ) -> Diagnostic {
    // "nn.max_pool2d" and "pool_padding" become "ir.max-pool2d-pool-padding"; "npu." stays visible.
    let name = mnemonic.hasPrefix("nn.") ? String(mnemonic.dropFirst(3)) : mnemonic
    let id = "ir.\(name)-\(problem.rule)".replacing("_", with: "-").replacing("npu.", with: "npu-")
    let notes = problem.operands.filter(operation.operands.indices.contains).map { index in
      let value = graph.values[operation.operands[index]]
      let description = kind.operands[min(index, kind.operands.count - 1)]
      return Diagnostic.Note(
        "operand '\(description.name)'\(value.name.map { ", %\($0)," } ?? "") has type \(value.type.shortDescription)",
        at: value.range)
    }
    return Diagnostic(
      id, "\(mnemonic): \(problem.message)", at: operation.range, notes: notes, help: problem.help)
  }
}
