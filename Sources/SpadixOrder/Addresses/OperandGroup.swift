import SpadixSupport

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
    var sets = DisjointSets(count: operands.count)
    for tied in op.tied {
      let places = operands.indices.filter { place in tied.contains { $0.index == operands[place] } }
      for place in places.dropFirst() { sets.merge(places[0], place) }
    }
    var result: [OperandGroup] = []
    var number: [Int: Int] = [:]
    for (place, operand) in operands.enumerated() {
      let tensor = problem.tensors[operand]
      let taken = tensor.displacement..<tensor.displacement + tensor.size
      if let index = number[sets.find(place)] {
        let extent = result[index].extent
        result[index].tensors.append(operand)
        result[index].extent =
          min(extent.lowerBound, taken.lowerBound)..<max(extent.upperBound, taken.upperBound)
      } else {
        number[place] = result.count
        result.append(OperandGroup(tensors: [operand], extent: taken))
      }
    }
    return result
  }
}
