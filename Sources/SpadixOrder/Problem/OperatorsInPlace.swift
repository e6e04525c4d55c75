extension ScheduleProblem {
  /// The same problem where operators that may (`Operator.mayOverwrite`) write their results over an operand, or over
  /// operands that lie together, of as many bytes: fewer would be read for several elements of the result.
  ///
  /// Only over what nothing needs afterwards in any order: every other operator that touches it is an ancestor. So the orders
  /// remain, no store or fetch becomes another, and the operator needs less room.
  func withOperatorsInPlace() -> ScheduleProblem {
    var result = self
    var origins = CommonOrigins(self)
    var lifetimes = TensorLifetimes(self)
    for (index, op) in operators.enumerated() where op.mayOverwrite && op.overwritten.isEmpty {
      guard let written = op.outputs.first, op.outputs.count == 1, tensors[written].size > 0 else { continue }
      let inGroups = Set(op.adjacent.flatMap { $0 })
      for group in op.adjacent + op.inputs.filter({ !inGroups.contains($0) }).map({ [$0] }) {
        let isPossible = group.allSatisfy { tensors[$0].kind != .parameter && lifetimes.isLast(index, of: $0.index) }
        // Alignment may give the same size to others.
        guard isPossible, group.reduce(0, { $0 + tensors[$1].bytes }) == tensors[written].bytes,
          group.reduce(0, { $0 + tensors[$1].size }) == tensors[written].size
        else { continue }
        let overwritten = group.map(\.index)
        let places = overwritten.map { origins.displacements[$0] }
        lifetimes.setOverwriter(index, of: overwritten)
        let overlaps = origins.overlaps(overwritten + [written.index], at: places + [places[0]])
        if let overlaps, overlaps.allSatisfy({ lifetimes.areApart($0.one, $0.other) }) {
          origins.join(overwritten + [written.index], at: places + [places[0]])
          result.operators[index].overwritten = group
          break
        }
        lifetimes.setOverwriter(nil, of: overwritten)
      }
    }
    for index in tensors.indices { result.tensors[index].displacement = origins.displacements[index] }
    result.sharing.insert(.inPlace)
    return result
  }
}
