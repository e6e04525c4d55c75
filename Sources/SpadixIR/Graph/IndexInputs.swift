extension Graph {
  /// By input: how many places its elements choose among, where an operator takes them as places; nil for others.
  ///
  /// That is followed through what only moves or rounds elements. Where indices are computed in another way, such as by
  /// adding an offset, only 0 is known to be one: the count is 1.
  public var indexCounts: [Int?] {
    var counts = [Int?](repeating: nil, count: values.count)
    func limit(_ value: ValueID, _ count: Int?) {
      if let count { counts[value.index] = min(counts[value.index] ?? count, count) }
    }
    for operation in operations.reversed() {
      let result = operation.results.compactMap { counts[$0.index] }.min()
      switch operation.op {
      case .reshape, .transpose, .concat, .pad, .relu, .clamp, .maxPool2d:
        for operand in operation.operands { limit(operand, result) }
      case .function(let function):
        limitOperands(operation.operands, of: function, result, limit)
      case .add, .mul, .batchNorm:
        for operand in operation.operands { limit(operand, result.map { _ in 1 }) }
      default: break
      }
    }
    return inputs.map { values[$0].type.element == .f32 ? counts[$0.index] : nil }
  }

  private func limitOperands(
    _ operands: [ValueID], of function: OperatorFunction, _ result: Int?, _ limit: (ValueID, Int?) -> Void
  ) {
    let types = operands.map { values[$0].type }
    let places = function.definition.places(types)
    for place in places { limit(operands[place.operand], place.count) }
    var moves = !places.isEmpty
    if case .movement = function.definition.int8Form(types) { moves = true }
    if moves {
      limit(operands[0], result)
      return
    }
    switch function.definition {
    case is Select: for operand in operands.dropFirst() { limit(operand, result) }
    case let unary as Unary:
      let rounds = [UnaryFunction.truncate, .floor, .ceil, .round].contains(unary.function)
      limit(operands[0], rounds ? result : result.map { _ in 1 })
    default: for operand in operands { limit(operand, result.map { _ in 1 }) }
    }
  }
}
