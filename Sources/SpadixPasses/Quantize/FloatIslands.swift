import SpadixIR

/// What a model that says its int8 types itself leaves in floating point.
///
/// Such a model has a fake quantization wherever it means int8. Products are int8 in any case: the array is for them. What
/// else is computed is int8 where everything it reads is, and where everything that reads it is; a norm at the end of a
/// network, or what is done to its input, stays in f32.
enum FloatIslands {
  /// Takes the int8 form from operations that have no place in int8.
  static func keepReal(_ forms: inout [Int8Form?], _ graph: Graph) {
    let readers = graph.useLists()
    let outputs = Set(graph.outputs)
    var hasChanged = true
    while hasChanged {
      hasChanged = false
      func remove(_ index: Int) {
        forms[index] = nil
        hasChanged = true
      }
      // By operation: whether int8 is wanted of what it reads.
      var isWanted = forms.map { $0 != nil }
      for (index, operation) in graph.operations.enumerated().reversed() {
        guard let form = forms[index] else { continue }
        let isMovement = form.keepsType && operation.op.fakeQuantize == nil
        guard isMovement || isFree(operation, form, graph) else { continue }
        let isRead = !outputs.contains(operation.result) && !readers[operation.result].isEmpty
        isWanted[index] = isRead && readers[operation.result].allSatisfy { isWanted[$0.operation.index] }
        if !isWanted[index], !isMovement { remove(index) }
      }
      for (index, operation) in graph.operations.enumerated() where isFree(operation, forms[index], graph) {
        let activations = forms[index]?.operands(.activation, of: operation) ?? []
        let isInt8 = activations.allSatisfy { operand in
          graph.isConstant(operand) || graph.values[operand].producer.map { forms[$0.index] != nil } ?? false
        }
        if !isInt8 { remove(index) }
      }
    }
  }

  /// Whether an operation has an int8 form, and may do without.
  private static func isFree(_ operation: Operation, _ form: Int8Form?, _ graph: Graph) -> Bool {
    guard let form, operation.op.fakeQuantize == nil else { return false }
    switch operation.op {
    case .matmul: return false
    case .conv2d(let convolution):
      // A factor and an offset for each channel.
      let weights = graph.type(operation.operands[1]).shape
      return weights[..<3].allSatisfy { $0 == 1 } && convolution.groups == weights[3]
    default: return !form.keepsType
    }
  }
}
