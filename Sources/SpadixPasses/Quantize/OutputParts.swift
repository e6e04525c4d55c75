import SpadixIR
import SpadixSupport

/// Outputs that are joined of parts of very different size, as the boxes and scores of a detector: one int8 type would have
/// steps larger than the small part is as a whole. The parts keep types of their own, and are joined in f32.
enum OutputParts {
  /// How many times larger a part's range is at least than another's: the small one would lose three of its eight bits.
  private static let ratio: Float = 8

  /// Takes the int8 form from such concatenations and from what moves their results on to outputs, and says so.
  static func keepReal(_ forms: inout [Int8Form?], _ ranges: [ValueRange?], _ graph: Graph) -> [Diagnostic] {
    var isOutput = [Bool](repeating: false, count: graph.values.count)
    for output in graph.outputs { isOutput[output.index] = true }
    let readers = graph.useLists()
    // By value: whether it only goes on to outputs, and is moved at most.
    var leadsOut = [Bool](repeating: false, count: graph.values.count)
    for operation in graph.operations.reversed() {
      let result = operation.result
      leadsOut[result.index] =
        (isOutput[result.index] || !readers[result].isEmpty)
        && readers[result].allSatisfy { use in
          let reader = graph.operations[use.operation.index]
          return leadsOut[reader.result.index] && moves(forms[use.operation.index], reader)
        }
    }
    var remarks: [Diagnostic] = []
    var isJoined = [Bool](repeating: false, count: graph.values.count)
    for (index, operation) in graph.operations.enumerated() where leadsOut[operation.result.index] {
      guard moves(forms[index], operation) else { continue }
      if operation.operands.contains(where: { isJoined[$0.index] }) {
        isJoined[operation.result.index] = true
        forms[index] = nil
        continue
      }
      guard case .concat = operation.op, let widths = sizes(operation, ranges), widths.large > ratio * widths.small
      else { continue }
      isJoined[operation.result.index] = true
      forms[index] = nil
      remarks.append(
        Diagnostic(
          "quantize.parts",
          "\(graph.describe(operation.result)) is an output of parts with ranges of \(widths.small) and of "
            + "\(widths.large): they are joined in f32", at: operation.range, severity: .remark))
    }
    return remarks
  }

  private static func moves(_ form: Int8Form?, _ operation: Operation) -> Bool {
    (form?.keepsType ?? false) && operation.op.fakeQuantize == nil
  }

  /// The least and the largest width of the operands' ranges; nil where one is not known.
  private static func sizes(_ operation: Operation, _ ranges: [ValueRange?]) -> (small: Float, large: Float)? {
    let widths = operation.operands.compactMap { ranges[$0.index].map { $0.high - $0.low } }
    guard widths.count == operation.operands.count, let small = widths.min(), let large = widths.max() else {
      return nil
    }
    return (small, large)
  }
}
