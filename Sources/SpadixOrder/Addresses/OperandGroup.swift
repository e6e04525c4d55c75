/// Operands of an operator that lie together while it runs, or one by itself, for those who place tensors step after step.
struct OperandGroup {
  /// In the order of the operands.
  var tensors: [Int]
  /// First unit and end of what they take, from their origin.
  var extent: Range<Int>

  /// The groups of an operator, by their first operands.
  static func groups(
    of op: ScheduleProblem.Operator, _ problem: ScheduleProblem, operands: [Int]
  ) -> [OperandGroup] {
    var numberOf: [Int: Int] = [:]
    var sets: [Set<Int>] = []
    for tied in op.tied {
      var joined = Set(tied.map(\.index))
      // What two groups share keeps both together.
      for index in sets.indices where !sets[index].isDisjoint(with: joined) {
        joined.formUnion(sets[index])
        sets[index] = []
      }
      sets.append(joined)
    }
    for (number, set) in sets.enumerated() {
      for tensor in set { numberOf[tensor] = number }
    }
    var result: [OperandGroup] = []
    var place: [Int: Int] = [:]
    for operand in operands {
      let tensor = problem.tensors[operand]
      let taken = tensor.displacement..<tensor.displacement + tensor.size
      guard let number = numberOf[operand] else {
        result.append(OperandGroup(tensors: [operand], extent: taken))
        continue
      }
      if let index = place[number] {
        let extent = result[index].extent
        result[index].tensors.append(operand)
        result[index].extent =
          min(extent.lowerBound, taken.lowerBound)..<max(extent.upperBound, taken.upperBound)
      } else {
        place[number] = result.count
        result.append(OperandGroup(tensors: [operand], extent: taken))
      }
    }
    return result
  }
}
